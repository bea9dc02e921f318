//! Whether a namespace of the tenant's name is this customer's to use.

use kube::ResourceExt;

use crate::api::{Customer, Reason, meta};
use crate::domain::facts::TenantFacts;
use crate::domain::names;
use crate::plan::observed::{CustomerObserved, NamespaceSeen};
use crate::plan::trouble::Trouble;

/// Whether the tenant namespace of that name is this customer's to use, with the facts it keeps.
pub fn adoption(
    observed: &CustomerObserved,
    partner: &str,
) -> Result<Option<TenantFacts>, Trouble> {
    let customer = &observed.customer;
    let namespace = names::tenant_namespace(partner, &customer.name_any());
    let Some(tenant) = &observed.tenant else {
        return if observed.foreign_namespace {
            Err(foreign(&namespace))
        } else {
            Ok(None)
        };
    };
    let ours = tenant.label(meta::LABEL_TYPE) == meta::TYPE_TENANT
        && tenant.label(meta::LABEL_PARTNER) == partner
        && tenant.label(meta::LABEL_CUSTOMER) == customer.name_any();
    if !ours {
        return Err(foreign(&namespace));
    }
    if tenant.deleting {
        return Err(Trouble::terminating(&namespace));
    }
    let facts = TenantFacts::read(&tenant.annotations);
    if tenant.label(meta::LABEL_CUSTOMER_UID) == customer.uid().unwrap_or_default() {
        return Ok(Some(facts));
    }
    if takes_over(customer, tenant) {
        return Ok(Some(facts));
    }
    Err(Trouble::stalled(
        Reason::TenantRetained,
        format!(
            "Namespace {namespace} is kept from an earlier customer of this name whose contact e-mail or number was another one. \
             Give this customer another name, or take the tenant over with all its data: \
             kubectl annotate customer {} -n {} {}={}",
            customer.name_any(),
            customer.namespace().unwrap_or_default(),
            meta::ANNOTATION_ADOPT_RETAINED,
            tenant.uid,
        ),
    ))
}

/// Whether a Customer that was made again gets the tenant of its name back: the same company does, nobody else.
pub fn takes_over(customer: &Customer, tenant: &NamespaceSeen) -> bool {
    let facts = TenantFacts::read(&tenant.annotations);
    let same_mail = facts.contact_email.as_deref() == Some(customer.spec.contact.email.as_str());
    // Where no number is recorded, since another customer has the one that was asked for, the e-mail decides alone.
    let same_number = match (&customer.spec.customer_number, &facts.customer_number) {
        (Some(given), Some(recorded)) => given == recorded,
        _ => true,
    };
    let told = customer.annotations().get(meta::ANNOTATION_ADOPT_RETAINED) == Some(&tenant.uid);
    told || (same_mail && same_number)
}

fn foreign(namespace: &str) -> Trouble {
    let message = format!(
        "Namespace {namespace} exists and is not this customer's; it is left alone. Delete or rename it, or give the customer another name."
    );
    Trouble::stalled(Reason::NamespaceConflict, message).unwatched()
}
