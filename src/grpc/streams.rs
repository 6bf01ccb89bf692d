//! The door to streams as a whole: what is known of them, their lives, and counts.

use chrono::{Days, NaiveDate};
use tonic::{Request, Response, Status};

use super::caller::{blocking, tenant};
use super::status::{invalid, status};
use super::{Doors, convert};
use crate::index::Counts;
use crate::model::limits::{LIST_PAGE_DEFAULT, LIST_PAGE_MAX};
use crate::model::{Invalid, StreamName, TenantId};
use crate::proto::streams_server::Streams;
use crate::proto::{
    DailyCount, ExpectedRevision, NamedCount, StreamInfo, StreamsDeleteRequest, StreamsDeleteResponse,
    StreamsGetRequest, StreamsGetResponse, StreamsGetStatisticsRequest, StreamsGetStatisticsResponse,
    StreamsListEventTypesRequest, StreamsListEventTypesResponse, StreamsListRequest, StreamsListResponse,
    StreamsSetMetadataRequest, StreamsSetMetadataResponse, StreamsTombstoneRequest, StreamsTombstoneResponse,
};
use crate::store::{Absent, LifeChange, LifeEvent};

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
            first_revision: info.head.filter(|head| info.first <= head.revision).map(|_| info.first.0),
            head_revision: info.head.map(|head| head.revision.0),
            event_count: info.head.map_or(0, |head| head.revision.0 + 1 - info.first.0),
            last_position: info.head.map_or(0, |head| head.position.0),
            first_recorded_at: info.first_recorded_at.map(convert::time),
            last_recorded_at: info.last_recorded_at.map(convert::time),
            metadata: info.metadata.map(convert::metadata_out),
        };
        Ok(Response::new(StreamsGetResponse { stream: Some(stream) }))
    }

    async fn list(&self, request: Request<StreamsListRequest>) -> Result<Response<StreamsListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let StreamsListRequest { mut prefix, category, page_size, page_token, include_system } = request.into_inner();
        if !category.is_empty() {
            if category.contains('-') {
                return Err(invalid(Invalid::malformed("a category has no `-`")));
            }
            let names = format!("{category}-");
            if !prefix.starts_with(&names) && !names.starts_with(&prefix) {
                return Ok(Response::new(StreamsListResponse::default()));
            }
            if names.len() > prefix.len() {
                prefix = names;
            }
        }
        let size = page_of(&prefix, page_size, &page_token)?;
        let page = blocking(move || store.stream_page(&prefix, &page_token, include_system, size));
        let (streams, next) = page.await?;
        Ok(Response::new(StreamsListResponse { streams, next_page_token: next.unwrap_or_default() }))
    }

    async fn set_metadata(
        &self,
        request: Request<StreamsSetMetadataRequest>,
    ) -> Result<Response<StreamsSetMetadataResponse>, Status> {
        let tenant = (tenant(&request)?, Absent::Create);
        let StreamsSetMetadataRequest { stream, metadata, expected } = request.into_inner();
        let limits = &self.tenants.options().limits;
        let metadata = convert::metadata_in(metadata.unwrap_or_default(), limits).map_err(invalid)?;
        let position = self.live(&tenant, &stream, expected, LifeEvent::MetadataSet(metadata)).await?;
        Ok(Response::new(StreamsSetMetadataResponse { position }))
    }

    async fn delete(&self, request: Request<StreamsDeleteRequest>) -> Result<Response<StreamsDeleteResponse>, Status> {
        let tenant = (tenant(&request)?, Absent::Refuse);
        let StreamsDeleteRequest { stream, expected } = request.into_inner();
        let position = self.live(&tenant, &stream, expected, LifeEvent::Deleted).await?;
        Ok(Response::new(StreamsDeleteResponse { position }))
    }

    async fn tombstone(
        &self,
        request: Request<StreamsTombstoneRequest>,
    ) -> Result<Response<StreamsTombstoneResponse>, Status> {
        let tenant = (tenant(&request)?, Absent::Create);
        let StreamsTombstoneRequest { stream, expected } = request.into_inner();
        let position = self.live(&tenant, &stream, expected, LifeEvent::Tombstoned).await?;
        Ok(Response::new(StreamsTombstoneResponse { position }))
    }

    async fn list_event_types(
        &self,
        request: Request<StreamsListEventTypesRequest>,
    ) -> Result<Response<StreamsListEventTypesResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let StreamsListEventTypesRequest { prefix, page_size, page_token } = request.into_inner();
        let size = page_of(&prefix, page_size, &page_token)?;
        let tally = blocking(move || store.tally()).await?;
        let mut types = named(tally.types.names);
        types.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        types.retain(|named| named.name.starts_with(&prefix) && *named.name >= *page_token);
        let next_page_token = cut_page(&mut types, size, |next| next.name.clone());
        Ok(Response::new(StreamsListEventTypesResponse { types, next_page_token }))
    }

    async fn get_statistics(
        &self,
        request: Request<StreamsGetStatisticsRequest>,
    ) -> Result<Response<StreamsGetStatisticsResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let tally = blocking(move || store.tally()).await?;
        let (types, events_of_other_types) = most_frequent(tally.types);
        let (categories, events_of_other_categories) = most_frequent(tally.categories);
        Ok(Response::new(StreamsGetStatisticsResponse {
            events: tally.events,
            types,
            categories,
            days: tally.days.into_iter().map(|(day, events)| DailyCount { day: date(day), events }).collect(),
            events_of_other_types,
            events_of_other_categories,
            streams: tally.streams,
        }))
    }
}

