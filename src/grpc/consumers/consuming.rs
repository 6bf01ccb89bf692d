//! A member's call: what it says goes to its group, what it is told comes out.
//!
//! Two ends share the membership. One takes what the member says; the other waits for what it is told, and
//! gives a sign of life when that takes long. Whichever ends, the membership goes with the response: what the
//! member has is given back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::super::Responses;
use super::super::status::{invalid, of_request, status};
use super::{MESSAGE_BYTES, convert, group_name, member_name};
use crate::metrics::Metrics;
use crate::model::Invalid;
use crate::model::consumer::{CREDITS_DEFAULT, CREDITS_MAX};
use crate::proto::consumers_consume_request::{Join, Kind};
use crate::proto::{ConsumersConsumeRequest, ConsumersConsumeResponse};
use crate::store::Store;
use crate::store::consumers::{Delivery, Link, Membership, Told};

/// Where a call is.
enum Call {
    /// Nobody has joined yet.
    Waiting(Arc<Store>, Box<Streaming<ConsumersConsumeRequest>>),
    Joined(Member),
    Over,
}

struct Member {
    membership: Membership,
    /// What there is to say before the next thing is heard.
    pending: VecDeque<ConsumersConsumeResponse>,
    /// Why the member's own end failed, if it does.
    failure: mpsc::Receiver<Status>,
}

struct Answers {
    call: Call,
    heartbeat: Duration,
    metrics: Arc<Metrics>,
}

/// Begins a call.
pub(super) fn begin(
    store: Arc<Store>,
    requests: Streaming<ConsumersConsumeRequest>,
    heartbeat: Duration,
    metrics: Arc<Metrics>,
) -> Responses<ConsumersConsumeResponse> {
    let answers = Answers { call: Call::Waiting(store, Box::new(requests)), heartbeat, metrics };
    Box::pin(stream::unfold(answers, |mut answers| async move {
        let answer = match answers.next().await {
            Ok(answer) => answer.map(Ok),
            Err(failure) => {
                answers.call = Call::Over;
                Some(Err(failure))
            }
        };
        answer.map(|answer| (answer, answers))
    }))
}

impl Answers {
    async fn next(&mut self) -> Result<Option<ConsumersConsumeResponse>, Status> {
        if let Call::Waiting(store, requests) = &mut self.call {
            let Some(membership) = join(store, requests).await? else { return Ok(None) };
            let link = membership.link();
            let Call::Waiting(_, requests) = std::mem::replace(&mut self.call, Call::Over) else { return Ok(None) };
            let (fail, failure) = mpsc::channel(1);
            tokio::spawn(listen(link, requests, fail));
            self.call = Call::Joined(Member { membership, pending: VecDeque::new(), failure });
            // So that the client knows that it is in.
            return Ok(Some(ConsumersConsumeResponse::default()));
        }
        let Call::Joined(member) = &mut self.call else { return Ok(None) };
        loop {
            if let Some(response) = member.pending.pop_front() {
                self.metrics.delivered(response.deliveries.len());
                return Ok(Some(response));
            }
            tokio::select! {
                biased;
                Some(failure) = member.failure.recv() => return Err(failure),
                told = member.membership.next() => match told {
                    None => return Ok(None),
                    Some(Told::End(error)) => return Err(status(&error)),
                    Some(Told::Deliveries(deliveries)) => member.pending = messages(deliveries),
                    Some(Told::Settled(settled, _)) => {
                        let (settled, not_settled) = convert::settled(settled);
                        return Ok(Some(ConsumersConsumeResponse { settled, not_settled, deliveries: Vec::new() }));
                    }
                },
                () = tokio::time::sleep(self.heartbeat) => return Ok(Some(ConsumersConsumeResponse::default())),
            }
        }
    }
}

/// Waits for the first message and lets the member in; none when the client said nothing.
async fn join(
    store: &Arc<Store>,
    requests: &mut Streaming<ConsumersConsumeRequest>,
) -> Result<Option<Membership>, Status> {
    let first = tokio::select! {
        first = requests.message() => first.map_err(of_request)?,
        () = store.stopped() => return Err(status(&store.why_gone())),
    };
    let Some(first) = first else { return Ok(None) };
    let Some(Kind::Join(Join { group, member, credits })) = first.kind else {
        return Err(invalid(Invalid::malformed("the first message of a member is `join`")));
    };
    let (group, member) = (group_name(&group)?, member_name(&member)?);
    let credits = checked_credits(credits.unwrap_or(CREDITS_DEFAULT))?;
    store.join_group(&group, member, credits).map(Some).map_err(|error| status(&error))
}

/// Takes what a member says until it has said everything.
async fn listen(link: Link, mut requests: Box<Streaming<ConsumersConsumeRequest>>, fail: mpsc::Sender<Status>) {
    loop {
        let hearing = async {
            match requests.message().await {
                Ok(Some(request)) => hear(&link, request).await,
                // It listens on until it has heard what became of all this.
                Ok(None) => link.release().map(|()| true).map_err(|error| status(&error)),
                Err(failure) => Err(of_request(failure)),
            }
        };
        let heard = tokio::select! {
            heard = hearing => heard,
            // The call has ended: nothing more is heard, and the connection is free of it.
            () = fail.closed() => return,
        };
        match heard {
            Ok(false) => {}
            Ok(true) => return,
            Err(failure) => {
                // The client may have gone away.
                drop(fail.send(failure).await);
                return;
            }
        }
    }
}

/// Does what a member says; true when that was all.
async fn hear(link: &Link, request: ConsumersConsumeRequest) -> Result<bool, Status> {
    match request.kind {
        Some(Kind::Settle(settle)) => {
            let outcomes = convert::outcomes(settle).map_err(invalid)?;
            link.settle(outcomes).await.map_err(|error| status(&error))?;
        }
        Some(Kind::Credits(credits)) => {
            link.set_credits(checked_credits(credits)?).map_err(|error| status(&error))?;
        }
        Some(Kind::Join(_)) => return Err(invalid(Invalid::malformed("a member joins once"))),
        None => return Err(invalid(Invalid::malformed("a member's message says nothing"))),
    }
    Ok(false)
}

fn checked_credits(credits: u32) -> Result<usize, Status> {
    Invalid::check("credits", CREDITS_MAX as usize, credits as usize).map_err(invalid)?;
    Ok(credits as usize)
}

/// Deliveries in messages of about the same size.
fn messages(deliveries: Vec<Delivery>) -> VecDeque<ConsumersConsumeResponse> {
    let (mut messages, mut bytes) = (VecDeque::<ConsumersConsumeResponse>::new(), 0);
    for delivery in deliveries {
        let size = delivery.event.bytes().len();
        if messages.is_empty() || bytes + size > MESSAGE_BYTES {
            messages.push_back(ConsumersConsumeResponse::default());
            bytes = 0;
        }
        bytes += size;
        let message = messages.back_mut().expect("there is one");
        message.deliveries.push(convert::delivery(delivery));
    }
    messages
}
