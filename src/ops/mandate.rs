//! Leave to write: while the Lease is surely ours.
//!
//! A process that was stopped for a while, with its machine or by a signal, wakes up in the midst of its work and with
//! everything due at once, and somebody else may lead by then. Whether it still does, it learns at its next renewal;
//! what it writes before that was decided on what it saw before it was stopped, and may undo what the other has done.
//! So each write waits until the Lease has been renewed within [`RENEW_WITHIN`], by both clocks: one of them may have
//! been stopped with the process. If the Lease is lost the process ends, and what waits is never sent.
//!
//! Between this look and the API server a process can be stopped, too. Preconditions and server-side apply make that
//! harmless; here it is made as short as it can be.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::clock;
use super::lease::RENEW_WITHIN;

/// Clones are one mandate. Until the first renewal everything may be written: without leader election there is none.
#[derive(Clone, Debug, Default)]
pub struct Mandate(Arc<watch::Sender<Option<Moment>>>);

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the one that never jumps, and may stand still while the machine is suspended.
    pub tick: Instant,
    /// By the time of day.
    pub now: Timestamp,
}

impl Moment {
    /// This one.
    pub fn this() -> Self {
        Self {
            tick: clock::tick(),
            now: clock::now(),
        }
    }

    fn is_recent(&self) -> bool {
        let now = clock::now().duration_since(self.now);
        let gone = Duration::try_from(now).unwrap_or_default();
        gone.max(clock::tick().duration_since(self.tick)) < RENEW_WITHIN
    }
}

impl Mandate {
    /// The Lease is ours, by a renewal that was begun then.
    pub fn renewed(&self, begun: Moment) {
        self.0.send_replace(Some(begun));
    }

    /// Completes when something may be written.
    pub async fn held(&self) {
        let mut renewals = self.0.subscribe();
        let recent = |renewed: &Option<Moment>| renewed.is_none_or(|renewed| renewed.is_recent());
        // It fails only when there is no sender any more, and that is `self`.
        let _ = renewals.wait_for(recent).await;
    }
}
