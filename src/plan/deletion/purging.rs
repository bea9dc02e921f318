//! A request whose time has come: the namespace goes, and everything in it. There is no way back once it is going.

use jiff::Timestamp;
use kube::ResourceExt;

use super::pending::take_back;
use super::taken_back::TakenBack;
use super::told::Told;
use super::{gone, tell, waiting};
use crate::api::{DeletionPhase, DeletionRequestStatus, DeletionStep, Reason, meta};
use crate::plan::observed::deletion::RequestObserved;
use crate::plan::observed::{LOOK_AGAIN, NamespaceSeen};
use crate::plan::step::Step;
use crate::plan::{Plan, Subject};

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
) -> Plan<DeletionRequestStatus> {
    let meant = told.status.customer_uid.clone().unwrap_or_default();
    let name = told.status.namespace.clone().unwrap_or_default();
    let tenant = observed.tenant.as_ref();
    let Some(tenant) = tenant.filter(|tenant| !is_of_a_later_one(observed, tenant, &meant)) else {
        told.status.blocked_by.clear();
        told.enter(DeletionPhase::Completed, DeletionStep::Completed, None, "");
        let verdict = gone(&told);
        return tell(subject, told.status, verdict);
    };
    if tenant.deleting {
        told.status.blocked_by.clone_from(&tenant.held_by);
        let message = if tenant.held_by.is_empty() {
            format!("Namespace {name} is going.")
        } else {
            format!(
                "Namespace {name} is going, and held by: {}.",
                tenant.held_by.join("; ")
            )
        };
        let plan = tell(subject, told.status, waiting(Reason::Purging, message));
        return Plan {
            wake: Some(LOOK_AGAIN),
            ..plan
        };
    }
    // Decided on what was late: as long as the namespace is there, nothing is lost.
    if let Some(taken_back) = TakenBack::of(observed) {
        return take_back(observed, subject, told, taken_back);
    }
    let customer = observed.customer.as_ref();
    let step = Step::Purge {
        namespace: name.clone(),
        customer: observed.request.spec.customer.clone().unwrap_or_default(),
        customer_uid: meant,
        customer_version: customer.and_then(|customer| customer.resource_version()),
    };
    let message = format!("Namespace {name} is deleted, with everything in it.");
    let mut plan = tell(subject, told.status, waiting(Reason::Purging, message));
    plan.stages.then([step]);
    plan
}

/// Whether this is the tenant of a customer that was first made after the request: the one that was to go has gone, and the name was
/// free again before anybody could write down that it had. A tenant that was taken over in time is as old as its company.
fn is_of_a_later_one(observed: &RequestObserved, tenant: &NamespaceSeen, meant: &str) -> bool {
    let since = tenant.annotation(meta::ANNOTATION_CUSTOMER_SINCE).parse();
    let since: Option<Timestamp> = since.ok();
    let filed = observed.request.creation_timestamp();
    let later = since
        .zip(filed)
        .is_some_and(|(since, filed)| since > filed.0);
    later && tenant.label(meta::LABEL_CUSTOMER_UID) != meant
}
