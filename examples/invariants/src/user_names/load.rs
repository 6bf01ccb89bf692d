//! Unique names under load.
//!
//! Owns [`run`]. Many users want few names. Whoever gets one renames to the next and then gives it up, so
//! that names change hands all the time.

use quipu_client::{Client, ReadAll};

use super::check;
use super::claim::{claim, release, rename};
use super::decision::Refusal;
use super::events::{self, Event};
use crate::load::{until_known, word_of_this_run};
use crate::{Decided, Failure, Guarding, Load, Report};

const NAMES: usize = 20;

/// Has clients claim names, and checks the whole log.
pub async fn run(endpoint: &str, load: Load, guarding: Guarding) -> Result<Report, Failure> {
    let run = word_of_this_run();
    let attempt = move |client: Client, number: usize| {
        let (user, name) = (format!("{run}-{number}"), format!("{run}-{}", number % NAMES));
        let next = format!("{run}-{}", (number + 1) % NAMES);
        async move { visit(&client, &user, &name, &next, guarding).await }
    };
    let tally = load.run(endpoint, attempt).await?;
    let client = Client::connect(endpoint).await?;
    let log = client.read_all(ReadAll::new().query(events::everything())).await?.collect().await?;
    let events = log.iter().map(Event::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Report { tally, broken: check::broken(&events) })
}

/// A user claims a name, would rather have the next one, and leaves. What counts is the claim.
async fn visit(
    client: &Client,
    user: &str,
    name: &str,
    next: &str,
    guarding: Guarding,
) -> Result<Decided<Refusal>, Failure> {
    let claimed = until_known(|| claim(client, user, name, guarding)).await?;
    if claimed.verdict.is_err() {
        return Ok(claimed);
    }
    let renamed = until_known(|| rename(client, user, name, next, guarding)).await?;
    let last = if renamed.verdict.is_ok() { next } else { name };
    let released = until_known(|| release(client, user, last, guarding)).await?;
    Ok(Decided {
        verdict: Ok(()),
        conflicts: claimed.conflicts + renamed.conflicts + released.conflicts,
        repeats: claimed.repeats + renamed.repeats + released.repeats,
    })
}
