//! The door to what is known of streams.

use tonic::{Request, Response, Status};

use super::caller::blocking;
use super::status::invalid;
use super::{Doors, convert};
use crate::model::limits::{PAGE_STREAMS_DEFAULT, PAGE_STREAMS_MAX};
use crate::model::name::SYSTEM_PREFIX;
use crate::model::{Invalid, StreamName};
use crate::proto::streams_server::Streams;
use crate::proto::{StreamInfo, StreamsGetRequest, StreamsGetResponse, StreamsListRequest, StreamsListResponse};
use crate::store::{Absent, Error, Store};

#[tonic::async_trait]
impl Streams for Doors {
    async fn get(&self, request: Request<StreamsGetRequest>) -> Result<Response<StreamsGetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let limits = &self.tenants.options().limits;
        let name = StreamName::for_read(&request.into_inner().stream, limits).map_err(invalid)?;
        let wanted = name.clone();
        let info = blocking(move || store.stream_info(&wanted)).await?;
        let stream = StreamInfo {
            stream: name.to_string(),
            first_revision: Some(0),
            head_revision: Some(info.head.0),
            event_count: info.head.0 + 1,
            last_position: info.last_position.0,
            first_recorded_at: Some(convert::time(info.first_recorded_at)),
            last_recorded_at: Some(convert::time(info.last_recorded_at)),
        };
        Ok(Response::new(StreamsGetResponse { stream: Some(stream) }))
    }

    async fn list(&self, request: Request<StreamsListRequest>) -> Result<Response<StreamsListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let size = match request.page_size as usize {
            0 => PAGE_STREAMS_DEFAULT,
            size => size.min(PAGE_STREAMS_MAX),
        };
        if !request.page_token.is_empty() && !request.page_token.starts_with(&request.prefix) {
            return Err(invalid(Invalid::malformed("this page_token belongs to another prefix")));
        }
        let (streams, next_page_token) = blocking(move || page(&store, &request, size)).await?;
        Ok(Response::new(StreamsListResponse { streams, next_page_token }))
    }
}

/// A page of names, and the first name of the next page, which is its token.
fn page(store: &Store, request: &StreamsListRequest, size: usize) -> Result<(Vec<String>, String), Error> {
    let mut from = request.page_token.clone().max(request.prefix.clone());
    let mut found = Vec::new();
    loop {
        let names = store.stream_names(&from, size + 1)?;
        let Some(last) = names.last() else { break };
        // The smallest name behind the last one.
        from = format!("{last}\0");
        let is_inside = |name: &String| name.starts_with(&request.prefix);
        let is_last = names.len() <= size || !is_inside(last);
        let is_shown = |name: &String| request.include_system || !name.starts_with(SYSTEM_PREFIX);
        found.extend(names.into_iter().filter(is_inside).filter(is_shown));
        if is_last || found.len() > size {
            break;
        }
    }
    let next = found.get(size).cloned().unwrap_or_default();
    found.truncate(size);
    Ok((found, next))
}
