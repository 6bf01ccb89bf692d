//! A member of the group: deals with what it is given, until it is killed.

use std::sync::Arc;
use std::time::Duration;

use quipu_client::proto::consumers_client::ConsumersClient;
use quipu_client::proto::consumers_consume_request::{Join, Kind};
use quipu_client::proto::{ConsumersConsumeRequest, NotSettledReason, Settle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;

use crate::GROUP;
use crate::witness::Witness;

/// How many events a member has at once.
const CREDITS: u32 = 50;

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    task: JoinHandle<()>,
}

impl Member {
    /// Joins the group over a connection of its own.
    pub(crate) fn begin(endpoint: String, name: String, slow: Option<Duration>, witness: Arc<Witness>) -> Self {
        let own = name.clone();
        let task = tokio::spawn(async move { work(endpoint, own, slow, &witness).await });
        Self { name, task }
    }

    /// Ends it in the middle of whatever it does, its connection with it.
    pub(crate) fn kill(&mut self) {
        self.task.abort();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn work(endpoint: String, name: String, slow: Option<Duration>, witness: &Witness) {
    let channel = Endpoint::from_shared(endpoint).expect("an endpoint").connect().await.expect("a connection");
    let (say, said) = mpsc::channel(CREDITS as usize);
    let credits = Some(if slow.is_some() { 1 } else { CREDITS });
    let join = Join { group: GROUP.into(), member: name.clone(), credits };
    say.send(request(Kind::Join(join))).await.expect("the call is open");
    let requests = futures_util::stream::unfold(said, |mut said| async { said.recv().await.map(|next| (next, said)) });
    let mut answers = ConsumersClient::new(channel).consume(requests).await.expect("a call").into_inner();
    while let Some(answer) = answers.message().await.expect("the call goes on") {
        let mut ack = Vec::new();
        for delivery in answer.deliveries {
            let event = delivery.event.expect("a delivery has an event");
            if let Some(slow) = slow {
                // This is what it does: being slow.
                tokio::time::sleep(slow).await;
            }
            witness.deals(&name, &event.stream, event.revision.expect("it is told"), event.position);
            ack.push(event.position);
        }
        witness.confirmed(answer.settled);
        for not_settled in answer.not_settled {
            assert_eq!(not_settled.reason(), NotSettledReason::AlreadySettled, "nothing else can be");
            witness.confirmed([not_settled.position]);
        }
        if !ack.is_empty() {
            say.send(request(Kind::Settle(Settle { ack, nack: Vec::new() }))).await.expect("the call is open");
        }
    }
}

fn request(kind: Kind) -> ConsumersConsumeRequest {
    ConsumersConsumeRequest { kind: Some(kind) }
}
