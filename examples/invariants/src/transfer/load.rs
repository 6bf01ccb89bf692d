//! Transfers under load.
//!
//! Owns [`run`]. Clients move money round between a few accounts, more than there is now and then. An
//! attempt whose outcome is unknown is repeated with the same transfer.

use quipu_client::{Client, ReadAll};
use uuid::Uuid;

use super::check;
use super::decision::Transfer;
use super::events::{self, Event};
use super::settle::{open, settle};
use crate::load::{until_known, word_of_this_run};
use crate::{Failure, Guarding, Load, Report};

const ACCOUNTS: usize = 50;
const CENTS: u64 = 100;

/// Has clients transfer money, and checks the whole log.
pub async fn run(endpoint: &str, load: Load, guarding: Guarding) -> Result<Report, Failure> {
    let (client, run) = (Client::connect(endpoint).await?, word_of_this_run());
    for account in 0..ACCOUNTS {
        open(&client, &format!("{run}-{account}"), CENTS).await?;
    }
    let attempt = move |client: Client, number: usize| {
        let transfer = transfer(&run, number);
        async move { until_known(|| settle(&client, &transfer, guarding)).await }
    };
    let tally = load.run(endpoint, attempt).await?;
    let log = client.read_all(ReadAll::new().query(events::everything())).await?.collect().await?;
    let with_stream = log.iter().map(|event| Ok((event.stream.as_str(), Event::try_from(event)?)));
    let events = with_stream.collect::<Result<Vec<_>, Failure>>()?;
    Ok(Report { tally, broken: check::broken(&events) })
}

/// Transfers follow each other round the accounts, a step further with each round; at the same time, several
/// leave the same account.
fn transfer(run: &str, number: usize) -> Transfer {
    let from = number / 4 % ACCOUNTS;
    let to = (from + 1 + number % (ACCOUNTS - 1)) % ACCOUNTS;
    let cents = 10 + 10 * (number as u64 % 7);
    Transfer { id: Uuid::now_v7(), from: format!("{run}-{from}"), to: format!("{run}-{to}"), cents }
}
