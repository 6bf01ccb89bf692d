//! How fast a log is read by somebody who is in no hurry.

use std::time::{Duration, Instant};

/// Pauses shorter than this are put together.
const PAUSE_MIN: Duration = Duration::from_millis(2);

/// So many bytes a second, on average from the beginning.
#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    begun: Instant,
    bytes: u64,
}

impl Pace {
    /// A pace that begins now; 0 bytes a second mean none.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, begun: Instant::now(), bytes: 0 }
    }

    /// How long to pause after these bytes, if at all.
    pub fn pause_after(&mut self, bytes: u64) -> Option<Duration> {
        self.bytes += bytes;
        if self.bytes_per_second == 0 {
            return None;
        }
        let due = Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_second as f64);
        due.checked_sub(self.begun.elapsed()).filter(|pause| *pause >= PAUSE_MIN)
    }

    /// Pauses after these bytes, if need be.
    pub fn keep_after(&mut self, bytes: u64) {
        if let Some(pause) = self.pause_after(bytes) {
            #[allow(clippy::disallowed_methods, reason = "it is time that is waited for")]
            std::thread::sleep(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_too_fast_is_paused_for() {
        let mut pace = Pace::new(1 << 20);
        let pause = pace.pause_after(600 << 20).expect("ten minutes of reading");
        assert!(pause > Duration::from_secs(590) && pause <= Duration::from_secs(600), "{pause:?}");
        assert_eq!(Pace::new(0).pause_after(u64::MAX), None);
        assert_eq!(Pace::new(u64::MAX).pause_after(1), None);
    }
}
