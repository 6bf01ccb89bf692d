//! The Rust client of Quipu, a gRPC event store.
//!
//! [`Client`] is the way in: it appends, reads, subscribes, and keeps snapshots and
//! checkpoints. Values of this
//! crate are plain data with the checks already made; what goes over the wire is in [`proto`].
//! Calls that are safe to repeat are retried while the server is away, and subscriptions resume
//! where they broke. The client keeps no copy of any event and never decides for its caller.
#![doc = include_str!("../README.md")]

mod append;
mod checkpoints;
mod client;
mod conflict;
mod connect;
mod cursor;
mod error;
mod event;
mod expected;
mod feed;
mod guard;
pub mod proto;
mod query;
mod read;
mod reading;
mod recorded;
mod retry;
mod server_info;
mod session;
mod snapshot;
mod statistics;
mod status;
mod stream_life;
mod streams;
mod subscribe;
mod subscription;
mod timestamp;
mod transact;

pub use append::Appended;
pub use checkpoints::{Checkpoint, CheckpointPage, ExpectedCheckpoint, WaitOutcome};
pub use client::Client;
pub use conflict::Conflict;
pub use connect::ClientBuilder;
pub use error::{Error, Fault};
pub use event::NewEvent;
pub use expected::Expected;
pub use guard::Guard;
pub use query::{Query, QueryItem};
pub use read::{ReadAll, ReadStream};
pub use reading::{LogReading, StreamReading};
pub use recorded::RecordedEvent;
pub use retry::RetryPolicy;
pub use server_info::ServerInfo;
pub use session::{AppendReceiver, AppendSender, AppendSession};
pub use snapshot::{Snapshot, SnapshotInfo, SnapshotToSave};
pub use statistics::{DailyCount, EventTypePage, NamedCount, Statistics};
pub use stream_life::StreamMetadata;
pub use streams::{ListStreams, StreamInfo, StreamPage};
pub use subscribe::{SubscribeAll, SubscribeStream};
pub use subscription::{Message, Subscription};
pub use transact::{Transacted, Transaction};
