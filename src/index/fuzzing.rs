//! What fuzzers feed the readers of index files.

/// An index file: opened, and asked everything that it can be asked.
pub mod index_file {
    use std::path::Path;
    use std::sync::{Arc, OnceLock};

    use arbitrary::Arbitrary;

    use super::super::active::Active;
    use super::super::part::Part;
    use super::super::sealed::Sealed;
    use super::super::{Error, Term, TermKind, Terms, build, pages};
    use crate::disk::memory::MemoryDisk;
    use crate::disk::{Disk, Open};
    use crate::fuzzing::{Edit, made};
    use crate::log::record::Stamp;
    use crate::log::segment::Segment;
    use crate::log::{CommitLog, Draft, Kind, LogOptions, Salts, SegmentLog, Slot};
    use crate::model::wire::put_bytes;
    use crate::model::{EventId, Limits, Position, ProposedEvent, Revision, Timestamp};

    const FILE: &str = "/index/000001.idx";
    const EVENTS: u64 = 400;

    /// What is done to an index file.
    #[derive(Debug, Arbitrary)]
    struct Damage {
        /// Whether the checksums of the pages are made right behind it: as by somebody who means harm.
        is_summed: bool,
        /// Whether directory and filter are to be held in memory.
        is_held: bool,
        replaced: Option<Vec<u8>>,
        edits: Vec<Edit>,
    }

    struct Good {
        file: Vec<u8>,
        segment: Arc<Segment>,
        next: Arc<Segment>,
        answers: Vec<Option<String>>,
    }

    /// Each answer is that of the good file, or says that the file is damaged; with checksums made right anything
    /// may be said, but within the memory that a file of this size needs.
    pub fn check(bytes: &[u8]) {
        let Some(damage) = made::<Damage>(bytes) else { return };
        let good = good();
        let mut file = damage.replaced.unwrap_or_else(|| good.file.clone());
        Edit::apply(&damage.edits, &mut file);
        if damage.is_summed {
            pages::fuzzing::sum(&mut file, good.segment.header.salt);
        }
        let disk = MemoryDisk::default();
        put(&disk, &file);
        let mut part = match Sealed::open(&disk, Path::new(FILE), &good.segment, &good.next) {
            Ok(part) => part,
            Err(error) => return assert!(error.is_mendable(), "{error}"),
        };
        if damage.is_held
            && let Err(error) = part.hold(u64::MAX)
        {
            return assert!(error.is_mendable(), "{error}");
        }
        let is_same = |(found, good): (&Option<String>, &Option<String>)| found.is_none() || found == good;
        let found = answers(&part);
        assert!(damage.is_summed || found.iter().zip(&good.answers).all(is_same), "{found:?}");
        if !damage.is_summed && part.check().is_ok() {
            assert!(file == good.file && found == good.answers, "every byte is checked");
        }
    }

    /// The good file itself, and some edits of it.
    pub fn seeds() -> Vec<Vec<u8>> {
        vec![vec![0; 8], vec![1, 1, 0, 1, 0, 0, 0, 1], (0..64).collect(), (0..=255).rev().collect()]
    }

    /// Everything that a part can be asked, as text; none where it says that it is damaged.
    fn answers(part: &Sealed) -> Vec<Option<String>> {
        let mut all = Vec::new();
        for term in terms(Terms::seeded(7)) {
            let Some(Some(postings)) = told(&mut all, part.postings(term)) else {
                // What is not asked takes its places, so that the other answers keep theirs.
                all.extend([const { None }; 3]);
                continue;
            };
            told(&mut all, part.ordinals(&postings, 0, 500));
            told(&mut all, part.ordinals(&postings, 3, 2));
            told(&mut all, part.rank(&postings, 7));
        }
        for (from, most) in [(0, 1), (7, 100), (399, 5), (u32::MAX, 1)] {
            told(&mut all, part.offsets(from, most));
        }
        for seconds in [0, 40, 1000] {
            told(&mut all, part.around(Timestamp { seconds, nanos: 0 }));
        }
        for from in ["", "order-1", "zzz"] {
            told(&mut all, part.names(from, 50));
        }
        told(&mut all, part.tally().map(|tally| tally.encode()));
        told(&mut all, part.controls(Slot(0)));
        all
    }

