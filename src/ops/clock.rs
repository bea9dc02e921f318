//! The one place where clocks are read.
//!
//! Whoever decides by time is handed it as an argument; who drives them reads it here, once per decision.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

/// The time of day as a value: what is handed one reads the system's clock, or that of a simulation. Clones are one clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that says what `read` says.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// What it says.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(now)
    }
}

/// The time of day, for what others read: Leases, conditions, trial ends.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where clocks are read"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time since some beginning, which never jumps: for how long something took or has been silent. Tests can
/// stop it (`tokio::time::pause`).
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where clocks are read"
)]
pub fn tick() -> Instant {
    Instant::now()
}
