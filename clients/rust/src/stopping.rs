//! Telling something that runs to come to its end.
//!
//! Owns [`StopSwitch`] and [`StopListener`]. Once told, it stays told.

use tokio::sync::watch;

/// Tells whoever listens.
#[derive(Debug)]
pub(crate) struct StopSwitch {
    told: watch::Sender<bool>,
}

/// Waits to be told.
#[derive(Clone, Debug)]
pub(crate) struct StopListener {
    told: watch::Receiver<bool>,
}

impl StopSwitch {
    pub(crate) fn new() -> Self {
        Self { told: watch::Sender::new(false) }
    }

    pub(crate) fn tell(&self) {
        self.told.send_replace(true);
    }

    pub(crate) fn listener(&self) -> StopListener {
        StopListener { told: self.told.subscribe() }
    }
}

impl StopListener {
    /// Waits until it is told to stop, or nobody is there any more who could tell.
    pub(crate) async fn told(&mut self) {
        // What is borrowed must not be kept over the waiting of others.
        drop(self.told.wait_for(|is_told| *is_told).await);
    }
}
