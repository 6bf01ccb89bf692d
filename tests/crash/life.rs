//! One data directory from its first start to its last check.

use std::path::Path;
use std::sync::Arc;

use quipu::disk::real::RealDisk;
use quipu::model::TenantId;
use quipu::store::home::Home;
use quipu_client::{Client, RetryPolicy};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::checker::{Fault, check, same_order};
use crate::events::Found;
use crate::follower::{catch_up, follow};
use crate::reading::Reader;
use crate::server::{TestServer, within};
use crate::starts;
use crate::tally::Tally;
use crate::witness::{Answer, Outcome, Witness};
use crate::writers::{Writer, send};

/// Kept of each stream; checked are half as many, for each may have an unanswered one beside it.
const SNAPSHOTS_KEPT: &str = "10";
const SNAPSHOTS_CHECKED: usize = 5;

/// As many as a life can bring, so that every retry is recognised.
const EVENT_IDS: &str = "2000000";

/// A data directory, what is in it, and what clients were told.
#[derive(Debug)]
pub(crate) struct Life<'a> {
    pub(crate) tally: &'a mut Tally,
    seed: u64,
    /// How many retries each start is met with.
    retries: u64,
    chance: Chance,
    runtime: Runtime,
    home: Kept,
    witness: Arc<Witness>,
    /// The log as the last start showed it.
    log: Vec<Found>,
    /// What a subscriber was shown since.
    shown: Vec<Found>,
}

/// A directory that stays when the test fails.
#[derive(Debug)]
struct Kept {
    directory: Option<TempDir>,
    run: u64,
}

impl Drop for Kept {
    #[allow(clippy::print_stderr, reason = "whoever looks into a failure needs both")]
    fn drop(&mut self) {
        if let (true, Some(directory)) = (std::thread::panicking(), self.directory.take()) {
            eprintln!("seed {}, the data directory is kept in {}", self.run, directory.keep().display());
        }
    }
}

