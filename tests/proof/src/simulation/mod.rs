//! `proof simulate`: the whole store on a simulated machine, in one thread, from one seed.
//!
//! A seed draws the machine's faults, the settings of the store, its clients and what they ask for, and in which
//! order everybody gets on. The same seed does the same again, to every change of the disk: a violation is
//! repeated by its number.

#[cfg(feature = "seeded-bugs")]
pub(crate) mod bugs;
mod client;
mod events;
mod notebook;
mod shelf;
mod turning;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;

use self::world::{Figures, Told, live};

/// How many violations are printed.
const PRINTED_MAX: usize = 20;

/// What was typed for `proof simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many threads; each has whole seeds
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Lives every seed twice, and compares every change of the disk
    #[arg(long)]
    twice: bool,
}

/// Lives the seeds.
#[allow(clippy::print_stdout, reason = "a campaign tells what it saw")]
pub(crate) fn run(args: &SimulateArgs) -> ExitCode {
    // A thread that panics says so by its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let (begun, next) = (Instant::now(), AtomicU64::new(args.first));
    let total = Mutex::new((Figures::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..args.threads {
            let work = || {
                let mut seeds = (Figures::default(), Vec::new());
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.first + args.seeds {
                        break;
                    }
                    let told = lived(seed, args.twice);
                    seeds.0 += told.figures;
                    seeds.1.extend(told.violations.into_iter().map(|what| format!("seed {seed}: {what}")));
                }
                let mut total = total.lock().expect("no panic under this lock");
                total.0 += seeds.0;
                total.1.extend(seeds.1);
            };
            scope.spawn(move || with_timers(work));
        }
    });
    let (figures, violations) = total.into_inner().expect("no panic under this lock");
    let seconds = begun.elapsed().as_secs_f64();
    println!("simulation: seeds {}..{}", args.first, args.first + args.seeds);
    println!("{figures:?}");
    violations.iter().take(PRINTED_MAX).for_each(|violation| println!("VIOLATION {violation}"));
    let pace = args.seeds as f64 / seconds;
    println!("seeds {}, violations {}, {seconds:.1} s, {pace:.0} seeds/s", args.seeds, violations.len());
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does something where timers can be made: none of them ever goes off.
fn with_timers<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _timers = runtime.enter();
    work()
}

fn lived(seed: u64, twice: bool) -> Told {
    let once = || match catch_unwind(AssertUnwindSafe(|| live(seed))) {
        Ok(told) => told,
        Err(cause) => {
            let text = cause.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("?");
            Told { violations: vec![format!("panicked: {text}")], ..Told::default() }
        }
    };
    let mut told = once();
    if twice && once() != told {
        told.violations.push("the same seed did something else".into());
    }
    told
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.starts += other.starts;
        self.kills += other.kills;
        self.power_cuts += other.power_cuts;
        self.faults += other.faults;
        self.rotten += other.rotten;
        self.refused += other.refused;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.events += other.events;
    }
}
