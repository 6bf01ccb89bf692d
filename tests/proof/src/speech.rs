//! From a history's values to the client's and back.

use quipu_client::{
    Appended, Client, Conflict, Error, Expected as Wanted, Guard as Condition, NewEvent, Query as Question,
    QueryItem as Item, Transaction,
};
use quipu_proof::history::{
    Actual, Append, Expected, Guard, Outcome, Part, Placed, Proposed, Query, QueryItem, Refusal,
};
use uuid::Uuid;

use crate::events::bytes;

/// Sends an append as it was taken down, the first time or again.
pub(crate) async fn send(client: &Client, append: &Append) -> Result<Vec<Appended>, Error> {
    let guards = append.guards.iter().map(condition);
    if let ([part], []) = (&append.parts[..], &append.advances[..]) {
        let answer = client.append_guarded(&part.stream, wanted(part.expected), events(part), guards.collect()).await;
        return answer.map(|place| vec![place]);
    }
    let whole = append
        .parts
        .iter()
        .fold(Transaction::new(), |whole, part| whole.append(&part.stream, wanted(part.expected), events(part)));
    let whole = append.advances.iter().fold(whole, |whole, (name, position)| whole.advance(name, *position));
    client.transact(guards.fold(whole, Transaction::guard)).await.map(|done| done.appends)
}

/// The events of a part, as a client proposes them.
pub(crate) fn events(part: &Part) -> Vec<NewEvent> {
    let event = |Proposed { id, event_type, tags, .. }: &Proposed| {
        NewEvent::new(event_type, bytes(*id)).with_id(Uuid::from_u128(*id)).with_tags(tags)
    };
    part.events.iter().map(event).collect()
}

/// An expected revision in the client's words.
pub(crate) fn wanted(expected: Expected) -> Wanted {
    match expected {
        Expected::Any => Wanted::Any,
        Expected::NoStream => Wanted::NoStream,
        Expected::StreamExists => Wanted::StreamExists,
        Expected::Revision(revision) => Wanted::Revision(revision),
    }
}

fn condition(guard: &Guard) -> Condition {
    match guard {
        Guard::Stream { stream, expected } => Condition::stream(stream, wanted(*expected)),
        Guard::NoneMatch { query, after } => Condition::none_match(question(query)).after(*after),
        Guard::SomeMatch { query, after } => Condition::some_match(question(query)).after(*after),
        Guard::Checkpoint { name, position } => Condition::checkpoint(name, *position),
    }
}

/// A query in the client's words.
pub(crate) fn question(query: &Query) -> Question {
    let item = |QueryItem { types, tags, categories, stream_prefix }: &QueryItem| {
        let item = Item::new().types(types).tags(tags).categories(categories);
        match stream_prefix {
            Some(prefix) => item.stream_prefix(prefix),
            None => item,
        }
    };
    let mut items = query.items.iter().flatten().map(item);
    let first = items.next().map_or_else(Question::all, Question::item);
    items.fold(first, Question::or)
}

/// What an answer says.
pub(crate) fn outcome(answer: &Result<Vec<Appended>, Error>) -> Outcome<Placed> {
    match answer {
        Ok(places) => Outcome::Ok(Placed {
            firsts: places.iter().map(|place| (place.first_revision, place.first_position)).collect(),
            deduplicated: places.iter().all(|place| place.deduplicated),
        }),
        Err(error) => refusal(error).map_or(Outcome::Unknown, Outcome::Refused),
    }
}

/// The refusal that an error is; `None` when it leaves open what became of the request.
pub(crate) fn refusal(error: &Error) -> Option<Refusal> {
    if let Error::WrongExpectedRevision { stream, actual, head, .. } = error {
        return Some(Refusal::WrongRevision { stream: stream.clone(), actual: *actual, head: *head });
    }
    if let Error::GuardNotMet { index, actual, head } = error {
        let actual = match actual {
            Conflict::Stream { actual, .. } => Actual::Stream(*actual),
            Conflict::Event { position, .. } => Actual::Event(*position),
            Conflict::Checkpoint { actual, .. } => Actual::Checkpoint(*actual),
            Conflict::Nothing => Actual::NoEvent,
        };
        return Some(Refusal::Guard { index: *index, actual, head: *head });
    }
    if let Error::WrongCheckpoint { name, actual, .. } = error {
        return Some(Refusal::WrongCheckpoint { name: name.clone(), actual: *actual });
    }
    if matches!(error, Error::ResourceExhausted(_)) {
        return Some(Refusal::NoRoom);
    }
    matches!(error, Error::EventIdConflict { .. }).then(|| Refusal::Invalid(error.to_string()))
}

/// Whether an error tells that the server or the connection to it is gone, and not that something is wrong.
pub(crate) fn is_gone(error: &Error) -> bool {
    let of_transport = |status: &tonic::Status| std::error::Error::source(status).is_some();
    matches!(error, Error::Unavailable(_) | Error::Connect { .. } | Error::Ended)
        || matches!(error, Error::Other(status) if of_transport(status))
}
