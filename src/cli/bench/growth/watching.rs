//! What subscriptions cost whose filters hardly ever match, while other appends flow.

use std::io::{self, Write};
use std::time::Duration;

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::{Client, Query, QueryItem, SubscribeAll, proto};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::super::Error;
use super::super::child::ChildServer;
use super::super::failure::Failure;
use super::super::load::{Done, Work, closed_loop};
use super::super::payload::{Lots, PAYLOAD_BYTES, Proposer};
use super::process::processor_time;

/// One event in so many has the tag that is waited for.
const EVENTS_PER_MATCH: u64 = 1_000_000;

const EVENTS_PER_APPEND: u64 = 100;
const APPENDERS: u64 = 16;
const SUBSCRIPTIONS: [usize; 4] = [0, 1, 100, 0];

/// Prints what a hundred thousand events cost the server, without and with such subscriptions.
pub(super) async fn print(server: &ChildServer, length: Duration) -> Result<(), Error> {
    let client = Client::connect(server.endpoint()).await?;
    for subscriptions in SUBSCRIPTIONS {
        let mut watchers = JoinSet::new();
        for number in 0..subscriptions {
            let query = Query::item(QueryItem::new().tags(["rare".to_owned(), format!("rare:{}", number % 10)]));
            let mut subscription = client.subscribe_all(SubscribeAll::new().query(query).from_end()).await?;
            watchers.spawn(async move { while subscription.next().await.is_ok() {} });
        }
        let workers = (0..APPENDERS).map(|_| Appender::new(client.channel())).collect();
        let before = processor_time(server.pid())?;
        let measured = closed_loop(workers, length).await;
        let used = processor_time(server.pid())? - before;
        if let Some(cause) = measured.first_error {
            return Err(Error::Prepare { row: "rare matches", cause });
        }
        let each = used.as_secs_f64() / measured.count.max(1) as f64 * 1e5;
        let rate = measured.count as f64 / measured.elapsed.as_secs_f64();
        let line = format!(
            "{subscriptions:>3} subscriptions to 1 event in {EVENTS_PER_MATCH}: {rate:.0} events/s appended, \
             {each:.3} s of processor time per 100,000 events"
        );
        writeln!(io::stdout(), "{line}").map_err(Error::Print)?;
    }
    Ok(())
}

struct Appender {
    stub: EventStoreClient<Channel>,
    proposer: Proposer,
    stream: String,
    made: u64,
}

impl Appender {
    fn new(channel: Channel) -> Self {
        let stub = EventStoreClient::new(channel).max_encoding_message_size(usize::MAX);
        let mut lots = Lots::new();
        let (stream, made) = (format!("common-{}", lots.text(12)), lots.below(EVENTS_PER_MATCH));
        Self { stub, proposer: Proposer::new(), stream, made }
    }

    fn event(&mut self) -> proto::NewEvent {
        self.made += 1;
        let mut event = self.proposer.wire_event();
        event.tags = vec!["common".to_owned()];
        if self.made.is_multiple_of(EVENTS_PER_MATCH) {
            let number = self.made / EVENTS_PER_MATCH % 10;
            event.tags.extend(["rare".to_owned(), format!("rare:{number}")]);
        }
        event
    }
}

impl Work for Appender {
    async fn once(&mut self) -> Result<Done, Failure> {
        let events = (0..EVENTS_PER_APPEND).map(|_| self.event()).collect();
        let request = proto::AppendRequest { stream: self.stream.clone(), events, ..Default::default() };
        match self.stub.append(request).await {
            Ok(_) => Ok(Done { count: EVENTS_PER_APPEND, bytes: EVENTS_PER_APPEND * PAYLOAD_BYTES as u64 }),
            Err(status) => Err(status.into()),
        }
    }
}
