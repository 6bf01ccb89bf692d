//! Every maximum of the system, in one place.
//!
//! A request beyond a limit is refused whole, with `INVALID_ARGUMENT` and the limit's name. The
//! defaults below are told by `ServerInfo.Get` and can be changed in the configuration.

/// The longest stream name the record layout can hold, in bytes.
pub const STREAM_NAME_BYTES_MAX: usize = 2048;

/// The longest tenant name, in bytes: it is a directory's name.
pub const TENANT_NAME_BYTES_MAX: usize = 64;

/// The longest name that clients give to a checkpoint, a consumer group, a member or a read model, in bytes. A
/// source of the UmaDB door and its prefix fit as well.
pub const GIVEN_NAME_BYTES_MAX: usize = 256;

/// The largest document of a read model, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// The most types, tags or categories of a query's item.
pub const QUERY_ITEM_VALUES_MAX: usize = 64;

/// The most checkpoints that move with one transaction.
pub const TRANSACT_CHECKPOINTS_MAX: usize = 32;

/// The longest correlation or causation id, in bytes.
pub const RELATED_ID_BYTES_MAX: usize = 256;

/// The longest content type or schema version, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;

/// The longest name of a source whose position UmaDB's clients track, in bytes.
pub const TRACKING_SOURCE_BYTES_MAX: usize = 255;

/// The most streams, types or checkpoints of one page of a list.
pub const LIST_PAGE_MAX: usize = 1000;

/// The page size of a list when none is asked for.
pub const LIST_PAGE_DEFAULT: usize = 100;

/// The limits of requests and responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest stream name in bytes.
    pub stream_name_bytes: usize,
    /// The longest event type in bytes.
    pub event_type_bytes: usize,
    /// The most tags of an event.
    pub tags_per_event: usize,
    /// The longest tag in bytes.
    pub tag_bytes: usize,
    /// The largest metadata map of an event, keys and values together, in bytes.
    pub metadata_bytes: usize,
    /// The largest payload of an event or snapshot in bytes.
    pub data_bytes: usize,
    /// The most events of one append.
    pub append_events: usize,
    /// The largest append in bytes: the encoded events together.
    pub append_bytes: usize,
    /// How large a message with events gets, about, in bytes.
    pub response_bytes: usize,
    /// How many of the newest events are searched for the ids of a retried append.
    pub recent_event_ids: usize,
    /// How many snapshots of a stream are kept.
    pub snapshots_per_stream: usize,
    /// The most items of a query.
    pub query_items: usize,
    /// The most guards of an append or a transaction.
    pub guards: usize,
    /// The most checkpoints of a tenant: they are held in memory.
    pub checkpoints: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stream_name_bytes: 512,
            event_type_bytes: 256,
            tags_per_event: 64,
            tag_bytes: 256,
            metadata_bytes: 64 << 10,
            data_bytes: 4 << 20,
            append_events: 10_000,
            append_bytes: 16 << 20,
            response_bytes: 1 << 20,
            recent_event_ids: 1 << 18,
            snapshots_per_stream: 3,
            query_items: 32,
            guards: 32,
            checkpoints: 100_000,
        }
    }
}

impl Limits {
    /// The largest request message the door takes, in bytes: an append at its limit and its frame.
    ///
    /// More than twice `append_bytes`, so that a request somewhat over the limit is still read and
    /// gets the answer that names the limit.
    pub fn request_bytes(&self) -> usize {
        2 * self.append_bytes + (1 << 20)
    }
}
