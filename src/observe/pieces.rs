//! Offerings as they were checked, and the objects that services put into tenants, of whatever kind.
//!
//! A kind is watched while an offering renders it or an object of it is written down somewhere. No such watch is waited for by
//! anything but the services that need it.

mod kept;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::watcher::Event;

pub use self::kept::Piece;
use super::index::Multi;
use super::relations::keys;
use super::table::{Change, Id, Table};
use super::world::World;
use crate::api::meta;
use crate::domain::deletion::crowd_limit;
use crate::domain::names::partner_namespace;
use crate::domain::pieces::{PieceId, PieceKind};
use crate::plan::observed::services::{
    OfferingSeen, Offerings, PieceSeen, RefusedSeen, ServicesSeen,
};
use crate::plan::{Key, Kind, Written};

/// Bounds of how long until what was refused is tried again: doubled at each refusal.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// A write that was refused.
#[derive(Clone, Debug)]
struct Refusal {
    aim: String,
    message: String,
    taken: bool,
    wait: Duration,
    at: Timestamp,
}

/// What is known of services.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    offerings: Arc<Offerings>,
    tables: HashMap<PieceKind, Table<Piece>>,
    /// Names in paths of the kinds that have been listed.
    plurals: Arc<BTreeMap<PieceKind, String>>,
    /// Objects by the namespace they are in.
    rooms: Multi<String, (PieceKind, String)>,
    refused: HashMap<String, BTreeMap<PieceId, Refusal>>,
    /// Kinds that are written down, by the namespace where they are.
    recorded: HashMap<String, BTreeSet<PieceKind>>,
}

impl World {
    /// Takes in a watch event of objects of services, of a kind with this name in paths.
    pub fn piece_watched(
        &mut self,
        kind: &PieceKind,
        plural: &str,
        event: Event<Piece>,
    ) -> BTreeSet<Key> {
        let table = self.pieces.tables.entry(kind.clone()).or_default();
        let changes = table.watched(event);
        let mut concerned: BTreeSet<Key> = changes
            .iter()
            .flat_map(|change| self.piece_changed(kind, change))
            .collect();
        let listed = self.pieces.tables.get(kind).is_some_and(Table::is_complete);
        if listed && !self.pieces.plurals.contains_key(kind) {
            Arc::make_mut(&mut self.pieces.plurals).insert(kind.clone(), plural.to_owned());
            concerned.extend(self.customers_with_kind(kind));
        }
        concerned
    }

    /// A kind is not watched any more: what was seen of it is forgotten.
    pub fn piece_unwatched(&mut self, kind: &PieceKind) -> BTreeSet<Key> {
        let Some(table) = self.pieces.tables.remove(kind) else {
            return BTreeSet::new();
        };
        Arc::make_mut(&mut self.pieces.plurals).remove(kind);
        for piece in table.values() {
            let room = (kind.clone(), piece.name.clone());
            self.pieces.rooms.remove(&piece.namespace, &room);
        }
        self.customers_with_kind(kind)
    }

    /// Takes in what came of a write of ours to an object of a service.
    pub(super) fn piece_told(&mut self, written: Written, now: Timestamp) -> BTreeSet<Key> {
        match written {
            Written::Piece {
                kind,
                namespace,
                name,
                seen,
            } => self.piece_written(&kind, namespace, name, seen),
            Written::PieceGone {
                kind,
                namespace,
                name,
                uid,
            } => self.piece_gone(&kind, namespace, name, &uid),
            Written::PieceRefused {
                kind,
                namespace,
                name,
                aim,
                message,
                taken,
            } => self.piece_refused(&namespace, kind.id(&name), (aim, message, taken), now),
            // Of what else there is others hear.
            _ => BTreeSet::new(),
        }
    }

    fn piece_written(
        &mut self,
        kind: &PieceKind,
        namespace: String,
        name: String,
        seen: PieceSeen,
    ) -> BTreeSet<Key> {
        self.forget_refusal(&namespace, &kind.id(&name));
        let piece = Piece {
            namespace,
            name,
            seen,
        };
        let Some(table) = self.pieces.tables.get_mut(kind) else {
            return BTreeSet::new();
        };
        let Some(change) = table.put(piece) else {
            return BTreeSet::new();
        };
        let concerned = self.piece_changed(kind, &change);
        // A change in an offering that reaches a thousand customers is one look at each, not two.
        if kept::is_as_meant(&change) {
            BTreeSet::new()
        } else {
            concerned
        }
    }

