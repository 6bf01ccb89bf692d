//! Files in a sled database, beside files of the disk below.
//!
//! [`SledDisk`] keeps the files of one directory whose names have one ending as rows (`rows.rs`) of a sled
//! database (`database.rs`), which lies in that directory as [`DATABASE`]. Every other file is one of the disk
//! below. So what witnesses how far a log has got does not share the fate of the log.
//!
//! It keeps the contract of [`Disk`] with one exception: a file that was removed is gone at once, also for those
//! who have it open. Bytes are added and cut off chunk by chunk; a change of what was there before, a removal and a
//! renaming happen as a whole.

mod database;
pub mod opening;
mod rows;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use self::database::Database;
use super::{Disk, Error, File, Lock, Open, Operation};

/// The name of the database in its directory.
pub const DATABASE: &str = "sled";

/// What sled may take of the disk for each byte that is written: old pages stay until their segment is empty.
const SPACE_FACTOR: u64 = 4;

/// A disk with a database for some of its files.
#[derive(Debug)]
pub struct SledDisk {
    ground: Arc<dyn Disk>,
    directory: PathBuf,
    suffix: &'static str,
    rows: Arc<Rows>,
}

/// The database, and what changes have to agree on.
#[derive(Debug)]
struct Rows {
    database: Database,
    /// The number that the next file gets.
    next: AtomicU32,
    /// Held while rows are changed depending on others.
    changing: Mutex<()>,
}

impl SledDisk {
    /// Opens or makes the database for the files in `directory` whose names end in `suffix`.
    ///
    /// # Errors
    /// When sled can not open it: then nothing of it was changed by us.
    pub fn open(ground: Arc<dyn Disk>, directory: &Path, suffix: &'static str) -> Result<Self, Error> {
        let path = directory.join(DATABASE);
        let database = Database::open(&*ground, &path)?;
        let next = next_number(&database, &path)?;
        let rows = Arc::new(Rows { database, next: AtomicU32::new(next), changing: Mutex::default() });
        Ok(Self { ground, directory: directory.into(), suffix, rows })
    }

    /// The name of a file that lies in the database.
    fn kept<'a>(&self, path: &'a Path) -> Option<&'a str> {
        let name = path.strip_prefix(&self.directory).ok()?.to_str()?;
        (name.ends_with(self.suffix) && !name.contains('/')).then_some(name)
    }

    fn number(&self, path: &Path, name: &str) -> Result<Option<u32>, Error> {
        let value = self.rows.database.read(path, |tree| tree.get(rows::name_key(name)))?;
        Ok(value.and_then(|value| rows::number_of(&value)))
    }
}

/// One above the highest number that a name or a chunk has.
fn next_number(database: &Database, path: &Path) -> Result<u32, Error> {
    let names =
        database.read(path, |tree| tree.scan_prefix(rows::name_keys()).values().collect::<Result<Vec<_>, _>>())?;
    let last_chunk = database.read(path, sled::Tree::last)?;
    let of_chunk = last_chunk.and_then(|(key, _)| rows::place_of(&key)).map(|(number, _)| number);
    Ok(names.iter().filter_map(|value| rows::number_of(value)).chain(of_chunk).max().unwrap_or(0) + 1)
}

fn failed(operation: Operation, path: &Path, kind: io::ErrorKind) -> Error {
    Error::new(operation, path, kind.into())
}

impl Disk for SledDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error> {
        let Some(name) = self.kept(path) else { return self.ground.open(path, how) };
        let _changing = self.rows.changing.lock().expect("no panic under this lock");
        let number = match (self.number(path, name)?, how) {
            (Some(_), Open::Create) => return Err(failed(Operation::Open, path, io::ErrorKind::AlreadyExists)),
            (Some(number), _) => number,
            (None, Open::Create) => {
                let number = self.rows.next.fetch_add(1, Ordering::Relaxed);
                let insert = |tree: &sled::Tree| tree.insert(rows::name_key(name), &number.to_be_bytes());
                self.rows.database.change(Operation::Open, path, insert)?;
                number
            }
            (None, _) => return Err(failed(Operation::Open, path, io::ErrorKind::NotFound)),
        };
        Ok(Arc::new(SledFile { rows: self.rows.clone(), path: path.into(), number }))
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, Error> {
        let mut names = self.ground.list(directory)?;
        if directory == self.directory {
            names.retain(|name| name != DATABASE);
            let read = |tree: &sled::Tree| tree.scan_prefix(rows::name_keys()).keys().collect::<Result<Vec<_>, _>>();
            let keys = self.rows.database.read(directory, read)?;
            names.extend(keys.iter().map(|key| rows::name_of(key)));
            names.sort_unstable();
        }
        Ok(names)
    }

