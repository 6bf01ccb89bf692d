//! Parts of every kind (in memory, sealed with and without what memory holds, made again in the middle of a
//! walk) against a plain list of events.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::active::Active;
use super::made::{COLLIDING, INDEX, made};
use super::part::Part;
use super::sealed::Sealed;
use super::{Error, Index, Plan, TermKind};
use crate::crew::Crew;
use crate::disk::Disk;
use crate::log::Placed;
use crate::log::segment::{Header, Segment};
use crate::model::{Position, Timestamp, Walk};

#[test]
fn walks_in_both_directions_find_what_a_plain_list_has() {
    for (seed, memory_bytes) in [(1, 0), (2, u64::MAX), (3, 10_000)] {
        let made = made(seed, u64::MAX, memory_bytes);
        assert!(made.segments.all().len() >= 8);
        made.check(seed, 100, true);
    }
}

#[test]
fn a_segment_beside_one_that_does_not_follow_it_has_no_index() {
    let made = made(9, u64::MAX, 0);
    let all = made.segments.all();
    let check = |segment: &Segment, next| Index::check(&made.disk, Path::new(INDEX), segment, next);
    assert!(check(&all[0], &all[1]).is_ok());
    // As in a directory in which somebody swapped the names of files.
    for (segment, next) in [(1, 0), (0, 2), (0, 0)] {
        assert!(matches!(check(&all[segment], &all[next]), Err(Error::Damaged { .. })), "{segment}, {next}");
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
        let mut learn = |placed: Placed| {
            active.learn(&placed, &mut |_| {});
            ControlFlow::Continue(())
        };
        segment.blocks().each(&mut learn).unwrap();
        let path = Path::new(INDEX).join(format!("{:06}.idx", segment.header.number));
        let open = || Sealed::open(&made.disk, &path, segment, next).unwrap();
        let (mut lean, mut held) = (open(), open());
        assert!(lean.hold(held.holdable_bytes() - 1).unwrap().is_none());
        let sieve = held.hold(held.holdable_bytes()).unwrap().unwrap();
        assert_eq!((lean.held_bytes(), held.held_bytes() + sieve.bytes()), (0, held.holdable_bytes()));
        assert_eq!(held.lean().unwrap().held_bytes(), 0);
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
                let passes = term.kind == TermKind::EventId || sieve.may_have(term.hash) == 1;
                assert!(passes || ordinals(&active).is_none(), "{term:?} is denied");
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
    assert!(Sealed::open(&made.disk, &path, &all[0], &all[1]).is_ok());
    assert!(Sealed::open(&made.disk, &path, &all[0], &other).unwrap_err().is_mendable());
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

#[test]
fn a_part_that_can_not_be_sealed_stays_in_memory_and_is_sealed_at_the_next_start() {
    let mut made = made(15, u64::MAX, 0);
    let file = Path::new(INDEX).join(format!("{:06}.idx", made.segments.all().len()));
    let placed = made.commit(100);
    made.disk.limit(0);
    made.index.learn(&placed, &mut |_| {});
    made.index.close();
    assert!(!made.disk.exists(&file).unwrap());
    made.check(16, 30, true);

    made.disk.limit(u64::MAX);
    let disk: Arc<dyn Disk> = Arc::new(made.disk.clone());
    made.index = Arc::new(Index::open(disk, Path::new(INDEX), made.terms, &made.segments, 0, Crew::threads()).unwrap());
    made.index.learn(&placed, &mut |_| {});
    assert!(made.disk.exists(&file).unwrap());
    made.check(17, 30, true);
}

#[test]
fn filters_of_many_segments_say_together_what_they_said_alone() {
    // All filters are held; then only the newest, and the oldest are given up on the way.
    for memory_bytes in [u64::MAX, 40_000] {
        let mut made = made(18, u64::MAX, memory_bytes);
        for round in 0..10 {
            [90, 0, 90, 90, 0, 90, 90, 90, 0, 0, 90, 90, 90, 90, 90].into_iter().for_each(|events| made.append(events));
            made.index.close();
            made.check(round, 10, true);
        }
        assert!(made.segments.all().len() > 2 * 64);

        let placed = made.commit(100);
        let disk: Arc<dyn Disk> = Arc::new(made.disk.clone());
        made.index = Arc::new(
            Index::open(disk, Path::new(INDEX), made.terms, &made.segments, memory_bytes, Crew::threads()).unwrap(),
        );
        made.index.learn(&placed, &mut |_| {});
        made.check(19, 50, true);
    }
}
