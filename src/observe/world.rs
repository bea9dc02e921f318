//! Everything that is watched, with what follows from it.
//!
//! Taking in a change gives the keys of all objects it may concern. Too many keys cost a plan each that finds nothing to do; a key
//! too few would leave an object as it was.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::claims::Promised;
use super::index::{Index, Multi, requests::Requests};
use super::next_hops::Address;
use super::own::Own;
use super::pieces::Pieces;
use super::seen::Child;
use super::table::{Change, Entry, Id, Table};
use super::tolerant::{Tolerant, Unreadable};
use crate::api::{
    ContactList, Customer, CustomerUser, DeletionRequest, Partner, PostalRoute, ServiceOffering,
    ServicePlan, meta,
};
use crate::domain::fingerprint::ChildKind;
use crate::domain::names::{partner_namespace, tenant_of};
use crate::plan::observed::{Children, LOOK_AGAIN, NamespaceSeen};
use crate::plan::{Key, Kind, Written};

impl<K: Resource<DynamicType = ()> + Clone> Entry for Tolerant<K> {
    fn id(&self) -> Id {
        (self.namespace().unwrap_or_default(), self.name_any())
    }

    fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    fn version(&self) -> &str {
        self.meta().resource_version.as_deref().unwrap_or_default()
    }
}

/// The tables and what is derived from them.
#[derive(Debug, Default)]
pub struct World {
    pub(super) offerings: Table<Tolerant<ServiceOffering>>,
    pub(super) plans: Table<Tolerant<ServicePlan>>,
    pub(super) partners: Table<Tolerant<Partner>>,
    pub(super) routes: Table<Tolerant<PostalRoute>>,
    pub(super) customers: Table<Tolerant<Customer>>,
    pub(super) users: Table<Tolerant<CustomerUser>>,
    pub(super) requests: Table<Tolerant<DeletionRequest>>,
    pub(super) lists: Table<Tolerant<ContactList>>,
    pub(super) namespaces: Table<NamespaceSeen>,
    pub(super) children: HashMap<ChildKind, Table<Child>>,
    /// Namespaces that exist without our labels, as refused creations told, and when.
    foreign: HashMap<String, Timestamp>,
    pub(super) index: Index,
    /// Objects by the namespace they are in.
    pub(super) inside: Multi<(Kind, String), String>,
    /// Our objects by the namespace they are in.
    pub(super) rooms: Multi<String, (ChildKind, String)>,
    /// Partner objects by their name.
    pub(super) namesakes: Multi<String, Id>,
    /// Users beside their customer, by the customer.
    pub(super) users_of: Multi<Id, Id>,
    /// Routes by the address that is their host.
    pub(super) addresses: Multi<Address, Id>,
    /// Deletion requests and forms by the customer they are about.
    pub(super) requests_of: Multi<Id, Id>,
    /// Deletion requests beside their customers by how far they are.
    pub(super) requests_by: Requests,
    /// Tenant namespaces by the partner's name.
    pub(super) tenants_of: Multi<String, String>,
    counted: HashMap<Key, Timestamp>,
    pub(super) pieces: Pieces,
    pub(super) promised: Promised,
    /// Requests whose tenants begin to go, as far as their status does not say so yet.
    pub(super) purges_begun: HashSet<Id>,
}

impl World {
    /// Takes in a watch event of an own kind.
    pub fn watched<K: Own>(&mut self, event: Event<Tolerant<K>>) -> BTreeSet<Key> {
        let changes = K::table_mut(self).watched(event);
        changes
            .iter()
            .flat_map(|change| self.changed(change))
            .collect()
    }

    /// Takes in the answer to a write of ours to an own object.
    pub fn wrote<K: Own>(&mut self, object: Tolerant<K>) -> BTreeSet<Key> {
        let change = K::table_mut(self).put(object);
        change
            .iter()
            .flat_map(|change| self.changed(change))
            .collect()
    }

