//! When to try again, and after what pause.
//!
//! Owns [`RetryPolicy`] and the loop around calls. Only errors that say the server is away are
//! tried again, so whatever runs in the loop must be safe to repeat. Pauses double up to a limit, and
//! half of each is drawn by lot, so that many clients do not come back in step.

use std::time::Duration;

use uuid::Uuid;

use crate::Error;

/// How often and how fast a call is tried again while the server is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many tries in a row may fail, the first included; 0 is taken as 1, `u32::MAX` as no limit.
    pub attempts: u32,
    /// The longest pause after the first failure; each further failure doubles it.
    pub initial_backoff: Duration,
    /// No pause is longer than this.
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    /// Eight tries, pauses up to 2 s: gives up after 2.5 to 5 s of pauses.
    fn default() -> Self {
        Self { attempts: 8, initial_backoff: Duration::from_millis(50), max_backoff: Duration::from_secs(2) }
    }
}

impl RetryPolicy {
    /// One try.
    #[must_use]
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// As many tries as it takes.
    #[must_use]
    pub fn forever() -> Self {
        Self { attempts: u32::MAX, ..Self::default() }
    }

    /// Whether to go on after so many failures in a row.
    pub(crate) fn allows(&self, failures: u32) -> bool {
        self.attempts == u32::MAX || failures < self.attempts.max(1)
    }

    /// The pause after so many failures in a row, drawn by lot.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        self.pause_drawn(failures, Uuid::new_v4().as_fields().0)
    }

    /// Between half of the full pause and all of it, by where `lot` lies in its range.
    fn pause_drawn(&self, failures: u32, lot: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = self.initial_backoff.saturating_mul(1 << doublings).min(self.max_backoff);
        full.mul_f64(0.5 + 0.5 * f64::from(lot) / f64::from(u32::MAX))
    }

    /// Calls until it works, fails for good, or the tries are used up.
    pub(crate) async fn run<T, F, Fut>(&self, mut call: F) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut failures = 0_u32;
        loop {
            let error = match call().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failures = failures.saturating_add(1);
            if !error.is_retryable() || !self.allows(failures) {
                return Err(error);
            }
            let pause = self.pause(failures);
            tracing::debug!(%error, failures, ?pause, "the server is away, trying again");
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick(attempts: u32) -> RetryPolicy {
        RetryPolicy { attempts, initial_backoff: Duration::ZERO, max_backoff: Duration::ZERO }
    }

    #[test]
    fn pauses_double_up_to_the_limit() {
        let policy = RetryPolicy::default();
        let full = |failures| policy.pause_drawn(failures, u32::MAX).as_millis();
        assert_eq!([1, 2, 3, 6, 7, 100].map(full), [50, 100, 200, 1600, 2000, 2000]);
        assert_eq!(policy.pause_drawn(2, 0).as_millis(), 50);
        assert_eq!(policy.pause_drawn(u32::MAX, 0).as_millis(), 1000);
    }

    #[test]
    fn counts_the_first_try() {
        assert!(!RetryPolicy::none().allows(1));
        assert!(quick(2).allows(1) && !quick(2).allows(2));
        assert!(!quick(0).allows(1));
        assert!(RetryPolicy::forever().allows(u32::MAX));
    }

    #[tokio::test]
    async fn tries_again_only_while_unavailable() {
        let mut tries = 0;
        let outcome = quick(5)
            .run(|| {
                tries += 1;
                let now = tries;
                async move { if now < 3 { Err(Error::unavailable("away")) } else { Ok(now) } }
            })
            .await;
        assert_eq!(outcome.expect("the third try works"), 3);

        let mut tries = 0;
        let outcome: Result<(), Error> = quick(5)
            .run(|| {
                tries += 1;
                async { Err(Error::StreamNotFound) }
            })
            .await;
        assert!(matches!(outcome, Err(Error::StreamNotFound)));
        assert_eq!(tries, 1);
    }

    #[tokio::test]
    async fn gives_up_with_the_last_error() {
        let mut tries = 0;
        let outcome: Result<(), Error> = quick(3)
            .run(|| {
                tries += 1;
                async { Err(Error::unavailable("away")) }
            })
            .await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))));
        assert_eq!(tries, 3);
    }
}
