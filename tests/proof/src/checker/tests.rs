//! That the checker can fail: each fault is put into a good history, and must be the one that is found.

use std::collections::{BTreeSet, HashMap};

use super::{Invariant, check};
use crate::history::{
    Actual, Append, CheckpointMove, CheckpointView, Event, Expected, Guard, History, Outcome, Part, Placed, Proposed,
    Query, QueryItem, Refusal, Scope, SnapshotSave, SnapshotView, View, Walk,
};

/// A store of the simplest kind, which records what it does.
#[derive(Debug, Default, Clone)]
struct World {
    history: History,
    log: Vec<Event>,
    now: u64,
    ids: u128,
}

impl World {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// A request for so many events in each stream.
    fn ask(&mut self, parts: &[(&str, Expected, u64)], guards: Vec<Guard>) -> usize {
        let parts = parts.iter().map(|(stream, expected, size)| Part {
            stream: (*stream).into(),
            expected: *expected,
            events: (0..*size).map(|_| self.event(stream)).collect(),
        });
        let parts = parts.collect();
        self.history.propose(Append { parts, guards, ..Append::default() })
    }

    fn event(&mut self, stream: &str) -> Proposed {
        self.ids += 1;
        let event_type = if self.ids.is_multiple_of(2) { "Even" } else { "Odd" };
        Proposed { id: self.ids, digest: 7, event_type: event_type.into(), tags: vec![format!("in:{stream}")] }
    }

    fn last(&self, stream: &str) -> Option<u64> {
        self.log.iter().rev().find(|event| event.stream == stream).map(|event| event.revision)
    }

    /// Puts the events of a request behind the log.
    fn take(&mut self, append: usize) -> Vec<(u64, u64)> {
        let recorded_at = self.tick();
        let parts = self.history.appends[append].parts.clone();
        let mut firsts = Vec::new();
        for part in parts {
            for (index, proposed) in part.events.into_iter().enumerate() {
                let revision = self.last(&part.stream).map_or(0, |last| last + 1);
                let position = self.log.len() as u64 + 1;
                firsts.extend((index == 0).then_some((revision, position)));
                let Proposed { id, digest, event_type, tags } = proposed;
                let stream = part.stream.clone();
                self.log.push(Event { position, revision, stream, id, digest, event_type, tags, recorded_at });
            }
        }
        firsts
    }

    fn try_once(&mut self, append: usize, outcome: Outcome<Placed>) {
        let invoked = self.tick();
        let ticket = self.history.invoke(append, invoked);
        let returned = self.tick();
        self.history.answer(ticket, returned, outcome);
    }

    /// A request that goes in and is acknowledged.
    fn append(&mut self, parts: &[(&str, Expected, u64)], guards: Vec<Guard>) -> usize {
        let append = self.ask(parts, guards);
        let invoked = self.tick();
        let ticket = self.history.invoke(append, invoked);
        let firsts = self.take(append);
        let returned = self.tick();
        self.history.answer(ticket, returned, Outcome::Ok(Placed { firsts, deduplicated: false }));
        append
    }

    /// Sends an acknowledged request again.
    fn again(&mut self, append: usize) {
        let firsts = self.history.appends[append].placed().unwrap().firsts.clone();
        self.try_once(append, Outcome::Ok(Placed { firsts, deduplicated: true }));
    }

    fn refuse(&mut self, parts: &[(&str, Expected, u64)], guards: Vec<Guard>, refusal: Refusal) -> usize {
        let append = self.ask(parts, guards);
        self.try_once(append, Outcome::Refused(refusal));
        append
    }

    fn view(&mut self, scope: Scope, walk: Walk, (from, until): (u64, u64), events: Vec<Event>) -> usize {
        let (invoked, returned) = (self.tick(), self.tick());
        let (reader, is_pinned) = (format!("{walk:?} over {scope:?}"), walk != Walk::Following);
        self.history.views.push(View { reader, invoked, returned, scope, walk, from, until, is_pinned, events });
        self.history.views.len() - 1
    }

    fn mark(&mut self, to: Option<u64>, outcome: Outcome<()>) {
        let (invoked, returned) = (self.tick(), self.tick());
        self.history.moves.push(CheckpointMove { name: "c".into(), to, expected: None, invoked, returned, outcome });
    }

    fn see_mark(&mut self, found: Option<u64>) {
        let (invoked, returned) = (self.tick(), self.tick());
        self.history.checkpoints.push(CheckpointView { name: "c".into(), invoked, returned, found });
    }

