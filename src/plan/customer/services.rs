//! The services of a customer, decided on what is known of it otherwise.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::{ServicePlanSpec, meta};
use crate::domain::entitlement;
use crate::domain::facts::TenantFacts;
use crate::domain::lineage::Lineage;
use crate::domain::names::tenant_namespace;
use crate::plan::objects::Owner;
use crate::plan::observed::CustomerObserved;
use crate::plan::services::{About, Given, Services, decide, report};
use crate::plan::trouble::Trouble;

/// What of a customer decides about its services.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Everything that was observed.
    pub observed: &'a CustomerObserved,
    /// The partner path.
    pub lineage: &'a Lineage,
    /// Whose the tenant's objects are.
    pub owner: &'a Owner,
    /// What is written down.
    pub facts: &'a TenantFacts,
    /// The plan in force.
    pub plan: Option<&'a ServicePlanSpec>,
    /// One is in force, but its object is gone.
    pub plan_lost: bool,
    /// The domain for hosts, if it is this customer's to use.
    pub ingress_domain: Option<&'a str>,
    /// Whether it is stopped.
    pub stopped: bool,
    /// When its trial ends.
    pub trial_ends_at: Option<Timestamp>,
}

impl Standing<'_> {
    /// Decides.
    pub fn decide(self, now: Timestamp) -> Services {
        let Self {
            observed,
            lineage,
            owner,
            facts,
            plan,
            plan_lost,
            ingress_domain,
            stopped,
            trial_ends_at,
        } = self;
        let customer = &observed.customer;
        let spec = &customer.spec;
        let name = customer.name_any();
        let namespace = tenant_namespace(&owner.partner, &name);
        let domain = entitlement::domain(spec, lineage);
        let partner_title = lineage
            .nearest()
            .map(|partner| partner.spec.display_name.as_str());
        let included = plan
            .map(|plan| plan.services.as_slice())
            .unwrap_or_default();
        let former = observed
            .tenant
            .as_ref()
            .map(|tenant| tenant.label(meta::LABEL_CUSTOMER_UID));
        decide(&Given {
            seen: &observed.services,
            lineage,
            asked: &spec.services,
            told: customer.status.as_ref(),
            included: (!plan_lost).then_some(included),
            records: &facts.services,
            former: former.unwrap_or_default(),
            owner,
            namespace: &namespace,
            about: About {
                name: &name,
                spec,
                number: facts.customer_number.as_deref(),
                domain: domain.as_deref(),
                ingress_domain,
                locale: entitlement::locale(spec, lineage),
                currency: entitlement::currency(spec, lineage),
                partner: &owner.partner,
                partner_title: partner_title.unwrap_or_default(),
                path: lineage.path(),
                plan: facts
                    .plan
                    .as_deref()
                    .zip(plan.map(|plan| plan.display_name.as_str())),
                namespace: &namespace,
            },
            stopped,
            trial_ends_at,
            now,
        })
    }
}

/// What a person has to mend about the services, if anything.
pub fn trouble(services: &Services) -> Option<Trouble> {
    let (reason, message) = report::mistake(&services.reports)?;
    Some(Trouble::stalled(reason, message))
}
