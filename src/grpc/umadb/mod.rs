//! The door for UmaDB's clients: `umadb.v1.DCB`.
//!
//! The same log in other words. What comes in here becomes a transaction on one stream; what goes out
//! are the events of all streams that are not the store's own. `convert` turns values, `event` turns
//! events without decoding them, `tracking` keeps what they track, `batches` cuts pages,
//! `retold` says failures in UmaDB's way.
//!
//! A message without events tells these clients that nothing more comes. So heartbeats and checkpoints
//! of a subscription stay here, and a read sends such a message only when it found nothing.

mod batches;
mod convert;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod retold;
mod tracking;

use futures_util::StreamExt;
use futures_util::stream;
use tonic::{Request, Response, Status};

use self::batches::batches;
use self::retold::retold;
use super::caller::blocking;
use super::event_store::SUBSCRIPTION_PAGE_BYTES;
use super::paging::Source;
use super::status::{invalid, status};
use super::{Doors, Responses};
use crate::model::{Invalid, Position, Walk};
use crate::proto::umadb::dcb_server::Dcb;
use crate::proto::umadb::{
    AppendRequest, AppendResponse, HeadRequest, HeadResponse, ReadRequest, ReadResponse, SubscribeRequest,
    SubscribeResponse, TrackingRequest, TrackingResponse,
};
use crate::store::{Absent, Start};

#[tonic::async_trait]
impl Dcb for Doors {
    type ReadStream = Responses<ReadResponse>;
    type SubscribeStream = Responses<SubscribeResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        self.dcb_read(request).await.map(Response::new).map_err(|failure| retold(&failure))
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        self.dcb_subscribe(request).await.map(Response::new).map_err(|failure| retold(&failure))
    }

    async fn append(&self, request: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        self.dcb_append(request).await.map(Response::new).map_err(|failure| retold(&failure))
    }

    async fn head(&self, request: Request<HeadRequest>) -> Result<Response<HeadResponse>, Status> {
        let store = self.store(&request, Absent::Create).await.map_err(|failure| retold(&failure))?;
        Ok(Response::new(HeadResponse { position: there(store.head()) }))
    }

    async fn get_tracking_info(&self, request: Request<TrackingRequest>) -> Result<Response<TrackingResponse>, Status> {
        self.dcb_tracking(request).await.map(Response::new).map_err(|failure| retold(&failure))
    }
}

impl Doors {
    async fn dcb_read(&self, request: Request<ReadRequest>) -> Result<Responses<ReadResponse>, Status> {
        let store = self.store(&request, Absent::Create).await?;
        let request = request.into_inner();
        #[allow(deprecated, reason = "clients of before may set it")]
        if request.subscribe() {
            return Err(invalid(Invalid::malformed("Read does not follow the log; call Subscribe")));
        }
        let query = convert::query(request.query, &self.tenants.options().limits).map_err(invalid)?;
        let head = store.head();
        let (walk, places) = match (request.backwards.unwrap_or(false), request.start) {
            (false, start) => (Walk::Forwards, start.unwrap_or(1).max(1)..=head.0),
            (true, start) => (Walk::Backwards, 1..=start.unwrap_or(head.0).min(head.0)),
        };
        let rest = Some(places).filter(|_| request.limit != Some(0));
        let limit = request.limit.map_or(0, u64::from);
        let paging = self.read(store, Source::Log(query.into()), walk, rest, limit);
        let pages = stream::unfold(paging, |mut paging| async { paging.next().await.map(|page| (page, paging)) });
        let pinned = if request.limit.is_none() { there(head) } else { None };
        let answers = batches(pages, request.batch_size).map(move |batch| {
            let events = batch?;
            // With a limit, nothing is said about what lies behind the last event that was sent.
            let head = pinned.or_else(|| events.last().map(|event| event.position));
            Ok(ReadResponse { events, head })
        });
        Ok(at_least_one(Box::pin(answers), ReadResponse { events: Vec::new(), head: pinned }))
    }

    async fn dcb_subscribe(&self, request: Request<SubscribeRequest>) -> Result<Responses<SubscribeResponse>, Status> {
        let store = self.store(&request, Absent::Create).await?;
        let request = request.into_inner();
        let query = convert::query(request.query, &self.tenants.options().limits).map_err(invalid)?;
        let start = request.after.map_or(Start::Beginning, Start::After);
        let heartbeat = self.heartbeat;
        let subscription = blocking(move || store.subscribe(query, start, SUBSCRIPTION_PAGE_BYTES, heartbeat)).await?;
        let pages = self.follow(subscription);
        Ok(Box::pin(batches(pages, request.batch_size).map(|batch| Ok(SubscribeResponse { events: batch? }))))
    }

    async fn dcb_append(&self, request: Request<AppendRequest>) -> Result<AppendResponse, Status> {
        let store = self.store(&request, Absent::Create).await?;
        let limits = &self.tenants.options().limits;
        let transaction = convert::transaction(request.into_inner(), limits).map_err(invalid)?;
        let transacted = store.transact(transaction).await.map_err(|error| status(&error))?;
        let position = transacted.appends.last().map_or(0, |appended| appended.last_position.0);
        Ok(AppendResponse { position })
    }

    async fn dcb_tracking(&self, request: Request<TrackingRequest>) -> Result<TrackingResponse, Status> {
        let store = self.store(&request, Absent::Create).await?;
        let name = convert::checkpoint_name(&request.into_inner().source).map_err(invalid)?;
        Ok(TrackingResponse { position: store.checkpoint(&name).map(|checkpoint| checkpoint.position.0) })
    }
}

/// A head, if there is one.
fn there(head: Position) -> Option<u64> {
    (head > Position::ZERO).then_some(head.0)
}

/// These answers, or the one for nothing when there is none.
fn at_least_one<T: Send + 'static>(answers: Responses<T>, nothing: T) -> Responses<T> {
    Box::pin(stream::unfold((Some(answers), Some(nothing)), |(answers, nothing)| async move {
        let mut answers = answers?;
        match answers.next().await {
            Some(answer) => Some((answer, (Some(answers), None))),
            None => Some((Ok(nothing?), (None, None))),
        }
    }))
}
