//! Consumer groups from the outside: their service, and a member that listens.

use quipu_client::proto::consumer_group_settings::{ByStream, Order};
use quipu_client::proto::consumer_group_start::From;
use quipu_client::proto::consumers_client::ConsumersClient;
use quipu_client::proto::consumers_consume_request::{Join, Kind};
use quipu_client::proto::{
    self, ConsumerGroup, ConsumerGroupSettings, ConsumerGroupStart, ConsumersConsumeRequest, ConsumersConsumeResponse,
    ConsumersCreateRequest, Delivery, Nack, NackAction, Settle,
};
use quipu_client::{Client, RecordedEvent};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::server::within;

/// The service.
pub(crate) type Api = ConsumersClient<Channel>;

/// The service, on the connection of a client.
pub(crate) fn api(client: &Client) -> Api {
    ConsumersClient::new(client.channel()).max_decoding_message_size(64 << 20)
}

/// Settings with which nothing comes again by itself while a test runs.
pub(crate) fn patient() -> ConsumerGroupSettings {
    ConsumerGroupSettings {
        order: Some(Order::ByStream(ByStream {})),
        ack_timeout: Some(millis(600_000)),
        max_tries: 1000,
        backoff: Some(millis(1)),
        ..ConsumerGroupSettings::default()
    }
}

pub(crate) fn millis(millis: i64) -> prost_types::Duration {
    prost_types::Duration { seconds: millis / 1000, nanos: i32::try_from(millis % 1000).expect("small") * 1_000_000 }
}

/// Makes a group.
pub(crate) async fn create(api: &Api, name: &str, settings: ConsumerGroupSettings) -> ConsumerGroup {
    create_from(api, name, settings, None).await.expect("a group")
}

/// Makes a group that begins somewhere.
pub(crate) async fn create_from(
    api: &Api,
    name: &str,
    settings: ConsumerGroupSettings,
    from: Option<From>,
) -> Result<ConsumerGroup, Status> {
    let (settings, start) = (Some(settings), Some(ConsumerGroupStart { from }));
    let created = api.clone().create(ConsumersCreateRequest { name: name.into(), settings, start }).await?;
    Ok(created.into_inner().group.expect("a group"))
}

/// How a group is doing.
pub(crate) async fn group(api: &Api, name: &str) -> ConsumerGroup {
    let got = api.clone().get(proto::ConsumersGetRequest { name: name.into() }).await.expect("a group");
    got.into_inner().group.expect("a group")
}

/// What a group has parked.
pub(crate) async fn parked(api: &Api, group: &str) -> Vec<proto::ParkedEvent> {
    let request = proto::ConsumersListParkedRequest { group: group.into(), ..Default::default() };
    api.clone().list_parked(request).await.expect("a page").into_inner().events
}

/// An event that was not dealt with.
pub(crate) fn nack(position: u64, action: NackAction, reason: &str) -> Nack {
    Nack { position, action: action.into(), reason: reason.into(), delay: None }
}

/// The event of a delivery.
pub(crate) fn event_of(delivery: &Delivery) -> &proto::RecordedEvent {
    delivery.event.as_ref().expect("a delivery has an event")
}

/// Its position.
pub(crate) fn position_of(delivery: &Delivery) -> u64 {
    event_of(delivery).position
}

/// Positions of events.
pub(crate) fn positions_in(events: &[RecordedEvent], stream: &str) -> Vec<u64> {
    events.iter().filter(|event| event.stream == stream).map(|event| event.position).collect()
}

/// How much a member may say before it is heard.
const SAID_MAX: usize = 1 << 16;

/// A member that listens. Dropping it is what a crash of it looks like.
#[derive(Debug)]
pub(crate) struct Member {
    sender: Option<mpsc::Sender<ConsumersConsumeRequest>>,
    answers: Streaming<ConsumersConsumeResponse>,
}

impl Member {
    /// Opens a call and says nothing yet.
    pub(crate) async fn open(api: &Api) -> Result<Self, Status> {
        let (sender, requests) = mpsc::channel(SAID_MAX);
        let answers = api.clone().consume(ReceiverStream::new(requests)).await?.into_inner();
        Ok(Self { sender: Some(sender), answers })
    }

