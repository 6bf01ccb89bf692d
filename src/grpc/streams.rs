//! The door to what is known of streams.

use tonic::{Request, Response, Status};

use super::caller::blocking;
use super::status::invalid;
use super::{Doors, convert};
use crate::model::limits::{PAGE_STREAMS_DEFAULT, PAGE_STREAMS_MAX};
use crate::model::{Invalid, StreamName};
use crate::proto::streams_server::Streams;
use crate::proto::{StreamInfo, StreamsGetRequest, StreamsGetResponse, StreamsListRequest, StreamsListResponse};
use crate::store::Absent;

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
            metadata: None,
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
        let StreamsListRequest { prefix, page_token, include_system, .. } = request;
        let page = blocking(move || store.stream_page(&prefix, &page_token, include_system, size));
        let (streams, next) = page.await?;
        Ok(Response::new(StreamsListResponse { streams, next_page_token: next.unwrap_or_default() }))
    }

    async fn set_metadata(&self, _request: Request<crate::proto::StreamsSetMetadataRequest>) -> Result<Response<crate::proto::StreamsSetMetadataResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete(&self, _request: Request<crate::proto::StreamsDeleteRequest>) -> Result<Response<crate::proto::StreamsDeleteResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn tombstone(&self, _request: Request<crate::proto::StreamsTombstoneRequest>) -> Result<Response<crate::proto::StreamsTombstoneResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_event_types(&self, _request: Request<crate::proto::StreamsListEventTypesRequest>) -> Result<Response<crate::proto::StreamsListEventTypesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_statistics(&self, _request: Request<crate::proto::StreamsGetStatisticsRequest>) -> Result<Response<crate::proto::StreamsGetStatisticsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
