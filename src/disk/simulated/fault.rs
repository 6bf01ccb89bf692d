//! What may happen to a change of the disk.

/// What happens at a planned change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process or the machine goes before the change has any effect. Which of both it was is said afterwards,
    /// by [`kill`](super::SimulatedDisk::kill) or [`cut_power`](super::SimulatedDisk::cut_power).
    Gone,
    /// It goes in the middle: a write has begun, of a sync something has reached the disk.
    GoneWithin,
    /// It goes when the change was made and nobody heard so.
    GoneAfter,
    /// The change fails and has no effect. A sync that fails leaves what it was to sync in memory only, where
    /// it looks as if it had been synced.
    Fails,
    /// The change fails in the middle.
    FailsWithin,
    /// There is no room for it.
    NoSpace,
    /// A write is told as done, and went to another place of its file. Other changes happen as they should.
    Misdirected,
}
