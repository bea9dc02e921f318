//! What only one customer may have, and who else claims it: numbers under a provider, domains.

use jiff::Timestamp;
use kube::ResourceExt;

use super::index::Claimant;
use super::table::Id;
use super::world::World;
use crate::api::{Customer, meta};
use crate::domain::claims::Claim;
use crate::domain::facts::TenantFacts;
use crate::domain::names::{partner_namespace, tenant_namespace};
use crate::domain::number;
use crate::plan::observed::NamespaceSeen;

impl World {
    pub(super) fn free_number(&self, provider: Option<&str>, uid: &str) -> String {
        // Of 2^40 numbers a second try is already one in many millions; the bound is for totality.
        let free = (0..64)
            .map(|attempt| number::generate(uid, attempt))
            .find(|n| self.index.number_is_free(provider, n));
        free.unwrap_or_else(|| number::generate(uid, 64))
    }

    pub(super) fn number_claims(
        &self,
        id: &Id,
        tenant: &str,
        customer: &Customer,
        provider: Option<&str>,
    ) -> Vec<Claim> {
        let Some(number) = &customer.spec.customer_number else {
            return Vec::new();
        };
        let claims =
            self.index
                .with_number(provider, number)
                .filter_map(|claimant| match claimant {
                    Claimant::Customer(other) if other == id => None,
                    Claimant::Customer(other) => Some(self.claim(other)),
                    Claimant::Tenant(namespace) if namespace == tenant => None,
                    Claimant::Tenant(namespace) => Some(Claim {
                        id: namespace.clone(),
                        recorded: true,
                        created: None,
                    }),
                });
        claims.collect()
    }

    pub(super) fn domain_claims(&self, id: &Id, tenant: &str, domain: Option<&str>) -> Vec<Claim> {
        let others = domain
            .map(|domain| self.index.in_the_way(domain))
            .unwrap_or_default();
        let claims = others.into_iter().filter_map(|claimant| match claimant {
            Claimant::Customer(other) if other == id => None,
            Claimant::Customer(other) => Some(self.claim(other)),
            Claimant::Tenant(namespace) if namespace == tenant => None,
            Claimant::Tenant(namespace) => self.tenants_claim(namespace),
        });
        claims.collect()
    }

    fn claim(&self, customer: &Id) -> Claim {
        let object = self.own::<Customer>(&customer.0, &customer.1);
        let namespace = customer.0.strip_prefix(meta::PARTNER_NAMESPACE_PREFIX);
        let tenant = namespace
            .and_then(|partner| self.namespace(&tenant_namespace(partner, &customer.1)))
            .filter(|tenant| {
                let uid = object.as_ref().and_then(|object| object.uid());
                Some(tenant.label(meta::LABEL_CUSTOMER_UID)) == uid.as_deref()
            });
        let made = object.and_then(|object| object.creation_timestamp());
        Claim {
            id: format!("{}/{}", customer.0, customer.1),
            recorded: false,
            created: tenant.and_then(since).or(made.map(|time| time.0)),
        }
    }

    /// What a tenant claims whose Customer is gone, cannot be read or is another one; its own speaks for itself.
    fn tenants_claim(&self, namespace: &str) -> Option<Claim> {
        let tenant = self.namespace(namespace)?;
        let home = partner_namespace(tenant.label(meta::LABEL_PARTNER));
        let customer = tenant.label(meta::LABEL_CUSTOMER);
        let object = self.own::<Customer>(&home, customer);
        let uid = object.and_then(|object| object.uid());
        if uid.as_deref() == Some(tenant.label(meta::LABEL_CUSTOMER_UID)) {
            return None;
        }
        Some(Claim {
            id: format!("{home}/{customer}"),
            recorded: false,
            created: since(tenant),
        })
    }
}

/// When the customer of a tenant was first made.
fn since(tenant: &NamespaceSeen) -> Option<Timestamp> {
    let facts = TenantFacts::read(&tenant.annotations);
    facts.customer_since?.parse().ok()
}
