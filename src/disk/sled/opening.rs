//! Opening sled 0.34, which may fail after a crash, hang or panic while it tries.
//!
//! So it is opened on a thread of its own, under a time limit, and what it had not finished when the process
//! ended is removed before. What to do when it can not be opened is the caller's: a view is made again, a log
//! is not.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, io, thread};

use crate::disk::{Disk, Error};

/// sled's data file.
pub const DATA: &str = "db";

/// How long somebody may still have that file.
const FREE_TIME_MAX: Duration = Duration::from_secs(5);

/// A snapshot that sled had not finished when the process ended: it takes it for one, and then can not open.
const UNFINISHED: &str = ".generating";

/// Removes from a sled directory what keeps sled from opening it and holds nothing.
pub fn remove_unfinished(disk: &dyn Disk, directory: &Path) -> Result<(), Error> {
    for name in disk.list(directory)? {
        if name.ends_with(UNFINISHED) {
            disk.remove(&directory.join(name))?;
        }
    }
    Ok(())
}

/// Runs what opens sled in a directory; fails when it does, panics, or takes longer than `most`.
///
/// # Errors
/// Of the kind `InvalidData` when what lies there is not what sled wrote.
pub fn open_guarded<T: Send + 'static>(
    directory: &Path,
    most: Duration,
    open: impl FnOnce() -> sled::Result<T> + Send + 'static,
) -> io::Result<T> {
    wait_until_free(directory.join(DATA))?;
    let (answer, opened) = mpsc::sync_channel(1);
    let work = move || {
        let opened = catch_unwind(AssertUnwindSafe(open));
        let panicked = || io::Error::new(io::ErrorKind::InvalidData, "sled panicked");
        let opened = opened.map_or_else(|_| Err(panicked()), |opened| opened.map_err(told));
        // Nobody listens any more when the time limit has passed.
        drop(answer.send(opened));
    };
    thread::Builder::new().name("quipu-sled-open".into()).spawn(work)?;
    opened.recv_timeout(most).map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "sled did not open in time"))?
}

/// Waits until nobody has a lock on a file, for a while: sled refuses one that is locked at once. A database that was
/// closed in this process a moment ago is locked until sled's last thread has let go of it, and until a process that
/// is just being started runs its own program, for it inherits what is open here. Who still has it then, sled tells.
fn wait_until_free(path: PathBuf) -> io::Result<()> {
    let (waiting, waited) = mpsc::sync_channel::<Infallible>(1);
    let wait = move || {
        let locked = fs::OpenOptions::new().write(true).open(path).and_then(|file| file.lock().map(|()| file));
        // Closing it would not do: somebody may have inherited it by now.
        drop(locked.and_then(|file| file.unlock()));
        drop(waiting);
    };
    thread::Builder::new().name("quipu-sled-wait".into()).spawn(wait)?;
    let Err(_over) = waited.recv_timeout(FREE_TIME_MAX);
    Ok(())
}

/// What sled says, as an error of the system: damage is of the kind `InvalidData`.
pub fn told(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(source) => source,
        sled::Error::Corruption { .. } | sled::Error::Unsupported(_) => {
            io::Error::new(io::ErrorKind::InvalidData, error)
        }
        sled::Error::CollectionNotFound(_) | sled::Error::ReportableBug(_) => io::Error::other(error),
    }
}
