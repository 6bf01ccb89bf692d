//! The door to read models.

use tonic::{Request, Response, Status};

use super::caller::blocking;
use super::status::invalid;
use super::streams::{cut_page, page_of};
use super::{Doors, convert};
use crate::model::limits::{DOCUMENT_BYTES_MAX, GIVEN_NAME_BYTES_MAX, LABEL_BYTES_MAX};
use crate::model::name::check_given;
use crate::model::{GivenName, Invalid, Position};
use crate::proto::read_models_server::ReadModels;
use crate::proto::{
    Document, ReadModelGeneration, ReadModelsBeginRequest, ReadModelsBeginResponse, ReadModelsDeleteRequest,
    ReadModelsDeleteResponse, ReadModelsDescribeRequest, ReadModelsDescribeResponse, ReadModelsGetRequest,
    ReadModelsGetResponse, ReadModelsListModelsRequest, ReadModelsListModelsResponse, ReadModelsListRequest,
    ReadModelsListResponse, ReadModelsSwitchRequest, ReadModelsSwitchResponse, ReadModelsWriteRequest,
    ReadModelsWriteResponse,
};
use crate::state::read_models::{self as state, Listing, Write};
use crate::store::Absent;

/// About how many bytes of documents one page carries.
const PAGE_BYTES: usize = 1 << 20;

/// The media type of a document that names none.
const CONTENT_TYPE: &str = "application/json";

#[tonic::async_trait]
impl ReadModels for Doors {
    async fn write(
        &self,
        request: Request<ReadModelsWriteRequest>,
    ) -> Result<Response<ReadModelsWriteResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let (model, generation) = (model_name(&request.model)?, generation_of(request.generation));
        let write = write_of(request).map_err(invalid)?;
        let generation = blocking(move || store.write_read_model(&model, generation, write)).await?;
        Ok(Response::new(ReadModelsWriteResponse { generation }))
    }

    async fn get(&self, request: Request<ReadModelsGetRequest>) -> Result<Response<ReadModelsGetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ReadModelsGetRequest { model, r#type, id, generation } = request.into_inner();
        let model = model_name(&model)?;
        check_key(&r#type, &id).map_err(invalid)?;
        let generation = generation_of(generation);
        let (document, generation) = blocking(move || store.document(&model, generation, &r#type, &id)).await?;
        Ok(Response::new(ReadModelsGetResponse {
            document: Some(document_out(document)),
            position: generation.position.0,
        }))
    }

    async fn list(&self, request: Request<ReadModelsListRequest>) -> Result<Response<ReadModelsListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let (model, generation) = (model_name(&request.model)?, generation_of(request.generation));
        if request.r#type.is_empty() && !request.id_prefix.is_empty() {
            return Err(invalid(Invalid::malformed("ids are listed by prefix within a type")));
        }
        let from = token_in(&request.page_token).map_err(invalid)?;
        let is_of_this = |(kind, id): &(String, String)| {
            request.r#type.is_empty() || (*kind == request.r#type && id.starts_with(&request.id_prefix))
        };
        if from.as_ref().is_some_and(|from| !is_of_this(from)) {
            return Err(invalid(Invalid::malformed("the page token is of another list")));
        }
        let most = page_of(&request.id_prefix, request.page_size, "")?;
        let listing = Listing {
            kind: Some(request.r#type).filter(|kind| !kind.is_empty()),
            id_prefix: request.id_prefix,
            from,
            offset: request.offset,
            most,
            bytes: PAGE_BYTES,
        };
        let (documents, next, generation) = blocking(move || store.documents(&model, generation, &listing)).await?;
        Ok(Response::new(ReadModelsListResponse {
            documents: documents.into_iter().map(document_out).collect(),
            next_page_token: next.map(token_out).unwrap_or_default(),
            position: generation.position.0,
        }))
    }

    async fn describe(
        &self,
        request: Request<ReadModelsDescribeRequest>,
    ) -> Result<Response<ReadModelsDescribeResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let model = model_name(&request.get_ref().model)?;
        let generations = blocking(move || store.read_model(&model)).await?;
        let generation = |generation: state::Generation| ReadModelGeneration {
            generation: generation.number,
            position: generation.position.0,
            is_active: generation.is_active,
            updated_at: Some(convert::time(generation.updated_at)),
        };
        Ok(Response::new(ReadModelsDescribeResponse { generations: generations.into_iter().map(generation).collect() }))
    }

    async fn list_models(
        &self,
        request: Request<ReadModelsListModelsRequest>,
    ) -> Result<Response<ReadModelsListModelsResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ReadModelsListModelsRequest { prefix, page_size, page_token } = request.into_inner();
        let size = page_of(&prefix, page_size, &page_token)?;
        let mut models = blocking(move || store.read_models(&prefix, &page_token, size + 1)).await?;
        let next_page_token = cut_page(&mut models, size, String::clone);
        Ok(Response::new(ReadModelsListModelsResponse { models, next_page_token }))
    }

    async fn begin(
        &self,
        request: Request<ReadModelsBeginRequest>,
    ) -> Result<Response<ReadModelsBeginResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let model = model_name(&request.get_ref().model)?;
        let generation = blocking(move || store.begin_generation(&model)).await?;
        Ok(Response::new(ReadModelsBeginResponse { generation }))
    }

    async fn switch(
        &self,
        request: Request<ReadModelsSwitchRequest>,
    ) -> Result<Response<ReadModelsSwitchResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ReadModelsSwitchRequest { model, generation, expected_position } = request.into_inner();
        let (model, expected) = (model_name(&model)?, expected_position.map(Position));
        blocking(move || store.switch_generation(&model, generation, expected)).await?;
        Ok(Response::new(ReadModelsSwitchResponse {}))
    }

    async fn delete(
        &self,
        request: Request<ReadModelsDeleteRequest>,
    ) -> Result<Response<ReadModelsDeleteResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ReadModelsDeleteRequest { model, generation } = request.into_inner();
        let (model, generation) = (model_name(&model)?, generation_of(generation));
        blocking(move || store.delete_read_model(&model, generation)).await?;
        Ok(Response::new(ReadModelsDeleteResponse {}))
    }
}

