//! The campaigns, and what they have in common: lives of some rounds each, until all rounds are done or something
//! is wrong.

pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod full;
pub(crate) mod kill;
pub(crate) mod power;

use std::process::ExitCode;

use crate::chance::Chance;
use crate::ground::Ground;
use crate::life::{Failure, Life};
use crate::server::Program;
use crate::tally::Tally;

/// After so many rounds somebody who waits is told how far it is.
const ROUNDS_OF_A_LINE: u64 = 10;

/// A kind of fault, and how a round brings it about.
pub(crate) trait Campaign {
    /// Its name.
    const NAME: &'static str;
    /// After so many rounds a data directory is checked as a whole, and the next begins empty.
    const ROUNDS_OF_A_LIFE: u64;

    /// Settings of its servers.
    fn flags(&self) -> Vec<String>;

    /// A place for a data directory. Fails where the machine has none.
    fn ground(&self) -> Result<Ground, String>;

    /// From a start over what the last round left to the death of the server.
    async fn round(&self, life: &mut Life, ground: &mut Ground) -> Result<(), Failure>;
}

/// How long, with what, and over which draws.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) rounds: u64,
    pub(crate) seed: u64,
    pub(crate) program: Program,
    /// Whether it is well when the machine can not do it.
    pub(crate) where_possible: bool,
}

/// Runs all rounds of a campaign and says what came of it.
#[allow(clippy::print_stdout, reason = "that is what a campaign is for")]
pub(crate) async fn run<C: Campaign>(campaign: &C, settings: Settings) -> ExitCode {
    let Settings { rounds, seed, mut program, where_possible } = settings;
    println!("{}: {rounds} rounds, seed {seed}", C::NAME);
    if let Err(missing) = campaign.ground() {
        println!("LEFT OUT: {}: {missing}", C::NAME);
        return if where_possible { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    program.flags.extend(campaign.flags());
    let (mut chance, mut tally) = (Chance::of(seed), Tally::default());
    while tally.rounds < rounds {
        let mut ground = match campaign.ground() {
            Ok(ground) => ground,
            Err(missing) => {
                println!("{} can not go on: {missing}", C::NAME);
                return ExitCode::FAILURE;
            }
        };
        let until = rounds.min(tally.rounds + C::ROUNDS_OF_A_LIFE);
        let mut life = Life::begin(&program, ground.data(), Chance::of(chance.number()), std::mem::take(&mut tally));
        let lived = live(campaign, &mut life, &mut ground, (until, rounds)).await;
        life.count();
        tally = life.tally;
        if let Err(failure) = lived {
            tally.wrong += u64::from(!tally.has_violations());
            let kept = ground.keep();
            println!("VIOLATION in round {}; the data is kept in {}", tally.rounds, kept.display());
            failure.iter().take(20).for_each(|what| println!("  {what}"));
            break;
        }
    }
    tally.print(C::NAME, seed);
    if tally.has_violations() || tally.acknowledged == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn live<C: Campaign>(
    campaign: &C,
    life: &mut Life,
    ground: &mut Ground,
    (until, rounds): (u64, u64),
) -> Result<(), Failure> {
    while life.tally.rounds < until {
        campaign.round(life, ground).await?;
        if life.tally.rounds.is_multiple_of(ROUNDS_OF_A_LINE) {
            life.tally.progress(C::NAME, rounds);
        }
    }
    life.end().await
}
