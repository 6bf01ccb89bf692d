//! `proof mutate`: one place of a data directory is damaged, and every answer is compared with the good one.
//!
//! ```text
//!   load --> a good directory, stopped or killed --> its answers
//!               |                                       |
//!               copy, one mutation, verify, start --> answers --> verdict
//! ```
//!
//! A server may refuse to start, having changed nothing; it may say that data is lost; it may answer as the good
//! one. Views are mended without any difference. Anything else is a violation.

mod asking;
mod directory;
mod load;
mod mutation;
mod tally;
mod verdict;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use asking::{Answers, ask};
use directory::Files;
use mutation::Mutation;
use tally::Tally;
use verdict::{Observed, Verdict, judge};

use crate::campaigns::Settings;
use crate::chance::Chance;
use crate::server::{Program, Refused, Server, within};

/// Small segments, so that a small load fills several.
const FLAGS: [&str; 4] = ["--segment-events", "60", "--heartbeat-seconds", "1"];

/// The most memory that a server may take over such a small directory.
const MEMORY_BYTES_MAX: u64 = 512 << 20;

/// A directory as it should be, and what it answers.
struct Good {
    files: Files,
    answers: Answers,
    /// Whether its server was stopped, and not killed.
    is_stopped: bool,
}

/// Why the campaign could not go on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the disk failed")]
    Disk(#[from] io::Error),
    #[error("{0}")]
    Unusable(String),
    #[error("the load failed")]
    Load(#[from] quipu_client::Error),
}

/// Runs the campaign, or repeats only one mutation, by the number that a violation was told with.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells what it does")]
pub(crate) fn run(mut settings: Settings, only: Option<u64>) -> ExitCode {
    println!("mutate: {} mutations, seed {}", settings.rounds, settings.seed);
    settings.program.flags.extend(FLAGS.map(str::to_owned));
    match campaign(&settings, only) {
        Ok(tally) => {
            print!("{tally}");
            if tally.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the campaign could not be run: {error}");
            if let Some(source) = std::error::Error::source(&error) {
                eprintln!("  {source}");
            }
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "a violation is told when it is found")]
fn campaign(settings: &Settings, only: Option<u64>) -> Result<Tally, Error> {
    let Settings { rounds, seed, program, .. } = settings;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let scratch = tempfile::tempdir()?;
    let goods = [true, false].map(|is_stopped| make(&runtime, program, scratch.path(), *seed, is_stopped));
    let goods: Vec<Good> = goods.into_iter().collect::<Result<_, _>>()?;
    let mut tally = Tally::default();
    for number in only.map_or(0..*rounds, |only| only..only + 1) {
        let mut chance = Chance::of(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let good = &goods[chance.below(2) as usize];
        let mutation = Mutation::draw(&mut chance, &good.files);
        let directory = scratch.path().join("damaged");
        let observed = observe(&runtime, program, &directory, good, &mutation)?;
        let verdict = judge(good, &mutation, &observed);
        if let Verdict::Violation(what) = &verdict {
            let kept = keep(&directory, *seed, number)?;
            let how = if good.is_stopped { "stopped" } else { "killed" };
            println!(
                "VIOLATION {number} (--seed {seed} --only {number}), {how}: {mutation}\n  {what}\n  kept in {kept}"
            );
            for line in observed.log.iter().rev().take(5).rev() {
                println!("  | {line}");
            }
        }
        tally.count(mutation.kind, &verdict);
        directory::remove(&directory)?;
    }
    Ok(tally)
}

/// A directory filled by a load, with its answers: asked twice, so that what changes by itself is seen.
fn make(
    runtime: &tokio::runtime::Runtime,
    program: &Program,
    scratch: &Path,
    seed: u64,
    is_stopped: bool,
) -> Result<Good, Error> {
    let directory = scratch.join(if is_stopped { "stopped" } else { "killed" });
    let server = started(program, &directory)?;
    runtime.block_on(load::fill(&server, seed))?;
    if is_stopped {
        server.stop();
    } else {
        server.kill();
    }
    let files = directory::read(&directory)?;
    let mut answers = Vec::new();
    for _ in 0..2 {
        directory::replace(&directory, &files)?;
        let server = started(program, &directory)?;
        answers.push(runtime.block_on(ask(&server.endpoint)));
        server.kill();
    }
    let (first, second) = (answers.remove(0), answers.remove(0));
    if let Some(question) = first.differs_from(&second) {
        return Err(Error::Unusable(format!("good directories answer {question} in two ways")));
    }
    if let Some(question) = first.failed() {
        return Err(Error::Unusable(format!("a good directory fails to answer {question}")));
    }
    Ok(Good { files, answers: first, is_stopped })
}

fn started(program: &Program, directory: &Path) -> Result<Server, Error> {
    let refused = |refused: Refused| Error::Unusable(format!("the server does not start: {}", refused.log.join("\n")));
    program.start(directory, &[], &[]).map_err(refused)
}

/// What a server makes of a damaged copy.
fn observe(
    runtime: &tokio::runtime::Runtime,
    program: &Program,
    directory: &Path,
    good: &Good,
    mutation: &Mutation,
) -> Result<Observed, Error> {
    let mut files = good.files.clone();
    mutation.apply(&mut files);
    directory::replace(directory, &files)?;
    let verified = program.verify(directory);
    let mut observed = Observed {
        is_verified: verified.is_ok(),
        verification: verified.err().unwrap_or_default(),
        log: Vec::new(),
        answers: None,
        memory_bytes: 0,
        hangs: false,
        before: files,
        after: Files::new(),
    };
    match program.start(directory, &[], &[]) {
        Err(Refused { log, hung }) => (observed.log, observed.hangs) = (log, hung),
        Ok(server) => {
            let answers = runtime.block_on(within("all answers", ask(&server.endpoint)));
            observed.hangs = answers.is_err();
            observed.answers = answers.ok();
            observed.memory_bytes = server.memory_peak();
            observed.log = server.kill();
        }
    }
    observed.after = directory::read(directory)?;
    Ok(observed)
}

/// Keeps the directory of a violation, as the server left it.
fn keep(directory: &Path, seed: u64, number: u64) -> Result<String, Error> {
    let kept = std::env::temp_dir().join(format!("quipu-mutation-{seed}-{number}"));
    directory::replace(&kept, &directory::read(directory)?)?;
    Ok(kept.display().to_string())
}
