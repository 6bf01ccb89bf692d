//! Read models: what projectors make of events, kept next to them.
//!
//! Owns [`ReadModel`], the handle of one read model, with the calls about its generations and its life.
//! Documents are in `document.rs`, how they are changed in `write.rs`. What does the changing, event after
//! event, is in `projector`.

mod document;
mod write;

pub use document::{Document, ListDocuments};
pub use write::ReadModelWrite;

use chrono::{DateTime, Utc};

use crate::listing::{Listing, PAGE_SIZE};
use crate::streams::next_page;
use crate::{Client, Error, proto, timestamp};

/// One read model, by its name, and one of its generations or else whichever is active; it need not be there
/// yet. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ReadModel {
    client: Client,
    name: String,
    /// 0 for the active one.
    generation: u64,
}

/// A generation of a read model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u64,
    /// The position of the last event that is in it; 0 when there is none yet.
    pub position: u64,
    /// Whether it is what readers see.
    pub is_active: bool,
    /// Server time of the last write.
    pub updated_at: DateTime<Utc>,
}

impl Client {
    /// The read model of this name, for all calls about it.
    pub fn read_model(&self, name: impl Into<String>) -> ReadModel {
        ReadModel { client: self.clone(), name: name.into(), generation: 0 }
    }

    /// The names of the read models that begin with `prefix`, sorted.
    pub fn read_models(&self, prefix: impl Into<String>) -> Listing<String> {
        let (client, prefix) = (self.clone(), prefix.into());
        Listing::new(move |page_token| {
            let request =
                proto::ReadModelsListModelsRequest { prefix: prefix.clone(), page_size: PAGE_SIZE, page_token };
            let client = client.clone();
            async move {
                let page = client.call(Client::models, request, |mut api, it| async move { api.list_models(it).await });
                let page = page.await?;
                Ok((page.models, next_page(page.next_page_token)))
            }
        })
    }
}

/// All calls are retried while the server is unavailable, and fail with [`Error::ReadModelNotFound`] when there
/// is no read model of this name or no generation of this number.
impl ReadModel {
    /// The read model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same read model, but this generation of it, whether or not it is the active one.
    #[must_use]
    pub fn generation(&self, number: u64) -> Self {
        Self { generation: number, ..self.clone() }
    }

    /// The generations there are, ascending; empty when there is no read model of this name.
    pub async fn generations(&self) -> Result<Vec<Generation>, Error> {
        let request = proto::ReadModelsDescribeRequest { model: self.name.clone() };
        let described = self.client.call(Client::models, request, |mut api, it| async move { api.describe(it).await });
        match described.await {
            Ok(described) => described.generations.into_iter().map(Generation::try_from).collect(),
            Err(Error::ReadModelNotFound | Error::TenantNotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes a new generation, empty and at position 0, and returns its number. Readers do not see it yet,
    /// unless it is the first. A retry may make another one: delete it, or switch to a later one.
    pub async fn begin(&self) -> Result<u64, Error> {
        let request = proto::ReadModelsBeginRequest { model: self.name.clone() };
        let begun = self.client.call(Client::models, request, |mut api, it| async move { api.begin(it).await });
        Ok(begun.await?.generation)
    }

    /// Makes a generation the active one and deletes all older ones. [`Error::WrongReadModelPosition`] when it
    /// is not at the position that was expected of it, if any.
    pub async fn switch(&self, generation: u64, expected_position: Option<u64>) -> Result<(), Error> {
        let request = proto::ReadModelsSwitchRequest { model: self.name.clone(), generation, expected_position };
        self.client.call(Client::models, request, |mut api, it| async move { api.switch(it).await }).await?;
        Ok(())
    }

    /// Deletes the whole read model, or only the [`generation`](Self::generation) that was chosen, which must
    /// not be active. [`Error::ReadModelNotFound`] is also what a retry meets after a first try that worked.
    pub async fn delete(&self) -> Result<(), Error> {
        let request = proto::ReadModelsDeleteRequest { model: self.name.clone(), generation: self.generation };
        self.client.call(Client::models, request, |mut api, it| async move { api.delete(it).await }).await?;
        Ok(())
    }
}

impl TryFrom<proto::ReadModelGeneration> for Generation {
    type Error = Error;

    fn try_from(generation: proto::ReadModelGeneration) -> Result<Self, Error> {
        Ok(Self {
            number: generation.generation,
            position: generation.position,
            is_active: generation.is_active,
            updated_at: timestamp::required(generation.updated_at, "updated_at")?,
        })
    }
}
