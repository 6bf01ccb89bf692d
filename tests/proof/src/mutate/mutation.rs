//! One place of a data directory, and what is done to it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::directory::Files;
use crate::chance::Chance;

const SECTOR: usize = 512;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A segment that has a successor.
    Sealed,
    /// The newest segment of a log.
    Newest,
    Mark,
    /// A file of the database that has the log, with sled.
    Database,
    Index,
    State,
    ReadModels,
    Format,
    Lock,
    /// A file that the store did not put there.
    Stray,
}

impl Kind {
    /// Whether acknowledged data lies in it, or what vouches for that.
    pub(super) fn is_of_log(self) -> bool {
        matches!(self, Self::Sealed | Self::Newest | Self::Mark | Self::Database | Self::Format)
    }

    const ALL: [Self; 10] = [
        Self::Sealed,
        Self::Newest,
        Self::Mark,
        Self::Database,
        Self::Index,
        Self::State,
        Self::ReadModels,
        Self::Format,
        Self::Lock,
        Self::Stray,
    ];

    /// What a file of these files is for.
    pub(super) fn of(path: &Path, files: &Files) -> Self {
        let has = |name: &str| path.iter().any(|part| part == name);
        let is_segment = |path: &Path| path.extension().is_some_and(|end| end == "seg");
        match path.file_name().and_then(|name| name.to_str()) {
            Some("FORMAT") => Self::Format,
            Some("LOCK") => Self::Lock,
            Some("mark") => Self::Mark,
            _ if has("sled") => Self::Database,
            _ if is_segment(path) => {
                let newest = files.keys().filter(|one| one.parent() == path.parent() && is_segment(one)).max();
                if newest.is_some_and(|newest| newest == path) { Self::Newest } else { Self::Sealed }
            }
            _ if path.extension().is_some_and(|end| end == "idx") => Self::Index,
            _ if has("state") => Self::State,
            _ if has("read-models") => Self::ReadModels,
            _ => Self::Stray,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Sealed => "sealed segment",
            Self::Newest => "newest segment",
            Self::Mark => "mark",
            Self::Database => "log in sled",
            Self::Index => "index file",
            Self::State => "state",
            Self::ReadModels => "read models",
            Self::Format => "FORMAT",
            Self::Lock => "LOCK",
            Self::Stray => "stray file",
        })
    }
}

/// What is done.
#[derive(Debug, Clone)]
enum Deed {
    Flip(Vec<(usize, u8)>),
    Put { at: usize, bytes: Vec<u8> },
    SwapSectors(usize, usize),
    Duplicate { at: usize, bytes: usize },
    Truncate(usize),
    Extend(Vec<u8>),
    Remove,
    ReplaceBy(PathBuf),
    SwapNames(PathBuf),
    Create(Vec<u8>),
}

/// A deed on a file.
#[derive(Debug, Clone)]
pub(super) struct Mutation {
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    deed: Deed,
}

impl Mutation {
    /// A mutation of one of these files: each kind of file is as likely as any other.
    pub(super) fn draw(chance: &mut Chance, files: &Files) -> Self {
        loop {
            let kind = *one_of(chance, &Kind::ALL);
            if kind == Kind::Stray {
                return Self::stray(chance, files);
            }
            let of_kind: Vec<_> = files.keys().filter(|path| Kind::of(path, files) == kind).collect();
            if !of_kind.is_empty() {
                let path = *one_of(chance, &of_kind);
                let deed = deed(chance, &files[path], &of_kind);
                return Self { kind, path: path.clone(), deed };
            }
        }
    }

    fn stray(chance: &mut Chance, files: &Files) -> Self {
        const NAMES: [&str; 6] =
            ["snap.0000000000000042.generating", "mark.tmp", "000001.idx.tmp", "000009.idx", "notes.txt", "conf.bak"];
        let beside: Vec<_> = files.keys().filter(|path| path.components().count() > 2).collect();
        let path = one_of(chance, &beside).with_file_name(*one_of(chance, &NAMES));
        let bytes = chance.below(3000) as usize;
        Self { kind: Kind::Stray, path, deed: Deed::Create(noise(chance, bytes)) }
    }

