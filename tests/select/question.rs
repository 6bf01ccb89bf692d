//! A question: a query over a range of positions, asked of the store and answered by a scan.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use quipu::model::{Guard, Limits, Match, Position, Query, QueryItem, StreamName, Walk};
use quipu::store::read::PageSize;
use quipu::store::{Actual, Error, Store, Transaction};

use crate::chance::Chance;
use crate::corpus::{CATEGORIES, Corpus, Labels, correlation_name, stream_name, tag_name, type_name};

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    items: Vec<Item>,
    range: RangeInclusive<u64>,
    walk: Walk,
    /// How many events are taken at most.
    limit: usize,
    page_bytes: usize,
    /// Whether a guard is asked about it as well.
    has_guard: bool,
}

/// An item of a query, in numbers. An event must meet all that is said.
#[derive(Debug, Default)]
struct Item {
    types: Vec<u64>,
    tags: Vec<u64>,
    categories: Vec<&'static str>,
    prefix: Option<String>,
    correlation: Option<u64>,
    stream: Option<u64>,
}

/// One of the events.
fn any<'a>(chance: &mut Chance, corpus: &'a Corpus) -> &'a Labels {
    &corpus.events[chance.below(corpus.events.len() as u64) as usize]
}

impl Item {
    /// An item that most often some event meets: what it says is taken from one.
    fn draw(chance: &mut Chance, corpus: &Corpus) -> Self {
        let (like, mut item) = (any(chance, corpus), Self::default());
        while item.says_nothing() {
            if chance.once_in(3) {
                item.types = vec![like.event_type];
                for _ in 0..chance.below(3) {
                    item.types.push(any(chance, corpus).event_type);
                }
                item.types.sort_unstable();
                item.types.dedup();
            }
            if chance.once_in(2) {
                item.tags = like.tags.iter().copied().filter(|_| !chance.once_in(3)).collect();
                if chance.once_in(20) {
                    item.tags.push(u64::MAX);
                }
            }
            if chance.once_in(5) {
                let more = CATEGORIES[chance.below(CATEGORIES.len() as u64) as usize];
                item.categories = vec![CATEGORIES[like.stream as usize % CATEGORIES.len()], more];
                item.categories.dedup();
            }
            if chance.once_in(6) {
                let name = stream_name(like.stream);
                let end = name.find('-').map_or(name.len(), |dash| dash + 1 + chance.below(2) as usize);
                let is_slow = chance.once_in(10);
                item.prefix = Some(name[..if is_slow { 1 } else { end }].to_owned());
            }
            if chance.once_in(6) {
                item.correlation = like.correlation;
            }
            if chance.once_in(15) {
                item.stream = Some(like.stream);
            }
        }
        item
    }

    fn says_nothing(&self) -> bool {
        let has_no_names = self.types.is_empty() && self.tags.is_empty() && self.categories.is_empty();
        has_no_names && self.prefix.is_none() && self.correlation.is_none() && self.stream.is_none()
    }

    fn query_item(&self) -> QueryItem {
        QueryItem {
            types: self.types.iter().map(|number| type_name(*number)).collect(),
            tags: self.tags.iter().map(|number| tag_name(*number)).collect(),
            categories: self.categories.iter().map(ToString::to_string).collect(),
            stream_prefix: self.prefix.clone(),
            correlation_id: self.correlation.map(correlation_name),
            stream: self.stream.map(|number| StreamName::from_log(&stream_name(number))),
        }
    }

    /// Whether an event is meant. What was found out about its stream's name is kept in `names`.
    fn means(&self, event: &Labels, names: &mut HashMap<u64, bool>) -> bool {
        let has_type = self.types.is_empty() || self.types.contains(&event.event_type);
        let has_correlation = self.correlation.is_none() || self.correlation == event.correlation;
        let has_stream = self.stream.is_none_or(|stream| stream == event.stream);
        let has_tags = self.tags.iter().all(|tag| event.tags.contains(tag));
        let is_one = has_type && has_correlation && has_stream && has_tags;
        is_one && *names.entry(event.stream).or_insert_with(|| self.means_name(&stream_name(event.stream)))
    }

    fn means_name(&self, name: &str) -> bool {
        let mut parts = name.splitn(2, '-');
        let (category, has_category) = (parts.next().unwrap_or_default(), parts.next().is_some());
        let is_of_one = has_category && self.categories.contains(&category);
        (self.categories.is_empty() || is_of_one) && self.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
    }
}

