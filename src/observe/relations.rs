//! Whom a change concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::{Resource, ResourceExt};

use super::table::{Change, Id};
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::{
    ConditionType, Customer, CustomerUser, Partner, PostalRoute, ServiceOffering, ServicePlan,
    holds, meta,
};
use crate::domain::fingerprint::ChildKind;
use crate::domain::names::partner_namespace;
use crate::plan::observed::NamespaceSeen;
use crate::plan::{Key, Kind};

/// What of an own object others depend on, but for its status.
pub(super) fn essence<K: Resource<DynamicType = ()> + Clone>(
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

/// Keys of these objects of a kind.
pub(super) fn keys<'a>(
    kind: Kind,
    ids: impl IntoIterator<Item = &'a Id>,
) -> impl Iterator<Item = Key> {
    ids.into_iter()
        .map(move |(namespace, name)| Key::new(kind, namespace, name))
}

fn read<K>(object: Option<&Tolerant<K>>) -> Option<&Arc<K>> {
    object.and_then(|object| object.object().ok())
}

/// Services of a customer that are stopped because its path no longer offers them, as its status says.
fn withdrawn(customer: Option<&Arc<Customer>>) -> BTreeSet<String> {
    let told = customer.and_then(|customer| customer.status.as_ref());
    let services = told.into_iter().flat_map(|status| &status.services);
    services
        .filter(|service| service.withdrawn)
        .map(|service| service.name.clone())
        .collect()
}

impl World {
    /// All offerings: they may require this one, and each other. Its customers hear of it when it is judged.
    pub(super) fn offering_concerns(
        &mut self,
        change: &Change<Tolerant<ServiceOffering>>,
    ) -> BTreeSet<Key> {
        if essence(change.old.as_ref()) == essence(change.new.as_ref()) {
            return BTreeSet::new();
        }
        let mut concerned = self.keys::<ServiceOffering>();
        if change.old.is_none() || change.new.is_none() {
            concerned.extend(self.keys::<Partner>());
        }
        if change.new.is_none() {
            concerned.extend(self.unjudged(&change.id.1));
        }
        concerned
    }

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
        let confirmed = |partner: Option<&Tolerant<Partner>>| {
            let annotations = partner.map(ResourceExt::annotations);
            annotations.and_then(|them| them.get(meta::ANNOTATION_CONFIRM_WITHDRAWAL).cloned())
        };
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if essence(old) == essence(new) && confirmed(old) == confirmed(new) {
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
            let conditions = &read(object)?.status.as_ref()?.conditions;
            Some(
                [ConditionType::Accepted, ConditionType::Stalled]
                    .map(|kind| holds(conditions, kind)),
            )
        };
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        let same = essence(old) == essence(new);
        if same && usable(old) == usable(new) {
            return BTreeSet::new();
        }
        let mut concerned = self.address_changed(change);
        let (namespace, name) = &change.id;
        let customers: Vec<Id> = self.index.with_route_name(name).cloned().collect();
        concerned.extend(keys(Kind::Customer, &customers));
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
        let withdrawn = withdrawn(read(new));
        if self.index.set_withdrawn(&change.id, &withdrawn) {
            concerned.extend(self.partners_above(&change.id.0));
        }
        if old.is_none() || new.is_none() {
            concerned.extend(self.partners_above(&change.id.0));
        }
        if essence(old) != essence(new) {
            concerned.extend(self.requests_keys(&change.id));
        }
        concerned.extend(self.lists_concerned(&change.id, old, new));
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
                concerned.extend(self.requests_keys(&customer));
                concerned.extend(self.lists_keys(&customer));
            }
        }
        let retained = |seen: &Option<NamespaceSeen>| {
            let seen = seen.as_ref();
            seen.map(|seen| seen.label(meta::LABEL_RETAINED).to_owned())
        };
        if retained(&change.old) != retained(&change.new)
            && let Some((partner, _)) = name.split_once(meta::TENANT_SEPARATOR)
        {
            concerned.extend(self.partners_above(&partner_namespace(partner)));
        }
        // A namespace of a name that is ours to make may come and go without saying whose it is.
        concerned.extend(self.keepers_by_name(name));
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        concerned.extend(self.retell_number(name));
        concerned.extend(self.retell_domain(name));
        self.retell_pieces(name);
        if let Some((partner, customer)) = name.split_once(meta::TENANT_SEPARATOR) {
            let customer = (partner_namespace(partner), customer.to_owned());
            concerned.extend(self.reindex(&customer));
            let age = |seen: Option<&NamespaceSeen>| {
                seen.map(|seen| {
                    let uid = seen.label(meta::LABEL_CUSTOMER_UID).to_owned();
                    let since = seen.annotation(meta::ANNOTATION_CUSTOMER_SINCE).to_owned();
                    (uid, since)
                })
            };
            if age(old) != age(new) {
                concerned.extend(self.rivals(&customer));
            }
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
            // What is in it counts for those above it, and no longer for those it was below.
            for seen in [old, new].into_iter().flatten() {
                concerned.extend(self.partners_above(seen.label(meta::LABEL_PARENT)));
            }
        }
        concerned
    }

    /// Who keeps our object of this kind and name in a namespace.
    pub(super) fn keepers_of(&self, kind: ChildKind, namespace: &str, name: &str) -> BTreeSet<Key> {
        if kind == ChildKind::Service {
            return [Key::new(Kind::PostalRoute, namespace, name)].into();
        }
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
            let customer = (partner_namespace(partner), customer.to_owned());
            // Where the Customer is gone, a request keeps what is in its tenant.
            let mut keepers: BTreeSet<Key> = self.requests_keys(&customer).into_iter().collect();
            keepers.insert(Key::new(Kind::Customer, &customer.0, &customer.1));
            return keepers;
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
                Kind::DeletionRequest,
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
}
