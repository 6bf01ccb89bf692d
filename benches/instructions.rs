//! How many instructions the hot paths take, counted by valgrind's callgrind: figures that do not depend on how
//! busy a machine is.
//!
//! Run by `cargo bench`, this program has valgrind run it once more for each case, and prints a table. Run with the
//! number of a case, it makes ready and does the work in [`counted`], which is all that callgrind looks at. There are
//! no threads, and ids, times and salts are fixed; only the seeds of hash maps differ from run to run.

mod samples;

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;

use quipu::log::Block;
use quipu::model::{ExpectedRevision, Guard, Limits, Match, Position, Query, Revision, Walk};
use quipu::store::Transaction;
use samples::{EVENTS_ALIKE, PAGE, Solo, append, lay_out, proposals, propose, request, stream, tag, tagged};

/// How often a case does its work: so often that the seeds of hash maps make little difference.
const TIMES: u64 = 200;

/// A filled store has fewer events than elsewhere: under callgrind everything takes fifty times as long.
const FILLED: u64 = 10_000;
const STREAMS: u64 = FILLED / EVENTS_ALIKE;

/// Callgrind counts while a function is running whose name is like this.
const COUNTED: &str = "*instructions*counted*";

/// What is done [`TIMES`] times.
type Work = Box<dyn FnMut()>;

/// What is counted, and what makes ready for it.
type Case = (&'static str, fn() -> Work);

const CASES: [Case; 11] = [
    ("request of 1 event to proposed event", || propose_all(1)),
    ("request of 100 events to proposed events", || propose_all(100)),
    ("100 proposed events to block", lay_out_100),
    ("block of 100 events, checked", check_100),
    ("append of 1 event", || append_to_empty(1)),
    ("append of 100 events", || append_to_empty(100)),
    ("append of 1 event, exact revision", || append_to_filled(by_revision)),
    ("append of 1 event, no event has the tag", || append_to_filled(by_absent_tag)),
    ("read of a stream of 10 events", read_stream),
    ("read of a tag of 10 events", read_tag),
    ("read of a page of the log", read_page),
];

#[allow(clippy::print_stdout, reason = "a table is what it is run for")]
fn main() -> Result<(), Box<dyn Error>> {
    if let Some(case) = env::args().nth(1).and_then(|argument| argument.parse::<usize>().ok()) {
        let (_, make_ready) = CASES.get(case).ok_or("no such case")?;
        counted(&mut *make_ready());
        return Ok(());
    }
    println!("instructions  each");
    for (case, (name, _)) in CASES.iter().enumerate() {
        println!("{:>12}  {name}", count(case)? / TIMES);
    }
    Ok(())
}

/// A function of its own, and the only one of this name: callgrind looks for it.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    for _ in 0..TIMES {
        work();
    }
}

/// The instructions of a case, all its times together.
fn count(case: usize) -> Result<u64, Box<dyn Error>> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(format!("--toggle-collect={COUNTED}"));
    let ran = valgrind.arg(env::current_exe()?).arg(case.to_string()).output();
    let ran = ran.map_err(|error| format!("valgrind can not be run: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected.filter(|count| ran.status.success() && *count > 0) {
        Some(count) => Ok(count),
        None => Err(format!("valgrind has not counted:\n{said}").into()),
    }
}

/// Work on one input after the other, all of which are there before.
fn with_each<I: 'static>(input: impl FnMut(u64) -> I, mut work: impl FnMut(I) + 'static) -> Work {
    let mut inputs = (0..TIMES).map(input).collect::<Vec<_>>().into_iter();
    Box::new(move || work(inputs.next().expect("an input for each time")))
}

fn propose_all(events: u64) -> Work {
    let limits = Limits::default();
    with_each(
        move |_| request(events),
        move |request| {
            black_box(propose(request, &limits));
        },
    )
}

fn lay_out_100() -> Work {
    let proposed = proposals(0, 100);
    Box::new(move || {
        black_box(lay_out(&proposed, "order-000000"));
    })
}

fn check_100() -> Work {
    let block = lay_out(&proposals(0, 100), "order-000000");
    Box::new(move || {
        black_box(Block::parse(block.header, block.bytes().clone()).expect("a sound block"));
    })
}

fn append_to_empty(events: u64) -> Work {
    let solo = Solo::empty();
    let next = move |time| append(stream(time), proposals(time * events, events));
    with_each(next, move |append| {
        black_box(solo.answer(solo.store.append(append)).expect("an append"));
    })
}

fn append_to_filled(next: fn(u64) -> Transaction) -> Work {
    let solo = Solo::filled(FILLED);
    with_each(next, move |transaction| {
        black_box(solo.answer(solo.store.transact(transaction)).expect("a guard that holds"));
    })
}

fn by_revision(time: u64) -> Transaction {
    let expected = ExpectedRevision::Exactly(Revision(EVENTS_ALIKE - 1));
    let mut append = append(stream(time), proposals(FILLED + time, 1));
    append.expected = expected;
    append.into()
}

fn by_absent_tag(time: u64) -> Transaction {
    let query = Arc::new(tagged(tag(FILLED + time)));
    let guards = vec![Guard::NoneMatch(Match { query, after: Position::ZERO })];
    Transaction { guards, ..append(stream(time), proposals(FILLED + time, 1)).into() }
}

fn read_stream() -> Work {
    let solo = Solo::filled(FILLED);
    with_each(stream, move |stream| assert_eq!(samples::read_stream(&solo.store, &stream), EVENTS_ALIKE))
}

fn read_tag() -> Work {
    let solo = Solo::filled(FILLED);
    with_each(|time| tagged(tag(time % STREAMS)), move |query| assert_eq!(read(&solo, &query, 1), EVENTS_ALIKE))
}

fn read_page() -> Work {
    let solo = Solo::filled(FILLED);
    with_each(|time| 1 + time, move |from| assert!(read(&solo, &Query::all(), from) > 1000))
}

/// Reads the first page of what matches from a position on; returns how many events it has.
fn read(solo: &Solo, query: &Query, from: u64) -> u64 {
    let range = Position(from)..=solo.store.head();
    solo.store.reader().select(query, range, Walk::Forwards, PAGE).expect("a read").events.len() as u64
}
