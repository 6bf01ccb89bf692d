//! What a campaign did, in numbers.

use crate::recorder::Answers;

/// Counts over all rounds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) kills: u64,
    /// Of `kills`, those of servers that were still starting.
    pub(crate) kills_while_starting: u64,
    pub(crate) cuts: u64,
    /// Servers that a failing call ended, by refusing to start or by stopping.
    pub(crate) failed_calls: u64,
    pub(crate) acknowledged: u64,
    pub(crate) events: u64,
    pub(crate) refused: u64,
    pub(crate) no_room: u64,
    /// Appends whose answer never came, and how many of them were found to be in.
    pub(crate) unknown: u64,
    pub(crate) unknown_in: u64,
    pub(crate) retries: u64,
    pub(crate) snapshots: u64,
    pub(crate) checkpoints: u64,
    /// Events that readers and subscribers were shown.
    pub(crate) shown: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
    pub(crate) panics: u64,
    /// Panics of sled when it is closed over a disk that fails; what it kept is made again from the log.
    pub(crate) closing_panics: u64,
    pub(crate) refused_starts: u64,
    /// The most memory that a server had in use, in bytes.
    pub(crate) memory: u64,
}

impl Tally {
    /// Adds what the clients of a life were told.
    pub(crate) fn add(&mut self, answers: &Answers) {
        self.acknowledged += answers.acknowledged;
        self.events += answers.events;
        self.refused += answers.refused;
        self.no_room += answers.no_room;
        self.retries += answers.retries;
    }

    /// Whether anything was not as it must be.
    pub(crate) fn has_violations(&self) -> bool {
        self.lost + self.wrong + self.panics + self.refused_starts > 0
    }

    /// One line now and then.
    #[allow(clippy::print_stdout, reason = "whoever waits for a long run wants to see it move")]
    pub(crate) fn progress(&self, campaign: &str, rounds: u64) {
        println!("{campaign}: {} of {rounds} rounds, {} violations", self.rounds, self.violations());
    }

    fn violations(&self) -> u64 {
        self.lost + self.wrong + self.panics + self.refused_starts
    }

    /// All figures on one line, and the row of a table.
    #[allow(clippy::print_stdout, reason = "the numbers are what a long run is for")]
    pub(crate) fn print(&self, campaign: &str, seed: u64) {
        let figures: [(&str, u64); 21] = [
            ("rounds", self.rounds),
            ("kills", self.kills),
            ("kills_while_starting", self.kills_while_starting),
            ("cuts", self.cuts),
            ("failed_calls", self.failed_calls),
            ("acknowledged", self.acknowledged),
            ("events", self.events),
            ("refused", self.refused),
            ("no_room", self.no_room),
            ("unknown", self.unknown),
            ("unknown_in", self.unknown_in),
            ("retries", self.retries),
            ("snapshots", self.snapshots),
            ("checkpoints", self.checkpoints),
            ("shown", self.shown),
            ("lost", self.lost),
            ("wrong", self.wrong),
            ("panics", self.panics),
            ("closing_panics", self.closing_panics),
            ("refused_starts", self.refused_starts),
            ("memory", self.memory),
        ];
        let pairs: Vec<String> = figures.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
        println!("{{\"campaign\":\"{campaign}\",\"seed\":{seed},{}}}", pairs.join(","));
        println!(
            "| campaign | rounds | kills, cuts, failed calls | acknowledged events | unknown | retries | lost | wrong \
             | panics | refused starts |"
        );
        let faults = format!("{}, {}, {}", self.kills, self.cuts, self.failed_calls);
        let Self { rounds, events, unknown, retries, lost, wrong, panics, refused_starts, .. } = self;
        println!(
            "| {campaign} | {rounds} | {faults} | {events} | {unknown} | {retries} | {lost} | {wrong} | {panics} \
             | {refused_starts} |"
        );
    }
}
