//! A request whose time has come: the namespace goes, and everything in it. There is no way back from here.

use super::told::Told;
use super::{ready, tell, waiting};
use crate::api::{DeletionPhase, DeletionRequestStatus, DeletionStep, Reason, meta};
use crate::plan::observed::LOOK_AGAIN;
use crate::plan::observed::deletion::RequestObserved;
use crate::plan::step::Step;
use crate::plan::{Plan, Subject};

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    mut told: Told,
) -> Plan<DeletionRequestStatus> {
    let meant = told.status.customer_uid.clone().unwrap_or_default();
    let name = told.status.namespace.clone().unwrap_or_default();
    let Some(tenant) = &observed.tenant else {
        told.status.blocked_by.clear();
        told.enter(DeletionPhase::Completed, DeletionStep::Completed, None, "");
        let message = format!("Namespace {name} is gone, with everything that was in it.");
        return tell(subject, told.status, ready(Reason::Deleted, message));
    };
    if tenant.label(meta::LABEL_CUSTOMER_UID) != meant {
        // Somebody applied the customer again in the last moment and has the tenant.
        let note = "The customer was applied again.";
        told.enter(
            DeletionPhase::Cancelled,
            DeletionStep::Cancelled,
            None,
            note,
        );
        return tell(
            subject,
            told.status,
            ready(Reason::Cancelled, format!("Taken back: {note}")),
        );
    }
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
    let step = Step::Purge {
        namespace: name.clone(),
        customer: observed.request.spec.customer.clone().unwrap_or_default(),
        customer_uid: meant,
    };
    let message = format!("Namespace {name} is deleted, with everything in it.");
    let mut plan = tell(subject, told.status, waiting(Reason::Purging, message));
    plan.stages.then([step]);
    plan
}
