//! Whom a change concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::{Resource, ResourceExt};

use super::index::{Claimant, References};
use super::table::{Change, Id};
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::{ConditionType, Customer, CustomerUser, Partner, PostalRoute, ServicePlan, meta};
use crate::domain::entitlement;
use crate::domain::facts::TenantFacts;
use crate::domain::fingerprint::ChildKind;
use crate::domain::names::{partner_namespace, tenant_namespace};
use crate::plan::observed::NamespaceSeen;
use crate::plan::{Key, Kind, status};

/// What of an own object others depend on, but for its status.
fn essence<K: Resource<DynamicType = ()> + Clone>(
    object: Option<&Tolerant<K>>,
) -> Option<(Option<i64>, Option<String>, bool, bool)> {
    object.map(|object| {
        let meta = object.meta();
        (
            meta.generation,
            meta.uid.clone(),
            meta.deletion_timestamp.is_some(),
            object.object().is_ok(),
        )
    })
}

fn keys<'a>(kind: Kind, ids: impl IntoIterator<Item = &'a Id>) -> impl Iterator<Item = Key> {
    ids.into_iter()
        .map(move |(namespace, name)| Key::new(kind, namespace, name))
}

fn read<K>(object: Option<&Tolerant<K>>) -> Option<&Arc<K>> {
    object.and_then(|object| object.object().ok())
}

impl World {
    pub(super) fn plan_concerns(
        &mut self,
        change: &Change<Tolerant<ServicePlan>>,
    ) -> BTreeSet<Key> {
        if essence(change.old.as_ref()) == essence(change.new.as_ref()) {
            return BTreeSet::new();
        }
        let customers: Vec<Id> = self.index.with_plan(&change.id.1).cloned().collect();
        let mut concerned: BTreeSet<Key> = keys(Kind::Customer, &customers).collect();
        for customer in &customers {
            concerned.extend(self.users_keys(customer));
        }
        if change.old.is_none() || change.new.is_none() {
            concerned.extend(self.keys::<Partner>());
        }
        concerned
    }

    pub(super) fn partner_concerns(&mut self, change: &Change<Tolerant<Partner>>) -> BTreeSet<Key> {
        let (parent, name) = &change.id;
        match (&change.old, &change.new) {
            (None, Some(_)) => self.namesakes.add(name.clone(), change.id.clone()),
            (Some(_), None) => self.namesakes.remove(name, &change.id),
            _ => {}
        }
        if essence(change.old.as_ref()) == essence(change.new.as_ref()) {
            return BTreeSet::new();
        }
        let mut concerned: BTreeSet<Key> = keys(Kind::Partner, self.namesakes.of(name)).collect();
        concerned.extend(self.partners_above(parent));
        concerned.extend(self.path_changed(&partner_namespace(name)));
        concerned
    }

    pub(super) fn route_concerns(
        &mut self,
        change: &Change<Tolerant<PostalRoute>>,
    ) -> BTreeSet<Key> {
        let usable = |object: Option<&Tolerant<PostalRoute>>| {
            let status = read(object).map(|route| route.status.as_ref())?;
            Some(
                [ConditionType::Accepted, ConditionType::Stalled]
                    .map(|kind| status::holds(status, kind)),
            )
        };
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        let same = essence(old) == essence(new);
        if same && usable(old) == usable(new) {
            return BTreeSet::new();
        }
        let (namespace, name) = &change.id;
        let customers: Vec<Id> = self.index.with_route_name(name).cloned().collect();
        let mut concerned: BTreeSet<Key> = keys(Kind::Customer, &customers).collect();
        if !same {
            for customer in &customers {
                concerned.extend(self.reindex(customer));
            }
            for below in self.namespaces_below(namespace) {
                concerned.extend(self.owner_of(&below));
                concerned.extend(
                    self.own::<PostalRoute>(&below, name)
                        .map(|_| Key::new(Kind::PostalRoute, &below, name)),
                );
            }
        }
        concerned
    }

