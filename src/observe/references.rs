//! What a customer refers to, worked out along its path and kept in the index.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::index::{Claimant, References};
use super::relations::keys;
use super::table::Id;
use super::world::World;
use crate::api::{Customer, meta};
use crate::domain::entitlement;
use crate::domain::facts::TenantFacts;
use crate::domain::names::{partner_namespace, tenant_namespace};
use crate::plan::{Key, Kind};

impl World {
    /// Notes under which number, and which provider, a tenant namespace stands; tells which customers ask for that number.
    pub(super) fn retell_number(&mut self, namespace: &str) -> Vec<Key> {
        let tenant = self
            .namespace(namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT);
        let new = tenant.and_then(|seen| {
            let number = TenantFacts::read(&seen.annotations).customer_number?;
            let lineage = self.lineage(&partner_namespace(seen.label(meta::LABEL_PARTNER)));
            Some((lineage.and_then(|lineage| lineage.provider()), number))
        });
        let old = self.index.set_tenant_number(namespace, new.clone());
        if old == new {
            return Vec::new();
        }
        [old, new]
            .into_iter()
            .flatten()
            .flat_map(|(provider, number)| self.askers(provider.as_deref(), &number))
            .collect()
    }

    /// Customers whose spec asks for a number.
    fn askers(&self, provider: Option<&str>, number: &str) -> Vec<Key> {
        self.index
            .with_number(provider, number)
            .filter_map(|claimant| match claimant {
                Claimant::Customer(id) => Some(Key::new(Kind::Customer, &id.0, &id.1)),
                Claimant::Tenant(_) => None,
            })
            .collect()
    }

    /// Works out anew what a customer refers to, and tells who else is concerned by what it refers to now or did before.
    pub(super) fn reindex(&mut self, id: &Id) -> BTreeSet<Key> {
        let references = self
            .own::<Customer>(&id.0, &id.1)
            .map(|customer| self.refer(id, &customer));
        let new = references.clone();
        let old = self.index.set(id, references);
        if old == new {
            return BTreeSet::new();
        }
        let mut concerned = BTreeSet::from([Key::new(Kind::Customer, &id.0, &id.1)]);
        for references in [old, new].into_iter().flatten() {
            let References {
                provider,
                plan,
                plan_in_force,
                routes,
                domain,
                number,
            } = references;
            for plan in [plan, plan_in_force].into_iter().flatten() {
                concerned.insert(Key::new(Kind::ServicePlan, "", &plan));
            }
            for (name, namespace) in routes {
                concerned.extend(
                    namespace.map(|namespace| Key::new(Kind::PostalRoute, &namespace, &name)),
                );
            }
            if let Some(domain) = domain {
                concerned.extend(keys(Kind::Customer, self.index.in_the_way(&domain)));
            }
            if let Some(number) = number {
                concerned.extend(self.askers(provider.as_deref(), &number));
            }
        }
        concerned
    }

    fn refer(&self, id: &Id, customer: &Customer) -> References {
        let lineage = self.lineage(&id.0).unwrap_or_default();
        let spec = &customer.spec;
        let routes = entitlement::route_names(spec, &lineage)
            .iter()
            .map(|name| {
                let found = entitlement::find_route(name, &lineage, |namespace, name| {
                    self.own(namespace, name)
                });
                (name.clone(), found.map(|(namespace, _)| namespace))
            })
            .collect();
        let tenant = lineage
            .nearest()
            .and_then(|partner| self.namespace(&tenant_namespace(&partner.name_any(), &id.1)));
        References {
            provider: lineage.provider(),
            plan: entitlement::plan_name(spec, &lineage).map(ToOwned::to_owned),
            plan_in_force: tenant.and_then(|tenant| TenantFacts::read(&tenant.annotations).plan),
            routes,
            domain: entitlement::ingress_domain(&id.1, spec, &lineage),
            number: spec.customer_number.clone(),
        }
    }
}