    fn told<T: std::fmt::Debug>(all: &mut Vec<Option<String>>, answer: Result<T, Error>) -> Option<T> {
        if let Err(error) = &answer {
            assert!(error.is_mendable(), "{error}");
        }
        all.push(answer.as_ref().ok().map(|answer| format!("{answer:?}")));
        answer.ok()
    }

    /// Terms that are there, often and once, and one that is not.
    fn terms(of: Terms) -> [Term; 5] {
        [
            of.stream("order-1"),
            of.text(TermKind::Type, "Happened"),
            of.text(TermKind::Tag, "tag:3"),
            of.event_id(EventId(5)),
            of.text(TermKind::Type, "Never"),
        ]
    }

    fn good() -> &'static Good {
        static GOOD: OnceLock<Good> = OnceLock::new();
        GOOD.get_or_init(|| {
            let disk = MemoryDisk::default();
            let salts = std::sync::atomic::AtomicU64::new(1);
            let draw = move || salts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let (log, aside) = (Path::new("/log"), Path::new("/quarantine"));
            let options = LogOptions { segment_events: EVENTS, salts: Salts::new(draw), ..LogOptions::default() };
            let on: Arc<dyn Disk> = Arc::new(disk.clone());
            let mut log = SegmentLog::open(on, log, aside, options, &mut |_, _| {}).expect("memory does not fail");
            let active = Active::new(Terms::seeded(7), 1, Position(1));
            for _ in 0..=EVENTS / 10 {
                let appended = log.append(log.tail(), block(log.next_position()));
                let Ok(crate::log::Appended::Committed(placed)) = appended else { panic!("memory does not fail") };
                if placed.place.segment == 1 {
                    active.learn(&placed, &mut |_| {});
                }
            }
            let all = log.segments().all();
            active.with_state(|state| build::build(&disk, Path::new(FILE), &all[0], state)).expect("it is built");
            let file = disk.read(Path::new(FILE)).expect("it was built");
            let part = Sealed::open(&disk, Path::new(FILE), &all[0], &all[1]).expect("a good index");
            let answers = answers(&part);
            assert!(answers.iter().flatten().count() > 25, "{answers:?}");
            Good { file, segment: all[0].clone(), next: all[1].clone(), answers }
        })
    }

    /// Ten events and a control record.
    fn block(first: Position) -> Draft {
        let mut draft = Draft::new(first);
        for position in (first.0..).take(10).map(Position) {
            let mut bytes = Vec::new();
            put_bytes(&mut bytes, 1, &EventId(u128::from(position.0)).text());
            put_bytes(&mut bytes, 2, b"Happened");
            put_bytes(&mut bytes, 9, format!("tag:{}", position.0 % 7).as_bytes());
            let event = ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event");
            let recorded_at = Timestamp { seconds: position.0 / 3, nanos: 0 };
            let revision = Revision(position.0 / 100);
            let stream = format!("order-{}", position.0 % 100);
            draft.put_event(&event, &stream, &Stamp { revision, position, recorded_at });
        }
        draft.put_control(Kind::CheckpointDeleted, "reader", b"reader");
        draft
    }

    fn put(disk: &MemoryDisk, bytes: &[u8]) {
        let file = disk.open(Path::new(FILE), Open::Create).expect("it is not there");
        file.write_at(bytes, 0).expect("memory does not fail");
    }
}

/// What a segment counts of its events.
pub mod tally {
    use super::super::tally::Tally;
    use crate::model::{Labels, Timestamp};

    /// What is read is written again and read the same, and nothing of it may be missing.
    pub fn check(bytes: &[u8]) {
        let Some(tally) = Tally::decode(bytes) else { return };
        let again = tally.encode();
        assert!(again.len() <= bytes.len(), "names that are there twice are kept once");
        assert_eq!(Tally::decode(&again), Some(tally));
        assert_eq!(Tally::decode(&again[..again.len() - 1]), None);
    }

    /// Counts of nothing and of some events.
    pub fn seeds() -> Vec<Vec<u8>> {
        let mut tally = Tally::default();
        let empty = tally.encode();
        for number in 0..20_u64 {
            let (stream, event_type) = (format!("c{}-{number}", number % 3), format!("type {}", number % 5));
            let event = Labels { stream: &stream, event_type: &event_type, ..Labels::default() };
            tally.add(&event, Timestamp { seconds: number * 50_000, nanos: 0 }, number % 2 == 0);
        }
        vec![empty, tally.encode()]
    }
}