    pub(super) fn customer_concerns(
        &mut self,
        change: &Change<Tolerant<Customer>>,
    ) -> BTreeSet<Key> {
        let access = |object: Option<&Tolerant<Customer>>| {
            read(object).map(|customer| {
                customer
                    .status
                    .as_ref()
                    .map(|status| (status.access, status.plan.clone()))
            })
        };
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        let mut concerned = BTreeSet::new();
        if access(old) != access(new) {
            concerned.extend(self.users_keys(&change.id));
        }
        if essence(old) != essence(new) {
            concerned.extend(self.reindex(&change.id));
        }
        if old.is_none() || new.is_none() {
            concerned.extend(self.partners_above(&change.id.0));
        }
        concerned
    }

    pub(super) fn user_concerns(
        &mut self,
        change: &Change<Tolerant<CustomerUser>>,
    ) -> BTreeSet<Key> {
        let mut concerned = BTreeSet::new();
        for (object, there) in [(&change.old, false), (&change.new, true)] {
            let Some(user) = read(object.as_ref()) else {
                continue;
            };
            if let Some(customer) = &user.spec.customer {
                let customer = (change.id.0.clone(), customer.clone());
                if there {
                    self.users_of.add(customer, change.id.clone());
                } else {
                    self.users_of.remove(&customer, &change.id);
                }
            }
        }
        if essence(change.old.as_ref()) == essence(change.new.as_ref()) {
            return concerned;
        }
        for user in [&change.old, &change.new]
            .into_iter()
            .filter_map(|object| read(object.as_ref()))
        {
            if let Some(customer) = self.customer_of(&change.id.0, user) {
                concerned.insert(Key::new(Kind::Customer, &customer.0, &customer.1));
                concerned.extend(self.users_keys(&customer));
            }
        }
        concerned
    }

    pub(super) fn namespace_changed(&mut self, change: &Change<NamespaceSeen>) -> BTreeSet<Key> {
        let name = &change.id.1;
        let mut concerned = BTreeSet::new();
        for (seen, there) in [(&change.old, false), (&change.new, true)] {
            let Some(seen) = seen else { continue };
            let partner = seen.label(meta::LABEL_PARTNER);
            if seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT {
                if there {
                    self.tenants_of.add(partner.to_owned(), name.clone());
                } else {
                    self.tenants_of.remove(&partner.to_owned(), name);
                }
                let customer = (
                    partner_namespace(partner),
                    seen.label(meta::LABEL_CUSTOMER).to_owned(),
                );
                concerned.insert(Key::new(Kind::Customer, &customer.0, &customer.1));
                concerned.extend(self.users_keys(&customer));
            }
        }
        // A namespace of a name that is ours to make may come and go without saying whose it is.
        concerned.extend(self.keepers_by_name(name));
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        concerned.extend(self.retell_number(name));
        if let Some((partner, customer)) = name.split_once(meta::TENANT_SEPARATOR) {
            concerned.extend(self.reindex(&(partner_namespace(partner), customer.to_owned())));
        }
        let bearing = |seen: Option<&NamespaceSeen>| {
            seen.map(|seen| {
                let label = |key| seen.label(key).to_owned();
                let uid = seen.annotation(meta::ANNOTATION_PARTNER_UID).to_owned();
                (
                    label(meta::LABEL_TYPE),
                    label(meta::LABEL_PARTNER),
                    label(meta::LABEL_PARENT),
                    uid,
                )
            })
        };
        if bearing(old) != bearing(new) {
            concerned.extend(self.path_changed(name));
        }
        concerned
    }

    /// Who keeps our objects of this kind in a namespace.
    pub(super) fn keepers_of(&self, namespace: &str, kind: ChildKind) -> BTreeSet<Key> {
        let mut keepers = self.keepers_by_name(namespace);
        if kind == ChildKind::RoleBinding
            && let Some((partner, customer)) = namespace.split_once(meta::TENANT_SEPARATOR)
        {
            keepers.extend(self.users_keys(&(partner_namespace(partner), customer.to_owned())));
        }
        keepers
    }

    /// The customer or the partners whose namespace has this name.
    fn keepers_by_name(&self, namespace: &str) -> BTreeSet<Key> {
        if let Some((partner, customer)) = namespace.split_once(meta::TENANT_SEPARATOR) {
            return [Key::new(
                Kind::Customer,
                &partner_namespace(partner),
                customer,
            )]
            .into();
        }
        match namespace.strip_prefix(meta::PARTNER_NAMESPACE_PREFIX) {
            Some(partner) => keys(Kind::Partner, self.namesakes.of(&partner.to_owned())).collect(),
            None => BTreeSet::new(),
        }
    }