    fn piece_gone(
        &mut self,
        kind: &PieceKind,
        namespace: String,
        name: String,
        uid: &str,
    ) -> BTreeSet<Key> {
        self.forget_refusal(&namespace, &kind.id(&name));
        let table = self.pieces.tables.get_mut(kind);
        let change = table.and_then(|table| table.deleted(&(namespace, name), uid));
        change
            .iter()
            .flat_map(|change| self.piece_changed(kind, change))
            .collect()
    }

    fn piece_refused(
        &mut self,
        namespace: &str,
        id: PieceId,
        (aim, message, taken): (String, String, bool),
        now: Timestamp,
    ) -> BTreeSet<Key> {
        let refused = self.pieces.refused.entry(namespace.to_owned()).or_default();
        let before = refused.get(&id).filter(|before| before.aim == aim);
        let wait = before.map_or(AGAIN.0, |before| before.wait.saturating_mul(2).min(AGAIN.1));
        let refusal = Refusal {
            aim,
            message,
            taken,
            wait,
            at: now,
        };
        refused.insert(id, refusal);
        self.customer_of_tenant(namespace).into_iter().collect()
    }

    fn forget_refusal(&mut self, namespace: &str, id: &PieceId) {
        if let Some(refused) = self.pieces.refused.get_mut(namespace) {
            refused.remove(id);
            if refused.is_empty() {
                self.pieces.refused.remove(namespace);
            }
        }
    }

    /// What was refused in a namespace is worth another try.
    pub(super) fn forget_refusals(&mut self, namespace: &str) {
        self.pieces.refused.remove(namespace);
    }

    fn piece_changed(&mut self, kind: &PieceKind, change: &Change<Piece>) -> BTreeSet<Key> {
        let (namespace, name) = &change.id;
        let room = (kind.clone(), name.clone());
        match &change.new {
            Some(_) => self.pieces.rooms.add(namespace.clone(), room),
            None => self.pieces.rooms.remove(namespace, &room),
        }
        let relevant = |piece: &Piece| PieceSeen {
            resource_version: String::new(),
            ..piece.seen.clone()
        };
        if change.old.as_ref().map(relevant) == change.new.as_ref().map(relevant) {
            return BTreeSet::new();
        }
        self.customer_of_tenant(namespace).into_iter().collect()
    }

    fn customer_of_tenant(&self, namespace: &str) -> Option<Key> {
        let (partner, customer) = namespace.split_once(meta::TENANT_SEPARATOR)?;
        Some(Key::new(
            Kind::Customer,
            &partner_namespace(partner),
            customer,
        ))
    }

    /// Customers that a change of what is known of a kind concerns.
    fn customers_with_kind(&self, kind: &PieceKind) -> BTreeSet<Key> {
        let offerings = self.pieces.offerings.iter();
        let using = offerings.filter(|(_, seen)| {
            let kinds = seen.compiled.iter().flat_map(|it| it.kinds());
            kinds
                .into_iter()
                .any(|it| it == (&*kind.api_version, &*kind.kind))
        });
        let names: Vec<String> = using.map(|(name, _)| name.clone()).collect();
        let mut concerned: BTreeSet<Key> = names
            .iter()
            .flat_map(|name| self.customers_of_offering(name))
            .collect();
        let recorded = self.pieces.recorded.iter();
        let there = recorded.filter(|(_, kinds)| kinds.contains(kind));
        concerned.extend(there.filter_map(|(namespace, _)| self.customer_of_tenant(namespace)));
        concerned
    }

    /// Customers that a change of an offering concerns.
    pub(super) fn customers_of_offering(&self, name: &str) -> BTreeSet<Key> {
        let mut ids: BTreeSet<Id> = self.index.with_service(name).cloned().collect();
        let plans = self.plans.values().filter_map(|plan| plan.object().ok());
        for plan in plans.filter(|plan| plan.spec.services.iter().any(|it| it == name)) {
            let plan = plan.metadata.name.as_deref().unwrap_or_default();
            ids.extend(self.index.with_plan(plan).cloned());
        }
        keys(Kind::Customer, &ids).collect()
    }