    /// Does it.
    pub(super) fn apply(&self, files: &mut Files) {
        let Self { path, deed, .. } = self;
        match deed {
            Deed::Remove => drop(files.remove(path)),
            Deed::Create(bytes) => drop(files.insert(path.clone(), bytes.clone())),
            Deed::ReplaceBy(other) => {
                let bytes = files[other].clone();
                files.insert(path.clone(), bytes);
            }
            Deed::SwapNames(other) => {
                let (one, two) = (files[path].clone(), files[other].clone());
                files.extend([(path.clone(), two), (other.clone(), one)]);
            }
            Deed::Flip(_)
            | Deed::Put { .. }
            | Deed::SwapSectors(..)
            | Deed::Duplicate { .. }
            | Deed::Truncate(_)
            | Deed::Extend(_) => {
                if let Some(bytes) = files.get_mut(path) {
                    change(deed, bytes);
                }
            }
        }
    }
}

fn deed(chance: &mut Chance, bytes: &[u8], of_kind: &[&PathBuf]) -> Deed {
    // A lock has no bytes.
    let end = bytes.len().max(1) as u64;
    let at = chance.below(end) as usize;
    let sector = at / SECTOR * SECTOR;
    let another = chance.below(end) as usize / SECTOR * SECTOR;
    match chance.below(12) {
        0 | 1 => {
            let flips = 1 + chance.below(3);
            Deed::Flip((0..flips).map(|_| (chance.below(end) as usize, 1 << chance.below(8))).collect())
        }
        2 => Deed::Put { at: sector, bytes: vec![0; SECTOR] },
        3 => Deed::Put { at: sector, bytes: noise(chance, SECTOR) },
        4 => Deed::Truncate(at),
        5 => {
            let count = 1 + chance.below(600) as usize;
            Deed::Extend(if chance.below(2) == 0 { vec![0; count] } else { noise(chance, count) })
        }
        6 => Deed::SwapSectors(sector, another),
        7 => Deed::Duplicate { at: sector, bytes: 1 + chance.below(2 * SECTOR as u64) as usize },
        8 => Deed::Remove,
        9 => Deed::Truncate(0),
        10 => Deed::ReplaceBy((*one_of(chance, of_kind)).clone()),
        _ => Deed::SwapNames((*one_of(chance, of_kind)).clone()),
    }
}

fn one_of<'a, T>(chance: &mut Chance, of: &'a [T]) -> &'a T {
    &of[chance.below(of.len() as u64) as usize]
}

fn noise(chance: &mut Chance, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| chance.below(256) as u8).collect()
}

fn change(deed: &Deed, bytes: &mut Vec<u8>) {
    let put = |bytes: &mut [u8], at: usize, piece: &[u8]| {
        bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = *new);
    };
    match deed {
        Deed::Flip(flips) => {
            for (at, bit) in flips {
                bytes.iter_mut().skip(*at).take(1).for_each(|byte| *byte ^= bit);
            }
        }
        Deed::Put { at, bytes: piece } => put(bytes, *at, piece),
        Deed::SwapSectors(one, two) => {
            let sector = |at: usize| bytes.iter().skip(at).take(SECTOR).copied().collect::<Vec<_>>();
            let (first, second) = (sector(*one), sector(*two));
            put(bytes, *one, &second);
            put(bytes, *two, &first);
        }
        Deed::Duplicate { at, bytes: count } => {
            let piece: Vec<u8> = bytes.iter().skip(*at).take(*count).copied().collect();
            let behind = at + piece.len();
            bytes.splice(behind..behind, piece);
        }
        Deed::Truncate(at) => bytes.truncate(*at),
        Deed::Extend(more) => bytes.extend_from_slice(more),
        // Of names, not of bytes.
        Deed::Remove | Deed::ReplaceBy(_) | Deed::SwapNames(_) | Deed::Create(_) => {}
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.path.display())?;
        match &self.deed {
            Deed::Flip(flips) => write!(formatter, "bits flipped, {flips:?}"),
            Deed::Put { at, bytes } if bytes.iter().all(|byte| *byte == 0) => write!(formatter, "zeros from {at}"),
            Deed::Put { at, .. } => write!(formatter, "a sector of noise at {at}"),
            Deed::SwapSectors(one, two) => write!(formatter, "sectors at {one} and {two} swapped"),
            Deed::Duplicate { at, bytes } => write!(formatter, "{bytes} bytes from {at} twice"),
            Deed::Truncate(at) => write!(formatter, "cut at {at}"),
            Deed::Extend(more) => write!(formatter, "{} bytes more, the first {}", more.len(), more[0]),
            Deed::Remove => write!(formatter, "removed"),
            Deed::ReplaceBy(other) => write!(formatter, "replaced by {}", other.display()),
            Deed::SwapNames(other) => write!(formatter, "swapped with {}", other.display()),
            Deed::Create(bytes) => write!(formatter, "made, {} bytes", bytes.len()),
        }
    }
}
