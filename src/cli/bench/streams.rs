//! The streams that a workload goes to.
//!
//! Owns their names and tags, the lot by which one is drawn, and what this run knows of each: how many
//! events it has and where its last one lies. That is what a guard needs; it may be behind what the log
//! says, as the knowledge of any client may.

use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use quipu_client::Appended;

use super::payload::Lots;

/// How streams are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Skew {
    /// Each as often as any other.
    #[default]
    Uniform,
    /// The first about twice as often as the second, three times as often as the third, and so on.
    Zipf,
}

impl Skew {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }
}

/// What is known of one stream.
#[derive(Debug, Default)]
struct Known {
    events: AtomicU64,
    position: AtomicU64,
}

/// The streams of a run.
#[derive(Debug)]
pub(super) struct Streams {
    prefix: String,
    skew: Skew,
    known: Vec<Known>,
    head: AtomicU64,
}

impl Streams {
    /// So many, whose names begin with `prefix`.
    pub(super) fn new(prefix: String, count: usize, skew: Skew) -> Self {
        let known = (0..count).map(|_| Known::default()).collect();
        Self { prefix, skew, known, head: AtomicU64::new(0) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// The next one, by lot.
    pub(super) fn draw(&self, lots: &mut Lots) -> usize {
        // 53 bits: what a fraction holds.
        let fraction = (lots.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        self.at(fraction)
    }

    /// The stream at this fraction of the way through all draws.
    fn at(&self, fraction: f64) -> usize {
        let count = self.count();
        let stream = match self.skew {
            Skew::Uniform => fraction * count as f64,
            // The logarithm grows by about 1/n at n, so that the n-th has about that share.
            Skew::Zipf => (count as f64 + 1.0).powf(fraction) - 1.0,
        };
        (stream as usize).min(count - 1)
    }

    /// Its name.
    pub(super) fn name(&self, stream: usize) -> String {
        format!("{}-{stream}", self.prefix)
    }

    /// The tag that all of its events have, when they have any.
    pub(super) fn tag(&self, stream: usize) -> String {
        format!("stream:{}-{stream}", self.prefix)
    }

    /// So many tags for an event: the stream's own, and others drawn by lot.
    pub(super) fn tags(&self, stream: usize, count: usize, lots: &mut Lots) -> Vec<String> {
        let drawn = |place: usize, lots: &mut Lots| format!("drawn-{place}:{}-{}", self.prefix, self.draw(lots));
        (0..count).map(|place| if place == 0 { self.tag(stream) } else { drawn(place, lots) }).collect()
    }

    /// The revision of its last event, as far as is known; none when it has no event.
    pub(super) fn last_revision(&self, stream: usize) -> Option<u64> {
        self.known[stream].events.load(Ordering::Relaxed).checked_sub(1)
    }

    /// The position of its last event, as far as is known; 0 when it has no event.
    pub(super) fn last_position(&self, stream: usize) -> u64 {
        self.known[stream].position.load(Ordering::Relaxed)
    }

    /// The head, as far as is known.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// Takes note of an append to a stream.
    pub(super) fn learn(&self, stream: usize, appended: &Appended) {
        self.learn_events(stream, appended.last_revision + 1);
        self.learn_position(stream, appended.last_position);
    }

    /// Takes note of how many events a stream has.
    pub(super) fn learn_events(&self, stream: usize, events: u64) {
        self.known[stream].events.fetch_max(events, Ordering::Relaxed);
    }

    /// Takes note that a stream has no event between the last that is known and this position.
    pub(super) fn learn_position(&self, stream: usize, position: u64) {
        self.known[stream].position.fetch_max(position, Ordering::Relaxed);
        self.learn_head(position);
    }

    /// Takes note of a head.
    pub(super) fn learn_head(&self, position: u64) {
        self.head.fetch_max(position, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(count: usize, skew: Skew) -> Streams {
        Streams::new("s".to_owned(), count, skew)
    }

    #[test]
    fn every_stream_is_drawn_as_often_as_its_skew_says() {
        let shares = |skew| {
            let (streams, mut drawn) = (streams(10, skew), [0_u32; 10]);
            (0..10_000).for_each(|step| drawn[streams.at(f64::from(step) / 10_000.0)] += 1);
            drawn
        };
        assert_eq!(shares(Skew::Uniform), [1_000; 10]);
        let zipf = shares(Skew::Zipf);
        assert!(zipf.is_sorted_by(|more, less| more > less) && zipf[9] > 0, "{zipf:?}");
        // ln 2 / ln 11 and ln 1.5 / ln 11.
        assert_eq!((zipf[0], zipf[1]), (2_891, 1_691));
    }

    #[test]
    fn the_end_of_the_lot_is_the_last_stream() {
        for skew in [Skew::Uniform, Skew::Zipf] {
            assert_eq!((streams(7, skew).at(0.0), streams(7, skew).at(1.0)), (0, 6));
        }
    }

    #[test]
    fn knowledge_never_goes_back() {
        let streams = streams(2, Skew::Uniform);
        assert_eq!((streams.last_revision(1), streams.last_position(1), streams.head()), (None, 0, 0));
        for (events, position) in [(5, 9), (3, 7)] {
            streams.learn_events(1, events);
            streams.learn_position(1, position);
        }
        assert_eq!((streams.last_revision(1), streams.last_position(1), streams.head()), (Some(4), 9, 9));
        assert_eq!(streams.last_revision(0), None);
    }

    #[test]
    fn an_event_has_the_tag_of_its_stream_first() {
        let tags = streams(3, Skew::Uniform).tags(2, 3, &mut Lots::new());
        assert_eq!((tags[0].as_str(), tags.len()), ("stream:s-2", 3));
        assert!(tags[1].starts_with("drawn-1:s-") && tags[2].starts_with("drawn-2:s-"), "{tags:?}");
    }
}
