//! Every question that a client can ask, and what it is told.

use std::collections::BTreeMap;
use std::fmt::Debug;

use quipu_client::{
    Client, Document, Error, Expected, GetState, ListDocuments, ListStreams, Query, QueryItem, ReadAll, ReadStream,
    RecordedEvent, RetryPolicy,
};

use super::load::{STREAMS, TAGS, TENANTS, TYPES, stream};

/// What was told in place of an answer, or in the middle of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// That stored bytes are damaged.
    DataLoss,
    /// Anything else.
    Other(String),
}

/// What a question was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answer {
    /// Events or documents, each with its position, in the order that they were told in.
    pub(super) events: Vec<(u64, String)>,
    /// What else was said.
    pub(super) said: Option<String>,
    pub(super) failure: Option<Failure>,
}

/// Answers by question. A question begins with its tenant.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers(pub(super) BTreeMap<String, Answer>);

impl Answers {
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        let differs = |question: &&String| self.0.get(*question) != other.0.get(*question);
        self.0.keys().chain(other.0.keys()).find(differs).cloned()
    }

    pub(super) fn failed(&self) -> Option<String> {
        let failed = self.0.iter().find(|(_, answer)| answer.failure.is_some());
        failed.map(|(question, answer)| format!("{question}: {:?}", answer.failure))
    }

    fn say<T: Debug>(&mut self, question: String, told: Result<T, Error>) {
        let answer = match told {
            Ok(told) => Answer { said: Some(format!("{told:?}")), ..Answer::default() },
            Err(error) => Answer { failure: Some(failure(&error)), ..Answer::default() },
        };
        self.0.insert(question, answer);
    }

    fn list(&mut self, question: String, told: Result<Vec<(u64, String)>, Error>) {
        let answer = match told {
            Ok(events) => Answer { events, ..Answer::default() },
            Err(error) => Answer { failure: Some(failure(&error)), ..Answer::default() },
        };
        self.0.insert(question, answer);
    }

    async fn read<R>(&mut self, question: String, reading: Result<R, Error>)
    where
        R: tokio_stream::Stream<Item = Result<RecordedEvent, Error>> + Unpin,
    {
        let mut answer = Answer::default();
        match reading {
            Err(error) => answer.failure = Some(failure(&error)),
            Ok(mut reading) => {
                while let Some(next) = tokio_stream::StreamExt::next(&mut reading).await {
                    match next {
                        Ok(event) => answer.events.push((event.position, format!("{event:?}"))),
                        Err(error) => answer.failure = Some(failure(&error)),
                    }
                }
            }
        }
        self.0.insert(question, answer);
    }
}

fn failure(error: &Error) -> Failure {
    if matches!(error, Error::DataLoss(_)) { Failure::DataLoss } else { Failure::Other(format!("{error:?}")) }
}

/// Asks everything of every tenant.
pub(super) async fn ask(endpoint: &str) -> Answers {
    let mut answers = Answers::default();
    for tenant in TENANTS {
        let client = Client::builder(endpoint).tenant(tenant).retry(RetryPolicy::none()).connect().await;
        match client {
            Ok(client) => {
                ask_for_events(&client, tenant, &mut answers).await;
                ask_for_streams(&client, tenant, &mut answers).await;
                ask_for_views(&client, tenant, &mut answers).await;
            }
            Err(error) => answers.say::<()>(format!("{tenant}: a connection"), Err(error)),
        }
    }
    answers
}

async fn ask_for_events(client: &Client, tenant: &str, answers: &mut Answers) {
    let all = || ReadAll::new().include_system();
    answers.read(format!("{tenant}: the log"), client.read_all(all().from_start()).await).await;
    answers.read(format!("{tenant}: the log, backwards"), client.read_all(all().backwards()).await).await;
    let mut items: Vec<QueryItem> = (0..TYPES).map(|n| QueryItem::new().types([format!("type{n}")])).collect();
    items.extend((0..TAGS).map(|n| QueryItem::new().tags([format!("tag:{n}")])));
    items.extend(["order", "seat", "gone"].map(|category| QueryItem::new().categories([category])));
    items.push(QueryItem::new().stream_prefix("order-2"));
    items.push(QueryItem::new().correlation_id("c1"));
    items.push(QueryItem::new().types(["type1", "type2"]).tags(["tag:3"]).categories(["seat"]));
    for item in items {
        let read = || ReadAll::new().query(Query::item(item.clone()));
        answers.read(format!("{tenant}: {item:?}"), client.read_all(read().from_start()).await).await;
        answers.read(format!("{tenant}: {item:?}, backwards"), client.read_all(read().backwards()).await).await;
    }
    for position in (1..200).step_by(23) {
        let event = client.get_event_at(position).await;
        let id = event.as_ref().ok().map(|event| event.id);
        answers.say(format!("{tenant}: the event at {position}"), event);
        if let Some(id) = id {
            answers.say(format!("{tenant}: the event of the id at {position}"), client.get_event_by_id(id).await);
        }
    }
}

