//! What a run did, in numbers.

use crate::witness::Retries;

/// Counts over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) kills: u64,
    /// Of `kills`, those of servers that were still starting.
    pub(crate) kills_while_starting: u64,
    pub(crate) acknowledged: u64,
    pub(crate) acknowledged_events: u64,
    pub(crate) refused: u64,
    /// Appends whose answer the kill took, and how many of them were found to be in.
    pub(crate) unknown: u64,
    pub(crate) unknown_in: u64,
    /// Of those, requests that were sent again.
    pub(crate) unknown_asked: u64,
    pub(crate) retries: Retries,
    pub(crate) snapshots: u64,
    /// Events that subscribers were shown before a kill.
    pub(crate) shown: u64,
    pub(crate) lost: u64,
    pub(crate) halves: u64,
    pub(crate) refused_recoveries: u64,
}

impl Tally {
    /// Says it all.
    #[allow(clippy::print_stdout, reason = "the numbers are what a long run is for")]
    pub(crate) fn print(&self, seed: u64) {
        println!("crash run, seed {seed}");
        println!("  rounds                {:>9}", self.rounds);
        println!("  kills                 {:>9}   {} of them during a start", self.kills, self.kills_while_starting);
        println!("  acknowledged appends  {:>9}   with {} events", self.acknowledged, self.acknowledged_events);
        println!("  refused appends       {:>9}", self.refused);
        println!("  unanswered appends    {:>9}   {} were in, whole", self.unknown, self.unknown_in);
        println!("  retries of unanswered {:>9}   requests", self.unknown_asked);
        let Retries { plain, guarded, transactions } = self.retries;
        println!(
            "  retries of what is in {:>9}   {plain} plain, {guarded} guarded, {transactions} transactions",
            self.retries.all()
        );
        println!("  acknowledged snapshots{:>9}", self.snapshots);
        println!("  events shown          {:>9}   to subscribers", self.shown);
        println!("  lost                  {:>9}", self.lost);
        println!("  halves                {:>9}", self.halves);
        println!("  refused recoveries    {:>9}", self.refused_recoveries);
    }
}