impl Question {
    /// Any question about what there is.
    pub(crate) fn draw(chance: &mut Chance, corpus: &Corpus) -> Self {
        let head = corpus.events.len() as u64;
        let items = (0..[1, 1, 1, 2, 3, 4][chance.below(6) as usize]).map(|_| Item::draw(chance, corpus)).collect();
        let width = [head, head / 2, head / 50, 2000, 100][chance.below(5) as usize].max(1);
        let first = 1 + chance.below(head);
        let first = if width == head { 1 } else { first };
        let limit = [1, 3, 50, 400, usize::MAX][if chance.once_in(8) { 4 } else { chance.below(4) as usize }];
        Self {
            items,
            range: first..=(first + width - 1).min(head),
            walk: if chance.once_in(2) { Walk::Forwards } else { Walk::Backwards },
            limit,
            page_bytes: [1000, 20_000, 1 << 20][chance.below(3) as usize],
            has_guard: chance.once_in(4),
        }
    }

    fn query(&self) -> Query {
        let items = self.items.iter().map(Item::query_item).collect();
        Query::of(items, &Limits::default()).expect("a good query")
    }

    /// The positions that a scan finds, in the order of the walk.
    fn scan(&self, corpus: &Corpus, walk: Walk, range: &RangeInclusive<u64>, limit: usize) -> Vec<u64> {
        let mut names: Vec<HashMap<u64, bool>> = self.items.iter().map(|_| HashMap::new()).collect();
        let mut means = |position: &u64| {
            let event = &corpus.events[*position as usize - 1];
            self.items.iter().zip(&mut names).any(|(item, names)| item.means(event, names))
        };
        match walk {
            Walk::Forwards => range.clone().filter(|position| means(position)).take(limit).collect(),
            Walk::Backwards => range.clone().rev().filter(|position| means(position)).take(limit).collect(),
        }
    }

    /// Asks the store, and compares with the scan.
    pub(crate) fn compare(&self, store: &Arc<Store>, corpus: &Corpus) -> Result<(), String> {
        let wanted = self.scan(corpus, self.walk, &self.range, self.limit);
        let query = self.query();
        let mut found = Vec::new();
        let mut rest = Some(Position(*self.range.start())..=Position(*self.range.end()));
        while let Some(range) = rest.filter(|_| found.len() < self.limit) {
            let size = PageSize { bytes: self.page_bytes, events: self.limit - found.len() };
            let page = store.reader().select(&query, range, self.walk, size).map_err(|error| format!("{error:?}"))?;
            for event in &page.events {
                let labels = corpus.events.get(event.position().0 as usize - 1);
                let is_it = labels.is_some_and(|labels| event.stream() == stream_name(labels.stream));
                if !is_it {
                    return Err(format!("a strange event: {event:?}"));
                }
            }
            found.extend(page.events.iter().map(|event| event.position().0));
            rest = page.rest;
        }
        if found != wanted {
            let at = found.iter().zip(&wanted).position(|(one, other)| one != other);
            let at = at.unwrap_or(found.len().min(wanted.len()));
            let (one, other) = (found.get(at), wanted.get(at));
            return Err(format!("of {} the {at}th: {other:?} by the scan, {one:?} by the store", wanted.len()));
        }
        if self.has_guard { self.compare_guard(store, corpus) } else { Ok(()) }
    }

    /// A guard that no such event came after a position names the newest that did.
    fn compare_guard(&self, store: &Arc<Store>, corpus: &Corpus) -> Result<(), String> {
        let after = *self.range.start() - 1;
        let newest = self.scan(corpus, Walk::Backwards, &(after + 1..=corpus.events.len() as u64), 1).first().copied();
        let matching = Match { query: Arc::new(self.query()), after: Position(after) };
        let transaction = Transaction { guards: vec![Guard::NoneMatch(matching)], ..Transaction::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let found = match runtime.block_on(store.transact(transaction)) {
            Ok(_) => None,
            Err(Error::GuardNotMet { actual: Actual::Event(found), .. }) => Some(found.position.0),
            Err(error) => return Err(format!("a guard: {error:?}")),
        };
        if found == newest { Ok(()) } else { Err(format!("a guard finds {found:?}, the scan {newest:?}")) }
    }
}
