//! How the store of a sequence is kept: everything small, so that its edges are met often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quipu::clock::Clock;
use quipu::log::LogOptions;
use quipu::model::{Limits, Timestamp};
use quipu::store::StoreOptions;

use crate::chance::Chance;

/// Sizes and limits.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) mask: u64,
    pub(crate) window: usize,
    pub(crate) kept: usize,
    pub(crate) marks: usize,
    heads: usize,
    recent_bytes: usize,
    index_bytes: u64,
    segment_events: u64,
    segment_bytes: u64,
}

fn one_of<T: Copy>(chance: &mut Chance, values: &[T]) -> T {
    values[chance.below(values.len() as u64) as usize]
}

impl Setting {
    /// Draws a setting.
    pub(crate) fn draw(chance: &mut Chance, mask: u64) -> Self {
        Self {
            mask,
            window: one_of(chance, &[0, 1, 3, 8, 40, 1000]),
            kept: one_of(chance, &[1, 2, 3]),
            marks: one_of(chance, &[2, 4, 1000]),
            heads: one_of(chance, &[0, 2, 6, 1000]),
            recent_bytes: one_of(chance, &[0, 300, 2000, 1 << 20]),
            index_bytes: one_of(chance, &[0, 500, 5000, 1 << 30]),
            segment_events: one_of(chance, &[4, 5, 7, 16, 64]),
            segment_bytes: one_of(chance, &[400, 2000, 1 << 16, 1 << 20]),
        }
    }

    /// Draws anew what may differ from one start to the next.
    pub(crate) fn redraw(&self, chance: &mut Chance) -> Self {
        if chance.once_in(2) {
            return self.clone();
        }
        Self { kept: self.kept, ..Self::draw(chance, self.mask) }
    }

    pub(crate) fn options(&self, time: &Arc<Time>) -> StoreOptions {
        let time = time.clone();
        StoreOptions {
            limits: Arc::new(Limits {
                recent_event_ids: self.window,
                snapshots_per_stream: self.kept,
                checkpoints: self.marks,
                ..Limits::default()
            }),
            log: LogOptions {
                segment_bytes: self.segment_bytes,
                segment_events: self.segment_events,
                disk_reserve_bytes: 0,
                ..LogOptions::default()
            },
            recent_bytes: self.recent_bytes,
            index_bytes: self.index_bytes,
            heads: self.heads,
            clock: Clock::new(move || time.now()),
            term_mask: self.mask,
            ..StoreOptions::default()
        }
    }
}

/// The time of day, as the sequence wants it.
#[derive(Debug, Default)]
pub(crate) struct Time(AtomicU64);

impl Time {
    pub(crate) fn now(&self) -> Timestamp {
        let number = self.0.load(Ordering::SeqCst);
        Timestamp { seconds: 1_800_000_000 + number, nanos: number as u32 * 7 }
    }

    /// Lets time pass, or step back as a machine's clock may.
    pub(crate) fn pass(&self, chance: &mut Chance) {
        match chance.below(8) {
            0 => self.0.store(chance.below(300), Ordering::SeqCst),
            1..4 => drop(self.0.fetch_add(1 + chance.below(3), Ordering::SeqCst)),
            _ => {}
        }
    }
}