    fn create_dir(&self, directory: &Path) -> Result<(), Error> {
        self.ground.create_dir(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let (old, new) = match (self.kept(from), self.kept(to)) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return self.ground.rename(from, to),
            (Some(_), None) | (None, Some(_)) => {
                return Err(failed(Operation::Rename, from, io::ErrorKind::CrossesDevices));
            }
        };
        let _changing = self.rows.changing.lock().expect("no panic under this lock");
        let number = self.number(from, old)?.ok_or_else(|| failed(Operation::Rename, from, io::ErrorKind::NotFound))?;
        let mut batch = sled::Batch::default();
        if let Some(replaced) = self.number(to, new)?.filter(|replaced| *replaced != number) {
            self.rows.drop_chunks(&mut batch, to, replaced)?;
        }
        batch.remove(rows::name_key(old));
        batch.insert(rows::name_key(new), &number.to_be_bytes());
        self.rows.database.change(Operation::Rename, from, |tree| tree.apply_batch(batch))
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        let Some(name) = self.kept(path) else { return self.ground.remove(path) };
        let _changing = self.rows.changing.lock().expect("no panic under this lock");
        let number =
            self.number(path, name)?.ok_or_else(|| failed(Operation::Remove, path, io::ErrorKind::NotFound))?;
        let mut batch = sled::Batch::default();
        self.rows.drop_chunks(&mut batch, path, number)?;
        batch.remove(rows::name_key(name));
        self.rows.database.change(Operation::Remove, path, |tree| tree.apply_batch(batch))
    }

    fn sync_dir(&self, directory: &Path) -> Result<(), Error> {
        if directory == self.directory {
            self.rows.database.sync()?;
        }
        self.ground.sync_dir(directory)
    }

    fn available(&self, directory: &Path) -> Result<u64, Error> {
        let available = self.ground.available(directory)?;
        Ok(if directory == self.directory { available / SPACE_FACTOR } else { available })
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error> {
        self.ground.lock(path)
    }

    fn is_durable(&self) -> bool {
        true
    }

    /// What is written is written twice here: zeros as well.
    fn growing_is_dear(&self) -> bool {
        false
    }
}

impl Rows {
    /// The chunks that hold bytes from `offset` up to `end`, each with where it begins.
    fn chunks(&self, path: &Path, number: u32, offset: u64, end: u64) -> Result<Vec<(u64, sled::IVec)>, Error> {
        let place = |(key, bytes): (sled::IVec, sled::IVec)| {
            rows::place_of(&key).filter(|(of, _)| *of == number).map(|(_, at)| (at, bytes))
        };
        let first = self.database.read(path, |tree| tree.get_lt(rows::chunk_key(number, offset.saturating_add(1))))?;
        let rest = rows::chunk_keys(number, offset.saturating_add(1)..end.max(offset.saturating_add(1)));
        let rest = self.database.read(path, |tree| tree.range(rest).collect::<Result<Vec<_>, _>>())?;
        let reaches = |(at, bytes): &(u64, sled::IVec)| at + bytes.len() as u64 > offset;
        Ok(first.into_iter().chain(rest).filter_map(place).filter(reaches).collect())
    }

