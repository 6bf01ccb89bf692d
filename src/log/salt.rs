//! Where the numbers come from that tell logs and segments apart.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// Draws numbers that nobody has drawn before.
#[derive(Clone)]
pub struct Salts(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Salts {
    /// From the machine's source of chance.
    pub fn random() -> Self {
        Self::new(|| Uuid::new_v4().as_u64_pair().0)
    }

    /// What `draw` returns.
    pub fn new(draw: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    /// The next one.
    pub(super) fn draw(&self) -> u64 {
        (self.0)()
    }

    /// An id for a new log.
    pub(super) fn log_id(&self) -> u128 {
        u128::from(self.draw()) << 64 | u128::from(self.draw())
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salts")
    }
}
