//! What the fixtures say, value by value.

/// An event, as a client sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) position: u64,
    pub(crate) revision: u64,
    pub(crate) stream: &'static str,
    /// Empty where the store made it.
    pub(crate) id: &'static str,
    /// Seconds; the nanoseconds are 123,456,789 throughout.
    pub(crate) recorded_at: u64,
    pub(crate) event_type: &'static str,
    pub(crate) data: &'static [u8],
    pub(crate) content_type: &'static str,
    pub(crate) metadata: &'static [(&'static str, &'static str)],
    pub(crate) schema_version: &'static str,
    pub(crate) correlation_id: &'static str,
    pub(crate) causation_id: &'static str,
    pub(crate) tags: &'static [&'static str],
    pub(crate) occurred_at: Option<(i64, i32)>,
}

const PLAIN: Event = Event {
    position: 0,
    revision: 0,
    stream: "",
    id: "",
    recorded_at: 0,
    event_type: "",
    data: b"",
    content_type: "",
    metadata: &[],
    schema_version: "",
    correlation_id: "",
    causation_id: "",
    tags: &[],
    occurred_at: None,
};

/// The nanoseconds of all times.
pub(crate) const NANOS: u32 = 123_456_789;

/// The log. Those of older formats end earlier.
pub(crate) const EVENTS: [Event; 19] = [
    Event {
        position: 1,
        revision: 0,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a1",
        recorded_at: 1_800_000_001,
        event_type: "OrderPlaced",
        data: b"{\"total\":3}",
        content_type: "application/json",
        metadata: &[("trace", "t-1"), ("région", "île")],
        schema_version: "2",
        correlation_id: "c-1",
        causation_id: "x-1",
        tags: &["customer:7", "priority:high"],
        occurred_at: Some((1_700_000_000, 5)),
    },
    Event {
        position: 2,
        revision: 1,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a2",
        recorded_at: 1_800_000_001,
        event_type: "OrderPaid",
        ..PLAIN
    },
    Event {
        position: 3,
        revision: 0,
        stream: "påminnelse/ü 1",
        id: "0192f0c1-2345-7abc-8def-0123456789a3",
        recorded_at: 1_800_000_002,
        event_type: "Påmint",
        data: &[0, 255, 128],
        ..PLAIN
    },
    Event {
        position: 4,
        revision: 2,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a4",
        recorded_at: 1_800_000_003,
        event_type: "OrderChanged",
        data: b"4",
        ..PLAIN
    },
    Event {
        position: 5,
        revision: 0,
        stream: "order-2",
        id: "0192f0c1-2345-7abc-8def-0123456789a5",
        recorded_at: 1_800_000_005,
        event_type: "OrderPlaced",
        data: b"{}",
        ..PLAIN
    },
    Event {
        position: 6,
        revision: 3,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a6",
        recorded_at: 1_800_000_008,
        event_type: "OrderSent",
        data: b"6",
        ..PLAIN
    },
    Event {
        position: 7,
        revision: 4,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a7",
        recorded_at: 1_800_000_010,
        event_type: "OrderReturned",
        data: b"7",
        ..PLAIN
    },
    Event {
        position: 8,
        revision: 5,
        stream: "order-1",
        id: "0192f0c1-2345-7abc-8def-0123456789a8",
        recorded_at: 1_800_000_010,
        event_type: "OrderClosed",
        data: b"8",
        ..PLAIN
    },
    Event {
        position: 9,
        revision: 0,
        stream: "order-3",
        id: "0192f0c1-2345-7abc-8def-0123456789a9",
        recorded_at: 1_800_000_012,
        event_type: "OrderPlaced",
        data: b"9",
        ..PLAIN
    },
    Event {
        position: 10,
        revision: 1,
        stream: "order-3",
        id: "0192f0c1-2345-7abc-8def-0123456789b0",
        recorded_at: 1_800_000_014,
        event_type: "OrderPaid",
        data: b"{}",
        tags: &["customer:7"],
        correlation_id: "c-1",
        ..PLAIN
    },
    Event {
        position: 11,
        revision: 0,
        stream: "invoice-1",
        id: "0192f0c1-2345-7abc-8def-0123456789b1",
        recorded_at: 1_800_000_014,
        event_type: "InvoiceSent",
        data: b"{}",
        tags: &["customer:7"],
        correlation_id: "c-1",
        ..PLAIN
    },
    Event {
        position: 12,
        stream: "$streams-order-1",
        recorded_at: 1_800_000_018,
        event_type: "$metadata-set",
        data: b"{\"metadata\":{\"max_age\":{\"secs\":3153600000,\"nanos\":0},\"max_count\":4,\"truncate_before\":1,\
            \"properties\":{\"owner\":\"shipping\"}},\"is_tombstoned\":false}",
        ..PLAIN
    },
    Event {
        position: 13,
        stream: "$streams-order-2",
        recorded_at: 1_800_000_019,
        event_type: "$deleted",
        data: b"{\"metadata\":{},\"deleted_before\":1,\"is_tombstoned\":false}",
        ..PLAIN
    },
    Event {
        position: 14,
        stream: "$streams-påminnelse/ü 1",
        recorded_at: 1_800_000_020,
        event_type: "$tombstoned",
        data: b"{\"metadata\":{},\"deleted_before\":1,\"is_tombstoned\":true}",
        ..PLAIN
    },
    Event {
        position: 15,
        revision: 1,
        stream: "order-2",
        id: "0192f0c1-2345-7abc-8def-0123456789b2",
        recorded_at: 1_800_000_021,
        event_type: "OrderPlaced",
        data: b"again",
        ..PLAIN
    },
    Event {
        position: 16,
        revision: 1,
        stream: "invoice-1",
        id: "0192f0c1-2345-7abc-8def-0123456789b3",
        recorded_at: 1_800_000_033,
        event_type: "InvoiceSent",
        data: b"{}",
        ..PLAIN
    },
    Event {
        position: 17,
        revision: 2,
        stream: "invoice-1",
        id: "0192f0c1-2345-7abc-8def-0123456789b4",
        recorded_at: 1_800_000_033,
        event_type: "InvoiceSent",
        data: b"{}",
        ..PLAIN
    },
    Event {
        position: 18,
        revision: 3,
        stream: "invoice-1",
        id: "0192f0c1-2345-7abc-8def-0123456789b5",
        recorded_at: 1_800_000_033,
        event_type: "InvoiceSent",
        data: b"{}",
        ..PLAIN
    },
    Event {
        position: 19,
        revision: 0,
        stream: "invoice-2",
        id: "0192f0c1-2345-7abc-8def-0123456789b6",
        recorded_at: 1_800_000_034,
        event_type: "InvoiceSent",
        data: b"{}",
        ..PLAIN
    },
];

/// The bytes of the event at position 4, where a client's unknown field must outlive us: what it sent,
/// the id once more in its canonical form, and the server's fields.
pub(crate) const EVENT_4: &str = "0a267b30313932663063312d323334352d376162632d386465662d3031323334353637383961347d\
    120c4f726465724368616e6765641a01347a1366726f6d2061206c6174657220636c69656e74\
    0a2430313932663063312d323334352d376162632d386465662d303132333435363738396134\
    5a076f726465722d31610200000000000000690400000000000000720c0883a4a7da0610959aefba00";

/// The one snapshot that is left.
pub(crate) const SNAPSHOT: (&str, u64, u64, &str) = ("order-1", 2, 1_800_000_009, "{\"total\":4}");