    /// A partner namespace, or the partner that owns it, is another one: everything below has another path.
    fn path_changed(&mut self, namespace: &str) -> BTreeSet<Key> {
        let mut concerned = BTreeSet::new();
        for below in self.namespaces_below(namespace) {
            for kind in [
                Kind::Partner,
                Kind::PostalRoute,
                Kind::Customer,
                Kind::CustomerUser,
            ] {
                let inside = self.inside.of(&(kind, below.clone()));
                concerned.extend(inside.map(|name| Key::new(kind, &below, name)));
            }
            if let Some(partner) = below.strip_prefix(meta::PARTNER_NAMESPACE_PREFIX) {
                let tenants: Vec<String> =
                    self.tenants_of.of(&partner.to_owned()).cloned().collect();
                for tenant in tenants {
                    concerned.extend(self.retell_number(&tenant));
                }
            }
            let customers: Vec<String> = self
                .inside
                .of(&(Kind::Customer, below.clone()))
                .cloned()
                .collect();
            for customer in customers {
                concerned.extend(self.reindex(&(below.clone(), customer)));
            }
        }
        concerned
    }

    /// A partner namespace and those of all partners below it.
    pub(super) fn namespaces_below(&self, namespace: &str) -> Vec<String> {
        let mut found = vec![namespace.to_owned()];
        let mut at = 0;
        while let Some(next) = found.get(at).cloned() {
            at += 1;
            for partner in self.inside.of(&(Kind::Partner, next.clone())) {
                let own = partner_namespace(partner);
                let below = self
                    .namespace(&own)
                    .is_some_and(|seen| seen.label(meta::LABEL_PARENT) == next);
                if below && !found.contains(&own) {
                    found.push(own);
                }
            }
        }
        found
    }

    /// The partner that owns a namespace.
    fn owner_of(&self, namespace: &str) -> Option<Key> {
        let seen = self.namespace(namespace)?;
        let (name, parent) = (
            seen.label(meta::LABEL_PARTNER),
            seen.label(meta::LABEL_PARENT),
        );
        self.partners
            .get(parent, name)
            .map(|_| Key::new(Kind::Partner, parent, name))
    }

    /// The partners that own a namespace and everything above it.
    fn partners_above(&self, namespace: &str) -> BTreeSet<Key> {
        let mut concerned = BTreeSet::new();
        let mut at = namespace.to_owned();
        while let Some(owner) = self.owner_of(&at) {
            owner.namespace.to_string().clone_into(&mut at);
            if !concerned.insert(owner) {
                break;
            }
        }
        concerned
    }

    /// The customer a user belongs to, whether that exists or not.
    pub(super) fn customer_of(&self, namespace: &str, user: &CustomerUser) -> Option<Id> {
        if let Some(tenant) = self
            .namespace(namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT)
        {
            let partner = partner_namespace(tenant.label(meta::LABEL_PARTNER));
            return user
                .spec
                .customer
                .is_none()
                .then(|| (partner, tenant.label(meta::LABEL_CUSTOMER).to_owned()));
        }
        user.spec
            .customer
            .clone()
            .map(|customer| (namespace.to_owned(), customer))
    }

    /// Users of a customer, from both places.
    pub(super) fn users_ids(&self, customer: &Id) -> Vec<Id> {
        let mut users: Vec<Id> = self.users_of.of(customer).cloned().collect();
        if let Some(partner) = customer.0.strip_prefix(meta::PARTNER_NAMESPACE_PREFIX) {
            let tenant = tenant_namespace(partner, &customer.1);
            users.extend(
                self.inside
                    .of(&(Kind::CustomerUser, tenant.clone()))
                    .map(|name| (tenant.clone(), name.clone())),
            );
        }
        users
    }

    fn users_keys(&self, customer: &Id) -> Vec<Key> {
        self.users_ids(customer)
            .iter()
            .map(|(namespace, name)| Key::new(Kind::CustomerUser, namespace, name))
            .collect()
    }

    /// Notes under which number, and which provider, a tenant namespace stands; tells which customers ask for that number.
    fn retell_number(&mut self, namespace: &str) -> Vec<Key> {
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
    fn reindex(&mut self, id: &Id) -> BTreeSet<Key> {
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