    /// Lets a member in.
    pub(crate) async fn join(api: &Api, group: &str, member: &str, credits: u32) -> Result<Self, Status> {
        let mut it = Self::open(api).await?;
        it.say(Some(Kind::Join(Join { group: group.into(), member: member.into(), credits: Some(credits) })));
        let first = within("the first answer", it.answers.message()).await?;
        assert_eq!(first, Some(ConsumersConsumeResponse::default()), "the first answer is empty");
        Ok(it)
    }

    /// Says something.
    pub(crate) fn say(&self, kind: Option<Kind>) {
        // The call may have ended: that is heard.
        let said = self.sender.as_ref().expect("it still speaks").try_send(ConsumersConsumeRequest { kind });
        assert!(!matches!(said, Err(mpsc::error::TrySendError::Full(_))), "a test says less at once");
    }

    pub(crate) fn settle(&self, ack: Vec<u64>, nack: Vec<Nack>) {
        self.say(Some(Kind::Settle(Settle { ack, nack })));
    }

    pub(crate) fn ack(&self, ack: &[u64]) {
        self.settle(ack.to_vec(), Vec::new());
    }

    /// Says no more.
    pub(crate) fn half_close(&mut self) {
        self.sender = None;
    }

    /// The next answer that is more than a sign of life; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<ConsumersConsumeResponse>, Status> {
        loop {
            let answer = self.answers.message().await?;
            if answer.as_ref().is_none_or(|answer| *answer != ConsumersConsumeResponse::default()) {
                return Ok(answer);
            }
        }
    }

    /// Waits for so many deliveries: positions and tries, sorted. Nothing else may come.
    pub(crate) async fn deliveries(&mut self, count: usize) -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        while found.len() < count {
            let answer = within("deliveries", self.next()).await.expect("the call goes on").expect("it does not end");
            assert_eq!((answer.settled.len(), answer.not_settled.len()), (0, 0), "{answer:?}");
            found.extend(answer.deliveries.iter().map(|delivery| (position_of(delivery), delivery.try_number)));
        }
        assert_eq!(found.len(), count, "{found:?}");
        found.sort_unstable();
        found
    }

    /// Waits until it hears what became of settlements: those that are durable, and the others. What is
    /// delivered meanwhile is returned as well.
    pub(crate) async fn settled(&mut self, count: usize) -> (Vec<u64>, Vec<proto::NotSettled>, Vec<(u64, u32)>) {
        let (mut settled, mut not_settled, mut delivered) = (Vec::new(), Vec::new(), Vec::new());
        while settled.len() + not_settled.len() < count {
            let answer = within("settlements", self.next()).await.expect("the call goes on").expect("it does not end");
            settled.extend(answer.settled);
            not_settled.extend(answer.not_settled);
            delivered.extend(answer.deliveries.iter().map(|delivery| (position_of(delivery), delivery.try_number)));
        }
        (settled, not_settled, delivered)
    }

    /// Acknowledges, and waits until that is durable; returns what was delivered meanwhile.
    pub(crate) async fn ack_durably(&mut self, ack: &[u64]) -> Vec<(u64, u32)> {
        self.ack(ack);
        let (settled, not_settled, delivered) = self.settled(ack.len()).await;
        assert_eq!((settled, not_settled), (ack.to_vec(), Vec::new()));
        delivered
    }

    /// Waits for the end of the call: what it ended with.
    pub(crate) async fn end(&mut self) -> Result<(), Status> {
        loop {
            if within("the end", self.next()).await?.is_none() {
                return Ok(());
            }
        }
    }

    /// Acknowledges whatever comes, until so many different events were; returns them with their streams, in
    /// the order in which they came.
    pub(crate) async fn drain(&mut self, count: usize) -> Vec<(String, u64)> {
        let (mut seen, mut settled) = (Vec::new(), 0);
        while settled < count {
            let answer = within("deliveries", self.next()).await.expect("the call goes on").expect("it does not end");
            settled += answer.settled.len();
            let positions: Vec<_> = answer.deliveries.iter().map(position_of).collect();
            seen.extend(answer.deliveries.iter().map(|it| (event_of(it).stream.clone(), position_of(it))));
            if !positions.is_empty() {
                self.ack(&positions);
            }
        }
        seen
    }
}
