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
mod chance;
mod directory;
mod load;
mod mutation;
mod server;
mod tally;
mod verdict;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use asking::{Answers, ask};
use chance::Chance;
use directory::Files;
use mutation::Mutation;
use server::{Server, Start};
use tally::Tally;
use verdict::{Observed, Verdict, judge};

/// How long a server may take to start or to answer everything.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most memory that a server may take over such a small directory.
const MEMORY_BYTES_MAX: u64 = 512 << 20;

/// Damage one place of a data directory, and compare every answer with the good one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many mutations.
    #[arg(long, default_value_t = 100)]
    mutations: u64,
    /// What all choices follow from; drawn, and printed, when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Repeats one mutation, by the number that a violation was told with.
    #[arg(long)]
    only: Option<u64>,
    /// The program under test.
    #[arg(long, env = "QUIPU_BINARY", default_value = "target/release/quipu")]
    binary: PathBuf,
}

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

/// Runs the campaign.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a campaign tells what it does")]
pub(crate) fn run(args: &Args) -> ExitCode {
    let seed = args.seed.unwrap_or_else(Chance::seed);
    println!("seed {seed}");
    match campaign(args, seed) {
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
fn campaign(args: &Args, seed: u64) -> Result<Tally, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let scratch = tempfile::tempdir()?;
    let goods = [true, false].map(|is_stopped| make(&runtime, args, scratch.path(), seed, is_stopped));
    let goods: Vec<Good> = goods.into_iter().collect::<Result<_, _>>()?;
    let mut tally = Tally::default();
    let numbers = args.only.map_or(0..args.mutations, |only| only..only + 1);
    for number in numbers {
        let mut chance = Chance::of(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let good = &goods[chance.below(2) as usize];
        let mutation = Mutation::draw(&mut chance, &good.files);
        let directory = scratch.path().join("damaged");
        let observed = observe(&runtime, args, &directory, good, &mutation)?;
        let verdict = judge(good, &mutation, &observed);
        if let Verdict::Violation(what) = &verdict {
            let kept = keep(&directory, seed, number)?;
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
    args: &Args,
    scratch: &Path,
    seed: u64,
    is_stopped: bool,
) -> Result<Good, Error> {
    let directory = scratch.join(if is_stopped { "stopped" } else { "killed" });
    let mut server = started(&args.binary, &directory)?;
    runtime.block_on(load::fill(&server, seed))?;
    if is_stopped { server.stop() } else { server.kill() }?;
    let files = directory::read(&directory)?;
    let mut answers = Vec::new();
    for _ in 0..2 {
        directory::replace(&directory, &files)?;
        let mut server = started(&args.binary, &directory)?;
        answers.push(runtime.block_on(ask(&server.endpoint())));
        server.kill()?;
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

fn started(binary: &Path, directory: &Path) -> Result<Server, Error> {
    match Server::start(binary, directory, PATIENCE)? {
        Start::Listens(server) => Ok(server),
        Start::Refused(log) => Err(Error::Unusable(format!("the server does not start: {}", log.join("\n")))),
        Start::Hangs => Err(Error::Unusable("the server does not start".to_owned())),
    }
}

/// What a server makes of a damaged copy.
fn observe(
    runtime: &tokio::runtime::Runtime,
    args: &Args,
    directory: &Path,
    good: &Good,
    mutation: &Mutation,
) -> Result<Observed, Error> {
    let mut files = good.files.clone();
    mutation.apply(&mut files);
    directory::replace(directory, &files)?;
    let (is_verified, verification) = server::verify(&args.binary, directory)?;
    let mut observed = Observed {
        is_verified,
        verification,
        log: Vec::new(),
        answers: None,
        memory_bytes: 0,
        hangs: false,
        before: files,
        after: Files::new(),
    };
    match Server::start(&args.binary, directory, PATIENCE)? {
        Start::Refused(log) => observed.log = log,
        Start::Hangs => observed.hangs = true,
        Start::Listens(mut server) => {
            let answers = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(&server.endpoint())).await });
            observed.hangs = answers.is_err();
            observed.answers = answers.ok();
            observed.memory_bytes = server.memory_bytes()?;
            server.kill()?;
            observed.log = server.log();
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
