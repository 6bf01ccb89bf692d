//! Followers who wait: whoever has nothing due is woken by what concerns it.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::checked::Checked;
use crate::run::Run;

/// How long news may take before they are lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls a future once.
async fn once<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

impl Run {
    /// A follower waits, something happens, and the follower hears of it if it is concerned. It has no
    /// heartbeats that would wake it in any case.
    pub(crate) fn wait_for_news(&mut self) -> Checked {
        let Some(index) = self.followers.iter().position(|follower| !follower.has_heartbeats) else {
            return self.follow();
        };
        let mut follower = self.followers.remove(index);
        self.runtime.block_on(follower.read_on(&self.plain, false))?;
        self.note(format!("a follower waits: {:?}", follower.to));
        let mut next = Box::pin(follower.subscription.next());
        // What did not concern it may have pushed it out of the events in memory: it says so, and catches up.
        while let Poll::Ready(message) = self.runtime.block_on(once(&mut next)) {
            drop(next);
            let message = message.map_err(|error| format!("a subscription ended: {error:?}"))?;
            follower.hear(&self.plain, &message, &[])?;
            next = Box::pin(follower.subscription.next());
        }
        match self.chance.below(4) {
            0 => self.burst()?,
            1 => self.live()?,
            2 => self.transact()?,
            _ => self.append()?,
        }
        let due: Vec<usize> = self.plain.meant(&follower.wanted).filter(|at| *at >= follower.passed).collect();
        if !due.is_empty() {
            let message = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, next).await });
            let message = message.map_err(|_| format!("{:?}: nobody woke it for {due:?}", follower.to))?;
            let message = message.map_err(|error| format!("a subscription ended: {error:?}"))?;
            follower.hear(&self.plain, &message, &due)?;
        } else {
            drop(next);
        }
        self.followers.push(follower);
        Ok(())
    }
}
