//! Parts of every kind (in memory, sealed with and without what memory holds, made again in the middle of a
//! walk) against a plain list of events.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::active::Active;
use super::part::Part;
use super::sealed::Sealed;
use super::{Error, Index, Plan, Term, TermKind, Terms};
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, Open};
use crate::log::record::Stamp;
use crate::log::segment::{Header, Segment};
use crate::log::{Appended, CommitLog, Draft, Kind, LogOptions, Place, SegmentLog, Segments};
use crate::model::event::TYPE_FIELD;
use crate::model::wire::put_bytes;
use crate::model::{Limits, Position, ProposedEvent, Revision, Timestamp, Walk};

/// Keeps so few bits, and such, that most terms of a sealed part share a list with others, and few in memory.
const COLLIDING: u64 = 0x0000_ffff_0000_0007;

/// No index file lies elsewhere.
const INDEX: &str = "/index";

const SEGMENT_BYTES: usize = 2 << 20;

/// The number of the field that tags stand in.
const TAGS_FIELD: u8 = 9;

/// An event: what it can be found by, and where it lies.
struct Known {
    terms: Vec<Term>,
    place: Place,
}

/// A log with its index, and the plain list.
struct Made {
    chance: Chance,
    disk: MemoryDisk,
    log: SegmentLog,
    segments: Segments,
    terms: Terms,
    index: Arc<Index>,
    events: Vec<Known>,
}

/// Numbers that look random: the same from the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % bound
    }
}

/// Names, some of them on most events and some on few. Runs make lists that one must leap over.
fn name_at(chance: &mut Chance, position: u64) -> u64 {
    match chance.below(8) {
        0 => 1,
        1 => 2 + position / 700 % 3,
        2 if chance.below(40) == 0 => 5,
        _ => 0,
    }
}

fn event(chance: &mut Chance, position: u64) -> (String, ProposedEvent) {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, TYPE_FIELD, format!("type{}", name_at(chance, position)).as_bytes());
    let tags: BTreeSet<u64> = (0..chance.below(3)).map(|_| name_at(chance, position)).collect();
    tags.iter().for_each(|tag| put_bytes(&mut bytes, TAGS_FIELD, format!("tag:{tag}").as_bytes()));
    let stream = format!("c{}-{}", name_at(chance, position), chance.below(5));
    (stream, ProposedEvent::parse(bytes.into(), &Limits::default()).unwrap())
}

/// Segments of 5,000 events, then of 90 and none in turn, and some more events in the newest.
fn made(seed: u64, mask: u64, memory_bytes: u64) -> Made {
    let disk = MemoryDisk::default();
    let on: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = LogOptions { segment_events: 5000, segment_bytes: SEGMENT_BYTES as u64, disk_reserve_bytes: 0 };
    let log = SegmentLog::open(on.clone(), Path::new("/log"), Path::new("/aside"), options, &mut |_, _| {}).unwrap();
    let segments = log.segments();
    let terms = Terms::seeded(segments.all()[0].header.salt).masked(mask);
    let index = Arc::new(Index::open(on, Path::new(INDEX), terms, &segments, memory_bytes).unwrap());
    let mut made = Made { chance: Chance(seed), disk, log, segments, terms, index, events: Vec::new() };
    [100; 102].into_iter().chain([90, 0, 90, 0, 0, 90]).for_each(|events| made.append(events));
    made.index.close();
    made
}