impl<'a> Life<'a> {
    /// An empty directory.
    pub(crate) fn begin(run: u64, seed: u64, retries: u64, tally: &'a mut Tally) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        Self {
            tally,
            seed,
            retries,
            chance: Chance::of(seed),
            runtime: threads.worker_threads(2).enable_all().build().expect("a runtime"),
            home: Kept { directory: Some(directory), run },
            witness: Arc::default(),
            log: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Starts, checks what the last kill left, and works until the next.
    pub(crate) fn round(&mut self) {
        let server = self.start();
        let runtime = self.runtime.handle().clone();
        runtime.block_on(async {
            let unanswered = self.check(&server).await;
            self.ask_again(&server, &unanswered).await;
            self.retry(&server).await;
            self.work_and_kill(server).await;
        });
        self.tally.rounds += 1;
    }

    /// Starts once more and checks everything from the beginning.
    pub(crate) fn end(mut self) {
        let mut server = self.start();
        let runtime = self.runtime.handle().clone();
        runtime.block_on(async {
            self.check(&server).await;
            let reader = self.reader(&server).await;
            let log = reader.log_after(0).await;
            let mut faults = check(&self.witness.appends(), &log);
            faults.extend(same_order("from the start", &log, &self.log.iter().collect::<Vec<_>>()));
            faults.extend(reader.backwards(&log).await);
            faults.extend(reader.streams(&log).await);
            let followed = within("all events", catch_up(reader.client.clone(), self.seed)).await;
            faults.extend(same_order("a new subscriber", &followed, &log.iter().collect::<Vec<_>>()));
            self.judge(&faults);
        });
        server.kill();
        self.tally.kills += 1;
        let home = Home::take(Arc::new(RealDisk), &self.home().join("data")).expect("nobody serves it");
        let disk = home.disk_of(&TenantId::default()).expect("its log can be opened");
        let log = home.tenant(&TenantId::default()).join("log");
        let findings = quipu::log::verify::verify(&*disk, &log, &mut |_, _| {}).expect("the disk is well");
        assert!(findings.damage.is_empty(), "{findings:?}");
        assert_eq!(findings.events, self.log.len() as u64);
        self.count();
    }

    fn count(&mut self) {
        let answers = *self.witness.answers.borrow();
        self.tally.acknowledged += answers.acknowledged;
        self.tally.acknowledged_events += answers.events;
        self.tally.refused += answers.refused;
        self.tally.retries.plain += answers.retries.plain;
        self.tally.retries.guarded += answers.retries.guarded;
        self.tally.retries.transactions += answers.retries.transactions;
        self.tally.snapshots += self.witness.newest_snapshots(usize::MAX).len() as u64;
    }

    fn home(&self) -> &Path {
        self.home.directory.as_ref().expect("kept until the end").path()
    }

    /// Starts a server, some rounds after a few that were killed before they were ready.
    fn start(&mut self) -> TestServer {
        let data = self.home().join("data");
        let mut flags = vec!["--snapshots-per-stream", SNAPSHOTS_KEPT, "--recent-event-ids", EVENT_IDS];
        if !self.chance.once_in(3) {
            flags.extend(["--segment-bytes", "65536"]);
        }
        if self.chance.once_in(3) {
            for _ in 0..=self.chance.below(3) {
                // A start makes some forty calls in an empty directory and some hundreds later.
                let magnitude = 16 << self.chance.below(6);
                starts::cut_short(&data, &flags, self.chance.below(magnitude));
                self.tally.kills += 1;
                self.tally.kills_while_starting += 1;
            }
        }
        TestServer::start_in(&data, &flags)
    }

    async fn client(&self, server: &TestServer) -> Client {
        let builder = Client::builder(server.endpoint()).retry(RetryPolicy::none());
        builder.connect().await.expect("the server listens")
    }

    async fn reader(&self, server: &TestServer) -> Reader {
        Reader { client: self.client(server).await, seed: self.seed }
    }

    /// Compares what a start shows with what was told; returns the appends that were unanswered.
    async fn check(&mut self, server: &TestServer) -> Vec<u64> {
        let reader = self.reader(server).await;
        let (known, head) = (self.log.len(), reader.head().await);
        assert!(head >= known as u64, "the log ended at {known} and ends at {head} now");
        self.log.extend(reader.log_after(known as u64).await);
        let mut faults = check(&self.witness.appends(), &self.log);
        let new = &self.log[known..];
        let shown = std::mem::take(&mut self.shown);
        let beside: Vec<&Found> = new.iter().take(shown.len()).collect();
        faults.extend(same_order("a subscriber before the kill", &shown, &beside));
        faults.extend(reader.backwards(new).await);
        faults.extend(reader.streams(new).await);
        faults.extend(self.witness.other_answers());
        faults.extend(reader.snapshots(self.witness.newest_snapshots(SNAPSHOTS_CHECKED)).await);
        self.judge(&faults);
        self.tally.shown += shown.len() as u64;
        let unanswered = self.witness.settle(&self.log);
        let appends = self.witness.appends();
        let is_in = |append: &&u64| {
            let append = usize::try_from(**append).expect("a place in memory");
            matches!(appends[append].outcome, Outcome::In { .. })
        };
        self.tally.unknown += unanswered.len() as u64;
        self.tally.unknown_in += unanswered.iter().filter(is_in).count() as u64;
        drop(appends);
        unanswered
    }

    fn judge(&mut self, faults: &[Fault]) {
        let count = |is: fn(&Fault) -> bool| faults.iter().filter(|fault| is(fault)).count() as u64;
        self.tally.lost += count(|fault| matches!(fault, Fault::Lost { .. }));
        self.tally.halves += count(|fault| matches!(fault, Fault::Half { .. }));
        assert!(faults.is_empty(), "after {} rounds: {faults:#?}", self.tally.rounds);
    }

    /// Sends some of the unanswered appends again: what was in is recognised at its place.
    async fn ask_again(&mut self, server: &TestServer, unanswered: &[u64]) {
        let client = self.client(server).await;
        for &append in unanswered {
            let tried = self.witness.appends()[usize::try_from(append).expect("a place in memory")].clone();
            if append != tried.parts.start || self.chance.once_in(2) {
                continue;
            }
            let answer = send(&client, &self.witness, self.seed, &tried.parts).await;
            self.tally.unknown_asked += 1;
            match tried.outcome {
                Outcome::In { .. } => assert!(self.witness.retried(&tried.parts, &answer), "the server is there"),
                Outcome::Out | Outcome::Unknown => match self.witness.answered(&tried.parts, &answer) {
                    Answer::In(first) => assert!(!first.deduplicated, "append {append} was not in"),
                    Answer::Out(_) => {}
                    Answer::Gone => panic!("append {append}, sent again: {answer:?}"),
                },
            }
        }
    }

    /// Sends some of what is known to be in again, from this round or from long ago.
    async fn retry(&mut self, server: &TestServer) {
        let client = self.client(server).await;
        for _ in 0..self.retries {
            let Some(earlier) = self.witness.any_in(&mut self.chance) else { continue };
            let answer = send(&client, &self.witness, self.seed, &earlier).await;
            assert!(self.witness.retried(&earlier, &answer), "the server is gone: {answer:?}");
        }
        let faults = self.witness.other_answers();
        self.judge(&faults);
    }

    /// Lets all clients work until so many appends are acknowledged; then the server dies.
    async fn work_and_kill(&mut self, mut server: TestServer) {
        let mut working = JoinSet::new();
        for number in 0..11_u64 {
            let (client, chance) = (self.client(&server).await, Chance::of(self.chance.number()));
            let writer = Writer { client, witness: self.witness.clone(), chance, seed: self.seed };
            match number {
                0..4 => working.spawn(writer.keep_a_stream(format!("own-{number}"))),
                4..6 => working.spawn(writer.share()),
                6..8 => working.spawn(writer.compete()),
                8..10 => working.spawn(writer.transact(format!("paired-{number}"))),
                _ => working.spawn(writer.pipeline()),
            };
        }
        let follower = tokio::spawn(follow(self.client(&server).await, self.seed, self.log.len() as u64));
        let mut answers = self.witness.answers.subscribe();
        let magnitude = 2 << self.chance.below(10);
        let enough = answers.borrow().acknowledged + 1 + self.chance.below(magnitude);
        tokio::select! {
            reached = within("acknowledgements", answers.wait_for(|answers| answers.acknowledged >= enough)) => {
                reached.expect("the witness lives");
            }
            Some(ended) = working.join_next() => panic!("a writer ended before the kill: {ended:?}"),
        }
        server.kill();
        self.tally.kills += 1;
        while let Some(ended) = within("the writers' end", working.join_next()).await {
            ended.expect("a writer does not panic");
        }
        self.shown = within("the subscriber's end", follower).await.expect("a subscriber does not panic");
    }
}
