//! Checks of the log while the store goes on.

use std::ops::ControlFlow;

use super::Error;
use super::store::{Condition, Store};
use crate::log::Pinned;
use crate::log::verify::{Findings, verify_pinned};
use crate::model::Position;

/// A check of the log as it is at one moment.
#[derive(Debug)]
pub struct Check {
    pinned: Pinned,
    /// How many bytes there are to read.
    pub bytes: u64,
}

impl Check {
    /// The position of the last event that is looked at.
    pub fn head(&self) -> Position {
        self.pinned.reach.position
    }
}

impl Store {
    /// Prepares a check of everything up to here.
    ///
    /// # Errors
    /// When the store stops, or its disk fails.
    pub async fn check(&self) -> Result<Check, Error> {
        let pinned = self.pin().await?;
        let bytes = (0..pinned.segments.len()).map(|index| pinned.bytes_of(index)).sum();
        Ok(Check { pinned, bytes })
    }

    /// Reads everything. `watch` hears after each block how many bytes were read and how many events were found
    /// so far; a break ends the check, and so does the end of the store. Blocks on the disk.
    ///
    /// # Errors
    /// When the check was ended, or the disk fails; damage is a finding, not an error.
    pub fn run_check(
        &self,
        check: &Check,
        watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Findings, Error> {
        let condition = self.condition();
        let mut flow = ControlFlow::Continue(());
        let findings = verify_pinned(&*self.disk, &check.pinned, &mut |bytes, events| {
            let is_stopping = *condition.borrow() != Condition::Serving;
            flow = if is_stopping { ControlFlow::Break(()) } else { watch(bytes, events) };
            flow
        })?;
        if flow.is_break() { Err(self.why_gone()) } else { Ok(findings) }
    }
}
