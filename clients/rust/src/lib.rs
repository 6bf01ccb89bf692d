//! The Rust client of Quipu, a gRPC event store.
//!
//! [`Client`] is the way in: it appends, reads, subscribes, keeps snapshots, checkpoints and read models, and
//! takes part in consumer groups. Values of this crate are plain data with the checks already made; what goes
//! over the wire is in [`proto`]. Calls that are safe to repeat are retried while the server is away; reads and
//! subscriptions go on where they broke. The client keeps no copy of any event and never decides for its caller.
//!
//! On top of the calls stands what most services need: [`Aggregate`] decides on the state of a stream,
//! [`Reactor`] runs handlers on a consumer group, [`Projector`] keeps a read model, [`Replay`] goes through
//! events once more, and [`Upcasters`] lift old events to the shapes of today.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

mod aggregate;
mod append;
mod checkpoints;
mod client;
mod codec;
mod conflict;
mod connect;
mod consumers;
mod corked;
mod cursor;
mod error;
mod event;
mod expected;
mod feed;
mod guard;
mod listing;
mod operations;
mod projector;
pub mod proto;
mod query;
mod reactor;
mod read;
mod read_models;
mod reading;
mod recorded;
mod replay;
mod rest;
mod retry;
mod server_info;
mod session;
mod shared_session;
mod snapshot;
mod state;
mod statistics;
mod status;
mod stopping;
mod stream_life;
mod streams;
mod subscribe;
mod subscription;
mod timestamp;
mod transact;
mod upcasters;
mod versioned;

pub use aggregate::{Aggregate, AggregateState, Loaded};
pub use append::Appended;
pub use checkpoints::{Checkpoint, CheckpointPage, ExpectedCheckpoint, WaitOutcome};
pub use client::Client;
pub use codec::Codec;
pub use conflict::Conflict;
pub use connect::ClientBuilder;
pub use consumers::{Consumer, ConsumerGroup, ConsumerMessage, Delivery, Group, GroupCounts, GroupMember};
pub use consumers::{GroupOrder, GroupSettings, GroupStart, Nack, NackAction, NotSettled, NotSettledReason};
pub use consumers::{OldestUnsettled, ParkedEvent, Settled, Settlement, Settler};
pub use corked::Corked;
pub use error::{BoxError, Error, Fault};
pub use event::NewEvent;
pub use expected::Expected;
pub use guard::Guard;
pub use listing::Listing;
pub use operations::{Backup, BackupPart, HeldSegment, Verification, VerifyPart};
pub use projector::{Changes, Projection, Projector};
pub use query::{Query, QueryItem};
pub use reactor::{Failure, HandlerTime, Reactor, ReactorBuilder, ReactorMetrics};
pub use read::{ReadAll, ReadStream};
pub use read_models::{Document, Generation, ListDocuments, ReadModel, ReadModelWrite};
pub use reading::{LogReading, StreamReading};
pub use recorded::RecordedEvent;
pub use replay::{Replay, Replayed};
pub use retry::RetryPolicy;
pub use server_info::ServerInfo;
pub use session::{AppendReceiver, AppendSender, AppendSession};
pub use snapshot::{Snapshot, SnapshotInfo, SnapshotToSave};
pub use state::{GetState, SnapshotPolicy, State};
pub use statistics::{DailyCount, EventTypePage, NamedCount, Statistics};
pub use stream_life::StreamMetadata;
pub use streams::{ListStreams, StreamInfo, StreamPage};
pub use subscribe::{SubscribeAll, SubscribeStream};
pub use subscription::{Message, Subscription};
pub use transact::{Transacted, Transaction};
pub use upcasters::Upcasters;
