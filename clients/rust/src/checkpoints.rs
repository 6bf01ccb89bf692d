//! How far named consumers have got, kept in the store.
//!
//! Owns [`Checkpoint`], [`ExpectedCheckpoint`] and the calls about them. All calls are retried while the
//! server is unavailable. What moves together with events moves by `transact.rs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::listing::{Listing, PAGE_SIZE};
use crate::streams::next_page;
use crate::{Client, Error, proto, timestamp};

/// A consumer's position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The consumer's name.
    pub name: String,
    /// Everything up to here, inclusive, has been dealt with.
    pub position: u64,
    /// Server time of the last change.
    pub updated_at: DateTime<Utc>,
}

/// A page of checkpoints, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointPage {
    /// The checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// What to ask for the next page with; none when this was the last.
    pub next_page_token: Option<String>,
}

/// What a checkpoint must be to be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExpectedCheckpoint {
    /// No condition.
    #[default]
    Any,
    /// There is none of this name.
    NoCheckpoint,
    /// Its position, exactly.
    Position(u64),
}

/// How a wait for a checkpoint ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// The checkpoint has got there, or further.
    Reached {
        /// Where it is.
        position: u64,
    },
    /// The time was up before.
    TimedOut {
        /// Where it is; none when there is none of this name.
        position: Option<u64>,
    },
}

