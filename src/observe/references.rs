//! What a customer refers to, worked out along its path and kept in the index.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::index::{Claimant, References, RouteReference};
use super::table::Id;
use super::world::World;
use crate::api::{Customer, PostalRoute, meta};
use crate::domain::entitlement;
use crate::domain::facts::TenantFacts;
use crate::domain::lineage::Lineage;
use crate::domain::names::{partner_namespace, tenant_namespace};
use crate::domain::pieces::PieceKind;
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
        if let Some(number) = &new {
            // Recorded, it needs no promise any more.
            self.promised.remove(number);
        }
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

    /// Notes which domain is recorded on a tenant namespace; tells which customers are in its way.
    pub(super) fn retell_domain(&mut self, namespace: &str) -> Vec<Key> {
        let tenant = self
            .namespace(namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT);
        let new = tenant
            .map(|seen| seen.annotation(meta::ANNOTATION_INGRESS_DOMAIN).to_owned())
            .filter(|domain| !domain.is_empty());
        let old = self.index.set_tenant_domain(namespace, new.clone());
        if old == new {
            return Vec::new();
        }
        [old, new]
            .into_iter()
            .flatten()
            .flat_map(|domain| self.customers_in_the_way(&domain))
            .collect()
    }

    /// Notes which kinds of objects of services are written down on a tenant namespace.
    pub(super) fn retell_pieces(&mut self, namespace: &str) {
        let tenant = self
            .namespace(namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT);
        let records = tenant.map(|seen| TenantFacts::read(&seen.annotations).services);
        let pieces = records.iter().flat_map(|records| records.services.values());
        let kinds = pieces
            .flat_map(|record| &record.pieces)
            .map(|piece| PieceKind::new(&piece.api_version, &piece.kind));
        self.note_recorded(namespace, kinds.collect());
    }

    /// Customers that claim what this one claims: what its age is decides about theirs.
    pub(super) fn rivals(&self, customer: &Id) -> Vec<Key> {
        let Some(references) = self.index.references(customer) else {
            return Vec::new();
        };
        let domain = references.domain.as_deref();
        let mut rivals = domain.map_or_else(Vec::new, |domain| self.customers_in_the_way(domain));
        if let Some(number) = &references.number {
            rivals.extend(self.askers(references.provider.as_deref(), number));
        }
        rivals
    }

    /// Customers that claim a domain which equals this one, or is above or below it.
    fn customers_in_the_way(&self, domain: &str) -> Vec<Key> {
        self.index
            .in_the_way(domain)
            .into_iter()
            .filter_map(Claimant::key)
            .collect()
    }

    /// Customers whose spec asks for a number.
    fn askers(&self, provider: Option<&str>, number: &str) -> Vec<Key> {
        self.index
            .with_number(provider, number)
            .filter_map(Claimant::key)
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
        let sends = |references: &Option<References>| references.as_ref().map(References::sends);
        if sends(&old) != sends(&new) {
            concerned.extend(self.owner_of(&id.0));
        }
        for references in [old, new].into_iter().flatten() {
            let References {
                provider,
                plan,
                plan_in_force,
                services,
                services_kept: _,
                routes,
                domain,
                number,
            } = references;
            for plan in [plan, plan_in_force].into_iter().flatten() {
                concerned.insert(Key::new(Kind::ServicePlan, "", &plan));
            }
            for service in services {
                concerned.insert(Key::new(Kind::ServiceOffering, "", &service));
            }
            for RouteReference {
                name, namespace, ..
            } in routes
            {
                concerned.extend(
                    namespace.map(|namespace| Key::new(Kind::PostalRoute, &namespace, &name)),
                );
            }
            if let Some(domain) = domain {
                concerned.extend(self.customers_in_the_way(&domain));
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
        let tenant = lineage
            .nearest()
            .and_then(|partner| self.namespace(&tenant_namespace(&partner.name_any(), &id.1)));
        let facts = tenant
            .map(|tenant| TenantFacts::read(&tenant.annotations))
            .unwrap_or_default();
        let routes = entitlement::route_names(spec, &lineage)
            .iter()
            .map(|name| self.refer_to_route(name, &lineage, &facts))
            .collect();
        let asked = spec.services.iter().map(|service| service.name.clone());
        let recorded = &facts.services.services;
        let kept = recorded.iter().filter(|(_, record)| record.counts());
        References {
            services: asked.chain(recorded.keys().cloned()).collect(),
            services_kept: kept.map(|(name, _)| name.clone()).collect(),
            provider: lineage.provider(),
            plan: entitlement::plan_name(spec, &lineage).map(ToOwned::to_owned),
            plan_in_force: facts.plan,
            routes,
            domain: entitlement::ingress_domain(&id.1, spec, &lineage),
            number: spec.customer_number.clone(),
        }
    }

    /// Where a route asked for is found: along the path, else where it was in force before.
    fn refer_to_route(&self, name: &str, lineage: &Lineage, facts: &TenantFacts) -> RouteReference {
        let found = entitlement::find_route(name, lineage, |at, name| self.own(at, name));
        let offered = found.map(|(namespace, _)| namespace);
        let in_force = || {
            entitlement::route_in_force(name, lineage, &facts.routes, |at, name| {
                self.own::<PostalRoute>(at, name).is_some()
            })
        };
        let withdrawn = offered.is_none();
        let namespace = offered.or_else(in_force);
        RouteReference {
            name: name.to_owned(),
            withdrawn: withdrawn && namespace.is_some(),
            namespace,
        }
    }
}
