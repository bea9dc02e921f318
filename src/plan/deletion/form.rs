//! A request that the customer's own people wrote in the tenant namespace: a form, mirrored by a request beside the Customer, which
//! alone counts and stays when the tenant is gone.

use super::filed;
use super::{ready, stalled, tell, waiting};
use crate::api::{DeletionPhase, DeletionRequestStatus, Reason, meta};
use crate::plan::observed::NamespaceSeen;
use crate::plan::observed::deletion::RequestObserved;
use crate::plan::{Plan, Subject};

pub fn plan(
    observed: &RequestObserved,
    subject: Subject,
    tenant: &NamespaceSeen,
    status: DeletionRequestStatus,
) -> Plan<DeletionRequestStatus> {
    let form = observed.request.as_ref();
    let over = matches!(
        status.phase,
        Some(DeletionPhase::Cancelled | DeletionPhase::Completed)
    );
    if form.metadata.deletion_timestamp.is_some() || tenant.deleting || over {
        return Plan::nothing(subject);
    }
    if form.spec.customer.is_some() {
        let message = "In a tenant namespace the customer is implied: remove spec.customer.";
        return tell(subject, status, stalled(Reason::CustomerMismatch, message));
    }
    if let Some(filed) = &observed.filed {
        let status = filed.status.clone().unwrap_or_default();
        let verdict = match status.phase {
            None => waiting(Reason::Progressing, "It is being filed."),
            Some(DeletionPhase::Pending) => {
                let at = status.finalize_at.as_ref();
                let at = at.map(|at| at.0.to_string()).unwrap_or_default();
                let message = format!(
                    "Everything here is deleted at {at}. Until then nothing is lost: delete this request, or set spec.cancel, to take \
                     it back."
                );
                ready(Reason::DeletionPending, message)
            }
            Some(DeletionPhase::Purging | DeletionPhase::Completed) => {
                waiting(Reason::Purging, "Everything here is being deleted.")
            }
            Some(DeletionPhase::Cancelled) => ready(Reason::Cancelled, "Taken back."),
        };
        return tell(subject, status, verdict);
    }
    let Some(customer) = &observed.customer else {
        let message = "The customer of this namespace is not there.";
        return tell(subject, status, waiting(Reason::CustomerNotFound, message));
    };
    if form.spec.cancel.is_some() {
        let message = "It was taken back before it was filed.";
        return tell(subject, status, ready(Reason::Cancelled, message));
    }
    let partner = tenant.label(meta::LABEL_PARTNER);
    let mut plan = tell(
        subject,
        status,
        waiting(Reason::Progressing, "It is being filed."),
    );
    plan.stages.then([filed::for_form(customer, partner, form)]);
    plan
}
