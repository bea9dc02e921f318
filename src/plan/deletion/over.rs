//! A request that is over: history, kept for a time and without what the customer would be made again from.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;

use super::filed::annotate;
use super::told::Told;
use super::{gone, leave, ready, tell, waiting};
use crate::api::{DeletionPhase, DeletionRequestStatus, DeletionStep, Reason, meta};
use crate::domain::deletion::{RETENTION, after};
use crate::domain::duration;
use crate::plan::observed::deletion::{RequestObserved, Source};
use crate::plan::step::Step;
use crate::plan::{Plan, Subject, remove_finalizer};

/// How often to look whether its time is over, at least.
const LONGEST_WAKE: Duration = Duration::from_secs(24 * 60 * 60);

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
    now: Timestamp,
) -> Plan<DeletionRequestStatus> {
    if observed.departure.is_some() {
        return leave(observed, subject);
    }
    let request = observed.request.as_ref();
    let customer = observed.customer.as_deref().filter(|customer| {
        let uid = customer.uid();
        uid.is_some() && uid == told.status.customer_uid
    });
    let wish = customer
        .and_then(|customer| customer.spec.deletion.as_ref())
        .and_then(|deletion| deletion.requested.as_ref());
    let from_spec = Source::of(request) == Source::Spec;
    if let (true, Some(customer), None) = (from_spec, customer, wish)
        && !told.has(DeletionStep::Withdrawn)
    {
        let by = customer.annotations().get(meta::ANNOTATION_WITHDRAWN_BY);
        told.add(
            DeletionStep::Withdrawn,
            by.map(String::as_str),
            "spec.deletion.requested was removed.",
        );
    }

    // As long as the Customer is there, this is what says that its tenant is gone for good, or that somebody has said no to what it asks
    // for.
    let done = told.status.phase == Some(DeletionPhase::Completed);
    let answers = customer.is_some()
        && !told.has(DeletionStep::Withdrawn)
        && (done || (from_spec && wish.is_some()));
    // One that was being made as the request came, and was not there yet when it was looked for.
    let turned_up = observed.tenant.as_ref().is_some_and(|tenant| {
        let uid = Some(tenant.label(meta::LABEL_CUSTOMER_UID));
        uid == told.status.customer_uid.as_deref() && !tenant.deleting
    });
    if answers && done && turned_up {
        let note = "The tenant namespace turned up after all.";
        told.enter(DeletionPhase::Purging, DeletionStep::Purging, None, note);
        return tell(subject, told.status, waiting(Reason::Purging, note));
    }
    let retention = observed
        .place
        .partner()
        .and_then(|lineage| {
            let mut partners = lineage.nearest_first();
            partners.find_map(|partner| partner.spec.history_retention.as_deref())
        })
        .and_then(duration::at_most_a_century)
        .unwrap_or(RETENTION);
    let ended = told.status.history.last().map_or(now, |event| event.at.0);
    let until = after(ended, retention);

    let verdict = match told.status.phase {
        Some(DeletionPhase::Completed) => gone(&told),
        _ => ready(Reason::Cancelled, format!("Taken back: {}", note(&told))),
    };
    let key = subject.key.clone();
    let uid = subject.uid.clone();
    let mut plan = tell(subject, told.status, verdict);
    plan.stages
        .then(remove_finalizer(request, meta::FINALIZER_DELETION));
    if request
        .annotations()
        .contains_key(meta::ANNOTATION_CUSTOMER_SNAPSHOT)
    {
        let annotation = meta::ANNOTATION_CUSTOMER_SNAPSHOT;
        plan.stages
            .then([annotate(key.clone(), &uid, annotation, Value::Null)]);
    }
    if !answers {
        if now >= until || observed.superseded {
            plan.stages.then([Step::Discard { object: key, uid }]);
        } else {
            plan.wake = Some(duration::left(until, now).min(LONGEST_WAKE));
        }
    }
    plan
}

fn note(told: &Told) -> String {
    let mut history = told.status.history.iter().rev();
    let last = history.find(|event| {
        matches!(
            event.what,
            DeletionStep::Cancelled | DeletionStep::Withdrawn
        )
    });
    last.and_then(|event| event.note.clone())
        .unwrap_or_default()
}
