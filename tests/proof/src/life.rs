//! One data directory from its first start to its last check, with all that its clients were told.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quipu_client::{Client, Error};
use quipu_proof::checker::{Invariant, check};
use quipu_proof::history::{Event, Outcome, Scope};

use crate::chance::Chance;
use crate::readers::Reader;
use crate::recorder::{Answer, Answers, Recorder};
use crate::server::{Program, Refused, Server, within};
use crate::tally::Tally;
use crate::workers::{Cursors, Workers};

/// Kept of each stream.
const SNAPSHOTS_KEPT: usize = 10;

/// As many as a life can bring, so that every retry is recognised.
const EVENT_IDS: u64 = 2_000_000;

/// How many acknowledged requests each start is met with again.
const RETRIES: u64 = 32;

/// Where sled panics when it is closed over a disk that fails to sync, once the log has failed in earnest.
const CLOSING_PANIC: &str = "sled-0.34.7/src/pagecache/logger.rs";

/// How often it is asked whether a server has ended by itself.
const TICK: Duration = Duration::from_millis(20);

/// How many events are read while nothing can be appended.
const READ_WHILE_FULL: u64 = 200;

/// What went wrong, in words.
pub(crate) type Failure = Vec<String>;

/// A data directory, and what its clients know.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) tally: Tally,
    pub(crate) chance: Chance,
    pub(crate) recorder: Arc<Recorder>,
    program: Program,
    data: PathBuf,
    /// The log as the last start showed it.
    log: Vec<Event>,
    /// Appends that have been looked at after their server was gone.
    settled: usize,
    cursors: Cursors,
}

impl Life {
    /// An empty directory.
    pub(crate) fn begin(program: &Program, data: PathBuf, chance: Chance, tally: Tally) -> Self {
        let mut program = program.clone();
        let kept = [SNAPSHOTS_KEPT.to_string(), EVENT_IDS.to_string()];
        let flags = ["--snapshots-per-stream", &kept[0], "--recent-event-ids", &kept[1]];
        program.flags.extend(flags.map(str::to_owned));
        let recorder = Arc::new(Recorder::new(SNAPSHOTS_KEPT));
        let (log, cursors) = (Vec::new(), Cursors::default());
        Self { tally, chance, recorder, program, data, log, settled: 0, cursors }
    }

    /// Starts a server, with small segments more often than not.
    pub(crate) fn start(&mut self) -> Result<Server, Failure> {
        self.recorder.disk_fails(false);
        let flags = self.flags();
        self.program.start(&self.data, &flags, &[]).map_err(|refused| self.refused(refused))
    }

    /// Starts a server under another program, which may well be the end of it.
    pub(crate) fn start_under(&mut self, under: &[String]) -> Result<Option<Server>, Failure> {
        let flags = self.flags();
        match self.program.start(&self.data, &flags, under) {
            Ok(server) => Ok(Some(server)),
            Err(refused) => {
                let ended = self.recorder.now();
                self.recorder.history().ended(ended);
                self.listen(&refused.log).map(|()| None)
            }
        }
    }

    /// Has some servers die while they start.
    pub(crate) fn kill_starts(&mut self) -> Result<(), Failure> {
        for _ in 0..=self.chance.below(3) {
            let flags = self.flags();
            // A start makes some forty calls in an empty directory and some hundreds later.
            let magnitude = 16 << self.chance.below(6);
            let calls = self.chance.below(magnitude);
            let killed = self.program.cut_short(&self.data, &flags, calls);
            killed.map_err(|refused| self.refused(refused))?;
            self.tally.kills += 1;
            self.tally.kills_while_starting += 1;
        }
        Ok(())
    }

    fn flags(&mut self) -> Vec<String> {
        let is_small = !self.chance.once_in(3);
        if is_small { ["--segment-bytes", "65536"].map(str::to_owned).into() } else { Vec::new() }
    }

    fn refused(&mut self, Refused { log, .. }: Refused) -> Failure {
        self.tally.refused_starts += 1;
        vec![format!("a start was refused:\n{}", log.join("\n"))]
    }

