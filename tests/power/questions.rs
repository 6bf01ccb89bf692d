//! Queries and counts, held against the events themselves.

use quipu::log::StoredEvent;
use quipu::model::wire::put_bytes;
use quipu::model::{Limits, Position, ProposedEvent, Query, QueryItem, Walk};
use quipu::store::read::PageSize;
use quipu::store::{Error, Store};

use crate::load::{CLAIMS, claim};
use crate::proposals::proposal;

/// An event of this id with this payload, and tags that queries ask for.
pub(crate) fn tagged(id: u128, data: &[u8], tags: &[&str]) -> ProposedEvent {
    let mut bytes = proposal(id, data).bytes.to_vec();
    tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag.as_bytes()));
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}

/// Asks for events by tag, category and type, and for each claim, of which there must be one at most.
pub(crate) fn wrong_answers(store: &Store, events: &[StoredEvent]) -> Vec<String> {
    let names = |name: &str| vec![name.to_owned()];
    let item = QueryItem::default;
    let claims = (0..CLAIMS).map(|number| QueryItem { tags: names(&claim(number)), ..item() });
    let others = [
        QueryItem { types: names("Happened"), tags: names("size:1"), ..item() },
        QueryItem { categories: names("shared"), tags: names("size:0"), ..item() },
        QueryItem { stream_prefix: Some("$streams-mortal".into()), ..item() },
    ];
    let mut faults = Vec::new();
    for (item, most) in claims.map(|claim| (claim, 1)).chain(others.map(|other| (other, usize::MAX))) {
        let query = Query::of(vec![item], &Limits::default()).expect("a query").with_system(true);
        let expected: Vec<_> = events.iter().filter(|event| query.matches(&event.labels())).collect();
        if expected.len() > most {
            faults.push(format!("{} events where one may be: {query:?}", expected.len()));
        }
        let backwards = expected.iter().rev().copied().collect();
        for (walk, expected) in [(Walk::Forwards, expected), (Walk::Backwards, backwards)] {
            match selected(store, &query, walk) {
                Ok(found) if found.iter().eq(expected.iter().copied()) => {}
                found => faults.push(format!("{found:?} instead of {expected:?} for {query:?}")),
            }
        }
    }
    let shown = events.iter().filter(|event| !event.is_system()).count() as u64;
    let counted = store.tally().map(|tally| (tally.events, tally.types.names.get("Happened").copied().unwrap_or(0)));
    if !matches!(counted, Ok(counted) if counted == (shown, shown)) {
        faults.push(format!("{shown} events are counted as {counted:?}"));
    }
    faults
}

/// The events of the whole log that a query means, in the order of a walk.
pub(crate) fn selected(store: &Store, query: &Query, walk: Walk) -> Result<Vec<StoredEvent>, Error> {
    let (mut found, mut rest) = (Vec::new(), Some(Position(1)..=store.head()));
    while let Some(range) = rest {
        let page = store.reader().select(query, range, walk, PageSize { bytes: 4 << 10, events: 5 })?;
        found.extend(page.events);
        rest = page.rest;
    }
    Ok(found)
}
