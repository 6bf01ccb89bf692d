//! The model on disk.
//!
//! Owns [`ModelFile`]. Model and position are one file, replaced whole: the new one is written beside
//! the old one and synced, then takes its name, then the directory is synced. Whoever reads sees all
//! of the old one or all of the new one, also after a crash. One reactor uses one file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::Model;

/// Why the model could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file system refused.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} is no model; move it away to start from the beginning")]
    NoModel {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

/// The place of the model.
#[derive(Clone, Debug)]
pub(crate) struct ModelFile {
    path: PathBuf,
}

impl ModelFile {
    /// The model in this file, which need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file's path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The model that was saved last; none when there is no file.
    pub(crate) fn load(&self) -> Result<Option<Model>, Error> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|source| Error::NoModel { path: self.path.display().to_string(), source })
    }

    /// Puts `model` in the place of the one before.
    pub(crate) fn save(&self, model: &Model) -> Result<(), Error> {
        self.prepare(model)?;
        self.replace()
    }

    /// Writes the new file beside the old one.
    fn prepare(&self, model: &Model) -> Result<(), Error> {
        let mut bytes = serde_json::to_vec_pretty(model).expect("a model has a JSON form");
        bytes.push(b'\n');
        let beside = self.beside();
        let mut file = File::create(&beside).map_err(failed("create", &beside))?;
        file.write_all(&bytes).map_err(failed("write", &beside))?;
        file.sync_all().map_err(failed("sync", &beside))
    }

    /// Gives the new file the old one's name.
    fn replace(&self) -> Result<(), Error> {
        fs::rename(self.beside(), &self.path).map_err(failed("replace", &self.path))?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.unwrap_or(Path::new("."));
        File::open(directory).and_then(|it| it.sync_all()).map_err(failed("sync", directory))
    }

    /// Where the new file is made. What a crash leaves there is overwritten by the next save.
    fn beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Model {
        Model { position, ..Model::default() }
    }

    #[test]
    fn what_was_saved_last_is_loaded() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = ModelFile::new(directory.path().join("m.json"));
        assert_eq!(file.load().expect("absent is fine"), None);
        file.save(&at(1)).expect("saved");
        file.save(&at(2)).expect("saved");
        assert_eq!(file.load().expect("loaded"), Some(at(2)));
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_model() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = ModelFile::new(directory.path().join("m.json"));
        file.save(&at(1)).expect("saved");
        file.prepare(&at(2)).expect("written beside");
        assert_eq!(file.load().expect("loaded"), Some(at(1)));
        fs::write(file.beside(), b"{\"half").expect("a torn leftover");
        assert_eq!(file.load().expect("loaded"), Some(at(1)));
        file.save(&at(3)).expect("saved over the leftover");
        assert_eq!(file.load().expect("loaded"), Some(at(3)));
    }

    #[test]
    fn a_file_that_is_no_model_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = ModelFile::new(directory.path().join("m.json"));
        fs::write(file.path(), b"[]").expect("written");
        assert!(matches!(file.load(), Err(Error::NoModel { .. })));
    }
}
