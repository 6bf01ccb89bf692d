//! Many clients at once.
//!
//! Owns [`Load`], which shares out attempts among clients, each with a connection of its own, and counts in
//! a [`Tally`] how they ended. It knows no rule: what an attempt is, each program says.

use std::ops::AddAssign;

use quipu_client::Client;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Decided, Failure};

/// How often an attempt is repeated while its outcome is unknown. The client has waited for the server
/// several seconds before each.
const REPEATS_MAX: u64 = 20;

/// How many attempts, by how many clients.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many clients there are at the same time.
    pub clients: usize,
    /// How many attempts they make together.
    pub attempts: usize,
}

/// How attempts ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What the rule allowed, and is in the log.
    pub accepted: u64,
    /// What the rule refused.
    pub refused: u64,
    /// How often somebody was faster and it was decided again.
    pub conflicts: u64,
    /// How often an attempt was repeated because its outcome was unknown.
    pub repeats: u64,
}

impl Load {
    /// Makes all attempts, which are numbered from 0. Ends with the first failure.
    pub(crate) async fn run<R, F, Fut>(self, endpoint: &str, attempt: F) -> Result<Tally, Failure>
    where
        F: Fn(Client, usize) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<Decided<R>, Failure>> + Send,
        R: Send + 'static,
    {
        // All are connected before the first begins, so that they really contend.
        let mut clients = Vec::with_capacity(self.clients);
        while clients.len() < self.clients {
            clients.push(Client::connect(endpoint).await?);
        }
        let mut running = JoinSet::new();
        for (first, client) in clients.into_iter().enumerate() {
            let attempt = attempt.clone();
            running.spawn(async move {
                let mut tally = Tally::default();
                for number in (first..self.attempts).step_by(self.clients) {
                    tally.count(&attempt(client.clone(), number).await?);
                }
                Ok::<_, Failure>(tally)
            });
        }
        let mut total = Tally::default();
        while let Some(ended) = running.join_next().await {
            total += ended??;
        }
        Ok(total)
    }
}

/// Makes an attempt, and makes it again while its outcome is unknown. Only for attempts that have one
/// effect however often they are made.
pub(crate) async fn until_known<R, F, Fut>(attempt: F) -> Result<Decided<R>, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Decided<R>, Failure>>,
{
    let mut repeats = 0;
    loop {
        match attempt().await {
            Err(failure) if failure.is_outcome_unknown() && repeats < REPEATS_MAX => repeats += 1,
            ended => return ended.map(|decided| Decided { repeats, ..decided }),
        }
    }
}

/// A word that no other run uses: a load meets nothing of the loads before it in the same log.
pub(crate) fn word_of_this_run() -> String {
    format!("{:08x}", Uuid::new_v4().as_fields().0)
}

impl Tally {
    fn count<R>(&mut self, decided: &Decided<R>) {
        let accepted = u64::from(decided.verdict.is_ok());
        let (conflicts, repeats) = (decided.conflicts, decided.repeats);
        *self += Self { accepted, refused: 1 - accepted, conflicts, repeats };
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.conflicts += other.conflicts;
        self.repeats += other.repeats;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use quipu_client::{Error, Fault};

    use super::*;

    fn away() -> Failure {
        Error::Unavailable(Fault { reason: None, message: String::new() }).into()
    }

    #[tokio::test]
    async fn an_attempt_is_repeated_only_while_its_outcome_is_unknown() {
        let failures = Cell::new(3);
        let ended = until_known(|| async {
            failures.set(failures.get() - 1);
            if failures.get() > 0 { Err(away()) } else { Ok(Decided::<()>::accepted(1)) }
        });
        assert_eq!(ended.await.unwrap(), Decided { verdict: Ok(()), conflicts: 1, repeats: 2 });
        let ended = until_known(|| async { Err::<Decided<()>, _>(Failure::Foreign("X".to_owned())) });
        assert!(matches!(ended.await, Err(Failure::Foreign(_))));
        assert!(until_known(|| async { Err::<Decided<()>, _>(away()) }).await.is_err(), "it gives up in the end");
    }
}
