//! A request that nobody has looked at yet: whom it means, and how long it waits. Both are fixed here.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::told::Told;
use super::{leave, stalled, tell, waiting};
use crate::api::{Customer, DeletionPhase, DeletionRequestStatus, DeletionStep, Reason, meta};
use crate::domain::deletion::{Grace, after};
use crate::domain::duration;
use crate::domain::names::tenant_of;
use crate::plan::observed::deletion::{RequestObserved, RequestSeen};
use crate::plan::status::second;
use crate::plan::trouble::Trouble;
use crate::plan::{Plan, Subject};

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
) -> Plan<DeletionRequestStatus> {
    if observed.departure.is_some() {
        return leave(observed, subject);
    }
    let request = observed.request.as_ref();
    let Some(lineage) = observed.place.partner() else {
        let belongs = "A DeletionRequest belongs beside its Customer in a partner's namespace, or into the customer's own tenant \
                       namespace. Delete it here and apply it there.";
        let verdict = Trouble::misplaced(&observed.place, belongs).verdict;
        return tell(subject, told.status, verdict);
    };
    let Some(name) = request.spec.customer.as_deref() else {
        let message = "Set spec.customer to the name of the Customer in this namespace.";
        return tell(
            subject,
            told.status,
            stalled(Reason::CustomerNotFound, message),
        );
    };
    if observed.customer_unreadable {
        let message = format!("Customer {name} cannot be read; mend it first.");
        return tell(
            subject,
            told.status,
            waiting(Reason::CustomerNotFound, message),
        );
    }
    let Some(meant) = meant(observed) else {
        let message = format!(
            "There is no Customer {name} here, nor a tenant kept from one. Create it, or name another one."
        );
        return tell(
            subject,
            told.status,
            stalled(Reason::CustomerNotFound, message),
        );
    };
    let customer = observed
        .customer
        .as_deref()
        .filter(|customer| customer.uid().as_deref() == Some(&*meant));

    let stamp = |key| request.annotations().get(key).map(String::as_str);
    let requested_by = stamp(meta::ANNOTATION_REQUESTED_BY);
    let reason = request.spec.reason.clone().unwrap_or_default();
    told.status.customer_uid = Some(meant);
    told.status.namespace = tenant_of(&subject.key.namespace, name);
    told.status.requested_by = requested_by.map(ToOwned::to_owned);
    told.add(DeletionStep::Requested, requested_by, reason);

    if customer.is_some_and(is_protected) {
        let message = "The customer is protected: spec.deletion.protected is true.";
        return refused(subject, told, message);
    }
    if let Some(rival) = &observed.rival {
        let message = format!("DeletionRequest {rival} is under way already.");
        return refused(subject, told, &message);
    }
    let grace = Grace::of(
        request.spec.grace_period.as_deref(),
        customer
            .and_then(|customer| customer.spec.deletion.as_ref())
            .and_then(|deletion| deletion.grace_period.as_deref()),
        lineage.default(|defaults| defaults.grace_period.as_deref()),
        stamp(meta::ANNOTATION_MAY_PURGE) == Some("true"),
    );
    let grace = match grace {
        Ok(grace) => grace,
        Err(wrong) => {
            let status = DeletionRequestStatus::default();
            let message = format!("Mend the grace period: {wrong}.");
            return tell(subject, status, stalled(Reason::InvalidSpec, message));
        }
    };
    if grace.raised
        && let Some(asked) = told.status.history.last_mut()
    {
        let raised = format!(
            "{} It waits {}, as the partner says: to shorten that takes the verb purge on deletionrequests.",
            asked.note.take().unwrap_or_default(),
            duration::spelled(grace.length),
        );
        asked.note = Some(raised.trim().to_owned());
    }
    let filed = request
        .creation_timestamp()
        .map_or(told.now(), |time| time.0);
    told.status.phase = Some(DeletionPhase::Pending);
    told.status.grace_period = Some(duration::spelled(grace.length));
    told.status.finalize_at = Some(Time(second(after(filed, grace.length))));
    let message = "It was filed.";
    tell(subject, told.status, waiting(Reason::Progressing, message))
}

/// UID of the customer that is meant: what the request says itself, if the operator filed it; else the one that is there, else the
/// one that a tenant was kept from.
fn meant(observed: &RequestObserved) -> Option<String> {
    let said = RequestSeen::of(&observed.request).customer_uid;
    let there = || {
        observed
            .customer
            .as_ref()
            .and_then(|customer| customer.uid())
    };
    let kept = || {
        let tenant = observed.tenant.as_ref()?;
        let uid = tenant.label(meta::LABEL_CUSTOMER_UID);
        (tenant.label(meta::LABEL_TYPE) == meta::TYPE_TENANT && !uid.is_empty())
            .then(|| uid.to_owned())
    };
    said.or_else(there).or_else(kept)
}

fn refused(subject: Subject, mut told: Told, message: &str) -> Plan<DeletionRequestStatus> {
    told.enter(
        DeletionPhase::Cancelled,
        DeletionStep::Cancelled,
        None,
        message,
    );
    tell(subject, told.status, stalled(Reason::Cancelled, message))
}

/// Whether the customer is kept from deletion.
pub fn is_protected(customer: &Customer) -> bool {
    let deletion = customer.spec.deletion.as_ref();
    deletion.is_some_and(|deletion| deletion.protected)
}