async fn ask_for_streams(client: &Client, tenant: &str, answers: &mut Answers) {
    let names = (0..STREAMS).map(stream).chain(["gone-1".to_owned(), "$streams-seat-3".to_owned()]);
    for name in names {
        let read = || ReadStream::new(&name);
        if name != "gone-1" {
            answers.read(format!("{tenant}: {name}"), client.read_stream(read().from_start()).await).await;
            answers.read(format!("{tenant}: {name}, backwards"), client.read_stream(read().backwards()).await).await;
        }
        answers.say(format!("{tenant}: about {name}"), client.stream(&name).await);
        answers.say(format!("{tenant}: snapshots of {name}"), client.list_snapshots(&name).await);
        answers.say(format!("{tenant}: the snapshot of {name}"), client.get_snapshot(&name, None).await);
        if name.starts_with("order") {
            answers.say(format!("{tenant}: the state of {name}"), client.get_state(GetState::new(&name)).await);
        }
    }
    let list = ListStreams::new().include_system();
    answers.say(format!("{tenant}: streams"), client.list_streams(list).collect().await);
    answers.say(format!("{tenant}: types"), client.all_event_types("").collect().await);
    answers.say(format!("{tenant}: statistics"), client.statistics().await);
}

async fn ask_for_views(client: &Client, tenant: &str, answers: &mut Answers) {
    answers.say(format!("{tenant}: checkpoints"), client.all_checkpoints("").collect().await);
    answers.say(format!("{tenant}: policies"), client.list_snapshot_policies().await);
    answers.say(format!("{tenant}: groups"), client.groups("").collect().await);
    answers.say(format!("{tenant}: parked"), client.group("billing").parked().collect().await);
    let model = client.read_model("overview");
    answers.say(format!("{tenant}: {READ_MODEL}, names"), client.read_models("").collect().await);
    let generations = model.generations().await;
    let generations = generations.map(|all| all.into_iter().map(|one| (one.position, format!("{one:?}"))).collect());
    answers.list(format!("{tenant}: {READ_MODEL}, generations"), generations);
    let placed = |document: Document| (document.position, format!("{document:?}"));
    let documents = model.list(ListDocuments::new().of_type("customer")).collect().await;
    let documents = documents.map(|all| all.into_iter().map(placed).collect());
    answers.list(format!("{tenant}: {READ_MODEL}, documents"), documents);
    for id in ["00", "07", "19"] {
        let document = model.get("customer", id).await.map(|document| document.into_iter().map(placed).collect());
        answers.list(format!("{tenant}: {READ_MODEL}, {id}"), document);
    }
    // The first event once more: that it is there already, and where, is known by its id.
    let mut first = ReadAll::new().from_start().limit(1);
    first = first.query(Query::item(QueryItem::new().tags(["tag:0"])));
    if let Ok(mut reading) = client.read_all(first).await
        && let Some(Ok(event)) = tokio_stream::StreamExt::next(&mut reading).await
    {
        let again = quipu_client::NewEvent::new(event.event_type, event.data).with_id(event.id).with_tags(event.tags);
        let again =
            if event.correlation_id.is_empty() { again } else { again.with_correlation_id(event.correlation_id) };
        let again = event.metadata.into_iter().fold(again, |again, (key, value)| again.with_metadata(key, value));
        let appended = client.append(&event.stream, Expected::Any, vec![again]).await;
        answers.say(format!("{tenant}: the first event once more"), appended);
    }
}

/// What questions about read models have in them.
pub(super) const READ_MODEL: &str = "a read model";
