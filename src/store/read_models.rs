//! Read models, as the doors see them. Their shelf is opened when somebody first asks for it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::Error;
use super::store::Store;
use crate::disk::Disk;
use crate::model::{GivenName, Position};
use crate::state::read_models::{Document, Generation, Listing, Page, ReadModels, Refusal, Write};
use crate::state::{Keeping, MemoryShelf, open_sled};

/// Where read models are, and they themselves once somebody has asked.
#[derive(Debug)]
pub(super) struct Cabinet {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    aside: PathBuf,
    log_id: u128,
    open: Mutex<Option<Arc<ReadModels>>>,
}

impl Cabinet {
    pub(super) fn new(disk: Arc<dyn Disk>, directory: PathBuf, aside: PathBuf, log_id: u128) -> Self {
        Self { disk, directory, aside, log_id, open: Mutex::default() }
    }

    fn get(&self) -> Result<Arc<ReadModels>, Error> {
        let mut open = self.open.lock().expect("no panic under this lock");
        if let Some(models) = &*open {
            return Ok(models.clone());
        }
        let shelf = if self.disk.is_durable() {
            open_sled(&*self.disk, &self.directory, &self.aside, Keeping::READ_MODELS)?
        } else {
            Arc::new(MemoryShelf::default())
        };
        Ok(open.insert(Arc::new(ReadModels::open(shelf, self.log_id)?)).clone())
    }

    /// Writes out what is not on disk yet.
    pub(super) fn close(&self) {
        let open = self.open.lock().expect("no panic under this lock").take();
        if let Some(Err(error)) = open.map(|models| models.flush()) {
            tracing::warn!(%error, "the read models were not written out");
        }
    }
}

impl Store {
    /// Changes documents of a read model and its position; returns the number of the generation. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// When the generation is not where it is expected, or the position lies beyond the head or goes back.
    pub fn write_read_model(&self, model: &GivenName, generation: Option<u64>, write: Write) -> Result<u64, Error> {
        self.check_serving()?;
        let head = self.head();
        if write.position > head {
            return Err(Error::BeyondEnd { asked: write.position.0, last: Some(head.0) });
        }
        let expected = write.expected;
        let written = self.cabinet.get()?.write(model.as_str(), generation, write, self.clock.now());
        written.map_err(|refusal| told(model, expected, refusal))
    }

    /// A document of a read model, and its generation. Blocks on the disk.
    ///
    /// # Errors
    /// When there is no such document.
    pub fn document(
        &self,
        model: &GivenName,
        generation: Option<u64>,
        kind: &str,
        id: &str,
    ) -> Result<(Document, Generation), Error> {
        let found = self.cabinet.get()?.get(model.as_str(), generation, kind, id);
        found.map_err(|refusal| told(model, Position::ZERO, refusal))
    }

    /// A page of documents of a read model. Blocks on the disk.
    ///
    /// # Errors
    /// When there is no such read model or generation.
    pub fn documents(&self, model: &GivenName, generation: Option<u64>, listing: &Listing) -> Result<Page, Error> {
        let found = self.cabinet.get()?.list(model.as_str(), generation, listing);
        found.map_err(|refusal| told(model, Position::ZERO, refusal))
    }

    /// The generations of a read model. Blocks on the disk.
    ///
    /// # Errors
    /// When there is no such read model.
    pub fn read_model(&self, model: &GivenName) -> Result<Vec<Generation>, Error> {
        let found = self.cabinet.get()?.generations(model.as_str());
        found.map_err(|refusal| told(model, Position::ZERO, refusal))
    }

    /// Names of read models that begin with `prefix` and are not below `from`, sorted. Blocks on the disk.
    pub fn read_models(&self, prefix: &str, from: &str, most: usize) -> Result<Vec<String>, Error> {
        Ok(self.cabinet.get()?.names(prefix, from, most)?)
    }

    /// Makes a new generation of a read model. Blocks on the disk.
    pub fn begin_generation(&self, model: &GivenName) -> Result<u64, Error> {
        self.check_serving()?;
        let begun = self.cabinet.get()?.begin(model.as_str(), self.clock.now());
        begun.map_err(|refusal| told(model, Position::ZERO, refusal))
    }

    /// Makes a generation the active one. Blocks on the disk.
    ///
    /// # Errors
    /// When there is none of this number, or it is not where it is expected.
    pub fn switch_generation(&self, model: &GivenName, number: u64, expected: Option<Position>) -> Result<(), Error> {
        self.check_serving()?;
        let switched = self.cabinet.get()?.switch(model.as_str(), number, expected);
        switched.map_err(|refusal| told(model, expected.unwrap_or_default(), refusal))
    }

    /// Deletes a read model, or one of its generations. Blocks on the disk.
    ///
    /// # Errors
    /// When there is none, or it is the active generation.
    pub fn delete_read_model(&self, model: &GivenName, number: Option<u64>) -> Result<(), Error> {
        self.check_serving()?;
        let deleted = self.cabinet.get()?.delete(model.as_str(), number);
        deleted.map_err(|refusal| told(model, Position::ZERO, refusal))
    }
}

fn told(model: &GivenName, expected: Position, refusal: Refusal) -> Error {
    match refusal {
        Refusal::NotFound(what) => Error::ReadModelNotFound { model: model.clone(), what },
        Refusal::Position(generation) => Error::WrongReadModelPosition {
            model: model.clone(),
            generation: generation.number,
            expected,
            actual: generation.position,
        },
        Refusal::Active => crate::model::Invalid::malformed("the active generation is not deleted on its own").into(),
        Refusal::Failed(error) => error.into(),
    }
}
