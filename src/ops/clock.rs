//! The one place where clocks are read.
//!
//! Whoever decides by time is handed it as an argument; who drives them reads it here, once per decision.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The time of day as a value: what is handed one reads the system's clock, or that of a simulation. Clones are one clock, and know
/// together how far it is from the API server's.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Milliseconds by which it is ahead of the API server's, or [`UNKNOWN`].
    ahead: Arc<AtomicI64>,
}

/// Nothing was heard of the API server's clock yet.
const UNKNOWN: i64 = i64::MIN;

impl Clock {
    /// A clock that says what `read` says.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            read: Arc::new(read),
            ahead: Arc::new(AtomicI64::new(UNKNOWN)),
        }
    }

    /// What it says.
    pub fn now(&self) -> Timestamp {
        (self.read)()
    }

    /// Takes note of what the API server's clock says: the `Date` of an answer (RFC 9110, 6.6.1), to the second.
    pub fn heard(&self, server: Timestamp) {
        let ahead = self.now().duration_since(server).as_millis();
        let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Whether it and the API server's are within `tolerance` of each other, as the last answer told.
    pub fn agrees(&self, tolerance: SignedDuration) -> bool {
        let ahead = self.ahead.load(Ordering::Relaxed);
        ahead != UNKNOWN && SignedDuration::from_millis(ahead).abs() <= tolerance
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_agree_within_the_tolerance_and_not_before_anything_was_heard() {
        let minute = SignedDuration::from_mins(1);
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        assert!(!clock.agrees(minute));
        for (server, agree) in [
            (0, true),
            (60, true),
            (-60, true),
            (61, false),
            (-61, false),
        ] {
            clock.heard(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(server));
            assert_eq!(clock.clone().agrees(minute), agree, "{server}");
        }
    }
}
