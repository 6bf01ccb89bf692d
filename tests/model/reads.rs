//! Reads of the log and of streams, page by page, and single questions.

use quipu::log::StoredEvent;
use quipu::model::{EventId, Position, Revision, StreamName};
use quipu::store::Error;
use quipu::store::read::PageSize;

use crate::appends::any_stream;
use crate::checked::{Checked, holds, same};
use crate::lives::is_hidden;
use crate::run::Run;

fn told(error: &Error) -> String {
    format!("a read failed: {error:?}")
}

impl Run {
    pub(crate) fn any_size(&mut self) -> PageSize {
        let bytes = [1, 100, 300, 1000, 1 << 20][self.chance.below(5) as usize];
        let events = [1, 2, 3, 7, usize::MAX][self.chance.below(5) as usize];
        PageSize { bytes, events }
    }

    /// Reads pages until all of `wanted`, places in the list, came, in this order. `read` gets the next
    /// place, and is asked once more behind the end if `beyond` says where that is.
    fn pages(
        &self,
        wanted: &[usize],
        size: PageSize,
        beyond: Option<usize>,
        read: impl Fn(usize) -> Result<Vec<StoredEvent>, Error>,
    ) -> Checked {
        let mut rest = wanted;
        while let Some(next) = rest.first() {
            let page = read(*next).map_err(|error| told(&error))?;
            holds(!page.is_empty(), || format!("an empty page, position {} should be in it", next + 1))?;
            holds(page.len() <= rest.len(), || format!("{} events, there are {}", page.len(), rest.len()))?;
            for (event, at) in page.iter().zip(rest) {
                self.plain.is_at(*at, event)?;
            }
            fits(&page, size)?;
            rest = &rest[page.len()..];
        }
        let Some(beyond) = beyond else { return Ok(()) };
        same("a page behind the end", &read(beyond).map_err(|error| told(&error))?.len(), &0)
    }

    fn log_forwards(&self, from: usize, until: u64, size: PageSize) -> Checked {
        let wanted: Vec<usize> = (from..until as usize).collect();
        let read = |at| self.store.reader().log_forwards(Position(at as u64 + 1), Position(until), size);
        self.pages(&wanted, size, Some(from.max(until as usize)), read)
    }

    fn log_backwards(&self, from: usize, size: PageSize) -> Checked {
        let wanted: Vec<usize> = (0..from).rev().collect();
        self.pages(&wanted, size, None, |at| self.store.reader().log_backwards(Position(at as u64 + 1), size))
    }

    fn stream_forwards(&self, name: &str, from: usize, until: u64, size: PageSize) -> Checked {
        let stream = StreamName::from_log(name);
        let places = self.plain.stream(name);
        let wanted: Vec<usize> = places.iter().skip(from).copied().filter(|at| (*at as u64) < until).collect();
        let revision = |at: usize| self.plain.log.get(at).map_or(places.len() as u64, |entry| entry.revision);
        let read = |at| self.store.reader().stream_forwards(&stream, Revision(revision(at)), Position(until), size);
        self.pages(&wanted, size, Some(usize::MAX), read)
    }

    fn stream_backwards(&self, name: &str, from: usize, size: PageSize) -> Checked {
        let stream = StreamName::from_log(name);
        let wanted: Vec<usize> = self.plain.stream(name).iter().take(from).rev().copied().collect();
        let revision = |at: usize| Revision(self.plain.log[at].revision);
        self.pages(&wanted, size, None, |at| self.store.reader().stream_backwards(&stream, revision(at), size))
    }

    /// Reads a part of the log or of a stream, either way.
    pub(crate) fn read(&mut self) -> Checked {
        let (kind, size, head) = (self.chance.below(4), self.any_size(), self.plain.head());
        let name = any_stream(&mut self.chance);
        let length = self.plain.stream(&name).len() as u64;
        let (place, revision) = (self.chance.below(head + 1) as usize, self.chance.below(length + 1) as usize);
        let until = if self.chance.once_in(2) { head } else { self.chance.below(head + 1) };
        self.note(format!("read {kind} of `{name}` from {place} or {revision} until {until}, {size:?}"));
        match kind {
            0 => self.log_forwards(place, until, size),
            1 => self.log_backwards(place, size),
            2 => self.stream_forwards(&name, revision, until, size),
            _ => self.stream_backwards(&name, revision, size),
        }
    }

    /// Asks for single events, for a stream, and for names.
    pub(crate) fn look_up(&mut self) -> Checked {
        let (name, prefix) = (self.any_lived(), any_stream(&mut self.chance));
        let place = self.chance.below(self.plain.head() + 3);
        let most = 1 + self.chance.below(70) as usize;
        self.note(format!("look up position {place}, stream `{name}`, {most} names from `{prefix}` on"));
        let unknown = self.store.event_by_id(EventId(self.chance.id()));
        holds(matches!(unknown, Err(Error::EventNotFound)), || format!("an unknown id: {unknown:?}"))?;
        self.event_at(place)?;
        self.info(&name)?;
        self.names_from(&prefix, most)?;
        self.names_with(&prefix, most)?;
        let has_system = self.chance.once_in(2);
        self.streams_with(if most.is_multiple_of(3) { "" } else { &prefix }, most, has_system)?;
        let until = self.chance.below(self.plain.head() + 1);
        self.view(&name, until)
    }