    fn changed<K: Own>(&mut self, change: &Change<Tolerant<K>>) -> BTreeSet<Key> {
        let (namespace, name) = &change.id;
        let inside = (K::KIND, namespace.clone());
        match (&change.old, &change.new) {
            (None, Some(_)) => self.inside.add(inside, name.clone()),
            (Some(_), None) => self.inside.remove(&inside, name),
            _ => {}
        }
        let wish = |object: &Option<Tolerant<K>>| {
            let annotations = object.as_ref().map(ResourceExt::annotations);
            annotations.and_then(|them| them.get(meta::ANNOTATION_RECONCILE_AT).cloned())
        };
        if wish(&change.old) != wish(&change.new) {
            // Somebody says that now is the time: what was in the way may be gone.
            let place = match K::KIND {
                Kind::Partner => partner_namespace(name),
                _ => tenant_of(namespace, name).unwrap_or_default(),
            };
            self.foreign.remove(&place);
            self.forget_refusals(&place);
        }
        let key = Key::new(K::KIND, namespace, name);
        let mut keys = K::concerns(self, change);
        if change.new.is_none() {
            self.counted.remove(&key);
            keys.remove(&key);
        } else {
            keys.insert(key);
        }
        keys
    }

    /// Takes in a watch event of namespaces.
    pub fn namespace_watched(&mut self, event: Event<NamespaceSeen>) -> BTreeSet<Key> {
        let changes = self.namespaces.watched(event);
        changes
            .iter()
            .flat_map(|change| self.namespace_changed(change))
            .collect()
    }

    /// Takes in a watch event of objects of a kind that we make.
    pub fn child_watched(&mut self, kind: ChildKind, event: Event<Child>) -> BTreeSet<Key> {
        let changes = self.children.entry(kind).or_default().watched(event);
        changes
            .iter()
            .flat_map(|change| self.child_changed(kind, change))
            .collect()
    }

    /// Takes in what the steps of a plan for an object of kind `K` have left behind.
    pub fn written<K: Own + DeserializeOwned>(
        &mut self,
        written: Written,
        now: Timestamp,
    ) -> BTreeSet<Key> {
        match written {
            Written::Own(object) => self.took::<K>(object),
            Written::Made { kind, object } => match kind {
                Kind::Customer => self.took::<Customer>(object),
                Kind::DeletionRequest => self.took::<DeletionRequest>(object),
                // Nothing else is made.
                Kind::ServiceOffering
                | Kind::ServicePlan
                | Kind::Partner
                | Kind::PostalRoute
                | Kind::CustomerUser
                | Kind::ContactList => BTreeSet::new(),
            },
            Written::Namespace(seen) => {
                self.foreign.remove(&seen.name);
                let change = self.namespaces.put(seen);
                change
                    .iter()
                    .flat_map(|change| self.namespace_changed(change))
                    .collect()
            }
            written @ (Written::Piece { .. }
            | Written::PieceGone { .. }
            | Written::PieceRefused { .. }) => self.piece_told(written, now),
            Written::ForeignNamespace(name) => {
                self.foreign.insert(name, now);
                BTreeSet::new()
            }
            Written::Child {
                kind,
                namespace,
                name,
                seen,
            } => {
                let child = Child {
                    kind,
                    namespace,
                    name,
                    seen,
                };
                let change = self.children.entry(kind).or_default().put(child);
                change
                    .iter()
                    .flat_map(|change| self.child_changed(kind, change))
                    .collect()
            }
            Written::ChildGone {
                kind,
                namespace,
                name,
                uid,
            } => {
                let change = self
                    .children
                    .entry(kind)
                    .or_default()
                    .deleted(&(namespace, name), &uid);
                change
                    .iter()
                    .flat_map(|change| self.child_changed(kind, change))
                    .collect()
            }
        }
    }

    /// Decoding tolerantly does not fail; an answer that is no object at all will be followed by the watch.
    fn took<K: Own + DeserializeOwned>(&mut self, object: Value) -> BTreeSet<Key> {
        match serde_json::from_value(object) {
            Ok(object) => self.wrote::<K>(object),
            Err(_) => BTreeSet::new(),
        }
    }

