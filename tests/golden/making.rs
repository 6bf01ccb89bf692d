//! How the fixtures were made, request by request: each is a block of its own.
//!
//! Kept running so that it still says what they hold; what it writes differs from them in the log's id, in
//! the ids of events that tell of streams' lives, and in what follows from these.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use quipu::clock::Clock;
use quipu::log::LogOptions;
use quipu::metrics::Metrics;
use quipu::model::wire::put_bytes;
use quipu::model::{
    CheckpointName, ExpectedRevision, GivenName, GroupSettings, GroupWishes, Limits, NackAction, Order, Position,
    ProposedEvent, ProposedSnapshot, Query, QueryItem, Revision, StreamMetadata, StreamName, TenantId, Timestamp,
};
use quipu::store::consumers::Outcome;
use quipu::store::{
    Append, CheckpointAdvance, CheckpointChange, Home, LifeChange, LifeEvent, Start, Store, StoreOptions, Transaction,
};

/// How long a fetch may wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client asked for.
#[derive(Debug)]
pub(crate) enum Request {
    Append {
        stream: &'static str,
        expected: ExpectedRevision,
        events: Vec<ProposedEvent>,
    },
    Save {
        stream: &'static str,
        revision: u8,
        bytes: Bytes,
    },
    Delete {
        stream: &'static str,
        revision: Option<u64>,
    },
    Transact {
        appends: Vec<(&'static str, ExpectedRevision, ProposedEvent)>,
        advance: (&'static str, u64),
    },
    Set {
        name: &'static str,
        position: u64,
    },
    Unset {
        name: &'static str,
    },
    Live {
        stream: &'static str,
        what: LifeEvent,
    },
    MakeGroup {
        name: &'static str,
        settings: GroupSettings,
        start: Start,
    },
    /// A member of the group fetches all that there is, and settles some of it.
    Deal {
        group: &'static str,
        ack: u64,
        park: u64,
    },
    Pause {
        group: &'static str,
    },
    EndGroup {
        group: &'static str,
    },
    SetPolicy {
        category: &'static str,
        every: u32,
    },
    EndPolicy {
        category: &'static str,
    },
}

/// Why an event is parked.
pub(crate) const REASON: &str = "no \"käufer\"";

/// Everything that clients asked for, in order.
pub(crate) fn requests() -> Vec<Request> {
    let mut requests = requests_of_format_1();
    requests.extend(requests_of_format_2());
    requests.extend(requests_of_format_3());
    requests
}

fn requests_of_format_1() -> Vec<Request> {
    use ExpectedRevision::{Any, Exactly, NoStream, StreamExists};
    let append = |stream, expected, events| Request::Append { stream, expected, events };
    let save = |stream, revision, state| Request::Save { stream, revision, bytes: snapshot(stream, revision, state) };
    vec![
        append("order-1", NoStream, vec![placed(), event("0192F0C1-2345-7ABC-8DEF-0123456789A2", "OrderPaid", b"")]),
        append("påminnelse/ü 1", Any, vec![event("0192f0c123457abc8def0123456789a3", "Påmint", &[0, 255, 128])]),
        append("order-1", Exactly(Revision(1)), vec![of_a_later_client()]),
        save("order-1", 1, "{\"total\":3}"),
        append("order-2", NoStream, vec![event("urn:uuid:0192f0c1-2345-7abc-8def-0123456789a5", "OrderPlaced", b"{}")]),
        save("order-2", 0, "{}"),
        Request::Delete { stream: "order-2", revision: None },
        append("order-1", StreamExists, vec![event("0192f0c1-2345-7abc-8def-0123456789a6", "OrderSent", b"6")]),
        save("order-1", 2, "{\"total\":4}"),
        append(
            "order-1",
            Any,
            vec![
                event("0192f0c1-2345-7abc-8def-0123456789a7", "OrderReturned", b"7"),
                event("0192f0c1-2345-7abc-8def-0123456789a8", "OrderClosed", b"8"),
            ],
        ),
        Request::Delete { stream: "order-1", revision: Some(1) },
        append("order-3", Any, vec![event("0192f0c1-2345-7abc-8def-0123456789a9", "OrderPlaced", b"9")]),
    ]
}

fn requests_of_format_2() -> Vec<Request> {
    use ExpectedRevision::{Any, Exactly, NoStream};
    let set = |name, position| Request::Set { name, position };
    let live = |stream, what| Request::Live { stream, what };
    let again = event("0192f0c1-2345-7abc-8def-0123456789b2", "OrderPlaced", b"again");
    vec![
        set("reader", 5),
        Request::Transact {
            appends: vec![
                ("order-3", Exactly(Revision(0)), tagged("0192f0c1-2345-7abc-8def-0123456789b0", "OrderPaid")),
                ("invoice-1", NoStream, tagged("0192f0c1-2345-7abc-8def-0123456789b1", "InvoiceSent")),
            ],
            advance: ("reader", 9),
        },
        set("påminnare", 3),
        set("reader", 7),
        Request::Unset { name: "påminnare" },
        live("order-1", LifeEvent::MetadataSet(metadata())),
        live("order-2", LifeEvent::Deleted),
        live("påminnelse/ü 1", LifeEvent::Tombstoned),
        Request::Append { stream: "order-2", expected: Any, events: vec![again] },
        set("reader", 12),
        set("$door", 1 << 40),
    ]
}

fn requests_of_format_3() -> Vec<Request> {
    let id = |last: u8| format!("0192f0c1-2345-7abc-8def-0123456789{last:02x}");
    let sent = |last| event(&id(last), "InvoiceSent", b"{}");
    let append = |stream, events| Request::Append { stream, expected: ExpectedRevision::Any, events };
    let plain = || GroupSettings::of(GroupWishes::default()).expect("good settings");
    vec![
        Request::MakeGroup { name: "mailer", settings: plain(), start: Start::After(9) },
        Request::Deal { group: "mailer", ack: 10, park: 11 },
        Request::MakeGroup { name: "påminnare", settings: everything(), start: Start::End },
        Request::Pause { group: "påminnare" },
        Request::SetPolicy { category: "order", every: 100 },
        Request::SetPolicy { category: "gone", every: 2 },
        Request::EndPolicy { category: "gone" },
        Request::MakeGroup { name: "gone", settings: plain(), start: Start::Beginning },
        Request::EndGroup { group: "gone" },
        append("invoice-1", vec![sent(0xb3), sent(0xb4), sent(0xb5)]),
        append("invoice-2", vec![sent(0xb6)]),
    ]
}

/// Settings that say everything.
pub(crate) fn everything() -> GroupSettings {
    let text = |text: &str| vec![text.to_owned()];
    let item = QueryItem {
        types: text("OrderPlaced"),
        tags: text("customer:7"),
        categories: text("order"),
        stream_prefix: Some("order-".to_owned()),
        correlation_id: Some("c-1".to_owned()),
        ..QueryItem::default()
    };
    let other = QueryItem { types: text("Påmint"), ..QueryItem::default() };
    GroupSettings::of(GroupWishes {
        query: Query::of(vec![item, other], &Limits::default()).expect("a query"),
        order: Some(Order::ByTag("customer".to_owned())),
        ack_timeout: Some(Duration::from_millis(1500)),
        max_tries: Some(7),
        backoff: Some(Duration::from_millis(20)),
        backoff_max: Some(Duration::from_secs(3600)),
        max_outstanding: Some(50),
    })
    .expect("good settings")
}

/// Makes a data directory where there is none.
pub(crate) fn make(directory: &Path) {
    assert!(!directory.exists(), "{} is there already; nothing is written over", directory.display());
    go_on(directory, 0);
}

/// Makes the requests from one on, in a directory that has those before it.
pub(crate) fn go_on(directory: &Path, from: usize) {
    let home = Home::take(crate::disk(), directory).expect("a free directory");
    let seconds = Arc::<AtomicU64>::default();
    let store = open(&home, seconds.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (number, request) in requests().into_iter().enumerate().skip(from) {
        // The first block is made in the first second, the next in the second, however often somebody asks.
        seconds.store(number as u64 + 1, Ordering::Relaxed);
        runtime.block_on(ask(&store, request));
    }
    store.close();
}

/// Opens the default tenant of a data directory with the settings the fixtures were made with.
pub(crate) fn open(home: &Home, seconds: Arc<AtomicU64>) -> Arc<Store> {
    let options = StoreOptions {
        log: LogOptions { segment_events: 6, disk_reserve_bytes: 0, ..LogOptions::default() },
        clock: Clock::new(move || Timestamp {
            seconds: 1_800_000_000 + seconds.load(Ordering::Relaxed),
            nanos: 123_456_789,
        }),
        ..StoreOptions::default()
    };
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    Store::open(home.disk().clone(), &home.tenant(&TenantId::default()), &options, metrics).expect("a store opens")
}

async fn ask(store: &Arc<Store>, request: Request) {
    match request {
        Request::Append { stream, expected, events } => {
            store.append(Append { stream: StreamName::from_log(stream), expected, events }).await.map(drop)
        }
        Request::Save { stream, revision, bytes } => {
            let (stream, revision) = (StreamName::from_log(stream), Revision(revision.into()));
            store.save_snapshot(ProposedSnapshot { stream, revision, bytes }).await.map(drop)
        }
        Request::Delete { stream, revision } => {
            store.delete_snapshots(StreamName::from_log(stream), revision.map(Revision)).await.map(drop)
        }
        Request::Transact { appends, advance: (name, position) } => {
            let append = |(stream, expected, event)| {
                let (stream, events) = (StreamName::from_log(stream), vec![event]);
                Append { stream, expected, events }
            };
            let advance = CheckpointAdvance { name: CheckpointName::from_log(name), position: Position(position) };
            let appends = appends.into_iter().map(append).collect();
            store.transact(Transaction { appends, guards: Vec::new(), advances: vec![advance] }).await.map(drop)
        }
        Request::Set { name, position } => {
            let (name, position) = (CheckpointName::from_log(name), Position(position));
            store.change_checkpoint(CheckpointChange::Set { name, position, expected: None }).await.map(drop)
        }
        Request::Unset { name } => {
            store.change_checkpoint(CheckpointChange::Delete(CheckpointName::from_log(name))).await.map(drop)
        }
        Request::Live { stream, what } => {
            let (stream, expected) = (StreamName::from_log(stream), ExpectedRevision::Any);
            store.change_life(LifeChange { stream, expected, what }).await.map(drop)
        }
        Request::MakeGroup { name, settings, start } => {
            store.create_group(GivenName::from_log(name), settings, start).await.map(drop)
        }
        Request::Deal { group, ack, park } => {
            let (group, member) = (GivenName::from_log(group), GivenName::from_log("m"));
            let fetched = store.fetch(&group, &member, 10, PATIENCE).await.expect("the group has events");
            assert_eq!(fetched.len(), 3, "all at once, so that they are noted at once");
            let parking = Outcome::Nack(NackAction::Park, REASON.to_owned());
            let outcomes = vec![(Position(ack), Outcome::Ack), (Position(park), parking)];
            store.settle(&group, &member, outcomes).await.map(drop)
        }
        Request::Pause { group } => store.pause_group(&GivenName::from_log(group), true).await,
        Request::EndGroup { group } => store.delete_group(&GivenName::from_log(group)).await,
        Request::SetPolicy { category, every } => store.set_policy(category, every).await,
        Request::EndPolicy { category } => store.delete_policy(category).await,
    }
    .expect("the request is granted");
}

fn parse(bytes: Vec<u8>) -> ProposedEvent {
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}

/// An event with the id as its client spelled it.
fn fields(id: &str, event_type: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 1, id.as_bytes());
    put_bytes(&mut bytes, 2, event_type.as_bytes());
    put_bytes(&mut bytes, 3, data);
    bytes
}

fn event(id: &str, event_type: &str, data: &[u8]) -> ProposedEvent {
    parse(fields(id, event_type, data))
}

/// An event with everything.
fn placed() -> ProposedEvent {
    let mut bytes = fields("0192f0c1-2345-7abc-8def-0123456789a1", "OrderPlaced", b"{\"total\":3}");
    put_bytes(&mut bytes, 4, b"application/json");
    for (key, value) in [("trace", "t-1"), ("région", "île")] {
        let mut pair = Vec::new();
        put_bytes(&mut pair, 1, key.as_bytes());
        put_bytes(&mut pair, 2, value.as_bytes());
        put_bytes(&mut bytes, 5, &pair);
    }
    for (number, text) in [(6, "2"), (7, "c-1"), (8, "x-1"), (9, "customer:7"), (9, "priority:high")] {
        put_bytes(&mut bytes, number, text.as_bytes());
    }
    // 1,700,000,000 seconds and 5 nanoseconds.
    put_bytes(&mut bytes, 10, &[0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06, 0x10, 0x05]);
    parse(bytes)
}

/// An event with what queries ask for.
fn tagged(id: &str, event_type: &str) -> ProposedEvent {
    let mut bytes = fields(id, event_type, b"{}");
    put_bytes(&mut bytes, 7, b"c-1");
    put_bytes(&mut bytes, 9, b"customer:7");
    parse(bytes)
}

/// Everything that can be said about a stream. The age is a hundred years.
pub(crate) fn metadata() -> StreamMetadata {
    StreamMetadata {
        max_age: Some(Duration::from_secs(3_153_600_000)),
        max_count: Some(4),
        truncate_before: Some(1),
        properties: [("owner".to_owned(), "shipping".to_owned())].into(),
    }
}

/// An event with a field that this program does not know.
fn of_a_later_client() -> ProposedEvent {
    let mut bytes = fields("{0192f0c1-2345-7abc-8def-0123456789a4}", "OrderChanged", b"4");
    put_bytes(&mut bytes, 15, b"from a later client");
    parse(bytes)
}

fn snapshot(stream: &str, revision: u8, state: &str) -> Bytes {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 1, stream.as_bytes());
    bytes.extend([0x10, revision]);
    put_bytes(&mut bytes, 3, state.as_bytes());
    bytes.into()
}