impl Doors {
    async fn live(
        &self,
        (tenant, absent): &(TenantId, Absent),
        stream: &str,
        expected: Option<ExpectedRevision>,
        what: LifeEvent,
    ) -> Result<u64, Status> {
        let stream = StreamName::for_append(stream, &self.tenants.options().limits).map_err(invalid)?;
        let change = LifeChange { stream, expected: convert::expected_in(expected), what };
        let store = self.store_of(tenant, *absent).await?;
        Ok(store.change_life(change).await.map_err(|error| status(&error))?.0)
    }
}

/// How many items a page has; its token must belong to what is listed.
pub(super) fn page_of(prefix: &str, size: u32, token: &str) -> Result<usize, Status> {
    if !token.is_empty() && !token.starts_with(prefix) {
        return Err(invalid(Invalid::malformed("this page_token belongs to another prefix")));
    }
    Ok(if size == 0 { LIST_PAGE_DEFAULT } else { (size as usize).min(LIST_PAGE_MAX) })
}

/// Cuts a page to its size; returns the name of what follows, which is the token of the next page.
pub(super) fn cut_page<T>(page: &mut Vec<T>, size: usize, name: impl Fn(&T) -> String) -> String {
    let next = page.get(size).map(name).unwrap_or_default();
    page.truncate(size);
    next
}

fn named(names: impl IntoIterator<Item = (String, u64)>) -> Vec<NamedCount> {
    names.into_iter().map(|(name, events)| NamedCount { name, events }).collect()
}

/// The names with the most events, and the events of all others.
fn most_frequent(counts: Counts) -> (Vec<NamedCount>, u64) {
    let mut named = named(counts.names);
    named.sort_unstable_by(|one, other| other.events.cmp(&one.events).then_with(|| one.name.cmp(&other.name)));
    let rest = named.split_off(named.len().min(LIST_PAGE_MAX));
    (named, counts.others + rest.iter().map(|named| named.events).sum::<u64>())
}

/// A day since 1970-01-01, as a date.
fn date(day: u64) -> String {
    let date = u32::try_from(day).ok().and_then(|day| NaiveDate::default().checked_add_days(Days::new(day.into())));
    date.map(|date| date.to_string()).unwrap_or_default()
}