impl Client {
    /// The checkpoint of this name; none when there is none.
    pub async fn get_checkpoint(&self, name: &str) -> Result<Option<Checkpoint>, Error> {
        let request = proto::CheckpointsGetRequest { name: name.to_owned() };
        let found =
            self.call(Self::checkpoints, request, |mut api, request| async move { api.get(request).await }).await;
        match found {
            Ok(answer) => there(answer.checkpoint).map(Some),
            Err(Error::CheckpointNotFound | Error::TenantNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a checkpoint, forwards or backwards; durable before the answer.
    ///
    /// [`Error::BeyondEnd`] when the position lies beyond the head, [`Error::WrongCheckpoint`] when it is
    /// not where it was expected, which a retry may also meet after a first try that worked and whose
    /// answer was lost.
    pub async fn set_checkpoint(
        &self,
        name: &str,
        position: u64,
        expected: ExpectedCheckpoint,
    ) -> Result<Checkpoint, Error> {
        let request = proto::CheckpointsSetRequest { name: name.to_owned(), position, expected: expected.into() };
        let set = self.call(Self::checkpoints, request, |mut api, request| async move { api.set(request).await });
        there(set.await?.checkpoint)
    }

    /// A page of the checkpoints whose names begin with `prefix`, at most `page_size` (0 means 100, the
    /// most is 1,000), after the page that gave `page_token`.
    pub async fn list_checkpoints(
        &self,
        prefix: &str,
        page_size: u32,
        page_token: Option<&str>,
    ) -> Result<CheckpointPage, Error> {
        let request = proto::CheckpointsListRequest {
            prefix: prefix.to_owned(),
            page_size,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let page =
            self.call(Self::checkpoints, request, |mut api, request| async move { api.list(request).await }).await?;
        Ok(CheckpointPage {
            checkpoints: page.checkpoints.into_iter().map(Checkpoint::try_from).collect::<Result<_, _>>()?,
            next_page_token: next_page(page.next_page_token),
        })
    }

    /// All checkpoints whose names begin with `prefix`, in the order of their names.
    pub fn all_checkpoints(&self, prefix: impl Into<String>) -> Listing<Checkpoint> {
        let (client, prefix) = (self.clone(), prefix.into());
        Listing::new(move |token| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let page = client.list_checkpoints(&prefix, PAGE_SIZE, Some(&token)).await?;
                Ok((page.checkpoints, page.next_page_token))
            }
        })
    }

    /// Deletes a checkpoint. [`Error::CheckpointNotFound`] when there is none of this name, which is also
    /// what a retry meets after a first try that worked and whose answer was lost.
    pub async fn delete_checkpoint(&self, name: &str) -> Result<(), Error> {
        let request = proto::CheckpointsDeleteRequest { name: name.to_owned() };
        self.call(Self::checkpoints, request, |mut api, request| async move { api.delete(request).await }).await?;
        Ok(())
    }

    /// Waits until a consumer's checkpoint has reached a position, such as that of an append, for at most
    /// `timeout`, 10 minutes being the most. The consumer need not have a checkpoint yet.
    pub async fn wait_for_checkpoint(
        &self,
        name: &str,
        position: u64,
        timeout: Duration,
    ) -> Result<WaitOutcome, Error> {
        let begun = Instant::now();
        let answer = self.retry(|| async move {
            // What the tries before took is not waited for again.
            let left = timeout.saturating_sub(begun.elapsed());
            let left = left.try_into().map_err(|_| Error::InvalidArgument("the timeout is too long".to_owned()))?;
            let request = proto::CheckpointsWaitRequest { name: name.to_owned(), position, timeout: Some(left) };
            Ok(self.checkpoints().wait(self.request(request)).await?.into_inner())
        });
        answer.await?.try_into()
    }
}

fn there(checkpoint: Option<proto::ConsumerCheckpoint>) -> Result<Checkpoint, Error> {
    checkpoint.ok_or_else(|| Error::InvalidResponse("the checkpoint is missing".to_owned()))?.try_into()
}

impl TryFrom<proto::ConsumerCheckpoint> for Checkpoint {
    type Error = Error;

    fn try_from(checkpoint: proto::ConsumerCheckpoint) -> Result<Self, Error> {
        Ok(Self {
            name: checkpoint.name,
            position: checkpoint.position,
            updated_at: timestamp::required(checkpoint.updated_at, "updated_at")?,
        })
    }
}

impl From<ExpectedCheckpoint> for Option<proto::checkpoints_set_request::Expected> {
    fn from(expected: ExpectedCheckpoint) -> Self {
        let position = match expected {
            ExpectedCheckpoint::Any => return None,
            ExpectedCheckpoint::NoCheckpoint => None,
            ExpectedCheckpoint::Position(position) => Some(position),
        };
        Some(proto::checkpoints_set_request::Expected { position })
    }
}

impl TryFrom<proto::CheckpointsWaitResponse> for WaitOutcome {
    type Error = Error;

    fn try_from(answer: proto::CheckpointsWaitResponse) -> Result<Self, Error> {
        match (answer.reached, answer.position) {
            (true, Some(position)) => Ok(Self::Reached { position }),
            (true, None) => Err(Error::InvalidResponse("the checkpoint's position is missing".to_owned())),
            (false, position) => Ok(Self::TimedOut { position }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_condition_is_unset_and_no_checkpoint_is_empty() {
        let wire =
            |expected: ExpectedCheckpoint| -> Option<proto::checkpoints_set_request::Expected> { expected.into() };
        assert_eq!(wire(ExpectedCheckpoint::Any), None);
        assert_eq!(wire(ExpectedCheckpoint::NoCheckpoint).map(|it| it.position), Some(None));
        assert_eq!(wire(ExpectedCheckpoint::Position(0)).map(|it| it.position), Some(Some(0)));
    }

    #[test]
    fn a_wait_ends_in_one_of_two_ways() {
        let outcome = |reached, position| WaitOutcome::try_from(proto::CheckpointsWaitResponse { reached, position });
        assert!(matches!(outcome(true, Some(9)), Ok(WaitOutcome::Reached { position: 9 })));
        assert!(matches!(outcome(false, Some(3)), Ok(WaitOutcome::TimedOut { position: Some(3) })));
        assert!(matches!(outcome(false, None), Ok(WaitOutcome::TimedOut { position: None })));
        assert!(matches!(outcome(true, None), Err(Error::InvalidResponse(_))));
    }

    #[test]
    fn an_incomplete_checkpoint_is_refused() {
        let wire = proto::ConsumerCheckpoint { name: "c".to_owned(), position: 3, updated_at: None };
        assert!(matches!(there(Some(wire)), Err(Error::InvalidResponse(_))));
        assert!(matches!(there(None), Err(Error::InvalidResponse(_))));
    }
}
