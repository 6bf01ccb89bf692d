//! What is left of a read once some of it has come.
//!
//! Owns [`Rest`]: the request as it would be asked again after a break, behind everything that has
//! been delivered, and the head to report in the end.
//!
//! A read forwards that goes on after a break sees the log as it is by then, so its head is the one of the
//! last call. A read backwards has passed the newer events already: its head is where its first event was,
//! behind which nothing is known.

use crate::proto::{self, Direction, read_all_request, read_stream_request};

/// A request that can begin elsewhere.
pub(crate) trait Asked: Clone {
    fn is_backwards(&self) -> bool;
    fn limit(&mut self) -> &mut u64;
    /// Begins at this place, inclusive, and no longer with a snapshot.
    fn begin_at(&mut self, place: u64);
    /// The first place there is.
    const FIRST: u64;
}

/// How far a read is.
#[derive(Clone, Debug)]
pub(crate) struct Rest<R> {
    pub(crate) request: R,
    /// The place of the first event that came.
    first: Option<u64>,
    /// The place of the last event that came.
    last: Option<u64>,
    /// Whether there is nothing left to ask for, even if the last message is missing.
    is_complete: bool,
    was_broken: bool,
}

impl<R: Asked> Rest<R> {
    /// All of it.
    pub(crate) fn new(request: R) -> Self {
        Self { request, first: None, last: None, is_complete: false, was_broken: false }
    }

    /// Takes note of events that came: the first, the last, and how many.
    pub(crate) fn passed(&mut self, first: u64, last: u64, count: u64) {
        self.first.get_or_insert(first);
        self.last = Some(last);
        let limit = self.request.limit();
        if *limit > 0 {
            *limit = limit.saturating_sub(count);
            self.is_complete = *limit == 0;
        }
        if !self.request.is_backwards() {
            self.request.begin_at(last + 1);
        } else if last > R::FIRST {
            self.request.begin_at(last - 1);
        } else {
            self.is_complete = true;
        }
    }

    /// Takes note of a snapshot that stands for everything up to this place.
    pub(crate) fn passed_snapshot(&mut self, place: u64) {
        self.request.begin_at(place + 1);
    }

    /// Takes note of a break; whether there is something left to ask for.
    pub(crate) fn broke(&mut self) -> bool {
        self.was_broken = true;
        !self.is_complete
    }

    /// The head to report, out of what the last message said, if it came.
    pub(crate) fn head(&self, said: Option<u64>) -> Option<u64> {
        if self.was_broken && self.request.is_backwards() {
            return self.first.or(said);
        }
        said.or(self.last)
    }
}

impl Asked for proto::ReadStreamRequest {
    const FIRST: u64 = 0;

    fn is_backwards(&self) -> bool {
        self.direction() == Direction::Backwards
    }

    fn limit(&mut self) -> &mut u64 {
        &mut self.limit
    }

    fn begin_at(&mut self, place: u64) {
        self.from = Some(read_stream_request::From::FromRevision(place));
        self.with_snapshot = false;
    }
}

impl Asked for proto::ReadAllRequest {
    const FIRST: u64 = 1;

    fn is_backwards(&self) -> bool {
        self.direction() == Direction::Backwards
    }

    fn limit(&mut self) -> &mut u64 {
        &mut self.limit
    }

    fn begin_at(&mut self, place: u64) {
        self.from = Some(read_all_request::From::FromPosition(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(direction: Direction, limit: u64) -> Rest<proto::ReadAllRequest> {
        let request = proto::ReadAllRequest { direction: direction.into(), limit, ..Default::default() };
        Rest::new(request)
    }

    fn from(position: u64) -> Option<read_all_request::From> {
        Some(read_all_request::From::FromPosition(position))
    }

    #[test]
    fn it_goes_on_behind_what_came_with_what_is_left_of_the_limit() {
        let mut rest = log(Direction::Forwards, 10);
        rest.passed(4, 9, 3);
        assert_eq!((rest.request.from, rest.request.limit), (from(10), 7));
        assert!(rest.broke());
        assert_eq!(rest.head(Some(30)), Some(30));
        rest.passed(12, 20, 7);
        assert!(!rest.broke());
        assert_eq!(rest.head(None), Some(20));
    }

    #[test]
    fn backwards_it_ends_with_the_first_place_and_keeps_the_head_it_began_with() {
        let mut rest = log(Direction::Backwards, 0);
        assert!(rest.broke());
        rest.passed(40, 2, 5);
        assert_eq!(rest.request.from, from(1));
        assert!(rest.broke());
        assert_eq!(rest.head(Some(99)), Some(40));
        rest.passed(1, 1, 1);
        assert!(!rest.broke());
    }

    #[test]
    fn behind_a_snapshot_it_asks_for_events_only() {
        let mut rest = Rest::new(proto::ReadStreamRequest { with_snapshot: true, ..Default::default() });
        rest.passed_snapshot(7);
        assert_eq!(rest.request.from, Some(read_stream_request::From::FromRevision(8)));
        assert!(!rest.request.with_snapshot);
    }
}
