//! What fuzzers feed: each parser of bytes that others may have written, with what must hold of it.
//!
//! A target takes any bytes, and panics when something does not hold. It lives in the room whose private parser
//! it needs; here they are listed, with bytes to begin with. `fuzz/` feeds them what it makes up; the test at
//! the foot feeds them what was once found, and every beginning.

use arbitrary::{Arbitrary, Unstructured};

use crate::{cli, grpc, index, log, model, state, store};

/// A parser under test.
#[derive(Debug)]
pub struct Target {
    /// Its name: also that of its binary in `fuzz/` and of its directory of regressions.
    pub name: &'static str,
    /// Takes any bytes, and panics when something does not hold of them.
    pub check: fn(&[u8]),
    /// Bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($room:ident :: $name:ident),* $(,)?) => {
        [$(Target {
            name: stringify!($name),
            check: $room::fuzzing::$name::check,
            seeds: $room::fuzzing::$name::seeds,
        }),*]
    };
}

/// All of them.
pub const TARGETS: [Target; 18] = targets![
    log::segment_header,
    log::block,
    log::record,
    log::segment_walk,
    log::mark,
    index::index_file,
    index::tally,
    state::state_rows,
    state::read_model_rows,
    model::wire,
    model::merge_patch,
    store::control_records,
    store::group_notes,
    grpc::event,
    grpc::requests,
    grpc::umadb,
    cli::event_line,
    cli::expressions,
];

/// A value made of bytes, as a fuzzer has them: the same from the same bytes.
pub(crate) fn made<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    Unstructured::new(bytes).arbitrary().ok()
}

/// The same bytes with one bit turned over; which one follows from the bytes.
pub(crate) fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let bit = crc32c::crc32c(&bytes) as usize % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// A change that a fuzzer makes to good bytes.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Edit {
    /// Puts a byte somewhere.
    Byte(u16, u8),
    /// Turns a bit over.
    Bit(u16, u8),
    /// Puts a number, its highest byte first, somewhere.
    Number(u16, u32),
    /// Puts zeros somewhere.
    Zeros(u16, u8),
    /// Copies bytes to somewhere else.
    Copy(u16, u16, u8),
    /// Cuts off the end.
    Cut(u16),
    /// Puts bytes behind the end.
    More(u8, u8),
}

impl Edit {
    /// Applies edits, whose places wrap around at the end.
    pub(crate) fn apply(edits: &[Self], bytes: &mut Vec<u8>) {
        for edit in edits {
            let length = bytes.len().max(1);
            let mut put = |at: u16, piece: &[u8]| {
                let at = usize::from(at) % length;
                bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = *new);
            };
            match *edit {
                Self::Byte(at, byte) => put(at, &[byte]),
                Self::Number(at, number) => put(at, &number.to_be_bytes()),
                Self::Zeros(at, count) => put(at, &vec![0; usize::from(count)]),
                Self::Copy(from, to, count) => {
                    let from = usize::from(from) % length;
                    let piece: Vec<u8> = bytes.iter().skip(from).take(usize::from(count)).copied().collect();
                    let to = usize::from(to) % length;
                    bytes.iter_mut().skip(to).zip(piece).for_each(|(byte, new)| *byte = new);
                }
                Self::Bit(at, bit) => {
                    if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
                        *byte ^= 1 << (bit % 8);
                    }
                }
                Self::Cut(at) => bytes.truncate(usize::from(at) % length),
                Self::More(byte, count) => bytes.extend(std::iter::repeat_n(byte, usize::from(count))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_fuzzers_found_stays_mended() {
        let regressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions");
        let mut known: Vec<_> = fs::read_dir(&regressions)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        for target in &TARGETS {
            known.retain(|name| name != target.name);
            let Ok(files) = fs::read_dir(regressions.join(target.name)) else { continue };
            for file in files {
                let path = file.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                let held = std::panic::catch_unwind(|| (target.check)(&bytes));
                assert!(held.is_ok(), "{}", path.display());
            }
        }
        assert!(known.is_empty(), "no target is called {known:?}");
    }

    #[test]
    fn every_target_takes_its_seeds_and_what_is_near_them() {
        for target in &TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{} begins with nothing", target.name);
            for seed in seeds {
                (target.check)(&seed);
                (target.check)(&[]);
                if !seed.is_empty() {
                    (target.check)(&flipped(&seed));
                    (target.check)(&seed[..seed.len() / 2]);
                }
            }
        }
    }

    #[test]
    fn every_target_has_a_binary() {
        let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
        for target in &TARGETS {
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len() + 1, "and one that makes the seeds");
    }
}
