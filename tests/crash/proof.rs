//! That the checker can fail: each fault is put into a good log, and must be the one that is found.

use quipu_client::{Appended, Expected};

use crate::checker::{Fault, check, same_answer, same_order};
use crate::events::Found;
use crate::witness::{Outcome, Tried};

/// Three appends of three events: acknowledged, unanswered, acknowledged; and one that was refused.
fn told() -> Vec<Tried> {
    let place = |first_revision, first_position| Outcome::In { first_revision, first_position };
    let told = [
        ("a", Expected::NoStream, place(0, 1)),
        ("b", Expected::Any, Outcome::Unknown),
        ("a", Expected::Revision(2), place(3, 7)),
        ("a", Expected::Revision(9), Outcome::Out),
    ];
    let tried = |(number, (stream, expected, outcome)): (u64, (&str, _, _))| {
        let parts = number..number + 1;
        Tried { stream: stream.into(), expected, size: 3, parts, guarded: false, outcome }
    };
    (0..).zip(told).map(tried).collect()
}

/// The log that fits.
fn good() -> Vec<Found> {
    let event = |position: u64, stream: &str, revision, append, index| Found {
        position,
        revision,
        stream: stream.into(),
        append,
        index,
        size: 3,
        intact: true,
    };
    let appends = [("a", 0, 0), ("b", 0, 1), ("a", 3, 2)];
    let events = appends.iter().flat_map(|&(stream, first, append)| (0..3).map(move |n| (stream, first, append, n)));
    events.zip(1..).map(|((stream, first, append, n), at)| event(at, stream, first + n, append, n)).collect()
}

/// Gives events the places that a store would give them, and takes over what they are.
fn renumbered(mut log: Vec<Found>) -> Vec<Found> {
    let mut next = std::collections::HashMap::new();
    for (event, position) in log.iter_mut().zip(1..) {
        let revision: &mut u64 = next.entry(event.stream.clone()).or_default();
        (event.position, event.revision) = (position, *revision);
        *revision += 1;
    }
    log
}

#[test]
fn a_log_as_it_was_told_has_no_fault_with_the_unanswered_append_or_without() {
    assert_eq!(check(&told(), &good()), []);
    let mut told = told();
    told[2].outcome = Outcome::In { first_revision: 3, first_position: 4 };
    let without = renumbered(good().into_iter().filter(|event| event.append != 1).collect());
    assert_eq!(check(&told, &without), []);
}

#[test]
fn a_lost_event_is_reported() {
    let log = renumbered(good().into_iter().filter(|event| event.append != 2).collect());
    assert_eq!(check(&told(), &log), [Fault::Lost { append: 2 }]);
}

#[test]
fn half_an_append_is_reported_whether_it_was_acknowledged_or_not() {
    let log = renumbered(good()[..8].to_vec());
    assert_eq!(check(&told(), &log), [Fault::Half { append: 2, found: 2, size: 3 }]);
    let mut log = good();
    log.remove(5);
    let faults = check(&told(), &renumbered(log));
    assert!(faults.contains(&Fault::Half { append: 1, found: 2, size: 3 }), "{faults:?}");
}

#[test]
fn a_gap_is_reported_in_positions_and_in_revisions() {
    let mut log = good();
    log.iter_mut().skip(3).take(3).for_each(|event| event.position += 1);
    assert!(check(&told(), &log).contains(&Fault::Gap { expected: 4, found: 5 }));
    let mut log = good();
    log.iter_mut().skip(3).take(3).for_each(|event| event.revision += 1);
    assert_eq!(check(&told(), &log), [Fault::RevisionGap { stream: "b".into(), expected: 0, found: 1 }]);
}

#[test]
fn a_reordered_event_is_reported_inside_an_append_and_between_appends() {
    let mut log = good();
    log.swap(3, 4);
    assert_eq!(check(&told(), &renumbered(log)), [Fault::Scattered { append: 1 }]);
    let mut log = good();
    log.rotate_left(3);
    let faults = check(&told(), &renumbered(log));
    assert!(faults.contains(&Fault::Moved { append: 0, told: (0, 1), found: (3, 7) }), "{faults:?}");
}

#[test]
fn a_duplicate_is_reported() {
    let mut log = good();
    log.push(log[8].clone());
    assert_eq!(check(&told(), &renumbered(log)), [Fault::Duplicate { append: 2, index: 2 }]);
}

#[test]
fn what_was_refused_changed_or_never_sent_is_reported() {
    let mut log = good();
    let refused = (0..3).map(|index| Found { append: 3, index, ..log[8].clone() }).collect::<Vec<_>>();
    log.extend(refused);
    assert_eq!(check(&told(), &renumbered(log)), [Fault::RefusedButThere { append: 3 }]);
    let mut log = good();
    log[1].intact = false;
    assert_eq!(check(&told(), &log), [Fault::Changed { append: 0, position: 2 }]);
    let mut log = good();
    log.push(Found { append: u64::MAX, ..log[8].clone() });
    assert_eq!(check(&told(), &renumbered(log)), [Fault::Stranger { position: 10 }]);
}

#[test]
fn an_append_that_went_in_against_its_expectation_is_reported() {
    let mut told = told();
    told[1].expected = Expected::Revision(4);
    assert_eq!(check(&told, &good()), [Fault::Unguarded { append: 1 }]);
}

#[test]
fn a_transaction_of_which_a_part_is_missing_or_elsewhere_is_reported() {
    let mut told = told();
    told[1].parts = 1..3;
    told[2].parts = 1..3;
    assert_eq!(check(&told, &good()), []);
    told[2].outcome = Outcome::Unknown;
    let log = renumbered(good().into_iter().filter(|event| event.append != 2).collect());
    assert_eq!(check(&told, &log), [Fault::Torn { append: 2 }]);
    let mut log = good();
    log[..6].rotate_left(3);
    told[0].outcome = Outcome::Unknown;
    assert_eq!(check(&told, &renumbered(log)), [Fault::Torn { append: 2 }]);
}

#[test]
fn a_retry_that_gets_another_answer_is_reported() {
    let told = &told()[2];
    let first =
        Appended { first_revision: 3, last_revision: 5, first_position: 7, last_position: 9, deduplicated: true };
    assert_eq!(same_answer(2, told, Some(&first)), None);
    let others = [
        Appended { deduplicated: false, ..first },
        Appended { first_position: 8, last_position: 10, ..first },
        Appended { first_revision: 4, last_revision: 6, ..first },
        Appended { last_revision: 4, last_position: 8, ..first },
    ];
    for other in others {
        assert!(
            matches!(same_answer(2, told, Some(&other)), Some(Fault::AnotherAnswer { append: 2, .. })),
            "{other:?}"
        );
    }
    assert_eq!(same_answer(2, told, None), Some(Fault::AnotherAnswer { append: 2, again: None }));
}

#[test]
fn a_reader_that_sees_another_order_less_or_more_is_reported() {
    let log = good();
    let all: Vec<&Found> = log.iter().collect();
    let disagreement = |position| Some(Fault::Disagreement { reader: "r".into(), position });
    assert_eq!(same_order("r", &log, &all), None);
    assert_eq!(same_order("r", &log[..8], &all), disagreement(9));
    assert_eq!(same_order("r", &log, &all[..8]), disagreement(9));
    let mut swapped = log.clone();
    swapped.swap(2, 3);
    assert_eq!(same_order("r", &swapped, &all), disagreement(3));
}
