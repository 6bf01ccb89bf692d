//! Append sessions: requests in as they come, outcomes out in the order of asking.
//!
//! Two ends share a bounded queue of answers that are still to come. One takes requests and enqueues
//! them with the writer; when its queue is full it stops reading, and HTTP/2 stops the client. The
//! other waits for the answers one by one. A client that vanishes ends both; what it had asked by then
//! is done or not, as for any append.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::status::{of_request, status};
use super::{Responses, convert};
use crate::model::TenantId;
use crate::proto::append_session_response::Outcome;
use crate::proto::{AppendFailure, AppendSessionRequest, AppendSessionResponse};
use crate::store::{Absent, Error, Pending, Store, Tenants};

/// How many answers of a session may be waited for.
const IN_FLIGHT_MAX: usize = 1024;

/// How long the requests of a session that has ended are still read. A connection that closes with
/// requests unread is reset, and the answers on their way are lost with it.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// What comes out next.
enum Next {
    /// The answer to an append, of this store.
    Answer(Pending, Arc<Store>),
    /// An append that was refused at the door.
    Refused(Error),
    /// The end of the session.
    End(Status),
}

/// Begins a session. Between appends it holds no store, so that an idle session keeps no tenant open.
pub(super) fn begin(
    tenants: Arc<Tenants>,
    tenant: TenantId,
    requests: Streaming<AppendSessionRequest>,
) -> Responses<AppendSessionResponse> {
    let (sender, answers) = mpsc::channel(IN_FLIGHT_MAX);
    tokio::spawn(take_requests(tenants, tenant, requests, sender));
    Box::pin(stream::unfold(answers, |mut answers| async move {
        let outcome = match answers.recv().await? {
            Next::Answer(pending, store) => {
                let transacted = pending.await.unwrap_or_else(|_| Err(store.why_gone()));
                transacted.map(|it| it.appends.first().map(convert::appended).unwrap_or_default())
            }
            Next::Refused(error) => Err(error),
            Next::End(failure) => {
                answers.close();
                return Some((Err(failure), answers));
            }
        };
        let outcome = outcome.map_or_else(|error| Outcome::Failed(failure(&error)), Outcome::Appended);
        Some((Ok(AppendSessionResponse { outcome: Some(outcome) }), answers))
    }))
}

async fn take_requests(
    tenants: Arc<Tenants>,
    tenant: TenantId,
    mut requests: Streaming<AppendSessionRequest>,
    answers: mpsc::Sender<Next>,
) {
    let mut gone = pin!(tenants.gone());
    loop {
        let request = tokio::select! {
            request = requests.message() => request,
            why = &mut gone => {
                // Nobody listens when the client has gone away too.
                drop(answers.send(Next::End(status(&why))).await);
                return discard(requests).await;
            }
        };
        let next = match request {
            Ok(None) => return,
            Ok(Some(request)) => enqueue(&tenants, &tenant, request).await,
            Err(failure) => Next::End(of_request(failure)),
        };
        let is_end = matches!(next, Next::End(_));
        if answers.send(next).await.is_err() {
            return;
        }
        if is_end {
            return discard(requests).await;
        }
    }
}

/// Reads requests that nobody answers any more, for a while.
async fn discard(mut requests: Streaming<AppendSessionRequest>) {
    let rest = async { while let Ok(Some(_)) = requests.message().await {} };
    // A client that goes on sending beyond this time does not listen.
    drop(tokio::time::timeout(DISCARD_TIME, rest).await);
}

async fn enqueue(tenants: &Arc<Tenants>, tenant: &TenantId, request: AppendSessionRequest) -> Next {
    let transaction = match convert::append(request.append.unwrap_or_default(), &tenants.options().limits) {
        Ok(transaction) => transaction,
        Err(invalid) => return Next::Refused(invalid.into()),
    };
    let enqueued = async {
        let store = tenants.get(tenant, Absent::Create).await?;
        let pending = store.transact_in_turn(transaction).await?;
        Ok(Next::Answer(pending, store))
    };
    match enqueued.await {
        Ok(next) => next,
        Err(error @ (Error::ShuttingDown | Error::Poisoned)) => Next::End(status(&error)),
        Err(error) => Next::Refused(error),
    }
}

fn failure(error: &Error) -> AppendFailure {
    let failure = status(error);
    AppendFailure {
        code: failure.code() as i32,
        message: failure.message().into(),
        status: failure.details().to_vec().into(),
    }
}
