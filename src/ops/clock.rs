//! The one place where clocks are read.
//!
//! Whoever decides by time is handed it as an argument; who drives them reads it here, once per decision.

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

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
