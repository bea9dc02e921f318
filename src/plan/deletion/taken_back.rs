//! Whether a request that waits has been taken back, by whom, and how.

use kube::ResourceExt;

use super::filing::is_protected;
use crate::api::{Customer, meta};
use crate::plan::customer::takes_over;
use crate::plan::observed::deletion::{FormSeen, RequestObserved, Source};

/// How a request was taken back.
#[derive(Debug)]
pub struct TakenBack {
    /// Who did it, if that is known.
    pub by: Option<String>,
    /// What was said.
    pub note: String,
    /// Whether the wish for which it was filed is gone from the Customer.
    pub withdrawn: bool,
    /// Whether the customer is to be made again if its object is gone.
    pub restores: bool,
}

impl TakenBack {
    fn new(by: Option<&String>, note: impl Into<String>) -> Self {
        Self {
            by: by.cloned(),
            note: note.into(),
            withdrawn: false,
            restores: true,
        }
    }

    /// What there is to say of it; the first that holds.
    pub fn of(observed: &RequestObserved) -> Option<Self> {
        let request = observed.request.as_ref();
        let stamp = request.annotations().get(meta::ANNOTATION_CANCELLED_BY);
        if observed.departure.is_some() {
            return Some(Self::new(None, "The DeletionRequest was deleted."));
        }
        if let Some(cancel) = &request.spec.cancel {
            return Some(Self::new(stamp, cancel.note.clone()));
        }
        match &observed.form {
            FormSeen::There(form) => {
                if let Some(cancel) = &form.spec.cancel {
                    let by = form.annotations().get(meta::ANNOTATION_CANCELLED_BY);
                    return Some(Self::new(by, cancel.note.clone()));
                }
            }
            FormSeen::Gone => {
                let note = "The DeletionRequest in the tenant namespace was deleted.";
                return Some(Self::new(None, note));
            }
            FormSeen::None | FormSeen::SweptAlong => {}
        }
        match standing(observed) {
            Standing::Meant(customer) => {
                let wish = customer.spec.deletion.as_ref();
                let wish = wish.and_then(|deletion| deletion.requested.as_ref());
                if Source::of(request) == Source::Spec && wish.is_none() {
                    let by = customer.annotations().get(meta::ANNOTATION_WITHDRAWN_BY);
                    return Some(Self {
                        withdrawn: true,
                        ..Self::new(by, "spec.deletion.requested was removed.")
                    });
                }
                let note = "The customer is protected: spec.deletion.protected is true.";
                is_protected(customer).then(|| Self::new(None, note))
            }
            Standing::Succeeded => Some(Self {
                restores: false,
                ..Self::new(None, "The customer was applied again.")
            }),
            Standing::Gone => None,
        }
    }
}

/// Who has the place of the customer that the request is about.
enum Standing<'a> {
    /// The customer itself.
    Meant(&'a Customer),
    /// Nobody, or somebody who does not get its tenant.
    Gone,
    /// The same company, applied again: it has its tenant, or gets it.
    Succeeded,
}

fn standing(observed: &RequestObserved) -> Standing<'_> {
    let status = observed.request.status.as_ref();
    let meant = status.and_then(|status| status.customer_uid.as_deref());
    if let Some(tenant) = &observed.tenant
        && Some(tenant.label(meta::LABEL_CUSTOMER_UID)) != meant
    {
        return Standing::Succeeded;
    }
    let Some(customer) = observed.customer.as_deref() else {
        return Standing::Gone;
    };
    if customer.uid().as_deref() == meant {
        return Standing::Meant(customer);
    }
    let gets_it = observed
        .tenant
        .as_ref()
        .is_none_or(|tenant| takes_over(customer, tenant));
    if gets_it {
        Standing::Succeeded
    } else {
        Standing::Gone
    }
}
