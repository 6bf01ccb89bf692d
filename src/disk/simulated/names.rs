//! The names of files: those that are seen, and those that would outlive a power cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Chance;

#[derive(Debug, Default)]
pub(super) struct Names {
    seen: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// What was done since the directory was synced, oldest first.
    pending: Vec<(PathBuf, Pending)>,
}

#[derive(Debug)]
enum Pending {
    Set(PathBuf, Option<usize>),
    Renamed(PathBuf, PathBuf, usize),
}

impl Names {
    /// Which file has a name.
    pub(super) fn get(&self, path: &Path) -> Option<usize> {
        self.seen.get(path).copied()
    }

    /// All files by name.
    pub(super) fn seen(&self) -> impl Iterator<Item = (&Path, usize)> {
        self.seen.iter().map(|(path, file)| (path.as_path(), *file))
    }

    /// The names directly below a directory, sorted.
    pub(super) fn inside(&self, directory: &Path) -> Vec<String> {
        let inside = self.seen.keys().filter_map(|path| path.strip_prefix(directory).ok()?.iter().next());
        let mut names: Vec<String> = inside.filter_map(|name| name.to_str()).map(str::to_owned).collect();
        names.dedup();
        names
    }

    /// Gives a name to a file, or takes it away.
    pub(super) fn set(&mut self, path: &Path, file: Option<usize>) {
        self.change(path, Pending::Set(path.into(), file));
    }

    /// Moves a file from one name to another of the same directory.
    pub(super) fn rename(&mut self, from: &Path, to: &Path, file: usize) {
        self.change(to, Pending::Renamed(from.into(), to.into(), file));
    }

    fn change(&mut self, path: &Path, change: Pending) {
        apply(&mut self.seen, &change);
        self.pending.push((path.parent().unwrap_or(Path::new("")).into(), change));
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        let (synced, rest) = std::mem::take(&mut self.pending).into_iter().partition(|(of, _)| of == directory);
        self.pending = rest;
        let synced: Vec<(PathBuf, Pending)> = synced;
        synced.iter().for_each(|(_, change)| apply(&mut self.durable, change));
    }

    /// What is pending in a directory reaches the disk up to some point, in its order.
    pub(super) fn write_some_out(&mut self, directory: &Path, chance: &mut Chance) {
        let durable = &mut self.durable;
        let mut goes_on = true;
        self.pending.retain(|(of, change)| {
            goes_on &= of != directory || chance.once_in(2);
            let is_out = goes_on && of == directory;
            if is_out {
                apply(durable, change);
            }
            !is_out
        });
    }

    pub(super) fn cut_power(&mut self, chance: &mut Chance) {
        let kept_of_four = chance.below(5);
        for (_, change) in std::mem::take(&mut self.pending) {
            if chance.below(4) < kept_of_four {
                apply(&mut self.durable, &change);
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Pending) {
    match change {
        Pending::Set(path, Some(file)) => {
            names.insert(path.clone(), *file);
        }
        Pending::Set(path, None) => {
            names.remove(path);
        }
        Pending::Renamed(from, to, file) => {
            if names.get(from) == Some(file) {
                names.remove(from);
            }
            names.insert(to.clone(), *file);
        }
    }
}