    /// Takes in an offering as it was checked; gives those whom the difference concerns.
    pub fn judged(&mut self, name: &str, seen: OfferingSeen) -> BTreeSet<Key> {
        let version = |seen: &OfferingSeen| {
            let metadata = &seen.object.metadata;
            (metadata.uid.clone(), metadata.generation, seen.in_order)
        };
        let old = self.pieces.offerings.get(name);
        if old.map(version) == Some(version(&seen)) {
            return BTreeSet::new();
        }
        let for_all = [old, Some(&seen)]
            .into_iter()
            .flatten()
            .any(|seen| seen.object.spec.auto_enable);
        Arc::make_mut(&mut self.pieces.offerings).insert(name.to_owned(), seen);
        self.having(name, for_all)
    }

    /// An offering is gone.
    pub(super) fn unjudged(&mut self, name: &str) -> BTreeSet<Key> {
        let old = Arc::make_mut(&mut self.pieces.offerings).remove(name);
        let for_all = old.is_some_and(|old| old.object.spec.auto_enable);
        self.having(name, for_all)
    }

    fn having(&self, name: &str, for_all: bool) -> BTreeSet<Key> {
        if for_all {
            self.keys::<crate::api::Customer>()
        } else {
            self.customers_of_offering(name)
        }
    }

    /// An offering of this version as it was judged.
    pub fn judgement(&self, name: &str) -> Option<&OfferingSeen> {
        self.pieces.offerings.get(name)
    }

    /// Notes which kinds are written down on a tenant namespace.
    pub(super) fn note_recorded(&mut self, namespace: &str, kinds: BTreeSet<PieceKind>) {
        if kinds.is_empty() {
            self.pieces.recorded.remove(namespace);
        } else {
            self.pieces.recorded.insert(namespace.to_owned(), kinds);
        }
    }

    /// Kinds that have to be watched: what offerings in order render, and what is written down.
    pub fn wanted_kinds(&self) -> BTreeSet<PieceKind> {
        let offerings = self.pieces.offerings.values().filter(|seen| seen.in_order);
        let rendered = offerings
            .filter_map(|seen| seen.compiled.as_ref())
            .flat_map(|offering| offering.kinds())
            .map(|(api_version, kind)| PieceKind::new(api_version, kind));
        rendered
            .chain(self.pieces.recorded.values().flatten().cloned())
            .collect()
    }

    /// Whether everything of a kind has been listed.
    pub fn is_listed(&self, kind: &PieceKind) -> bool {
        self.pieces.plurals.contains_key(kind)
    }

    /// Offerings that render a kind.
    pub fn offerings_with(&self, kind: &PieceKind) -> BTreeSet<Key> {
        let all = self.pieces.offerings.iter();
        let with = all.filter(|(_, seen)| {
            let kinds = seen.compiled.iter().flat_map(|it| it.kinds());
            kinds
                .into_iter()
                .any(|it| it == (&*kind.api_version, &*kind.kind))
        });
        with.map(|(name, _)| Key::new(Kind::ServiceOffering, "", name))
            .collect()
    }

    /// What the services of the customer of a tenant are decided on.
    pub(super) fn services_seen(&self, namespace: &str, now: Timestamp) -> ServicesSeen {
        let pieces = self.pieces.rooms.of(&namespace.to_owned());
        let pieces = pieces.filter_map(|(kind, name)| {
            let piece = self.pieces.tables.get(kind)?.get(namespace, name)?;
            Some((kind.id(name), piece.seen.clone()))
        });
        let refused = self.pieces.refused.get(namespace).into_iter().flatten();
        let refused = refused.map(|(id, refusal)| {
            let passed = Duration::try_from(now.duration_since(refusal.at)).unwrap_or_default();
            let seen = RefusedSeen {
                aim: refusal.aim.clone(),
                message: refusal.message.clone(),
                taken: refusal.taken,
                again_in: refusal.wait.saturating_sub(passed),
            };
            (id.clone(), seen)
        });
        let all = self.offerings.values().map(|offering| offering.name_any());
        let withdrawn = self.index.withdrawn().iter();
        let withdrawn: BTreeMap<String, usize> = withdrawn
            .map(|(service, customers)| (service.clone(), customers.len()))
            .collect();
        let unchecked = all.filter(|name| !self.pieces.offerings.contains_key(name));
        ServicesSeen {
            unchecked: unchecked.collect(),
            offerings: Arc::clone(&self.pieces.offerings),
            plurals: Arc::clone(&self.pieces.plurals),
            pieces: pieces.collect(),
            refused: refused.collect(),
            crowd: if withdrawn.is_empty() {
                usize::MAX
            } else {
                crowd_limit(self.customers_known())
            },
            withdrawn,
        }
    }
}