fn model_name(name: &str) -> Result<GivenName, Status> {
    GivenName::new("the read model's name", name).map_err(invalid)
}

fn generation_of(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

fn check_key(kind: &str, id: &str) -> Result<(), Invalid> {
    check_given("the document's type", kind)?;
    check_given("the document's id", id)
}

fn write_of(request: ReadModelsWriteRequest) -> Result<Write, Invalid> {
    let expected = request.expected_position.map(Position);
    let expected = expected.ok_or_else(|| Invalid::malformed("a write says where it expects the read model"))?;
    let position = request.position.map(Position);
    let position = position.ok_or_else(|| Invalid::malformed("a write says up to which event it goes"))?;
    if position < expected {
        return Err(Invalid::malformed("a write does not go back"));
    }
    let mut named = std::collections::HashSet::new();
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    for Document { r#type: kind, id, data, content_type, .. } in request.upserts {
        check_key(&kind, &id)?;
        Invalid::check("document_bytes", DOCUMENT_BYTES_MAX, data.len())?;
        Invalid::check("content_type_bytes", LABEL_BYTES_MAX, content_type.len())?;
        let content_type = if content_type.is_empty() { CONTENT_TYPE.to_owned() } else { content_type };
        if !named.insert((kind.clone(), id.clone())) {
            return Err(Invalid::malformed("a write names the same document twice"));
        }
        let (position, updated_at) = (Position::ZERO, crate::model::Timestamp::default());
        upserts.push(state::Document { kind, id, data: data.into(), content_type, position, updated_at });
    }
    for key in request.deletes {
        check_key(&key.r#type, &key.id)?;
        if !named.insert((key.r#type.clone(), key.id.clone())) {
            return Err(Invalid::malformed("a write names the same document twice"));
        }
        deletes.push((key.r#type, key.id));
    }
    Ok(Write { expected, position, upserts, deletes })
}

fn document_out(document: state::Document) -> Document {
    Document {
        r#type: document.kind,
        id: document.id,
        data: document.data.into(),
        content_type: document.content_type,
        position: document.position.0,
        updated_at: Some(convert::time(document.updated_at)),
    }
}

/// The kind's length, the kind and the id: where a page begins.
fn token_out((kind, id): (String, String)) -> String {
    format!("{}/{kind}{id}", kind.len())
}

fn token_in(token: &str) -> Result<Option<(String, String)>, Invalid> {
    if token.is_empty() {
        return Ok(None);
    }
    Invalid::check("page_token_bytes", 2 * GIVEN_NAME_BYTES_MAX + 4, token.len())?;
    let parse = || {
        let (length, names) = token.split_once('/')?;
        let (kind, id) = names.split_at_checked(length.parse().ok()?)?;
        Some((kind.to_owned(), id.to_owned()))
    };
    parse().map(Some).ok_or_else(|| Invalid::malformed("the page token is of another list"))
}