    /// Has all chunks of a file removed.
    fn drop_chunks(&self, batch: &mut sled::Batch, path: &Path, number: u32) -> Result<(), Error> {
        for (at, _) in self.chunks(path, number, 0, u64::MAX)? {
            batch.remove(&rows::chunk_key(number, at));
        }
        Ok(())
    }
}

/// A file in the database.
#[derive(Debug)]
struct SledFile {
    rows: Arc<Rows>,
    path: PathBuf,
    number: u32,
}

impl SledFile {
    /// Adds bytes at the end of the file.
    fn append(&self, bytes: &[u8], end: u64) -> Result<(), Error> {
        for (at, chunk) in rows::chunks(bytes, end) {
            self.rows.database.make_way(chunk.len())?;
            let insert = |tree: &sled::Tree| tree.insert(rows::chunk_key(self.number, at), chunk).map(drop);
            self.rows.database.change(Operation::Write, &self.path, insert)?;
        }
        Ok(())
    }

    /// Removes bytes from the end, chunk by chunk, so that the file is one after each of them.
    fn cut(&self, length: u64) -> Result<(), Error> {
        for (at, bytes) in self.rows.chunks(&self.path, self.number, length, u64::MAX)?.into_iter().rev() {
            let key = rows::chunk_key(self.number, at);
            self.rows.database.make_way(bytes.len())?;
            self.rows.database.change(Operation::Resize, &self.path, |tree| match length.checked_sub(at) {
                None | Some(0) => tree.remove(key).map(drop),
                Some(kept) => tree.insert(key, &bytes[..kept as usize]).map(drop),
            })?;
        }
        Ok(())
    }

    /// Adds zeros at the end of the file.
    fn extend(&self, end: u64, length: u64) -> Result<(), Error> {
        let zeros = [0; rows::CHUNK_BYTES_MAX];
        let mut at = end;
        while at < length {
            let bytes = (length - at).min(zeros.len() as u64) as usize;
            self.append(&zeros[..bytes], at)?;
            at += bytes as u64;
        }
        Ok(())
    }

    /// Puts bytes where others are, and maybe beyond them.
    fn overwrite(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let end = offset + bytes.len() as u64;
        let mut batch = sled::Batch::default();
        for (at, old) in self.rows.chunks(&self.path, self.number, offset, end)? {
            batch.remove(&rows::chunk_key(self.number, at));
            if at < offset {
                batch.insert(&rows::chunk_key(self.number, at), &old[..(offset - at) as usize]);
            }
            if at + old.len() as u64 > end {
                batch.insert(&rows::chunk_key(self.number, end), &old[(end - at) as usize..]);
            }
        }
        for (at, chunk) in rows::chunks(bytes, offset) {
            batch.insert(&rows::chunk_key(self.number, at), chunk);
        }
        self.rows.database.change(Operation::Write, &self.path, |tree| tree.apply_batch(batch))
    }
}

impl File for SledFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let end = offset.saturating_add(buffer.len() as u64);
        let mut filled = 0;
        for (at, bytes) in self.rows.chunks(&self.path, self.number, offset, end)? {
            // None where a chunk is missing.
            let Some(from) = (offset + filled as u64).checked_sub(at) else { break };
            let from = from as usize;
            let most = bytes.len().saturating_sub(from).min(buffer.len() - filled);
            buffer[filled..filled + most].copy_from_slice(&bytes[from..from + most]);
            filled += most;
        }
        if filled < buffer.len() {
            return Err(failed(Operation::Read, &self.path, io::ErrorKind::UnexpectedEof));
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let _changing = self.rows.changing.lock().expect("no panic under this lock");
        let length = self.len()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if offset < length {
            return self.overwrite(bytes, offset);
        }
        self.extend(length, offset)?;
        self.append(bytes, offset)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.rows.database.sync()
    }

    fn len(&self) -> Result<u64, Error> {
        let all = rows::chunk_keys(self.number, 0..u64::MAX);
        let last = self.rows.database.read(&self.path, |tree| tree.range(all).next_back().transpose())?;
        Ok(last.and_then(|(key, bytes)| Some(rows::place_of(&key)?.1 + bytes.len() as u64)).unwrap_or(0))
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        let _changing = self.rows.changing.lock().expect("no panic under this lock");
        let end = self.len()?;
        if length > end { self.extend(end, length) } else { self.cut(length) }
    }
}