    fn child_changed(&mut self, kind: ChildKind, change: &Change<Child>) -> BTreeSet<Key> {
        let (namespace, name) = &change.id;
        let room = (kind, name.clone());
        match &change.new {
            Some(_) => self.rooms.add(namespace.clone(), room),
            None => self.rooms.remove(namespace, &room),
        }
        let relevant = |child: &Child| {
            let seen = &child.seen;
            (seen.uid.clone(), seen.fingerprint, seen.hard_in_force)
        };
        if change.old.as_ref().map(relevant) == change.new.as_ref().map(relevant) {
            return BTreeSet::new();
        }
        let mut concerned = self.keepers_of(kind, namespace, name);
        concerned.extend(self.waiting_for(namespace, name));
        concerned
    }

    /// Whether a namespace exists without our labels, as far as is known: nothing tells us when it goes, so what was learnt is
    /// forgotten after a while, and tried again.
    pub(super) fn is_foreign(&self, name: &str, now: Timestamp) -> bool {
        self.foreign.get(name).is_some_and(|learnt| {
            let age = Duration::try_from(now.duration_since(*learnt)).unwrap_or_default();
            age < LOOK_AGAIN
        })
    }

    /// Notes that a status with a paced count was written.
    pub fn counted(&mut self, key: &Key, now: Timestamp) {
        self.counted.insert(key.clone(), now);
    }

    pub(super) fn counted_at(&self, key: &Key) -> Option<Timestamp> {
        self.counted.get(key).copied()
    }

    /// Every object of a kind.
    pub fn keys<K: Own>(&self) -> BTreeSet<Key> {
        K::table(self)
            .values()
            .map(|object| object.id())
            .map(|(ns, name)| Key::new(K::KIND, &ns, &name))
            .collect()
    }

    /// Whether every watch has listed everything once.
    pub fn is_complete(&self) -> bool {
        let Self {
            offerings,
            plans,
            partners,
            routes,
            customers,
            users,
            requests,
            lists,
            namespaces,
            children,
            ..
        } = self;
        let own = offerings.is_complete()
            && plans.is_complete()
            && partners.is_complete()
            && routes.is_complete()
            && customers.is_complete()
            && users.is_complete()
            && requests.is_complete()
            && lists.is_complete();
        own && namespaces.is_complete()
            && children.len() == ChildKind::ALL.len()
            && children.values().all(Table::is_complete)
    }

    /// An object of an own kind, if it is there and can be read.
    pub fn readable<K: Own>(&self, key: &Key) -> Option<Arc<K>> {
        self.own(&key.namespace, &key.name)
    }

    /// An object of an own kind that is there and cannot be read.
    pub fn unreadable_object<K: Own>(&self, key: &Key) -> Option<Arc<Unreadable>> {
        match K::table(self).get(&key.namespace, &key.name)? {
            Tolerant::Read(_) => None,
            Tolerant::Unreadable(unreadable) => Some(Arc::clone(unreadable)),
        }
    }

    /// What is left of an object that cannot be read and is going: its metadata, which is all that letting it go takes.
    pub fn remains<K: Own>(&self, key: &Key) -> Option<Arc<K>> {
        let unreadable = self.unreadable_object::<K>(key)?;
        let going = unreadable.metadata.deletion_timestamp.is_some();
        going.then(|| Arc::new(K::remains(unreadable.metadata.clone())))
    }

    /// How many objects of a kind cannot be read.
    pub fn unreadable<K: Own>(&self) -> usize {
        K::table(self)
            .values()
            .filter(|object| object.object().is_err())
            .count()
    }

    pub(super) fn namespace(&self, name: &str) -> Option<&NamespaceSeen> {
        self.namespaces.get("", name)
    }

    pub(super) fn own<K: Own>(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        K::table(self).get(namespace, name)?.object().ok().cloned()
    }

    pub(super) fn children_in(&self, namespace: &str) -> Children {
        self.rooms
            .of(&namespace.to_owned())
            .filter_map(|(kind, name)| {
                let child = self.children.get(kind)?.get(namespace, name)?;
                Some(((*kind, name.clone()), child.seen.clone()))
            })
            .collect()
    }
}
