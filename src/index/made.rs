//! A log with its index, and the plain list of its events, for tests.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::{Index, Plan, Term, TermKind, Terms};
use crate::crew::Crew;
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, Open};
use crate::log::record::Stamp;
use crate::log::{Appended, CommitLog, Draft, Kind, LogOptions, Place, Placed, SegmentLog, Segments};
use crate::model::event::TYPE_FIELD;
use crate::model::wire::put_bytes;
use crate::model::{Limits, Position, ProposedEvent, Revision, Timestamp, Walk};

/// Keeps so few bits, and such, that most terms of a sealed part share a list with others, and few in memory.
pub(super) const COLLIDING: u64 = 0x0000_ffff_0000_0007;

/// No index file lies elsewhere.
pub(super) const INDEX: &str = "/index";

const SEGMENT_BYTES: usize = 2 << 20;

/// The number of the field that tags stand in.
const TAGS_FIELD: u8 = 9;

/// An event: what it can be found by, and where it lies.
pub(super) struct Known {
    pub(super) terms: Vec<Term>,
    place: Place,
}

/// A log with its index, and the plain list.
pub(super) struct Made {
    pub(super) chance: Chance,
    pub(super) disk: MemoryDisk,
    pub(super) log: SegmentLog,
    pub(super) segments: Segments,
    pub(super) terms: Terms,
    pub(super) index: Arc<Index>,
    pub(super) events: Vec<Known>,
}

/// Numbers that look random: the same from the same seed.
pub(super) struct Chance(u64);

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
pub(super) fn made(seed: u64, mask: u64, memory_bytes: u64) -> Made {
    let disk = MemoryDisk::default();
    let on: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = LogOptions {
        segment_events: 5000,
        segment_bytes: SEGMENT_BYTES as u64,
        disk_reserve_bytes: 0,
        ..LogOptions::default()
    };
    let log = SegmentLog::open(on.clone(), Path::new("/log"), Path::new("/aside"), options, &mut |_, _| {}).unwrap();
    let segments = log.segments();
    let terms = Terms::seeded(segments.all()[0].header.salt).masked(mask);
    let index = Arc::new(Index::open(on, Path::new(INDEX), terms, &segments, memory_bytes, Crew::threads()).unwrap());
    let mut made = Made { chance: Chance(seed), disk, log, segments, terms, index, events: Vec::new() };
    [100; 102].into_iter().chain([90, 0, 90, 0, 0, 90]).for_each(|events| made.append(events));
    made.index.close();
    made
}

impl Made {
    /// Appends a block, which the index learns of.
    pub(super) fn append(&mut self, events: usize) {
        let placed = self.commit(events);
        self.index.learn(&placed, &mut |_| {});
    }

    /// Appends a block. One that has not the usual number of events is as large as a segment.
    pub(super) fn commit(&mut self, events: usize) -> Placed {
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
        placed
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
    pub(super) fn expected(&self, plan: &Plan, range: &RangeInclusive<Position>) -> BTreeSet<u64> {
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
    pub(super) fn check(&self, seed: u64, rounds: usize, is_exact: bool) {
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

    pub(super) fn flip(&self, segment: u32, at: u64) {
        let file = self.disk.open(&Path::new(INDEX).join(format!("{segment:06}.idx")), Open::Write).unwrap();
        let mut byte = [0];
        file.read_at(&mut byte, at).unwrap();
        file.write_at(&[byte[0] ^ 1], at).unwrap();
    }
}
