//! A disk that is full, by the load and by the files of others, is freed, and is full again: appends are refused,
//! reads go on, and the server recovers by itself; now and then it is killed meanwhile.

use std::fs::{File, remove_file};
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::Campaign;
use crate::ground::Ground;
use crate::image::{FileSystem, Image};
use crate::life::{Failure, Life};
use crate::server::Server;

/// MiB of an image.
const IMAGE_MIB: u64 = 192;

/// Bytes that the server leaves alone.
const RESERVE: u64 = 8 << 20;

/// The most that a round may write before it is full again, beyond the reserve.
const ROOM_MAX: u64 = 5 << 20;

/// Refusals that show that the disk is full.
const REFUSALS: u64 = 20;

/// Acknowledgements that show that it is not.
const ACKNOWLEDGED: u64 = 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Full;

impl Campaign for Full {
    const NAME: &'static str = "full";
    const ROUNDS_OF_A_LIFE: u64 = 10;

    fn flags(&self) -> Vec<String> {
        vec!["--disk-reserve-bytes".into(), RESERVE.to_string()]
    }

    fn ground(&self) -> Result<Ground, String> {
        Image::make(FileSystem::Ext4, IMAGE_MIB).map(Ground::Image)
    }

    async fn round(&self, life: &mut Life, ground: &mut Ground) -> Result<(), Failure> {
        let told = |what: String| vec![what];
        let mut server = life.start()?;
        life.catch_up(&server).await?;
        let ballast = Ballast::at(ground);
        ballast.leave(life.chance.below(ROOM_MAX)).map_err(told)?;
        let mut workers = life.work(&server).await?;
        workers.fill(&server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?);
        for fills in [1, 2] {
            full(life, &mut server).await?;
            life.read_while_full(&server).await?;
            if fills == 2 && life.chance.once_in(2) {
                break;
            }
            ballast.remove().map_err(told)?;
            life.until_acknowledged(&mut server, ACKNOWLEDGED).await?;
            if fills == 1 {
                ballast.leave(life.chance.below(ROOM_MAX)).map_err(told)?;
            }
        }
        if let Some(status) = server.status() {
            return Err(vec![format!("the server ended by itself: {status}")]);
        }
        life.kill(server, workers).await?;
        ballast.remove().map_err(told)
    }
}

/// Waits until appends are refused for want of room.
async fn full(life: &mut Life, server: &mut Server) -> Result<(), Failure> {
    let enough = life.recorder.answers.borrow().no_room + REFUSALS;
    life.until(server, "a full disk", move |answers| answers.no_room >= enough).await
}

/// A foreign file that takes up room.
#[derive(Debug)]
struct Ballast {
    path: PathBuf,
}

impl Ballast {
    fn at(ground: &Ground) -> Self {
        Self { path: ground.data().with_file_name("ballast") }
    }

    /// Takes all but so many bytes of what the server may use.
    fn leave(&self, bytes: u64) -> Result<(), String> {
        self.remove()?;
        let parent = self.path.parent().ok_or("a file lies in a directory")?;
        let space = statvfs(parent).map_err(|error| error.to_string())?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let length = free.saturating_sub(RESERVE + bytes);
        if length == 0 {
            return Ok(());
        }
        let file = File::create(&self.path).map_err(|error| error.to_string())?;
        fallocate(&file, FallocateFlags::empty(), 0, length).map_err(|error| format!("{length} bytes: {error}"))
    }

    fn remove(&self) -> Result<(), String> {
        match remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}
