//! A request that waits: taken back, held, or due.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::closing::{self, Closing};
use super::filed;
use super::taken_back::TakenBack;
use super::told::Told;
use super::{leave, ready, stalled, tell, waiting};
use crate::api::{DeletionPhase, DeletionRequestStatus, DeletionStep, Reason, meta};
use crate::domain::deletion::{CROWD_WINDOW, PURGE_WINDOW, SETTLE, after};
use crate::domain::duration;
use crate::plan::observed::LOOK_AGAIN;
use crate::plan::observed::deletion::{RequestObserved, Source, is_confirmed, is_immediate};
use crate::plan::{Draft, Plan, Stages, Subject, Verdict};

/// Longest time to wait at once: clocks are set, and machines sleep.
const LONGEST_WAKE: Duration = Duration::from_secs(4 * 60 * 60);

/// How soon to look again for room to purge, which whoever is done asks for too.
const ROOM: Duration = Duration::from_secs(5);

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
    now: Timestamp,
) -> Plan<DeletionRequestStatus> {
    if observed.customer_unreadable {
        // What belongs to an object that cannot be read is left alone with it.
        let message = "The customer cannot be read; mend it first.";
        return tell(
            subject,
            told.status,
            waiting(Reason::CustomerNotFound, message),
        );
    }
    if let Some(taken_back) = TakenBack::of(observed) {
        return take_back(observed, subject, told, taken_back);
    }
    breakers(observed, &mut told);

    let settles = after(filed(observed, now), SETTLE);
    let due = due(observed, &told, now);
    let held = told.has(DeletionStep::Held) && !is_confirmed(&observed.request);
    if let (Due::Now, false) = (due, held) {
        return end(observed, subject, told);
    }

    let closing = close(observed, &subject, !held && now >= settles);
    let verdict = verdict(observed, &subject, &told, held, closing.done);
    let next = [
        Some(settles).filter(|at| *at > now && !held),
        match due {
            Due::At(at) => Some(at),
            Due::Now => None,
        },
    ];
    let wake = next.into_iter().flatten().min();
    let wake = wake.map(|at| duration::left(at, now).min(LONGEST_WAKE));
    Plan {
        stages: closing.stages,
        wake,
        ..tell(subject, told.status, verdict)
    }
}

/// When the request was filed: what the API server says, not what anybody may write.
fn filed(observed: &RequestObserved, now: Timestamp) -> Timestamp {
    let created = observed.request.creation_timestamp();
    created.map_or(now, |time| time.0)
}

/// When the time of a request has come.
#[derive(Clone, Copy)]
enum Due {
    Now,
    At(Timestamp),
}

/// The end of the grace that was fixed when it was filed, checked again against the age of the request itself.
fn due(observed: &RequestObserved, told: &Told, now: Timestamp) -> Due {
    if is_immediate(&observed.request) {
        return Due::Now;
    }
    let grace = told.status.grace_period.as_deref();
    let grace = grace.and_then(|grace| duration::parse(grace).ok());
    // A status from which the grace was lost does not shorten it.
    let grace = grace.unwrap_or(crate::domain::deletion::GRACE);
    let by_age = after(filed(observed, now), grace);
    let told = told.status.finalize_at.as_ref().map(|time| time.0);
    let at = told.map_or(by_age, |told| told.max(by_age));
    if now >= at { Due::Now } else { Due::At(at) }
}

/// Notes whether it came in a crowd, and whether a person has confirmed it since.
fn breakers(observed: &RequestObserved, told: &mut Told) {
    let automatic = Source::of(&observed.request).is_automatic();
    if automatic && observed.crowded && !told.has(DeletionStep::Held) {
        let note = format!(
            "So many customers were deleted within {} that a person has to say that it is meant.",
            duration::spelled(CROWD_WINDOW),
        );
        told.add(DeletionStep::Held, None, note);
    }
    let held = told.has(DeletionStep::Held) && !told.has(DeletionStep::Confirmed);
    if held && is_confirmed(&observed.request) {
        told.add(DeletionStep::Confirmed, None, "");
    }
}

/// Its time has come: the tenant goes, unless something says that it had better not.
fn end(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
) -> Plan<DeletionRequestStatus> {
    let customer = observed.customer.as_deref();
    if customer.is_some_and(crate::plan::is_paused) {
        let message = format!(
            "Paused by the annotation {} of the Customer: nothing is deleted until it is removed.",
            meta::ANNOTATION_PAUSED
        );
        return Plan {
            wake: Some(LOOK_AGAIN),
            ..tell(subject, told.status, waiting(Reason::Paused, message))
        };
    }
    if !observed.clock_agrees {
        let message = "The operator's clock and the API server's are more than a minute apart; nothing is destroyed until they agree.";
        return Plan {
            wake: Some(LOOK_AGAIN),
            ..tell(subject, told.status, waiting(Reason::ClockSkew, message))
        };
    }
    let purges = observed.purges;
    if purges.lately >= purges.limit && !is_confirmed(&observed.request) {
        let note = format!(
            "{} tenants were deleted within {}, which is so many that a person has to say that it is meant.",
            purges.lately,
            duration::spelled(PURGE_WINDOW),
        );
        told.add(DeletionStep::Held, None, note);
        let verdict = held(&subject, &told);
        return tell(subject, told.status, verdict);
    }
    if purges.under_way >= crate::domain::deletion::AT_ONCE {
        let message = "Its time has come; it waits for its turn, since other tenants are being deleted: kubectl get delreq -A \
                       --field-selector status.phase=Purging";
        return Plan {
            wake: Some(ROOM),
            ..tell(subject, told.status, waiting(Reason::Purging, message))
        };
    }
    let by = observed
        .request
        .annotations()
        .get(meta::ANNOTATION_PURGED_BY);
    let by = by.filter(|_| is_immediate(&observed.request));
    told.enter(
        DeletionPhase::Purging,
        DeletionStep::Purging,
        by.map(String::as_str),
        "",
    );
    let message = "The tenant namespace is deleted, with everything in it.";
    tell(subject, told.status, waiting(Reason::Purging, message))
}

