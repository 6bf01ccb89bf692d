//! The place beside a tenant's log where `restore` and `repair` make another one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::real::RealDisk;
use crate::disk::{self, Disk, Operation};

/// Makes a directory, without what an attempt that was broken off has left in it.
pub(super) fn empty(directory: &Path) -> Result<PathBuf, disk::Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(disk::Error::new(Operation::Remove, directory, error));
        }
        Ok(()) | Err(_) => {}
    }
    RealDisk.create_dir(directory)?;
    Ok(directory.into())
}
