//! The bytes of one file: those that are seen, and those that would outlive a power cut.

use std::io;

use super::Chance;

/// The unit that reaches the disk as a whole or not at all, in bytes.
pub const SECTOR: usize = 512;

/// How often a sector of a new part of a file that did not arrive has noise in it: once in so many times.
const NOISE: u64 = 8;

#[derive(Debug, Default)]
pub(super) struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// What was done since the last sync, oldest first.
    pending: Vec<Pending>,
    /// The last write, when it went astray.
    astray: Option<Astray>,
}

/// A write that went to another place than it was meant for.
#[derive(Debug)]
struct Astray {
    meant: usize,
    bytes: Vec<u8>,
    /// What was seen and what was durable before.
    before: (Vec<u8>, Vec<u8>),
    /// Whether another write came behind it.
    is_followed: bool,
}

#[derive(Debug)]
enum Pending {
    Bytes { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// What a power cut does to all that is pending in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    /// Up to some point it is kept.
    Begun,
    /// Each sector and each length by itself.
    Scattered,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.seen.get(start..start.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        self.astray.iter_mut().for_each(|astray| astray.is_followed = true);
        let at = offset as usize;
        put(&mut self.seen, at, bytes);
        self.pending.push(Pending::Bytes { at, bytes: bytes.to_vec() });
    }

    /// Writes to another place than `meant`.
    pub(super) fn write_astray(&mut self, bytes: &[u8], meant: u64, chance: &mut Chance) {
        self.sync();
        let before = (self.seen.clone(), self.durable.clone());
        let sectors = self.seen.len() / SECTOR + 1;
        self.write(bytes, chance.below(sectors as u64) * SECTOR as u64);
        self.astray = Some(Astray { meant: meant as usize, bytes: bytes.to_vec(), before, is_followed: false });
    }

    /// A write that went astray and that nothing durable followed is one that nobody can see: it is where it was
    /// meant to be.
    pub(super) fn forgive(&mut self) {
        let Some(Astray { meant, bytes, before, .. }) = self.astray.take() else { return };
        (self.seen, self.durable) = before;
        self.pending.clear();
        put(&mut self.seen, meant, &bytes);
        put(&mut self.durable, meant, &bytes);
    }

    pub(super) fn set_len(&mut self, length: u64) {
        self.seen.resize(length as usize, 0);
        self.pending.push(Pending::Length(length as usize));
    }

    pub(super) fn sync(&mut self) {
        self.astray.take_if(|astray| astray.is_followed);
        for pending in self.pending.drain(..) {
            match pending {
                Pending::Bytes { at, bytes } => put(&mut self.durable, at, &bytes),
                Pending::Length(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// Some of what is pending reaches the disk, as it does at any time.
    pub(super) fn write_some_out(&mut self, chance: &mut Chance) {
        let count = chance.below(self.pending.len() as u64 + 1) as usize;
        for pending in &self.pending[..count] {
            settle(&mut self.durable, pending, Fate::Scattered, chance);
        }
    }

    /// Bytes that are pending are taken for clean; chance decides what of them is on the disk. Lengths are kept by the
    /// journal and go with the next sync.
    pub(super) fn forget(&mut self, chance: &mut Chance) {
        self.write_some_out(chance);
        self.pending.retain(|pending| matches!(pending, Pending::Length(_)));
    }

    pub(super) fn cut_power(&mut self, chance: &mut Chance) {
        let fate = [Fate::Kept, Fate::Lost, Fate::Begun, Fate::Scattered][chance.below(4) as usize];
        let pending = std::mem::take(&mut self.pending);
        let count = match fate {
            Fate::Kept | Fate::Scattered => pending.len(),
            Fate::Lost => 0,
            Fate::Begun => chance.below(pending.len() as u64 + 1) as usize,
        };
        for (index, pending) in pending[..count].iter().enumerate() {
            let is_last = index + 1 == count;
            let fate = if fate == Fate::Begun && !is_last { Fate::Kept } else { fate };
            settle(&mut self.durable, pending, fate, chance);
        }
        self.seen.clone_from(&self.durable);
    }

    pub(super) fn durable_len(&self) -> u64 {
        self.durable.len().min(self.seen.len()) as u64
    }

    /// Flips a bit among the first so many bytes on the disk; returns the byte's offset.
    pub(super) fn rot(&mut self, bytes: u64, chance: &mut Chance) -> u64 {
        let at = chance.below(bytes.min(self.durable_len()));
        let bit = 1 << chance.below(8);
        self.durable[at as usize] ^= bit;
        self.seen[at as usize] ^= bit;
        at
    }
}

/// Lets a change arrive on the disk, or what its fate leaves of it.
fn settle(durable: &mut Vec<u8>, pending: &Pending, fate: Fate, chance: &mut Chance) {
    match pending {
        Pending::Length(length) => {
            if fate != Fate::Scattered || chance.once_in(2) {
                durable.resize(*length, 0);
            }
        }
        Pending::Bytes { at, bytes } => {
            let reached = if fate == Fate::Begun { chance.below(bytes.len() as u64 + 1) as usize } else { bytes.len() };
            for (at, sector) in sectors(*at, &bytes[..reached]) {
                if fate != Fate::Scattered || chance.once_in(2) {
                    put(durable, at, sector);
                } else if at >= durable.len() && chance.once_in(2) {
                    let noise = if chance.once_in(NOISE) { chance.number() as u8 } else { 0 };
                    put(durable, at, &vec![noise; sector.len()]);
                }
            }
        }
    }
}

/// The parts of a write by the sectors that they lie in.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let head = bytes.len().min(SECTOR - at % SECTOR);
    let (first, rest) = bytes.split_at(head);
    let rest = rest.chunks(SECTOR).enumerate().map(move |(index, sector)| (at + head + index * SECTOR, sector));
    std::iter::once((at, first)).filter(|(_, first)| !first.is_empty()).chain(rest)
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}