    /// Looks for panics in what a server said.
    fn listen(&mut self, log: &[String]) -> Result<(), Failure> {
        let panics = log.iter().filter(|line| line.contains("panicked at")).cloned();
        let has_failing_disk = self.recorder.has_failing_disk();
        let is_closing = |line: &String| has_failing_disk && line.contains(CLOSING_PANIC);
        let (closing, panics): (Vec<String>, Vec<String>) = panics.partition(is_closing);
        self.tally.closing_panics += closing.len() as u64;
        self.tally.panics += panics.len() as u64;
        if panics.is_empty() { Ok(()) } else { Err(panics) }
    }

    /// Compares what a start shows with what was told, and sends again what was not answered and some of what
    /// was.
    pub(crate) async fn catch_up(&mut self, server: &Server) -> Result<(), Failure> {
        let client = server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?;
        self.look(&client).await?;
        let unanswered = self.settle();
        for number in unanswered {
            if self.chance.once_in(2) {
                self.again(&client, number).await?;
            }
        }
        for _ in 0..RETRIES {
            let Some(number) = self.recorder.any_in(&mut self.chance) else { break };
            self.again(&client, number).await?;
        }
        Ok(())
    }

    async fn again(&self, client: &Client, number: usize) -> Result<(), Failure> {
        match within("a retry", self.recorder.again(client, number)).await.map_err(|late| vec![late])? {
            Answer::In(_) | Answer::Out(_) => Ok(()),
            Answer::Gone => Err(vec![format!("append {number}, sent again, was not answered")]),
        }
    }

    /// Reads what is new in every way, and judges all that is known.
    async fn look(&mut self, client: &Client) -> Result<(), Failure> {
        let reader = Reader { client: client.clone(), recorder: self.recorder.clone() };
        let known = self.log.len() as u64;
        let looked = within("a look at the log", self.read_news(&reader, known)).await.map_err(|late| vec![late])?;
        looked.map_err(|error| vec![format!("the log can not be read: {error:?}")])?;
        self.judge()
    }

    async fn read_news(&mut self, reader: &Reader, known: u64) -> Result<(), Error> {
        let new = reader.log_after(known, Scope::All).await?;
        reader.backwards(new.len() as u64).await?;
        let mut streams: BTreeMap<&str, u64> = BTreeMap::new();
        for event in &new {
            streams.entry(&event.stream).or_insert(event.revision);
        }
        for (stream, from) in streams {
            reader.stream(stream, from).await?;
        }
        self.recorder.learn(&new);
        self.log.extend(new);
        self.read_shelf(reader).await
    }

    /// Looks at the newest snapshots and at checkpoints.
    async fn read_shelf(&self, reader: &Reader) -> Result<(), Error> {
        let (saves, names) = {
            let history = self.recorder.history();
            let mut newest: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for save in history.saves.iter().filter(|save| save.outcome == Outcome::Ok(())) {
                newest.entry(save.stream.clone()).or_default().push(save.revision);
            }
            let names: HashSet<String> = history.moves.iter().map(|change| change.name.clone()).collect();
            (newest, names)
        };
        for (stream, revisions) in saves {
            // As many are kept, but each may have an unanswered one beside it.
            for revision in revisions.iter().rev().take(SNAPSHOTS_KEPT / 2) {
                reader.snapshot(&stream, *revision).await?;
            }
        }
        for name in names {
            reader.checkpoint(&name).await?;
        }
        Ok(())
    }

    /// Judges all that is known so far. What was shown and is right need not be kept: later starts are held
    /// against the same log.
    fn judge(&mut self) -> Result<(), Failure> {
        let mut history = self.recorder.history();
        let violations = check(&history, &self.log);
        self.tally.shown += history.views.iter().map(|view| view.events.len() as u64).sum::<u64>();
        history.views.clear();
        drop(history);
        let lost = violations.iter().filter(|violation| violation.invariant == Invariant::Kept).count() as u64;
        let surprises = self.recorder.take_surprises();
        self.tally.lost += lost;
        self.tally.wrong += (violations.len() + surprises.len()) as u64 - lost;
        if violations.is_empty() && surprises.is_empty() {
            return Ok(());
        }
        Err(violations.iter().map(ToString::to_string).chain(surprises).collect())
    }

