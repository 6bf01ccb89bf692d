//! The boundary of agreement, from the writer's side: when another proposer was faster, its blocks are
//! taken in and the requests are decided again.

use std::path::Path;
use std::sync::Arc;

use super::{Append, Error, Store, StoreOptions};
use crate::disk::memory::MemoryDisk;
use crate::log::record::Stamp;
use crate::log::{self, Appended, CommitLog, Draft, Placed, SegmentLog, Slot};
use crate::metrics::Metrics;
use crate::model::wire::put_bytes;
use crate::model::{ExpectedRevision, Limits, Position, ProposedEvent, Revision, StreamName, Timestamp};

/// A log in which somebody else always appends first, `rivals` times.
struct Contended {
    local: SegmentLog,
    rivals: u64,
}

impl CommitLog for Contended {
    fn tail(&self) -> Slot {
        self.local.tail()
    }

    fn append(&mut self, expected: Slot, draft: Draft) -> Result<Appended, log::Error> {
        if self.rivals == 0 {
            return self.local.append(expected, draft);
        }
        self.rivals -= 1;
        let position = self.local.next_position();
        let recorded_at = Timestamp { seconds: 4_000_000_000, nanos: 0 };
        let revision = Revision(position.0 - 1);
        let mut theirs = Draft::new(position);
        theirs.put_event(&event("Theirs"), "shared", &Stamp { revision, position, recorded_at });
        match self.local.append(expected, theirs)? {
            Appended::Committed(placed) => Ok(Appended::TailMoved(vec![placed])),
            moved @ Appended::TailMoved(_) => Ok(moved),
        }
    }

    fn read(&self, from: Slot, visit: &mut dyn FnMut(Placed) -> bool) -> Result<(), log::Error> {
        self.local.read(from, visit)
    }

    fn available(&self) -> Result<u64, log::Error> {
        self.local.available()
    }

    fn close(&mut self) -> Result<(), log::Error> {
        self.local.close()
    }
}

fn event(name: &str) -> ProposedEvent {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 2, name.as_bytes());
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}

fn contended(rivals: u64) -> Arc<Store> {
    let options = StoreOptions::default();
    let metrics = Arc::new(Metrics::new().unwrap());
    let through = |local| Box::new(Contended { local, rivals }) as Box<dyn CommitLog>;
    Store::open_through(Arc::new(MemoryDisk::default()), Path::new("/s"), &options, metrics, through).unwrap()
}

fn append(expected: ExpectedRevision) -> Append {
    Append { stream: StreamName::from_log("shared"), expected, events: vec![event("Ours")] }
}

#[tokio::test]
async fn an_append_that_lost_the_tail_goes_in_behind_the_winner() {
    let store = contended(3);
    let appended = store.append(append(ExpectedRevision::Any)).await.unwrap();
    assert_eq!((appended.first_revision, appended.first_position), (Revision(3), Position(4)));
    assert_eq!(store.head(), Position(4));
    let ours = store.event_at(Position(4)).unwrap();
    assert_eq!(ours.recorded_at().seconds, 4_000_000_000, "time does not step back behind another proposer's");
}

#[tokio::test]
async fn a_guard_is_decided_again_when_the_tail_has_moved() {
    let store = contended(1);
    let refused = store.append(append(ExpectedRevision::NoStream)).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(Revision(0)), .. })), "{refused:?}");
    assert_eq!(store.head(), Position(1));
}
