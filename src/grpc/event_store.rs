//! The door to events.

use futures_util::stream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::blocking;
use super::convert::{self, Walk};
use super::paging::{Paging, Source};
use super::status::{invalid, status};
use super::{Doors, Responses, session};
use crate::model::{Invalid, Position, StreamName};
use crate::proto::event_store_server::EventStore;
use crate::proto::{
    AppendRequest, AppendResponse, AppendSessionRequest, AppendSessionResponse, GetEventRequest, GetEventResponse,
    ReadAllRequest, ReadAllResponse, ReadStreamRequest, ReadStreamResponse, SubscribeAllRequest, SubscribeAllResponse,
    SubscribeStreamRequest, SubscribeStreamResponse, get_event_request, read_all_request, read_stream_request,
    subscribe_all_request, subscribe_stream_request,
};
use crate::store::{Absent, Error, Start, Subscribed};

/// How large a page of a subscription gets: small, since many may be waiting to be sent.
const SUBSCRIPTION_PAGE_BYTES: usize = 256 << 10;

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
        let store = self.store(&request, Absent::Create).await?;
        let append = convert::append(request.into_inner(), &self.tenants.options().limits).map_err(invalid)?;
        let appended = store.append(append).await.map_err(|error| status(&error))?;
        Ok(Response::new(convert::appended(&appended)))
    }

    async fn transact(
        &self,
        _request: Request<crate::proto::TransactRequest>,
    ) -> Result<Response<crate::proto::TransactResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn append_session(
        &self,
        request: Request<Streaming<AppendSessionRequest>>,
    ) -> Result<Response<Self::AppendSessionStream>, Status> {
        let store = self.store(&request, Absent::Create).await?;
        let limits = self.tenants.options().limits.clone();
        Ok(Response::new(session::begin(store, limits, request.into_inner())))
    }

    async fn read_stream(
        &self,
        request: Request<ReadStreamRequest>,
    ) -> Result<Response<Self::ReadStreamStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let name = StreamName::for_read(&request.stream, &self.tenants.options().limits).map_err(invalid)?;
        let walk = convert::walk(request.direction).map_err(invalid)?;
        let from = stream_from(&request);
        if request.with_snapshot && (walk == Walk::Backwards || !matches!(from, From::Unset)) {
            return Err(invalid(Invalid::malformed("with_snapshot goes with a forwards read without `from`")));
        }
        let head = store.head();
        let (looking, wanted) = (store.clone(), name.clone());
        let (last, snapshot) = blocking(move || {
            let found = looking.reader().stream_head_at(&wanted, head)?;
            let last = found.ok_or_else(|| Error::StreamNotFound(wanted.clone()))?.revision;
            let snapshot = if request.with_snapshot { looking.snapshot(&wanted, Some(last))? } else { None };
            Ok((last, snapshot))
        })
        .await?;
        let mut next = first_place(&from, walk, 0, Some(last.0))?;
        let mut first = ReadStreamResponse::default();
        if let Some((revision, bytes)) = snapshot {
            first.snapshot = bytes;
            next = (revision < last).then_some(revision.0 + 1);
        }
        let source = Source::Stream { name, head, last };
        let paging = self.read(store, source, walk, next, request.limit);
        let last_message = ReadStreamResponse { head_revision: Some(last.0), ..Default::default() };
        let first = (!first.snapshot.is_empty()).then_some(first);
        Ok(Response::new(pages(paging, first, last_message, |events| ReadStreamResponse {
            events,
            ..Default::default()
        })))
    }

    async fn read_all(&self, request: Request<ReadAllRequest>) -> Result<Response<Self::ReadAllStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let walk = convert::walk(request.direction).map_err(invalid)?;
        let from = match request.from {
            None => From::Unset,
            Some(read_all_request::From::Start(_)) => From::Start,
            Some(read_all_request::From::End(_)) => From::End,
            Some(read_all_request::From::FromPosition(position)) => From::At(position),
            Some(read_all_request::From::FromTime(_)) => return Err(Status::unimplemented("")),
        };
        let head = store.head();
        let last = (head > Position::ZERO).then_some(head.0);
        let next = first_place(&from, walk, 1, last)?;
        let source = Source::Log { head, include_system: request.include_system };
        let paging = self.read(store, source, walk, next, request.limit);
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
            Some(subscribe_all_request::From::FromTime(_)) => return Err(Status::unimplemented("")),
        };
        let to = Subscribed::All { include_system: request.include_system };
        let subscription = store.subscribe(to, start, SUBSCRIPTION_PAGE_BYTES, self.heartbeat);
        Ok(Response::new(self.follow(subscription.map_err(|error| status(&error))?)))
    }

    async fn subscribe_stream(
        &self,
        request: Request<SubscribeStreamRequest>,
    ) -> Result<Response<Self::SubscribeStreamStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let name = StreamName::for_read(&request.stream, &self.tenants.options().limits).map_err(invalid)?;
        let start = match request.from {
            None | Some(subscribe_stream_request::From::Start(_)) => Start::Beginning,
            Some(subscribe_stream_request::From::End(_)) => Start::End,
            Some(subscribe_stream_request::From::AfterRevision(revision)) => Start::After(revision),
        };
        let heartbeat = self.heartbeat;
        let to = Subscribed::Stream(name);
        let subscription = blocking(move || store.subscribe(to, start, SUBSCRIPTION_PAGE_BYTES, heartbeat)).await?;
        Ok(Response::new(self.follow(subscription)))
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

/// The place that a read begins with, between `first` and `last`; `None` when it has nothing to say.
fn first_place(from: &From, walk: Walk, first: u64, last: Option<u64>) -> Result<Option<u64>, Status> {
    let end = last.map_or(first, |last| last + 1);
    match (from, walk) {
        (From::Unset | From::Start, Walk::Forwards) => Ok(last.map(|_| first)),
        (From::Unset | From::End, Walk::Backwards) => Ok(last),
        (From::Start, Walk::Backwards) => Err(invalid(Invalid::malformed("nothing lies before the start"))),
        (From::End, Walk::Forwards) => Err(invalid(Invalid::malformed("nothing lies behind the end; subscribe"))),
        (From::At(place), _) if *place > end => Err(status(&Error::BeyondEnd { asked: *place, last })),
        (From::At(place), Walk::Forwards) if *place == end => Ok(None),
        (From::At(place), Walk::Backwards) if *place == end => Ok(last),
        (From::At(place), Walk::Backwards) if *place < first => Ok(None),
        (From::At(place), _) => Ok(last.map(|_| (*place).max(first))),
    }
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
