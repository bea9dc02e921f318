//! One DeletionRequest: from the wish to the end, and back as long as that is possible.
//!
//! ```text
//!          file          cancel, withdraw, apply again
//!   (new) ──────▶ Pending ───────────────────────────▶ Cancelled
//!                    │ grace over, or mode Now; not held, clocks agree, room to purge
//!                    ▼
//!                 Purging ── the namespace is gone ──▶ Completed
//! ```
//!
//! While the Customer object is there, its own plan stops the tenant ([`crate::plan::customer`]); without it the request does
//! ([`closing`]). A request in a tenant namespace is a form ([`form`]): what counts is the request filed for it.

pub mod closing;
pub mod filed;
mod filing;
mod form;
mod over;
mod pending;
mod purging;
mod taken_back;
mod told;

use jiff::Timestamp;

use self::told::Told;
use super::observed::Departure;
use super::observed::deletion::RequestObserved;
use super::{Draft, Plan, Stages, Subject, Verdict, subject::Kind};
use crate::api::{DeletionPhase, DeletionRequestStatus, Reason, meta};

/// What to do about a request.
pub fn plan(observed: &RequestObserved, now: Timestamp) -> Plan<DeletionRequestStatus> {
    let request = observed.request.as_ref();
    let subject = Subject::of(Kind::DeletionRequest, request);
    if observed.departure == Some(Departure::SweptAlong) {
        return leave(observed, subject);
    }
    let status = request.status.clone().unwrap_or_default();
    if let Some(tenant) = &observed.form_in {
        return form::plan(observed, subject, tenant, status);
    }
    let phase = status.phase;
    let told = Told::from(status, now);
    match phase {
        None => filing::plan(observed, subject, told),
        Some(DeletionPhase::Pending) => pending::plan(observed, subject, told, now),
        Some(DeletionPhase::Purging) => purging::plan(observed, subject, told),
        Some(DeletionPhase::Cancelled | DeletionPhase::Completed) => {
            over::plan(observed, subject, told, now)
        }
    }
}

/// Whether the tenant begins to go, once this plan's status is written.
pub fn begins_purge(plan: &Plan<DeletionRequestStatus>) -> bool {
    let fields = plan.draft.as_ref().map(|draft| &draft.fields);
    fields.is_some_and(|fields| fields.phase == Some(DeletionPhase::Purging))
}

/// The object goes, and nothing hangs on it any more.
fn leave(observed: &RequestObserved, subject: Subject) -> Plan<DeletionRequestStatus> {
    let mut stages = Stages::default();
    stages.then(super::remove_finalizer(
        observed.request.as_ref(),
        meta::FINALIZER_DELETION,
    ));
    Plan {
        stages,
        ..Plan::nothing(subject)
    }
}

/// A plan that only tells.
fn tell(
    subject: Subject,
    status: DeletionRequestStatus,
    verdict: Verdict,
) -> Plan<DeletionRequestStatus> {
    Plan {
        draft: Some(Draft::new(status, verdict)),
        ..Plan::nothing(subject)
    }
}

/// The tenant is gone.
fn gone(told: &Told) -> Verdict {
    let namespace = told.status.namespace.as_deref().unwrap_or_default();
    let message = format!("Namespace {namespace} is gone, with everything that was in it.");
    ready(Reason::Deleted, message)
}

fn waiting(reason: Reason, message: impl Into<String>) -> Verdict {
    Verdict::Waiting(reason, message.into())
}

fn stalled(reason: Reason, message: impl Into<String>) -> Verdict {
    Verdict::Stalled(reason, message.into())
}

fn ready(reason: Reason, message: impl Into<String>) -> Verdict {
    Verdict::Ready(reason, message.into())
}