impl Made {
    /// Appends a block. One that has not the usual number of events is as large as a segment.
    fn append(&mut self, events: usize) {
        let mut draft = Draft::new(self.log.next_position());
        let mut known = Vec::new();
        for _ in 0..events {
            let position = draft.next_position();
            let (stream, event) = event(&mut self.chance, position.0);
            let recorded_at = Timestamp { seconds: position.0 / 3, nanos: 0 };
            draft.put_event(&event, &stream, &Stamp { revision: Revision(1), position, recorded_at });
            let mut found = Vec::new();
            self.terms.each(&draft.labels(known.len()), |term| found.push(term));
            known.push(found);
        }
        if events != 100 {
            draft.put_control(Kind::CheckpointDeleted, "c", &vec![0; SEGMENT_BYTES - 1000]);
        }
        let appended = self.log.append(self.log.tail(), draft);
        let Ok(Appended::Committed(placed)) = appended else { panic!("memory does not fail") };
        let places = placed
            .block
            .events()
            .map(|(entry, _)| Place { segment: placed.place.segment, offset: placed.place.offset + entry.offset });
        self.events.extend(known.into_iter().zip(places).map(|(terms, place)| Known { terms, place }));
        self.index.learn(&placed, &mut |_| {});
    }

    /// A plan over names that are there and some that are not.
    fn plan(&self, chance: &mut Chance) -> Plan {
        let any_of = |chance: &mut Chance| {
            let terms = (0..=chance.below(3)).map(|_| {
                let name = chance.below(7);
                match chance.below(4) {
                    0 => self.terms.text(TermKind::Type, &format!("type{name}")),
                    1 => self.terms.text(TermKind::Tag, &format!("tag:{name}")),
                    2 => self.terms.text(TermKind::Category, &format!("c{name}")),
                    _ => self.terms.stream(&format!("c{name}-{}", name % 5)),
                }
            });
            terms.collect::<Vec<_>>()
        };
        let item = |chance: &mut Chance| (0..=chance.below(2)).map(|_| any_of(chance)).collect();
        Plan { items: (0..=chance.below(2)).map(|_| item(chance)).collect() }
    }

    fn range(&self, chance: &mut Chance) -> RangeInclusive<Position> {
        let head = self.events.len() as u64;
        let (one, other) = (1 + chance.below(head), 1 + chance.below(head));
        Position(one.min(other))..=Position(one.max(other))
    }

    /// What a plan lets through, by the plain list.
    fn expected(&self, plan: &Plan, range: &RangeInclusive<Position>) -> BTreeSet<u64> {
        let has =
            |known: &Known, term: &Term| known.terms.iter().any(|own| own.kind == term.kind && own.hash == term.hash);
        let fits = |known: &Known| {
            plan.items.iter().any(|item| item.iter().all(|set| set.iter().any(|term| has(known, term))))
        };
        (range.start().0..=range.end().0).filter(|position| fits(&self.events[*position as usize - 1])).collect()
    }

