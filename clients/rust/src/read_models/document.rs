//! Documents of a read model.
//!
//! Owns [`Document`], [`ListDocuments`] and the calls that read documents.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::ReadModel;
use crate::listing::{Listing, PAGE_SIZE, entries};
use crate::streams::next_page;
use crate::{Client, Error, proto, timestamp};

/// A document of a read model.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What kind of document it is, such as `customer`.
    pub doc_type: String,
    /// Its own name within the type.
    pub id: String,
    /// What it holds, opaque to the store.
    pub data: Bytes,
    /// The media type of `data`. Empty means `application/json`.
    pub content_type: String,
    /// The position of the write that made it so.
    pub position: u64,
    /// Server time of that write.
    pub updated_at: DateTime<Utc>,
}

/// Which documents to list: all, by type and id, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct ListDocuments {
    request: proto::ReadModelsListRequest,
}

impl Document {
    /// What it holds, out of JSON. [`Error::Json`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.data).map_err(Error::Json)
    }
}

impl ListDocuments {
    /// A list of all documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only documents of this type.
    #[must_use]
    pub fn of_type(mut self, doc_type: impl Into<String>) -> Self {
        self.request.r#type = doc_type.into();
        self
    }

    /// Only documents whose ids begin with this. Needs a type.
    #[must_use]
    pub fn id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request.id_prefix = prefix.into();
        self
    }

    /// Passes over so many documents first.
    #[must_use]
    pub fn offset(mut self, documents: u64) -> Self {
        self.request.offset = documents;
        self
    }
}

impl ReadModel {
    /// One document; none when there is none of this type and id, or no such read model or generation.
    pub async fn get(&self, doc_type: &str, id: &str) -> Result<Option<Document>, Error> {
        let request = proto::ReadModelsGetRequest {
            model: self.name.clone(),
            r#type: doc_type.to_owned(),
            id: id.to_owned(),
            generation: self.generation,
        };
        let found = self.client.call(Client::models, request, |mut api, it| async move { api.get(it).await });
        match found.await {
            Ok(proto::ReadModelsGetResponse { document: Some(document), .. }) => document.try_into().map(Some),
            Ok(_) => Err(Error::InvalidResponse("the document is missing".to_owned())),
            Err(Error::ReadModelNotFound | Error::TenantNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One document as it is when the generation is at this position; [`Error::WrongReadModelPosition`] when it is
    /// elsewhere, whether or not the document is there.
    ///
    /// A write on condition of the position is not enough for who has read before: a server that crashed may come
    /// back with an earlier position, and somebody else may bring it forwards again. What was read just before the
    /// crash would then be taken for what was so at that position.
    pub(crate) async fn get_at(&self, doc_type: &str, id: &str, position: u64) -> Result<Option<Document>, Error> {
        let request = proto::ReadModelsListRequest {
            model: self.name.clone(),
            generation: self.generation,
            r#type: doc_type.to_owned(),
            // Ids are sorted: the first that begins with this one is it, if it is there at all. Unlike a document
            // that is not found, an empty list comes with a position.
            id_prefix: id.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let page = self.client.call(Client::models, request, |mut api, it| async move { api.list(it).await });
        let page = match page.await {
            // Nothing was written yet.
            Err(Error::ReadModelNotFound) if self.generation == 0 && position == 0 => return Ok(None),
            page => page?,
        };
        if page.position != position {
            let (model, generation) = (self.name.clone(), self.generation);
            return Err(Error::WrongReadModelPosition { model, generation, expected: position, actual: page.position });
        }
        let found = page.documents.into_iter().find(|document| document.id == id);
        found.map(Document::try_from).transpose()
    }

    /// The documents that are asked for, by type and id. Each page is the read model as it is by then.
    #[must_use]
    pub fn list(&self, list: ListDocuments) -> Listing<Document> {
        let Self { client, name, generation } = self.clone();
        Listing::new(move |page_token| {
            let client = client.clone();
            let request = proto::ReadModelsListRequest {
                model: name.clone(),
                generation,
                page_size: PAGE_SIZE,
                // What comes before the first page is passed over once.
                offset: if page_token.is_empty() { list.request.offset } else { 0 },
                page_token,
                ..list.request.clone()
            };
            async move {
                let page = client.call(Client::models, request, |mut api, it| async move { api.list(it).await });
                let page = page.await?;
                Ok((entries(page.documents)?, next_page(page.next_page_token)))
            }
        })
    }
}

impl TryFrom<proto::Document> for Document {
    type Error = Error;

    fn try_from(document: proto::Document) -> Result<Self, Error> {
        Ok(Self {
            doc_type: document.r#type,
            id: document.id,
            data: document.data,
            content_type: document.content_type,
            position: document.position,
            updated_at: timestamp::required(document.updated_at, "updated_at")?,
        })
    }
}
