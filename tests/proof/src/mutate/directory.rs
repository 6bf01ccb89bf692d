//! A whole data directory in memory: it is small.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of a directory, by their paths in it.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads all files.
pub(super) fn read(directory: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        for entry in fs::read_dir(directory.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                left.push(path);
            } else {
                files.insert(path, fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Makes a directory that holds these files, in the place of what was there.
pub(super) fn replace(directory: &Path, files: &Files) -> io::Result<()> {
    remove(directory)?;
    fs::create_dir_all(directory)?;
    for (path, bytes) in files {
        let path = directory.join(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Removes a directory, if it is there.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
