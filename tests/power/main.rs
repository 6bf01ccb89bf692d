//! What a power cut, a kill, a lying disk and a full disk do to a store: nothing that was acknowledged
//! is lost, nothing half is left, and every start succeeds.
//!
//! The store runs on a disk in memory that forgets what was not synced, behind a disk that fails at a
//! chosen call. That the checks can fail is proved as well: with a disk that lies about its syncs, they
//! must find what was lost.

mod client;
mod cuts;
mod damage;
mod faults;
mod faulty_disk;
mod life;
mod load;
mod proof;
mod proposals;
mod questions;
mod refusals;
mod signposts;
mod starts;
mod tracks;
mod witness;

use quipu::disk::simulated::chance;
