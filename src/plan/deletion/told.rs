//! The status of a request as it grows: what has happened is added, never taken away.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{DeletionEvent, DeletionPhase, DeletionRequestStatus, DeletionStep, MAX_HISTORY};
use crate::plan::status::second;

/// Most bytes of a note.
const MAX_NOTE: usize = 512;

/// A status that is being told.
#[derive(Clone, Debug)]
pub struct Told {
    /// As far as it is told.
    pub status: DeletionRequestStatus,
    now: Timestamp,
}

impl Told {
    /// Goes on from this status.
    pub const fn from(status: DeletionRequestStatus, now: Timestamp) -> Self {
        Self { status, now }
    }

    /// The time of what is told now.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether this is told already.
    pub fn has(&self, what: DeletionStep) -> bool {
        self.status.history.iter().any(|event| event.what == what)
    }

    /// Tells of one more thing.
    pub fn add(&mut self, what: DeletionStep, by: Option<&str>, note: impl Into<String>) {
        let history = &mut self.status.history;
        if history.len() >= MAX_HISTORY {
            // The beginning is what is asked for years later.
            history.remove(1);
        }
        let mut note = note.into();
        if note.len() > MAX_NOTE {
            let cut = (0..=MAX_NOTE).rev().find(|at| note.is_char_boundary(*at));
            note.truncate(cut.unwrap_or_default());
        }
        history.push(DeletionEvent {
            at: Time(second(self.now)),
            by: by.map(ToOwned::to_owned),
            what,
            note: Some(note).filter(|note| !note.is_empty()),
        });
    }

    /// Goes on to another phase, which is told too.
    pub fn enter(
        &mut self,
        phase: DeletionPhase,
        what: DeletionStep,
        by: Option<&str>,
        note: impl Into<String>,
    ) {
        self.status.phase = Some(phase);
        self.add(what, by, note);
    }
}