    fn event_at(&self, position: u64) -> Checked {
        let found = self.store.event_at(Position(position));
        let Some(entry) = (position as usize).checked_sub(1).and_then(|at| self.plain.log.get(at)) else {
            return holds(matches!(found, Err(Error::EventNotFound)), || format!("at {position}: {found:?}"));
        };
        self.plain.is_at(position as usize - 1, &found.map_err(|error| told(&error))?)?;
        // An id may have gone in again once it was out of the window: any of its events will do.
        let found = self.store.event_by_id(EventId(entry.id)).map_err(|error| told(&error))?;
        same("the id of an event found by its id", &found.id(), &Some(EventId(entry.id)))?;
        self.plain.is_at(found.position().0 as usize - 1, &found)
    }

    fn info(&self, name: &str) -> Checked {
        let info = self.store.stream_info(&StreamName::from_log(name));
        let (first, length) = match self.plain.view(name, self.plain.head(), self.time.now()) {
            Ok(view) => view,
            Err(hidden) => {
                let is_bare = matches!(&info, Ok(info) if info.head.is_none() && self.plain.lives.contains_key(name));
                let is_right = is_bare || matches!(&info, Err(error) if is_hidden(error, name, hidden));
                return holds(is_right, || format!("`{name}` is {hidden:?}: {info:?}"));
            }
        };
        let info = info.map_err(|error| told(&error))?;
        let (places, log) = (self.plain.stream(name), &self.plain.log);
        let last = places[length as usize - 1];
        let shown = places.get(first as usize).map(|at| log[*at].at);
        same("the first revision of a stream", &info.first.0, &first)?;
        let head = info.head.ok_or("a stream without a head")?;
        same("the head of a stream", &head.revision.0, &(length - 1))?;
        same("the last position of a stream", &head.position.0, &(last as u64 + 1))?;
        same("the first time of a stream", &info.first_recorded_at, &shown)?;
        same("the last time of a stream", &info.last_recorded_at, &Some(log[last].at))?;
        same("a stream's metadata", &info.metadata.unwrap_or_default(), &self.plain.life(name).metadata)
    }

    /// The streams that are shown, in pages.
    fn streams_with(&self, prefix: &str, size: usize, has_system: bool) -> Checked {
        let is_shown = |name: &&String| {
            name.starts_with(prefix) && (has_system || !name.starts_with('$')) && !self.plain.is_deleted(name)
        };
        let model: Vec<&String> = self.plain.streams.keys().filter(is_shown).collect();
        let (mut names, mut from) = (Vec::new(), String::new());
        loop {
            let page = self.store.stream_page(prefix, &from, has_system, size).map_err(|error| told(&error))?;
            holds(page.0.len() == size || page.1.is_none(), || format!("a page of {}, of {size}", page.0.len()))?;
            names.extend(page.0);
            let Some(next) = page.1 else { break };
            from = next;
        }
        same(&format!("streams that begin with `{prefix}`"), &names.iter().collect(), &model)
    }

    fn names_from(&self, from: &str, most: usize) -> Checked {
        let model: Vec<&String> = self.plain.streams.keys().filter(|name| name.as_str() >= from).take(most).collect();
        let names = self.store.stream_names(from, most).map_err(|error| told(&error))?;
        same("names of streams", &names.iter().collect(), &model)
    }

    /// All names with a prefix, in pages.
    fn names_with(&self, prefix: &str, most: usize) -> Checked {
        let model: Vec<&String> = self.plain.streams.keys().filter(|name| name.starts_with(prefix)).collect();
        let (mut names, mut from) = (Vec::new(), prefix.to_owned());
        loop {
            let page = self.store.stream_names(&from, most).map_err(|error| told(&error))?;
            let Some(last) = page.last() else { break };
            from = format!("{last}\0");
            let is_last = !last.starts_with(prefix);
            names.extend(page.into_iter().filter(|name| name.starts_with(prefix)));
            if is_last {
                break;
            }
        }
        same(&format!("names that begin with `{prefix}`"), &names.iter().collect(), &model)
    }

    /// Compares all that there is.
    pub(crate) fn read_everything(&mut self) -> Checked {
        self.note("read everything".into());
        let head = self.plain.head();
        same("the head", &self.store.head().0, &head)?;
        let size = self.any_size();
        self.log_forwards(0, head, size)?;
        self.log_backwards(head as usize, size)?;
        self.count()?;
        self.all_marks()?;
        for name in self.plain.streams.keys() {
            self.info(name)?;
            self.stream_forwards(name, 0, head, size)?;
            self.stream_backwards(name, usize::MAX, size)?;
        }
        (0..=head + 1).try_for_each(|position| self.event_at(position))?;
        self.names_from("", usize::MAX)?;
        self.all_snapshots()
    }
}

/// A page stops once it has about as many bytes as it may, or as many events.
pub(crate) fn fits(page: &[StoredEvent], size: PageSize) -> Checked {
    if page.is_empty() {
        return Ok(());
    }
    let bytes = |events: &[StoredEvent]| events.iter().map(|event| event.bytes().len()).sum::<usize>();
    let (without_last, without_first) = (bytes(&page[..page.len() - 1]), bytes(&page[1..]));
    let fits = page.len() <= size.events && without_last.min(without_first) < size.bytes;
    holds(fits, || format!("a page of {} events, {} bytes, is more than {size:?}", page.len(), bytes(page)))
}
