//! The directories that were written once: what each is made of, and how much is in it.

use crate::expected::EVENTS;

/// A stored data directory.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) format: u16,
    /// The segments; the last is active.
    pub(crate) segments: &'static [&'static str],
    /// The index of each sealed segment.
    pub(crate) indexes: &'static [&'static str],
    /// How many of the requests it was made by. Each is a block.
    pub(crate) requests: usize,
    /// How many of the expected events it holds.
    pub(crate) events: usize,
    /// How many control records.
    pub(crate) controls: u64,
    pub(crate) streams: &'static [Stream],
    /// The checkpoints that are left: where they are, and by which request they were set.
    pub(crate) checkpoints: &'static [(&'static str, u64, u64)],
}

/// A stream, its events, and what a reader sees of it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) positions: &'static [u64],
    /// The first revision that is shown; `None` when the stream is gone for good.
    pub(crate) first: Option<u64>,
}

/// The files that every directory has.
pub(crate) const FORMAT: &str = "FORMAT";
pub(crate) const MARK: &str = "tenants/default/log/mark";

/// Two segments, the mark, the index of the sealed segment.
pub(crate) const FIRST: Fixture = Fixture {
    format: 1,
    segments: &[
        "tenants/default/log/000001-00000000000000000001.seg",
        "tenants/default/log/000002-00000000000000000007.seg",
    ],
    indexes: &["tenants/default/index/000001.idx"],
    requests: 12,
    events: 9,
    controls: 5,
    streams: &[
        stream("order-1", &[1, 2, 4, 6, 7, 8], Some(0)),
        stream("order-2", &[5], Some(0)),
        stream("order-3", &[9], Some(0)),
        stream("påminnelse/ü 1", &[3], Some(0)),
    ],
    checkpoints: &[],
};

/// The same, and what came with format 2: checkpoints, transactions, lives of streams.
pub(crate) const SECOND: Fixture = Fixture {
    format: 2,
    segments: &[
        "tenants/default/log/000001-00000000000000000001.seg",
        "tenants/default/log/000002-00000000000000000007.seg",
        "tenants/default/log/000003-00000000000000000013.seg",
    ],
    indexes: &["tenants/default/index/000001.idx", "tenants/default/index/000002.idx"],
    requests: 23,
    events: 15,
    controls: 14,
    streams: &[
        stream("$streams-order-1", &[12], Some(0)),
        stream("$streams-order-2", &[13], Some(0)),
        stream("$streams-påminnelse/ü 1", &[14], Some(0)),
        stream("invoice-1", &[11], Some(0)),
        stream("order-1", &[1, 2, 4, 6, 7, 8], Some(2)),
        stream("order-2", &[5, 15], Some(1)),
        stream("order-3", &[9, 10], Some(0)),
        stream("påminnelse/ü 1", &[3], None),
    ],
    checkpoints: &[("reader", 12, 21), ("$door", 1 << 40, 22)],
};

/// The same, and what came with format 3: notes, of consumer groups and policies.
pub(crate) const THIRD: Fixture = Fixture {
    format: 3,
    segments: &[
        "tenants/default/log/000001-00000000000000000001.seg",
        "tenants/default/log/000002-00000000000000000007.seg",
        "tenants/default/log/000003-00000000000000000013.seg",
        "tenants/default/log/000004-00000000000000000019.seg",
    ],
    indexes: &[
        "tenants/default/index/000001.idx",
        "tenants/default/index/000002.idx",
        "tenants/default/index/000003.idx",
    ],
    requests: 34,
    events: EVENTS.len(),
    controls: 28,
    streams: &[
        stream("$streams-order-1", &[12], Some(0)),
        stream("$streams-order-2", &[13], Some(0)),
        stream("$streams-påminnelse/ü 1", &[14], Some(0)),
        stream("invoice-1", &[11, 16, 17, 18], Some(0)),
        stream("invoice-2", &[19], Some(0)),
        stream("order-1", &[1, 2, 4, 6, 7, 8], Some(2)),
        stream("order-2", &[5, 15], Some(1)),
        stream("order-3", &[9, 10], Some(0)),
        stream("påminnelse/ü 1", &[3], None),
    ],
    checkpoints: SECOND.checkpoints,
};

const fn stream(name: &'static str, positions: &'static [u64], first: Option<u64>) -> Stream {
    Stream { name, positions, first }
}

impl Fixture {
    /// All files that make up the directory; the rest is made from them.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'static str> {
        [FORMAT, MARK].into_iter().chain(self.segments.iter().copied()).chain(self.indexes.iter().copied())
    }

    /// Where it lies.
    pub(crate) fn directory(&self) -> String {
        format!("{}/tests/fixtures/format-{}", env!("CARGO_MANIFEST_DIR"), self.format)
    }

    /// The bytes of one of its files.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/{name}", self.directory())).expect("a file of the fixture")
    }
}
