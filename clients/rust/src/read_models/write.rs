//! Changing a read model.
//!
//! Owns [`ReadModelWrite`] and the call for it: documents and the position change together, on condition of
//! the position before.

use bytes::Bytes;
use serde::Serialize;

use super::ReadModel;
use crate::{Client, Error, proto};

/// Changes of documents, with the position of the last event that is in them.
#[derive(Clone, Debug, Default)]
pub struct ReadModelWrite {
    request: proto::ReadModelsWriteRequest,
}

impl ReadModelWrite {
    /// Moves the read model from one position (0 when nothing was written yet) to another, at most the head.
    #[must_use]
    pub fn new(expected_position: u64, position: u64) -> Self {
        Self {
            request: proto::ReadModelsWriteRequest {
                expected_position: Some(expected_position),
                position: Some(position),
                ..Default::default()
            },
        }
    }

    /// A document as it is from now on.
    #[must_use]
    pub fn upsert(mut self, doc_type: impl Into<String>, id: impl Into<String>, data: impl Into<Bytes>) -> Self {
        self.request.upserts.push(proto::Document {
            r#type: doc_type.into(),
            id: id.into(),
            data: data.into(),
            ..Default::default()
        });
        self
    }

    /// A document as it is from now on, in JSON. [`Error::Json`] when it has no JSON form.
    pub fn upsert_json(
        self,
        doc_type: impl Into<String>,
        id: impl Into<String>,
        document: &impl Serialize,
    ) -> Result<Self, Error> {
        Ok(self.upsert(doc_type, id, serde_json::to_vec(document).map_err(Error::Json)?))
    }

    /// A document that goes, if it is there.
    #[must_use]
    pub fn delete(mut self, doc_type: impl Into<String>, id: impl Into<String>) -> Self {
        self.request.deletes.push(proto::DocumentKey { r#type: doc_type.into(), id: id.into() });
        self
    }
}

impl ReadModel {
    /// Changes documents and the position, all or nothing; returns the generation that was written. The first
    /// write makes the read model.
    ///
    /// [`Error::WrongReadModelPosition`] when it is not at the position expected, which a retry also meets
    /// after a first try that worked and whose answer was lost. [`Error::BeyondEnd`] when the new position
    /// lies beyond the head.
    pub async fn write(&self, write: ReadModelWrite) -> Result<u64, Error> {
        let request =
            proto::ReadModelsWriteRequest { model: self.name.clone(), generation: self.generation, ..write.request };
        let written = self.client.call(Client::models, request, |mut api, it| async move { api.write(it).await });
        Ok(written.await?.generation)
    }
}
