//! Transferring, against the store.
//!
//! Owns [`settle`] and [`open`]. It reads both accounts, decides, and appends to both in one transaction that
//! expects them to be as they were read. When one is not, it reads what has come and decides again.

use quipu_client::{Client, Error, Expected, ReadStream, Transaction};

use super::decision::{Account, Refusal, Transfer, decide};
use super::events::{self, Event};
use crate::{Decided, Decision, Failure, Guarding};

/// Opens an account with so much money.
pub async fn open(client: &Client, account: &str, cents: u64) -> Result<(), Failure> {
    client.append(&stream_of(account), Expected::NoStream, vec![events::opened(cents)?]).await?;
    Ok(())
}

/// Makes a transfer, if the rule allows it. To make it twice, by the same id, is to make it once.
pub async fn settle(client: &Client, transfer: &Transfer, guarding: Guarding) -> Result<Decided<Refusal>, Failure> {
    let [withdrawn, deposited] = events::halves(transfer)?;
    let (mut from, mut to, mut conflicts) = (Account::default(), Account::default(), 0);
    loop {
        read_on(client, &transfer.from, transfer, &mut from).await?;
        read_on(client, &transfer.to, transfer, &mut to).await?;
        match decide(transfer, &from, &to) {
            Decision::Append => {}
            Decision::Done => return Ok(Decided::accepted(conflicts)),
            Decision::Refuse(refusal) => return Ok(Decided::refused(refusal, conflicts)),
        }
        let transaction = Transaction::new()
            .append(stream_of(&transfer.from), guarding.expected(as_read(&from)), vec![withdrawn.clone()])
            .append(stream_of(&transfer.to), guarding.expected(as_read(&to)), vec![deposited.clone()]);
        match client.transact(transaction).await {
            Ok(_) => return Ok(Decided::accepted(conflicts)),
            Err(Error::WrongExpectedRevision { .. }) => conflicts += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Applies what has come to an account since it was read last.
async fn read_on(client: &Client, name: &str, transfer: &Transfer, account: &mut Account) -> Result<(), Failure> {
    let next = account.last_revision().map_or(0, |last| last + 1);
    let mut reading = match client.read_stream(ReadStream::new(stream_of(name)).from_revision(next)).await {
        Err(Error::StreamNotFound) => return Ok(()), // the rule says what becomes of it
        reading => reading?,
    };
    while let Some(event) = reading.next().await {
        let event = event?;
        account.apply(transfer, &Event::try_from(&event)?, event.revision);
    }
    Ok(())
}

/// The account is as it was read.
fn as_read(account: &Account) -> Expected {
    account.last_revision().map_or(Expected::NoStream, Expected::Revision)
}

fn stream_of(account: &str) -> String {
    format!("account-{account}")
}