    /// The appends since the last time of which nobody has an answer.
    fn settle(&mut self) -> Vec<usize> {
        let ids: HashSet<u128> = self.log.iter().map(|event| event.id).collect();
        let history = self.recorder.history();
        let is_open = |number: &usize| {
            history.appends[*number].attempts.iter().all(|attempt| attempt.outcome == Outcome::Unknown)
        };
        let open: Vec<usize> = (self.settled..history.appends.len()).filter(is_open).collect();
        let is_in = |number: &&usize| history.appends[**number].events().any(|event| ids.contains(&event.id));
        self.tally.unknown += open.len() as u64;
        self.tally.unknown_in += open.iter().filter(is_in).count() as u64;
        self.settled = history.appends.len();
        open
    }

    /// Lets all clients begin to work.
    pub(crate) async fn work(&mut self, server: &Server) -> Result<Workers, Failure> {
        let client = server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?;
        let mut workers = Workers::new(self.recorder.clone(), Chance::of(self.chance.number()));
        workers.write(&client);
        workers.look(&client, &self.cursors);
        Ok(workers)
    }

    /// Waits until so many more appends are acknowledged, or until the server has ended by itself.
    pub(crate) async fn until_acknowledged(&mut self, server: &mut Server, more: u64) -> Result<(), Failure> {
        let enough = self.recorder.answers.borrow().acknowledged + more;
        self.until(server, "acknowledgements", move |answers| answers.acknowledged >= enough).await
    }

    /// Waits until the answers are so, or until the server has ended by itself.
    pub(crate) async fn until(
        &mut self,
        server: &mut Server,
        what: &str,
        is_so: impl Fn(&Answers) -> bool,
    ) -> Result<(), Failure> {
        let mut answers = self.recorder.answers.subscribe();
        let reached = async {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                tokio::select! {
                    _ = answers.wait_for(&is_so) => return,
                    _ = ticks.tick() => if server.has_ended() { return },
                }
            }
        };
        within(what, reached).await.map_err(|late| vec![late])
    }

    /// Reads what must be there to be read although nothing can be appended.
    pub(crate) async fn read_while_full(&mut self, server: &Server) -> Result<(), Failure> {
        let client = server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?;
        let reader = Reader { client, recorder: self.recorder.clone() };
        let read = within("a read", reader.backwards(READ_WHILE_FULL)).await.map_err(|late| vec![late])?;
        read.map_err(|error| vec![format!("the full disk can not be read: {error:?}")])
    }

    /// Kills a server that has no clients.
    pub(crate) fn kill_idle(&mut self, server: Server) -> Result<(), Failure> {
        let log = server.kill();
        let ended = self.recorder.now();
        self.recorder.history().ended(ended);
        self.tally.kills += 1;
        self.listen(&log)
    }

    /// Kills the server and lets its clients come to their ends.
    pub(crate) async fn kill(&mut self, server: Server, workers: Workers) -> Result<(), Failure> {
        self.tally.memory = self.tally.memory.max(server.memory());
        self.kill_idle(server)?;
        self.cursors = workers.end(&self.cursors).await?;
        self.tally.rounds += 1;
        Ok(())
    }

    /// Starts once more and checks everything from the beginning.
    pub(crate) async fn end(&mut self) -> Result<(), Failure> {
        let server = self.start()?;
        let client = server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?;
        self.look(&client).await?;
        self.settle();
        let reader = Reader { client, recorder: self.recorder.clone() };
        let all = async {
            let log = reader.log_after(0, Scope::All).await?;
            reader.backwards(log.len() as u64).await?;
            reader.catch_up().await
        };
        let read = within("the whole log", all).await.map_err(|late| vec![late])?;
        read.map_err(|error| vec![format!("the whole log can not be read: {error:?}")])?;
        self.judge()?;
        self.kill_idle(server)?;
        self.program.verify(&self.data).map_err(|damage| {
            self.tally.wrong += 1;
            vec![format!("verify finds damage: {damage}")]
        })
    }

    /// Adds what the clients were told to the figures.
    pub(crate) fn count(&mut self) {
        self.tally.add(&self.recorder.answers.borrow());
        let history = self.recorder.history();
        self.tally.snapshots += history.saves.iter().filter(|save| save.outcome == Outcome::Ok(())).count() as u64;
        self.tally.checkpoints +=
            history.moves.iter().filter(|change| change.outcome == Outcome::Ok(())).count() as u64;
    }
}