/// Closes the tenant if its Customer object was deleted; as long as that is there, its own plan does. One that went with its CRD has
/// left no snapshot and no mark, and nothing is done about its tenant.
fn close(observed: &RequestObserved, subject: &Subject, stop: bool) -> Closing {
    let meant = observed
        .request
        .status
        .as_ref()
        .and_then(|status| status.customer_uid.as_deref());
    let customer = observed
        .customer
        .as_ref()
        .and_then(|customer| customer.uid());
    let ours = observed.tenant.as_ref().filter(|tenant| {
        let uid = Some(tenant.label(meta::LABEL_CUSTOMER_UID));
        let snapshot = meta::ANNOTATION_CUSTOMER_SNAPSHOT;
        let deleted = observed.request.annotations().contains_key(snapshot)
            || tenant.label(meta::LABEL_RETAINED) == "true";
        uid == meant && !tenant.deleting && customer.as_deref() != meant && deleted
    });
    match ours {
        Some(tenant) => closing::close(tenant, &observed.children, &subject.key.name, stop),
        None => Closing {
            stages: Stages::default(),
            done: true,
        },
    }
}

fn held(subject: &Subject, told: &Told) -> Verdict {
    let (name, namespace) = (&subject.key.name, &subject.key.namespace);
    let why = told.status.history.iter().rev();
    let why = why
        .filter(|event| event.what == DeletionStep::Held)
        .find_map(|event| event.note.as_deref());
    let message = format!(
        "{} Nothing is stopped or deleted until then: kubectl annotate deletionrequest {name} -n {namespace} {}={name}",
        why.unwrap_or_default(),
        meta::ANNOTATION_CONFIRM_DELETE,
    );
    stalled(Reason::DeletionHeld, message)
}

fn verdict(
    observed: &RequestObserved,
    subject: &Subject,
    told: &Told,
    is_held: bool,
    closed: bool,
) -> Verdict {
    if is_held {
        return held(subject, told);
    }
    if !closed {
        return waiting(Reason::Progressing, "The tenant is being stopped.");
    }
    let (name, namespace) = (&subject.key.name, &subject.key.namespace);
    let tenant = told.status.namespace.as_deref().unwrap_or_default();
    let at = told.status.finalize_at.as_ref();
    let at = at.map(|at| at.0.to_string()).unwrap_or_default();
    let ways = match Source::of(&observed.request) {
        Source::Spec => "remove spec.deletion.requested from the Customer, or",
        Source::Deleted => "apply the Customer again, or",
        Source::Person | Source::Form => "to take it back:",
    };
    let message = format!(
        "Namespace {tenant} and all that is in it is deleted at {at}. Until then nothing is lost: {ways} kubectl patch deletionrequest \
         {name} -n {namespace} --type merge -p '{{\"spec\":{{\"cancel\":{{\"note\":\"…\"}}}}}}'"
    );
    ready(Reason::DeletionPending, message)
}

/// Takes it back. A customer whose object is gone is made again first, from what the request has kept of it.
pub fn take_back(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
    taken_back: TakenBack,
) -> Plan<DeletionRequestStatus> {
    let TakenBack {
        by,
        note,
        withdrawn,
        restores,
    } = taken_back;
    let gone = observed.customer.is_none();
    let tenant = observed.tenant.as_ref().map(|tenant| tenant.uid.as_str());
    if let (true, true, Some(step)) = (restores, gone, filed::made_again(&observed.request, tenant))
    {
        let mut stages = Stages::default();
        stages.then([step]);
        let message = "The Customer is being made again.";
        let draft = Draft::new(told.status, waiting(Reason::Progressing, message));
        // Made, it is seen, and the request looked at again.
        return Plan {
            stages,
            draft: Some(draft).filter(|_| observed.departure.is_none()),
            wake: Some(LOOK_AGAIN),
            ..Plan::nothing(subject)
        };
    }
    if observed.departure.is_some() {
        return leave(observed, subject);
    }
    let step = if withdrawn {
        DeletionStep::Withdrawn
    } else {
        DeletionStep::Cancelled
    };
    let message = format!("Taken back: {note}");
    told.enter(DeletionPhase::Cancelled, step, by.as_deref(), note);
    tell(subject, told.status, ready(Reason::Cancelled, message))
}
