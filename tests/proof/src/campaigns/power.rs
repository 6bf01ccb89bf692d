//! Power cuts on a real file system: what is not synced is gone, the journal is recovered, and nothing that was
//! acknowledged or shown is missing.

use super::Campaign;
use crate::ground::Ground;
use crate::image::{FileSystem, Image};
use crate::life::{Failure, Life};
use crate::server::Server;

/// MiB of an image. It takes as much of the disk as is written.
const IMAGE_MIB: u64 = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Power {
    pub(crate) file_system: FileSystem,
    /// Whether syncs do nothing and say that they did: such a run must find what is lost.
    pub(crate) has_lying_syncs: bool,
}

/// Has the server believe in syncs that never were.
const LYING_SYNCS: [&str; 9] = [
    "strace",
    "-D",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=fdatasync,fsync",
    "--inject=fdatasync,fsync:retval=0",
];

impl Campaign for Power {
    const NAME: &'static str = "power";
    const ROUNDS_OF_A_LIFE: u64 = 20;

    fn flags(&self) -> Vec<String> {
        ["--disk-reserve-bytes", "4194304"].map(str::to_owned).into()
    }

    fn ground(&self) -> Result<Ground, String> {
        let image = Image::make(self.file_system, IMAGE_MIB)?;
        image.can_be_cut()?;
        Ok(Ground::Image(image))
    }

    async fn round(&self, life: &mut Life, ground: &mut Ground) -> Result<(), Failure> {
        let told = |what: String| vec![what];
        if life.chance.once_in(3) {
            // Also what a start has half done can be cut off.
            life.kill_starts()?;
            cut(ground).map_err(told)?;
            ground.recover().map_err(told)?;
            life.tally.cuts += 1;
        }
        let mut server = self.start(life)?;
        life.catch_up(&server).await?;
        let workers = life.work(&server).await?;
        let magnitude = 2 << life.chance.below(9);
        let more = 1 + life.chance.below(magnitude);
        life.until_acknowledged(&mut server, more).await?;
        if let Some(status) = server.status() {
            return Err(vec![format!("the server ended by itself: {status}")]);
        }
        life.recorder.disk_fails(true);
        // A sync that a cut overtakes may return well, from a file system that knows of no transaction any more.
        // With the power gone nobody is told.
        server.freeze();
        cut(ground).map_err(told)?;
        life.tally.cuts += 1;
        life.kill(server, workers).await?;
        ground.recover().map_err(told)
    }
}

impl Power {
    fn start(&self, life: &mut Life) -> Result<Server, Failure> {
        if !self.has_lying_syncs {
            return life.start();
        }
        life.recorder.disk_fails(false);
        let server = life.start_under(&LYING_SYNCS.map(str::to_owned))?;
        server.ok_or_else(|| vec!["a start on a disk that lies was refused".into()])
    }
}

/// Cuts an image off.
pub(super) fn cut(ground: &Ground) -> Result<(), String> {
    match ground {
        Ground::Image(image) => image.cut(),
        Ground::Directory(_) => Err("only an image can be cut off".into()),
    }
}