    fn save(&mut self, stream: &str, revision: u64) {
        let (invoked, returned) = (self.tick(), self.tick());
        let outcome = Outcome::Ok(());
        let save = SnapshotSave { stream: stream.into(), revision, digest: revision, invoked, returned, outcome };
        self.history.saves.push(save);
    }

    fn see_snapshot(&mut self, stream: &str, at_or_before: u64, found: Option<(u64, u64)>) {
        let (invoked, returned) = (self.tick(), self.tick());
        self.history.snapshots.push(SnapshotView { stream: stream.into(), at_or_before, invoked, returned, found });
    }

    /// Gives events the places that a store would give them, and takes over what they are.
    fn renumber(&mut self) {
        let mut next = HashMap::new();
        for (event, position) in self.log.iter_mut().zip(1..) {
            let revision: &mut u64 = next.entry(event.stream.clone()).or_default();
            (event.position, event.revision) = (position, *revision);
            *revision += 1;
        }
    }

    /// The invariants that are broken.
    fn broken(&self) -> Vec<Invariant> {
        let violations = check(&self.history, &self.log);
        violations.iter().map(|violation| violation.invariant).collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[track_caller]
    fn assert_breaks(&self, invariant: Invariant) {
        let violations = check(&self.history, &self.log);
        assert_eq!(self.broken(), [invariant], "{violations:#?}");
    }
}

fn tagged(tag: &str) -> Query {
    let item = QueryItem { tags: vec![tag.into()], ..QueryItem::default() };
    Query { items: Some(vec![item]), include_system: false }
}

fn typed(name: &str) -> Query {
    let item = QueryItem { types: vec![name.into()], ..QueryItem::default() };
    Query { items: Some(vec![item]), include_system: false }
}

/// Appends of every kind: acknowledged, repeated, unanswered and in, unanswered and not, refused, over two
/// streams. Nobody has looked yet.
fn written() -> World {
    let mut world = World::default();
    world.append(&[("a", Expected::NoStream, 2)], vec![]);
    let both = world.append(&[("a", Expected::Revision(1), 2), ("b", Expected::Any, 1)], vec![]);
    world.again(both);
    let claim = |stream: &str| Guard::NoneMatch { query: tagged(&format!("in:{stream}")), after: 0 };
    world.append(&[("claimed", Expected::Any, 1)], vec![claim("claimed")]);
    let taken = Refusal::Guard { index: 0, actual: Actual::Event(6), head: 6 };
    world.refuse(&[("claimed", Expected::Any, 1)], vec![claim("claimed")], taken);
    let wrong = Refusal::WrongRevision { stream: "a".into(), actual: Some(3), head: 6 };
    world.refuse(&[("a", Expected::Revision(0), 1)], vec![], wrong);
    let unanswered = world.ask(&[("b", Expected::StreamExists, 2)], vec![]);
    let lost = world.ask(&[("b", Expected::Any, 1)], vec![]);
    for append in [unanswered, lost] {
        let invoked = world.tick();
        let _never_answered = world.history.invoke(append, invoked);
    }
    world.take(unanswered);
    let gone = world.tick();
    world.history.ended(gone);
    let some = Guard::SomeMatch { query: typed("Odd"), after: 2 };
    world.append(
        &[("c", Expected::Any, 1)],
        vec![some, Guard::Stream { stream: "a".into(), expected: Expected::Revision(3) }],
    );
    world
}

/// The same, and readers of every kind, snapshots and checkpoints.
fn clean() -> World {
    let mut world = written();
    let log = world.log.clone();
    let end = log.len() as u64 + 1;
    world.view(Scope::All, Walk::Forwards, (1, end), log.clone());
    world.view(Scope::All, Walk::Backwards, (4, end), log[3..].iter().rev().cloned().collect());
    let of = |keep: &dyn Fn(&Event) -> bool| log.iter().filter(|event| keep(event)).cloned().collect::<Vec<_>>();
    world.view(Scope::Stream("a".into()), Walk::Forwards, (0, 4), of(&|event| event.stream == "a"));
    world.view(Scope::Query(tagged("in:b")), Walk::Forwards, (1, end), of(&|event| event.stream == "b"));
    world.view(Scope::Query(typed("Odd")), Walk::Following, (1, end), of(&|event| event.event_type == "Odd"));
    world.view(Scope::All, Walk::Following, (3, 6), log[2..5].to_vec());
    world.history.snapshots_kept = 2;
    world.save("a", 1);
    world.save("a", 3);
    world.see_snapshot("a", 3, Some((3, 3)));
    world.see_snapshot("a", 2, Some((1, 1)));
    world.see_snapshot("b", 9, None);
    world.see_mark(None);
    world.mark(Some(4), Outcome::Ok(()));
    world.see_mark(Some(4));
    world.mark(Some(6), Outcome::Unknown);
    world.see_mark(Some(6));
    world.mark(Some(2), Outcome::Ok(()));
    world.see_mark(Some(2));
    world
}

#[test]
fn a_good_history_has_no_violation() {
    assert_eq!(check(&clean().history, &clean().log), []);
}

#[test]
fn what_was_acknowledged_and_is_lost_moved_or_changed_is_reported() {
    let mut world = written();
    world.log.pop();
    world.assert_breaks(Invariant::Kept);

    let mut world = written();
    let attempt = &mut world.history.appends[0].attempts[0];
    attempt.outcome = Outcome::Ok(Placed { firsts: vec![(0, 2)], deduplicated: false });
    world.assert_breaks(Invariant::Kept);

    let mut world = written();
    world.log[0].digest = 8;
    world.assert_breaks(Invariant::Kept);
    let mut world = written();
    world.log[0].stream = "other".into();
    world.renumber();
    assert!(world.broken().contains(&Invariant::Kept), "in another stream: {:?}", world.broken());
}

#[test]
fn a_gap_is_reported_in_positions_and_in_revisions() {
    let mut world = clean();
    world.log[3].position = 9;
    world.assert_breaks(Invariant::Dense);
    let mut world = clean();
    world.log[3].revision = 9;
    world.assert_breaks(Invariant::Dense);
    let mut world = clean();
    world.log.remove(0);
    world.assert_breaks(Invariant::Dense);
}

#[test]
fn a_second_winner_and_a_false_refusal_of_a_revision_are_reported() {
    for expected in [Expected::NoStream, Expected::Revision(0)] {
        let mut world = written();
        world.append(&[("a", expected, 1)], vec![]);
        world.assert_breaks(Invariant::OneWinner);
    }
    let mut world = written();
    world.append(&[("new", Expected::StreamExists, 1)], vec![]);
    world.assert_breaks(Invariant::OneWinner);
    for (actual, head) in [(Some(2), 6), (Some(3), 3), (Some(0), 6)] {
        let mut world = written();
        let refusal = Refusal::WrongRevision { stream: "a".into(), actual, head };
        world.refuse(&[("a", Expected::Revision(0), 1)], vec![], refusal);
        world.assert_breaks(Invariant::OneWinner);
    }
}

#[test]
fn a_reader_that_sees_another_order_less_or_more_is_reported() {
    for view in 0..4 {
        let mut world = clean();
        world.history.views[view].events.swap(0, 1);
        world.assert_breaks(Invariant::SameOrder);
        let mut world = clean();
        world.history.views[view].events.pop();
        world.assert_breaks(Invariant::SameOrder);
        let mut world = clean();
        let extra = Event { position: 99, ..world.log[0].clone() };
        world.history.views[view].events.push(extra);
        world.assert_breaks(Invariant::SameOrder);
    }
}

#[test]
fn what_was_shown_and_is_not_in_the_log_is_reported() {
    let mut world = written();
    let unanswered = world.log[6].clone();
    world.log.truncate(6);
    world.history.appends.truncate(7);
    world.view(Scope::All, Walk::Forwards, (1, 9), [&world.log[..], &[unanswered]].concat());
    assert!(world.broken().contains(&Invariant::SameOrder), "{:?}", world.broken());
}

#[test]
fn a_second_copy_and_another_answer_to_a_retry_are_reported() {
    let mut world = written();
    let copy = world.log[8].clone();
    world.log.push(copy);
    world.renumber();
    world.assert_breaks(Invariant::OneCopy);

    let answers = [
        Outcome::Ok(Placed { firsts: vec![(2, 3), (0, 6)], deduplicated: true }),
        Outcome::Ok(Placed { firsts: vec![(2, 3), (0, 5)], deduplicated: false }),
        Outcome::Refused(Refusal::WrongRevision { stream: "a".into(), actual: Some(3), head: 6 }),
        Outcome::Refused(Refusal::Invalid("ids are taken".into())),
    ];
    for answer in answers {
        let mut world = written();
        world.try_once(1, answer);
        world.assert_breaks(Invariant::OneCopy);
    }
    let mut world = written();
    let attempt = &mut world.history.appends[0].attempts[0];
    attempt.outcome = Outcome::Ok(Placed { firsts: vec![(0, 1)], deduplicated: true });
    world.assert_breaks(Invariant::OneCopy);
    let mut world = written();
    world.try_once(1, Outcome::Refused(Refusal::NoRoom));
    assert_eq!(world.broken(), [], "a full queue says nothing of what is in");
}

#[test]
fn a_subscriber_that_misses_repeats_or_swaps_is_reported() {
    for view in [4, 5] {
        let mut world = clean();
        world.history.views[view].events.remove(1);
        world.assert_breaks(Invariant::EachOnce);
        let mut world = clean();
        let twice = world.history.views[view].events[0].clone();
        world.history.views[view].events.insert(1, twice);
        world.assert_breaks(Invariant::EachOnce);
        let mut world = clean();
        world.history.views[view].events.swap(0, 1);
        world.assert_breaks(Invariant::EachOnce);
    }
    let mut world = clean();
    world.history.views[4].events.remove(0);
    world.history.views[4].from = 2;
    assert_eq!(world.broken(), [], "who starts later sees less");
}

#[test]
fn a_snapshot_ahead_lost_or_changed_is_reported() {
    let mut world = clean();
    world.save("a", 4);
    world.assert_breaks(Invariant::Snapshots);
    let mut world = clean();
    world.save("b", 0);
    let begun = world.history.appends[1].attempts[0].invoked;
    let save = world.history.saves.last_mut().unwrap();
    (save.invoked, save.returned) = (begun - 2, begun - 1);
    world.assert_breaks(Invariant::Snapshots);
    for found in [None, Some((1, 1)), Some((3, 9)), Some((4, 4))] {
        let mut world = clean();
        world.see_snapshot("a", 3, found);
        world.assert_breaks(Invariant::Snapshots);
    }
    let mut world = clean();
    world.history.snapshots_kept = 1;
    world.see_snapshot("a", 2, None);
    assert_eq!(world.broken(), [], "the oldest one may go");
}

#[test]
fn a_checkpoint_ahead_back_or_lost_is_reported() {
    let mut world = clean();
    world.mark(Some(10), Outcome::Ok(()));
    world.assert_breaks(Invariant::Checkpoints);
    let mut world = clean();
    world.mark(Some(9), Outcome::Ok(()));
    world.append(&[("later", Expected::Any, 1)], vec![]);
    assert_eq!(world.broken(), []);
    world.history.moves.last_mut().unwrap().to = Some(10);
    world.assert_breaks(Invariant::Checkpoints);
    for found in [None, Some(4), Some(6), Some(5)] {
        let mut world = clean();
        world.see_mark(found);
        world.assert_breaks(Invariant::Checkpoints);
    }
    let mut world = clean();
    world.mark(Some(8), Outcome::Unknown);
    world.see_mark(Some(2));
    assert_eq!(world.broken(), [], "nobody knows");
    world.see_mark(Some(8));
    world.see_mark(Some(2));
    world.assert_breaks(Invariant::Checkpoints);
    let mut world = clean();
    let append = world.append(&[("later", Expected::Any, 1)], vec![]);
    world.history.appends[append].advances.push(("c".into(), 5));
    world.see_mark(Some(2));
    world.assert_breaks(Invariant::Checkpoints);
    world.history.checkpoints.last_mut().unwrap().found = Some(5);
    assert_eq!(world.broken(), []);
    let guard = Guard::Checkpoint { name: "c".into(), position: Some(3) };
    world.append(&[("later", Expected::Any, 1)], vec![guard]);
    world.assert_breaks(Invariant::Checkpoints);
}

#[test]
fn half_an_append_and_a_scattered_one_are_reported_whether_acknowledged_or_not() {
    let mut world = written();
    world.log.remove(7);
    world.history.appends.pop();
    world.log.truncate(7);
    world.assert_breaks(Invariant::Whole);
    let mut world = written();
    world.log.swap(0, 1);
    world.renumber();
    world.assert_breaks(Invariant::Whole);
    let mut world = written();
    let last = world.log.pop().unwrap();
    world.log.insert(7, Event { recorded_at: world.log[7].recorded_at, ..last });
    world.renumber();
    assert!(world.broken().contains(&Invariant::Whole), "{:?}", world.broken());
}

#[test]
fn a_head_in_the_middle_of_an_append_is_reported() {
    let mut world = clean();
    let view = world.view(Scope::Stream("a".into()), Walk::Forwards, (0, 3), vec![]);
    world.history.views[view].events = [0, 1, 2].map(|at| world.log[at].clone()).into();
    world.assert_breaks(Invariant::Whole);
    let mut world = clean();
    let gone = world.history.ends[0];
    let view = world.view(Scope::All, Walk::Forwards, (1, 8), world.log[..7].to_vec());
    (world.history.views[view].invoked, world.history.views[view].returned) = (gone - 1, gone - 1);
    world.assert_breaks(Invariant::Whole);
}

#[test]
fn what_was_refused_or_never_asked_for_is_reported() {
    for refused in [3, 4] {
        let mut world = written();
        world.take(refused);
        assert!(world.broken().contains(&Invariant::StaysOut), "append {refused}: {:?}", world.broken());
    }
    let mut world = written();
    let full = world.refuse(&[("d", Expected::Any, 1)], vec![], Refusal::NoRoom);
    assert_eq!(world.broken(), []);
    world.take(full);
    world.assert_breaks(Invariant::StaysOut);
    let mut world = written();
    let event = Event { position: 10, revision: 0, stream: "stranger".into(), id: 99, ..world.log[8].clone() };
    world.log.push(event);
    world.assert_breaks(Invariant::StaysOut);
}

#[test]
fn a_try_that_nobody_answered_may_be_in_although_another_found_no_room() {
    let mut world = written();
    let append = world.ask(&[("d", Expected::Any, 1)], vec![]);
    let invoked = world.tick();
    let _never_answered = world.history.invoke(append, invoked);
    world.try_once(append, Outcome::Refused(Refusal::NoRoom));
    world.take(append);
    assert_eq!(world.broken(), []);
    let (gone, guard) = (world.tick(), Refusal::Invalid("no".into()));
    world.history.ended(gone);
    world.try_once(append, Outcome::Refused(guard));
    world.assert_breaks(Invariant::StaysOut);
}

#[test]
fn a_guard_that_did_not_hold_and_one_that_did_are_reported() {
    let none = |tag: &str, after| Guard::NoneMatch { query: tagged(tag), after };
    let some = |tag: &str, after| Guard::SomeMatch { query: tagged(tag), after };
    let stream = |expected| Guard::Stream { stream: "a".into(), expected };
    for (guard, holds) in [
        (none("in:claimed", 5), false),
        (none("in:claimed", 6), true),
        (some("in:claimed", 5), true),
        (some("in:claimed", 6), false),
        (stream(Expected::Revision(3)), true),
        (stream(Expected::NoStream), false),
    ] {
        let mut world = written();
        world.append(&[("new", Expected::Any, 1)], vec![guard.clone()]);
        assert_eq!(world.broken().is_empty(), holds, "{guard:?}");
        assert!(holds || world.broken() == [Invariant::GuardsSound], "{guard:?}: {:?}", world.broken());
    }
    for (guard, actual, is_true) in [
        (none("in:claimed", 6), Actual::Event(6), false),
        (none("in:b", 0), Actual::Event(5), false),
        (none("in:b", 0), Actual::Event(8), true),
        (some("in:claimed", 5), Actual::NoEvent, false),
        (some("in:claimed", 6), Actual::NoEvent, true),
        (stream(Expected::Revision(0)), Actual::Stream(Some(2)), false),
        (stream(Expected::Revision(0)), Actual::Stream(Some(3)), true),
        (none("in:claimed", 0), Actual::NoEvent, false),
    ] {
        let mut world = written();
        let refusal = Refusal::Guard { index: 0, actual, head: 9 };
        world.refuse(&[("new", Expected::Any, 1)], vec![guard.clone()], refusal);
        let broken = world.broken();
        assert_eq!(broken, if is_true { vec![] } else { vec![Invariant::GuardsSound] }, "{guard:?}, {actual:?}");
    }
}

#[test]
fn an_order_that_disagrees_with_time_is_reported() {
    let mut world = written();
    world.log[8].recorded_at = 1;
    world.assert_breaks(Invariant::TimeOrder);
    let mut world = written();
    let attempt = &mut world.history.appends[7].attempts[0];
    (attempt.invoked, attempt.returned) = (1, 2);
    world.history.appends[0].attempts[0].invoked = 3;
    world.assert_breaks(Invariant::TimeOrder);
    let mut world = clean();
    world.view(Scope::All, Walk::Forwards, (1, 9), world.log[..8].to_vec());
    world.assert_breaks(Invariant::TimeOrder);
    let mut world = clean();
    let early = &mut world.history.views[0];
    (early.invoked, early.returned) = (1, 2);
    world.assert_breaks(Invariant::TimeOrder);
}

#[test]
fn an_unanswered_append_that_comes_after_its_server_was_gone_is_reported() {
    let mut world = written();
    world.take(6);
    world.assert_breaks(Invariant::TimeOrder);
}

#[test]
fn bytes_that_differ_are_reported_wherever_they_are_shown() {
    let mut world = written();
    world.log[6].digest = 8;
    world.assert_breaks(Invariant::Intact);
    for view in 0..6 {
        let mut world = clean();
        world.history.views[view].events[0].digest = 8;
        world.assert_breaks(Invariant::Intact);
    }
}
