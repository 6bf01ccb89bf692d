//! Calls to the system that fail: `strace` has the n-th write, sync, rename and so on of a thread fail. The server
//! refuses to start or stops with an error, or does without; after a plain start nothing acknowledged is missing,
//! also when what the failed call left in memory is lost with the power.

use std::process::{Command, Stdio};

use super::Campaign;
use super::power::cut;
use crate::ground::Ground;
use crate::image::{FileSystem, Image};
use crate::life::{Failure, Life};
use crate::workers::Workers;

/// MiB of an image.
const IMAGE_MIB: u64 = 1024;

/// The most acknowledgements that a round waits for.
const ENOUGH: u64 = 300;

/// What fails, how often a thread may do it before, and with what.
const CALLS: [(&str, u64, &[&str]); 9] = [
    ("pwrite64", 200, &["EIO", "ENOSPC"]),
    ("fdatasync", 60, &["EIO", "ENOSPC"]),
    ("fsync", 20, &["EIO"]),
    ("ftruncate", 12, &["EIO", "ENOSPC"]),
    ("fallocate", 12, &["EIO", "ENOSPC"]),
    ("rename", 8, &["EIO", "ENOSPC"]),
    ("unlink", 8, &["EIO"]),
    ("openat", 120, &["EIO", "EMFILE"]),
    ("mkdir", 8, &["EIO", "ENOSPC"]),
];

/// See the module.
#[derive(Debug)]
pub(crate) struct Calls;

impl Campaign for Calls {
    const NAME: &'static str = "calls";
    const ROUNDS_OF_A_LIFE: u64 = 20;

    fn flags(&self) -> Vec<String> {
        ["--disk-reserve-bytes", "4194304"].map(str::to_owned).into()
    }

    fn ground(&self) -> Result<Ground, String> {
        let strace = Command::new("strace").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !strace.is_ok_and(|status| status.success()) {
            return Err("strace can not be run".into());
        }
        let image = Image::make(FileSystem::Ext4, IMAGE_MIB)?;
        image.can_be_cut()?;
        Ok(Ground::Image(image))
    }

    async fn round(&self, life: &mut Life, ground: &mut Ground) -> Result<(), Failure> {
        let server = life.start()?;
        life.catch_up(&server).await?;
        life.kill_idle(server)?;
        let (call, times, errors) = CALLS[pick(life, CALLS.len())];
        let error = errors[pick(life, errors.len())];
        let when = 1 + life.chance.below(times);
        let (traced, inject) = (format!("trace={call}"), format!("inject={call}:error={error}:when={when}"));
        let strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", &traced, "-e", &inject];
        life.recorder.disk_fails(true);
        match life.start_under(&strace.map(str::to_owned))? {
            None => {
                life.tally.failed_calls += 1;
                life.tally.rounds += 1;
            }
            Some(mut server) => {
                // It may stop before anybody has come to it.
                let begun = life.work(&server).await;
                let workers = begun.unwrap_or_else(|_| Workers::new(life.recorder.clone(), life.chance.clone()));
                life.until_acknowledged(&mut server, ENOUGH).await?;
                if server.has_ended() {
                    life.tally.failed_calls += 1;
                }
                life.kill(server, workers).await?;
            }
        }
        let told = |what: String| vec![format!("after {inject}: {what}")];
        if life.chance.once_in(3) {
            cut(ground).map_err(told)?;
            life.tally.cuts += 1;
            ground.recover().map_err(told)?;
        }
        Ok(())
    }
}

fn pick(life: &mut Life, among: usize) -> usize {
    usize::try_from(life.chance.below(among as u64)).expect("a place in memory")
}