    /// What the index lets through, `most` at a time.
    fn found(
        &self,
        plan: &Plan,
        range: &RangeInclusive<Position>,
        walk: Walk,
        chance: &mut Chance,
    ) -> Vec<(Position, Place)> {
        let (mut found, mut rest) = (Vec::new(), range.clone());
        while let Some(mut candidates) = self.index.candidates(plan, &rest, walk).unwrap() {
            loop {
                let page = candidates.next(1 + chance.below(300) as usize).unwrap();
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            rest = match walk {
                Walk::Forwards => candidates.beyond()..=*rest.end(),
                Walk::Backwards => *rest.start()..=candidates.beyond(),
            };
            if rest.is_empty() {
                break;
            }
        }
        found
    }

    /// Asserts that random questions are answered as by the plain list.
    #[track_caller]
    fn check(&self, seed: u64, rounds: usize, is_exact: bool) {
        let mut chance = Chance(seed);
        for round in 0..rounds {
            let (plan, range) = (self.plan(&mut chance), self.range(&mut chance));
            let walk = if chance.below(2) == 0 { Walk::Forwards } else { Walk::Backwards };
            let what = format!("seed {seed}, round {round}: {plan:?} in {range:?}, {walk:?}");
            let mut found = self.found(&plan, &range, walk, &mut chance);
            if walk == Walk::Backwards {
                found.reverse();
            }
            assert!(found.is_sorted_by(|(one, _), (next, _)| one < next), "out of order or twice, {what}");
            for (position, place) in &found {
                assert!(range.contains(position), "{position} is outside, {what}");
                assert_eq!(*place, self.events[position.0 as usize - 1].place, "{position}, {what}");
            }
            let found: BTreeSet<u64> = found.iter().map(|(position, _)| position.0).collect();
            let expected = self.expected(&plan, &range);
            let missing: Vec<_> = expected.difference(&found).take(5).collect();
            assert!(missing.is_empty(), "{missing:?} of {} are missing, {what}", expected.len());
            assert!(!is_exact || found == expected, "{} instead of {}, {what}", found.len(), expected.len());
        }
    }

    fn flip(&self, segment: u32, at: u64) {
        let file = self.disk.open(&Path::new(INDEX).join(format!("{segment:06}.idx")), Open::Write).unwrap();
        let mut byte = [0];
        file.read_at(&mut byte, at).unwrap();
        file.write_at(&[byte[0] ^ 1], at).unwrap();
    }
}

#[test]
fn walks_in_both_directions_find_what_a_plain_list_has() {
    for (seed, memory_bytes) in [(1, 0), (2, u64::MAX), (3, 10_000)] {
        let made = made(seed, u64::MAX, memory_bytes);
        assert!(made.segments.all().len() >= 8);
        made.check(seed, 100, true);
    }
}

#[test]
fn terms_that_share_a_list_let_more_through_and_never_less() {
    for (seed, memory_bytes) in [(4, 0), (5, u64::MAX)] {
        made(seed, COLLIDING, memory_bytes).check(seed, 100, false);
    }
}

#[test]
fn a_sealed_part_answers_as_the_one_in_memory_that_it_was_made_from() {
    let made = made(6, u64::MAX, 0);
    let all = made.segments.all();
    for (segment, next) in all.iter().zip(&all[1..]) {
        let active = Active::new(made.terms, segment.header.number, segment.header.first_position);
        segment.each_block(&mut |placed| active.learn(&placed, &mut |_| {})).unwrap();
        let path = Path::new(INDEX).join(format!("{:06}.idx", segment.header.number));
        let open = |room| Sealed::open(&made.disk, &path, segment, next, room).unwrap();
        let (lean, held) = (open(0), open(u64::MAX));
        assert_eq!((lean.held_bytes(), held.held_bytes()), (0, held.holdable_bytes()));
        for sealed in [&lean as &dyn Part, &held] {
            assert_eq!((sealed.events(), sealed.first_time()), (active.events(), active.first_time()));
            assert_eq!(sealed.tally().unwrap(), active.tally().unwrap());
            assert_eq!(sealed.names("", 1000).unwrap(), active.names("", 1000).unwrap());
            assert_eq!(sealed.offsets(0, 10_000).unwrap(), active.offsets(0, 10_000).unwrap());
            for seconds in (0..3600).step_by(97) {
                let time = Timestamp { seconds, nanos: 0 };
                assert_eq!(sealed.around(time).unwrap(), active.around(time).unwrap());
            }
            for term in made.events.iter().step_by(31).flat_map(|known| &known.terms) {
                let ordinals = |part: &dyn Part| {
                    let list = part.postings(*term).unwrap();
                    list.map(|list| part.ordinals(&list, 0, usize::MAX >> 8).unwrap())
                };
                assert_eq!(ordinals(sealed), ordinals(&active), "{term:?}");
                assert!(sealed.may_have(*term) || ordinals(&active).is_none(), "{term:?} is denied");
            }
        }
    }
}

#[test]
fn an_event_is_found_by_the_time_of_its_commit_across_segments() {
    let made = made(7, u64::MAX, 0);
    for position in (1..made.events.len() as u64).step_by(61) {
        let time = Timestamp { seconds: position / 3, nanos: 0 };
        let (low, high) = made.index.around(time).unwrap();
        let first = (position / 3 * 3).max(1);
        assert!((low.0..=high.0).contains(&first), "{first} is not in {low}..={high}");
    }
}

#[test]
fn a_file_that_is_damaged_in_the_middle_of_a_walk_is_mended_once_and_nothing_is_missed() {
    for mask in [u64::MAX, COLLIDING] {
        let made = made(8, mask, 0);
        let plan = Plan { items: vec![vec![vec![made.terms.text(TermKind::Type, "type1")]]] };
        let range = Position(1)..=Position(5000);
        for walk in [Walk::Forwards, Walk::Backwards] {
            let mut candidates = made.index.candidates(&plan, &range, walk).unwrap().unwrap();
            let mut found = candidates.next(20).unwrap();
            let path = Path::new(INDEX).join("000001.idx");
            let pages = made.disk.read(&path).unwrap().len() as u64 / 4096;
            (0..pages).for_each(|page| made.flip(1, page * 4096 + 5));
            let syncs = made.disk.syncs();
            loop {
                let page = candidates.next(10).unwrap();
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert_eq!(made.disk.syncs() - syncs, 1, "the file was not made exactly once");
            let found: BTreeSet<u64> = found.iter().map(|(position, _)| position.0).collect();
            assert!(found.is_superset(&made.expected(&plan, &range)), "{walk:?}");
        }
        made.check(9, 20, mask == u64::MAX);
    }
}

#[test]
fn an_index_of_an_older_copy_of_the_log_is_not_taken_for_todays() {
    let made = made(10, u64::MAX, 0);
    let all = made.segments.all();
    // The same segment with as many events, but other blocks: its successor tells.
    let header = Header { previous_block: all[1].header.previous_block ^ 1, ..all[1].header.clone() };
    let other = Segment::create(&made.disk, Path::new("/copy"), header).unwrap();
    let path = Path::new(INDEX).join("000001.idx");
    assert!(Sealed::open(&made.disk, &path, &all[0], &all[1], 0).is_ok());
    assert!(Sealed::open(&made.disk, &path, &all[0], &other, 0).unwrap_err().is_mendable());
}

#[test]
fn a_part_that_can_not_be_sealed_again_gives_what_a_plain_list_has_or_an_error() {
    for mask in [u64::MAX, COLLIDING] {
        let made = made(11, mask, 0);
        let term = made.terms.text(TermKind::Type, "type1");
        let located: Vec<_> = made.index.locate(term).map(Result::unwrap).collect();
        let first = located.last().unwrap();
        let before = made.index.places_of(first, 0, usize::MAX >> 8).unwrap();
        let pages = made.disk.read(&Path::new(INDEX).join("000001.idx")).unwrap().len() as u64 / 4096;
        (0..pages).for_each(|page| made.flip(1, page * 4096 + 5));
        made.disk.limit(0);
        match made.index.places_of(first, 3, 100) {
            Ok(places) => assert_eq!(places, before[3..103]),
            Err(error) => assert!(mask == COLLIDING && matches!(error, Error::Replaced), "{error:?}"),
        }
        made.check(12, 40, mask == u64::MAX);
    }
}

#[test]
fn a_walk_goes_on_as_it_began_while_its_part_grows_is_sealed_and_gives_up_its_memory() {
    for walk in [Walk::Forwards, Walk::Backwards] {
        let mut made = made(13, u64::MAX, 10_000);
        let plan = Plan { items: vec![vec![vec![made.terms.text(TermKind::Type, "type1")]]] };
        let head = Position(made.events.len() as u64);
        // Over a part that is sealed, and over the one that is being written.
        for range in [Position(1)..=Position(4000), Position(head.0 - 80)..=head] {
            let index = made.index.clone();
            let mut candidates = index.candidates(&plan, &range, walk).unwrap().unwrap();
            let mut found = candidates.next(1).unwrap();
            for events in [100, 100, 90, 0, 90] {
                made.append(events);
                found.extend(candidates.next(2).unwrap());
                index.close();
            }
            found.extend(candidates.next(10_000).unwrap());
            let found: BTreeSet<u64> = found.iter().map(|(position, _)| position.0).collect();
            assert_eq!(found, made.expected(&plan, &range), "{walk:?} in {range:?}");
        }
        made.check(14, 20, true);
    }
}
