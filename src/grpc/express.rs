//! The short way to events.
//!
//! A router looks up the path of each call, and boxes the call for itself and for each of its layers: that is a tenth
//! of what an append costs. So calls to the services of events are told by their path before they get there.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{Either, Map};
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;
use tower::{Layer, Service};

use super::{Doors, status};
use crate::proto::event_store_server::EventStoreServer;
use crate::proto::umadb::dcb_server::DcbServer;

/// Puts the services of events before all others.
#[derive(Debug, Clone)]
pub struct Express {
    event_store: EventStoreServer<Doors>,
    dcb: DcbServer<Doors>,
}

impl Express {
    /// The short way through these doors.
    pub fn new(doors: &Doors) -> Self {
        Self { event_store: doors.event_store(), dcb: doors.dcb() }
    }
}

impl<S> Layer<S> for Express {
    type Service = Expressed<S>;

    fn layer(&self, others: S) -> Expressed<S> {
        Expressed { express: self.clone(), others }
    }
}

/// All services, those of events first.
#[derive(Debug, Clone)]
pub struct Expressed<S> {
    express: Express,
    others: S,
}

type Answer<E> = Result<Response<Body>, E>;

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Expressed<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future =
        Either<Map<BoxFuture<Response<Body>, Infallible>, fn(Answer<Infallible>) -> Answer<S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.others.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = request.uri().path().split('/').nth(1);
        let call = match service {
            Some(EventStoreServer::<Doors>::NAME) => self.express.event_store.call(request),
            Some(DcbServer::<Doors>::NAME) => self.express.dcb.call(request),
            Some(_) | None => return Either::Right(self.others.call(request)),
        };
        Either::Left(call.map(|answer| {
            let Ok(response) = answer;
            Ok(status::of_response(response))
        }))
    }
}
