//! SIGKILL at any moment, under load and while a server starts: nothing that was acknowledged is lost, nothing half
//! is left, every retry gets its first answer, and every start succeeds.

use super::Campaign;
use crate::ground::Ground;
use crate::life::{Failure, Life};

/// See the module.
#[derive(Debug)]
pub(crate) struct Kill;

impl Campaign for Kill {
    const NAME: &'static str = "kill";
    const ROUNDS_OF_A_LIFE: u64 = 25;

    fn flags(&self) -> Vec<String> {
        Vec::new()
    }

    fn ground(&self) -> Result<Ground, String> {
        Ground::directory()
    }

    async fn round(&self, life: &mut Life, _: &mut Ground) -> Result<(), Failure> {
        if life.chance.once_in(3) {
            life.kill_starts()?;
        }
        let mut server = life.start()?;
        life.catch_up(&server).await?;
        let workers = life.work(&server).await?;
        let magnitude = 2 << life.chance.below(10);
        let more = 1 + life.chance.below(magnitude);
        life.until_acknowledged(&mut server, more).await?;
        if let Some(status) = server.status() {
            return Err(vec![format!("the server ended by itself: {status}")]);
        }
        life.kill(server, workers).await
    }
}
