//! The door to events.

use std::sync::Arc;

use futures_util::stream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::{blocking, tenant};
use super::convert;
use super::paging::{Paging, Rest, Source};
use super::status::{invalid, status};
use super::{Doors, Responses, session};
use crate::model::query::check_types;
use crate::model::{Invalid, Position, Query, StreamName, Walk};
use crate::proto::event_store_server::EventStore;
use crate::proto::{
    AppendRequest, AppendResponse, AppendSessionRequest, AppendSessionResponse, GetEventRequest, GetEventResponse,
    ReadAllRequest, ReadAllResponse, ReadStreamRequest, ReadStreamResponse, SubscribeAllRequest, SubscribeAllResponse,
    SubscribeStreamRequest, SubscribeStreamResponse, TransactRequest, TransactResponse, get_event_request,
    read_all_request, read_stream_request, subscribe_all_request, subscribe_stream_request,
};
use crate::store::{Absent, Error, Start};

/// How large a page of a subscription gets: small, since many may be waiting to be sent.
pub(super) const SUBSCRIPTION_PAGE_BYTES: usize = 256 << 10;

/// Where a read begins, in words that positions and revisions share.
enum From {
    Unset,
    Start,
    End,
    At(u64),
}

#[tonic::async_trait]
impl EventStore for Doors {
    type AppendSessionStream = Responses<AppendSessionResponse>;
    type ReadStreamStream = Responses<ReadStreamResponse>;
    type ReadAllStream = Responses<ReadAllResponse>;
    type SubscribeAllStream = Responses<SubscribeAllResponse>;
    type SubscribeStreamStream = Responses<SubscribeStreamResponse>;

    async fn append(&self, request: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        let tenant = tenant(&request)?;
        let append = convert::append(request.into_inner(), &self.tenants.options().limits).map_err(invalid)?;
        let store = self.store_of(&tenant, Absent::Create).await?;
        let transacted = store.transact(append).await.map_err(|error| status(&error))?;
        Ok(Response::new(transacted.appends.first().map(convert::appended).unwrap_or_default()))
    }

    async fn transact(&self, request: Request<TransactRequest>) -> Result<Response<TransactResponse>, Status> {
        let tenant = tenant(&request)?;
        let limits = &self.tenants.options().limits;
        let transaction = convert::transaction(request.into_inner(), limits).map_err(invalid)?;
        let store = self.store_of(&tenant, Absent::Create).await?;
        let transacted = store.transact(transaction).await.map_err(|error| status(&error))?;
        Ok(Response::new(convert::transacted(&transacted)))
    }

    async fn append_session(
        &self,
        request: Request<Streaming<AppendSessionRequest>>,
    ) -> Result<Response<Self::AppendSessionStream>, Status> {
        let tenant = tenant(&request)?;
        Ok(Response::new(session::begin(self.tenants.clone(), tenant, request.into_inner())))
    }

