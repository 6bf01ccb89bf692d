//! Claiming, releasing and renaming, against the store.
//!
//! Owns [`claim`], [`release`] and [`rename`]. Each decides on how it stands with a name and appends under
//! the guard that nothing has happened to that name since. Only when the guard says otherwise is the name
//! looked up and decided again. To do one of them twice is to do it once.

use quipu_client::{Client, Error, Expected, Guard, NewEvent, ReadAll};

use super::decision::{Refusal, Standing};
use super::events::{self, Event};
use crate::{Decided, Decision, Failure, Guarding};

/// Gives the user the name, if nobody has it. Costs no read when nobody ever had it.
pub async fn claim(client: &Client, user: &str, name: &str, guarding: Guarding) -> Result<Decided<Refusal>, Failure> {
    let claimed = events::claimed(user, name)?;
    let (mut standing, mut conflicts) = (Standing::unclaimed(), 0);
    loop {
        match standing.claim(user) {
            Decision::Append => {}
            Decision::Done => return Ok(Decided::accepted(conflicts)),
            Decision::Refuse(refusal) => return Ok(Decided::refused(refusal, conflicts)),
        }
        let guards = guarding.guards([still(name, &standing)]);
        if went_in(client, user, vec![claimed.clone()], guards).await? {
            return Ok(Decided::accepted(conflicts));
        }
        conflicts += 1;
        standing = look_up(client, name).await?;
    }
}

/// Makes the name free, if the user has it.
pub async fn release(client: &Client, user: &str, name: &str, guarding: Guarding) -> Result<Decided<Refusal>, Failure> {
    let released = events::released(user, name)?;
    let mut conflicts = 0;
    loop {
        let standing = look_up(client, name).await?;
        match standing.release(user) {
            Decision::Append => {}
            Decision::Done => return Ok(Decided::accepted(conflicts)),
            Decision::Refuse(refusal) => return Ok(Decided::refused(refusal, conflicts)),
        }
        let guards = guarding.guards([still(name, &standing)]);
        if went_in(client, user, vec![released.clone()], guards).await? {
            return Ok(Decided::accepted(conflicts));
        }
        conflicts += 1;
    }
}

/// Makes the old name free and gives the user the new one, both or neither: two events, two guards, one
/// append.
pub async fn rename(
    client: &Client,
    user: &str,
    old: &str,
    new: &str,
    guarding: Guarding,
) -> Result<Decided<Refusal>, Failure> {
    let renamed = [events::released(user, old)?, events::claimed(user, new)?];
    let mut conflicts = 0;
    loop {
        let (old_standing, new_standing) = (look_up(client, old).await?, look_up(client, new).await?);
        match old_standing.rename(user, &new_standing) {
            Decision::Append => {}
            Decision::Done => return Ok(Decided::accepted(conflicts)),
            Decision::Refuse(refusal) => return Ok(Decided::refused(refusal, conflicts)),
        }
        let guards = guarding.guards([still(old, &old_standing), still(new, &new_standing)]);
        if went_in(client, user, renamed.to_vec(), guards).await? {
            return Ok(Decided::accepted(conflicts));
        }
        conflicts += 1;
    }
}

/// Things stand as they do: nothing has happened to the name since.
fn still(name: &str, standing: &Standing) -> Guard {
    Guard::none_match(events::of_name(name)).after(standing.since())
}

/// Appends to the user's stream. Says no when a guard does not hold: then somebody was faster.
async fn went_in(client: &Client, user: &str, events: Vec<NewEvent>, guards: Vec<Guard>) -> Result<bool, Failure> {
    match client.append_guarded(&format!("user-{user}"), Expected::Any, events, guards).await {
        Ok(_) => Ok(true),
        Err(Error::GuardNotMet { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// How it stands with a name, by its newest event.
async fn look_up(client: &Client, name: &str) -> Result<Standing, Failure> {
    let newest = ReadAll::new().query(events::of_name(name)).backwards().limit(1);
    match client.read_all(newest).await?.next().await {
        None => Ok(Standing::unclaimed()),
        Some(event) => {
            let event = event?;
            Ok(Standing::after(Event::try_from(&event)?, event.position))
        }
    }
}
