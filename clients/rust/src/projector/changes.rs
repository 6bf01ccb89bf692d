//! The documents that a batch of events changes.
//!
//! Owns [`Changes`]: what is read through it shows the batch's own changes, and nothing of them is seen by
//! anybody else before the batch is written as a whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ReadModel, ReadModelWrite};

/// The read model as a projection sees it, with the changes that are to be written.
#[derive(Debug)]
pub struct Changes {
    model: ReadModel,
    /// Where the read model is as long as nothing of this is written.
    position: u64,
    /// Documents by type and id; none for those that are not there.
    documents: BTreeMap<(String, String), Known>,
    bytes: usize,
    changed: usize,
    /// Why a document could not be read: then nothing of this may be written, whatever the projection says.
    failure: Option<Error>,
}

#[derive(Debug)]
struct Known {
    data: Option<Bytes>,
    is_changed: bool,
}

impl Changes {
    pub(super) fn new(model: ReadModel, position: u64) -> Self {
        Self { model, position, documents: BTreeMap::new(), bytes: 0, changed: 0, failure: None }
    }

    /// A document out of JSON; none when it is not there. [`Error::Json`] when it is not JSON of that shape,
    /// any other when it cannot be read: hand that on, the projector knows what to do.
    pub async fn get<T: DeserializeOwned>(&mut self, doc_type: &str, id: &str) -> Result<Option<T>, Error> {
        let data = self.get_bytes(doc_type, id).await?;
        data.map(|data| serde_json::from_slice(&data).map_err(Error::Json)).transpose()
    }

    /// What a document holds; none when it is not there.
    pub async fn get_bytes(&mut self, doc_type: &str, id: &str) -> Result<Option<Bytes>, Error> {
        let key = (doc_type.to_owned(), id.to_owned());
        if let Some(known) = self.documents.get(&key) {
            return Ok(known.data.clone());
        }
        let data = match self.model.get_at(doc_type, id, self.position).await {
            Ok(document) => document.map(|document| document.data),
            Err(error) => {
                let told = Error::unavailable(format!("a document cannot be read: {error}"));
                self.failure.get_or_insert(error);
                return Err(told);
            }
        };
        self.documents.insert(key, Known { data: data.clone(), is_changed: false });
        Ok(data)
    }

    /// A document as it is from now on, in JSON. [`Error::Json`] when it has no JSON form.
    pub fn upsert(&mut self, doc_type: &str, id: &str, document: &impl Serialize) -> Result<(), Error> {
        self.upsert_bytes(doc_type, id, serde_json::to_vec(document).map_err(Error::Json)?);
        Ok(())
    }

    /// What a document holds from now on, at most 1 MiB.
    pub fn upsert_bytes(&mut self, doc_type: &str, id: &str, data: impl Into<Bytes>) {
        self.change(doc_type, id, Some(data.into()));
    }

    /// The document goes, if it is there.
    pub fn delete(&mut self, doc_type: &str, id: &str) {
        self.change(doc_type, id, None);
    }

    fn change(&mut self, doc_type: &str, id: &str, data: Option<Bytes>) {
        let size = doc_type.len() + id.len() + data.as_ref().map_or(0, Bytes::len);
        let known = Known { data, is_changed: true };
        self.bytes += size;
        if !self.documents.insert((doc_type.to_owned(), id.to_owned()), known).is_some_and(|it| it.is_changed) {
            self.changed += 1;
        }
    }

    /// How many documents are changed.
    pub(super) fn len(&self) -> usize {
        self.changed
    }

    /// At most so many bytes, as they go over the wire.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Why a document could not be read, if that happened.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// The changes as one write, which brings the read model to a position; nothing is left of them here.
    pub(super) fn take(&mut self, position: u64) -> ReadModelWrite {
        let write = ReadModelWrite::new(self.position, position);
        let changed = std::mem::take(&mut self.documents).into_iter().filter(|(_, known)| known.is_changed);
        changed.fold(write, |write, ((doc_type, id), known)| match known.data {
            Some(data) => write.upsert(doc_type, id, data),
            None => write.delete(doc_type, id),
        })
    }
}