    async fn read_stream(
        &self,
        request: Request<ReadStreamRequest>,
    ) -> Result<Response<Self::ReadStreamStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let limits = &self.tenants.options().limits;
        let name = StreamName::for_read(&request.stream, limits).map_err(invalid)?;
        let walk = convert::walk(request.direction).map_err(invalid)?;
        check_types(&request.types, limits).map_err(invalid)?;
        let from = stream_from(&request);
        if request.with_snapshot && (walk == Walk::Backwards || !matches!(from, From::Unset)) {
            return Err(invalid(Invalid::malformed("with_snapshot goes with a forwards read without `from`")));
        }
        let (looking, with_snapshot, limit) = (store.clone(), request.with_snapshot, request.limit);
        let (source, rest, last, snapshot) = blocking(move || {
            let head = looking.head();
            let view = looking.stream_view(&name, head)?;
            let last = view.head.revision;
            let snapshot = if with_snapshot { looking.snapshot(&name, Some(last))? } else { None };
            let behind_snapshot = snapshot.as_ref().map(|(revision, _)| revision.0 + 1);
            let first = behind_snapshot.unwrap_or(0).max(view.first.0);
            let rest = places(&from, walk, 0, Some(last.0))?.map(|rest| first.max(*rest.start())..=*rest.end());
            if request.types.is_empty() {
                return Ok((Source::Stream { name, head }, rest, last, snapshot));
            }
            let rest = rest.map(|rest| looking.reader().positions(&name, rest, head)).transpose()?.flatten();
            Ok((Source::Log(Arc::new(Query::of_stream(name, request.types))), rest, last, snapshot))
        })
        .await?;
        let first = snapshot.map(|(_, snapshot)| ReadStreamResponse { snapshot, ..Default::default() });
        let paging = self.read(store, source, walk, rest, limit);
        let last_message = ReadStreamResponse { head_revision: Some(last.0), ..Default::default() };
        Ok(Response::new(pages(paging, first, last_message, |events| ReadStreamResponse {
            events,
            ..Default::default()
        })))
    }

    async fn read_all(&self, request: Request<ReadAllRequest>) -> Result<Response<Self::ReadAllStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let walk = convert::walk(request.direction).map_err(invalid)?;
        let limits = &self.tenants.options().limits;
        let query = convert::query_or_all(request.query, request.include_system, limits).map_err(invalid)?;
        let head = store.head();
        let from = match request.from {
            None => From::Unset,
            Some(read_all_request::From::Start(_)) => From::Start,
            Some(read_all_request::From::End(_)) => From::End,
            Some(read_all_request::From::FromPosition(position)) => From::At(position),
            Some(read_all_request::From::FromTime(time)) => {
                let (looking, time) = (store.clone(), convert::time_in(time).map_err(invalid)?);
                From::At(blocking(move || looking.reader().position_from(time, walk, head)).await?.0)
            }
        };
        let last = (head > Position::ZERO).then_some(head.0);
        let rest = places(&from, walk, 1, last).map_err(|error| status(&error))?;
        let paging = self.read(store, Source::Log(Arc::new(query)), walk, rest, request.limit);
        let last_message = ReadAllResponse { head: Some(head.0), ..Default::default() };
        Ok(Response::new(pages(paging, None, last_message, |events| ReadAllResponse { events, head: None })))
    }

    async fn subscribe_all(
        &self,
        request: Request<SubscribeAllRequest>,
    ) -> Result<Response<Self::SubscribeAllStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let start = match request.from {
            None | Some(subscribe_all_request::From::Start(_)) => Start::Beginning,
            Some(subscribe_all_request::From::End(_)) => Start::End,
            Some(subscribe_all_request::From::AfterPosition(position)) => Start::After(position),
            Some(subscribe_all_request::From::FromTime(time)) => Start::At(convert::time_in(time).map_err(invalid)?),
        };
        let limits = &self.tenants.options().limits;
        let query = convert::query_or_all(request.query, request.include_system, limits).map_err(invalid)?;
        let heartbeat = self.heartbeat;
        let subscription = blocking(move || store.subscribe(query, start, SUBSCRIPTION_PAGE_BYTES, heartbeat)).await?;
        Ok(Response::new(self.follow(subscription)))
    }

    async fn subscribe_stream(
        &self,
        request: Request<SubscribeStreamRequest>,
    ) -> Result<Response<Self::SubscribeStreamStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let limits = &self.tenants.options().limits;
        let name = StreamName::for_read(&request.stream, limits).map_err(invalid)?;
        check_types(&request.types, limits).map_err(invalid)?;
        let start = match request.from {
            None | Some(subscribe_stream_request::From::Start(_)) => Start::Beginning,
            Some(subscribe_stream_request::From::End(_)) => Start::End,
            Some(subscribe_stream_request::From::AfterRevision(revision)) => Start::After(revision),
        };
        let heartbeat = self.heartbeat;
        let subscribe = move || store.subscribe_stream(name, request.types, start, SUBSCRIPTION_PAGE_BYTES, heartbeat);
        Ok(Response::new(self.follow(blocking(subscribe).await?)))
    }

    async fn get_event(&self, request: Request<GetEventRequest>) -> Result<Response<GetEventResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let event = match request.into_inner().key {
            None => return Err(invalid(Invalid::malformed("ask for an event by `id` or by `position`"))),
            Some(get_event_request::Key::Position(position)) => {
                blocking(move || store.event_at(Position(position))).await?
            }
            Some(get_event_request::Key::Id(id)) => {
                let id = convert::event_id(&id).map_err(invalid)?;
                blocking(move || store.event_by_id(id)).await?
            }
        };
        Ok(Response::new(GetEventResponse { event: event.into_bytes() }))
    }
}

fn stream_from(request: &ReadStreamRequest) -> From {
    match request.from {
        None => From::Unset,
        Some(read_stream_request::From::Start(_)) => From::Start,
        Some(read_stream_request::From::End(_)) => From::End,
        Some(read_stream_request::From::FromRevision(revision)) => From::At(revision),
    }
}

/// The places that a read covers, of those between `first` and `last`; `None` when it has nothing to say.
fn places(from: &From, walk: Walk, first: u64, last: Option<u64>) -> Result<Rest, Error> {
    let end = last.map_or(first, |last| last + 1);
    let place = match (from, walk) {
        (From::Unset | From::Start, Walk::Forwards) => first,
        (From::Unset | From::End, Walk::Backwards) => end,
        (From::Start, Walk::Backwards) => return Err(Invalid::malformed("nothing lies before the start").into()),
        (From::End, Walk::Forwards) => return Err(Invalid::malformed("nothing lies behind the end; subscribe").into()),
        (From::At(place), _) if *place > end => return Err(Error::BeyondEnd { asked: *place, last }),
        (From::At(place), _) => *place,
    };
    Ok(last.map(|last| match walk {
        Walk::Forwards => place.max(first)..=last,
        Walk::Backwards => first..=place.min(last),
    }))
}

/// A first message if there is one, the pages, and a last message.
fn pages<T: Send + 'static>(
    paging: Paging,
    first: Option<T>,
    last: T,
    message: fn(Vec<bytes::Bytes>) -> T,
) -> Responses<T> {
    Box::pin(stream::unfold((paging, first, Some(last)), move |(mut paging, mut first, mut last)| async move {
        if let Some(first) = first.take() {
            return Some((Ok(first), (paging, None, last)));
        }
        let item = match paging.next().await {
            Some(Ok(events)) => Ok(message(events)),
            Some(Err(failure)) => {
                last = None;
                Err(failure)
            }
            None => Ok(last.take()?),
        };
        Some((item, (paging, None, last)))
    }))
}
