//! Who may send, where to and how much: what is kept of customers, partners and routes.
//!
//! Fed by watches, asked for every message. Of each object only what a decision needs is kept, so that ten thousand customers take a
//! few megabytes. It judges nothing that the operator has judged (access, limits in force, routes in force are in a customer's
//! status), but what must hold to the second it looks at itself: a customer that is going, on hold or not active by its own spec, and
//! the end of a trial by the clock, so that each stops mail even while the operator is down.
//!
//! It fails closed: who is not known, or whose object cannot be read, may not send.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kube::ResourceExt;
use kube::runtime::watcher::Event;
use tokio::sync::watch;

use super::sender::{Partner, Refusal, Route, Sender};
use crate::api;
use crate::domain::names::tenant_of;
use crate::observe::tolerant::Tolerant;

/// What is known. Shared by all who ask.
#[derive(Debug)]
pub struct Directory {
    tables: RwLock<Tables>,
    whole: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Tables {
    /// By login.
    senders: Table<Sender>,
    /// By `namespace/name`.
    partners: Table<Partner>,
    /// By `namespace/name`.
    routes: Table<Route>,
    /// Of routes whose host is an IP address: the one that has it, by address and port.
    addresses: HashMap<(IpAddr, u16), Arc<str>>,
}

/// All that is known about one sender, as of one moment.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The customer.
    pub sender: Arc<Sender>,
    /// The partners on its path, from the top down, each with the time zone in which its windows are.
    pub partners: Vec<(Arc<Partner>, TimeZone)>,
    /// Its routes in order of preference, each with its place in the customer's list and the time zone of the partner it belongs to.
    pub routes: Vec<(u8, Arc<Route>, TimeZone)>,
}

impl Standing {
    /// The time zone of the customer's windows.
    pub fn zone(&self) -> TimeZone {
        let nearest = self.partners.last();
        nearest.map_or(TimeZone::UTC, |(_, zone)| zone.clone())
    }
}

/// Why a question has no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Not everything has been seen yet.
    NotYet,
    /// The sender may not send.
    Refused(Refusal),
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            tables: RwLock::default(),
            whole: watch::Sender::new(false),
        }
    }
}

impl Directory {
    /// Whether everything has been seen once.
    pub fn is_whole(&self) -> bool {
        *self.whole.borrow()
    }

    /// Completes when everything has been seen once.
    pub async fn whole(&self) {
        // It fails only when there is no sender any more, and that is `self`.
        let _ = self.whole.subscribe().wait_for(|whole| *whole).await;
    }

    /// How many customers are known.
    pub fn customers(&self) -> usize {
        self.read().senders.entries.len()
    }

    /// All logins.
    pub fn logins(&self) -> Vec<Arc<str>> {
        self.read().senders.entries.keys().cloned().collect()
    }

    /// The names of all partners' and routes' accounts.
    pub fn shared_accounts(&self) -> Vec<Arc<str>> {
        let tables = self.read();
        let partners = tables.partners.entries.values();
        let routes = tables.routes.entries.values();
        partners
            .map(|partner| Arc::clone(&partner.account))
            .chain(routes.map(|route| Arc::clone(&route.account)))
            .collect()
    }

    /// The sender of this login, whether or not it may send.
    pub fn sender(&self, login: &str) -> Option<Arc<Sender>> {
        self.read().senders.get(login)
    }

    /// Who sends, if they may at this moment.
    ///
    /// # Errors
    /// When they may not, or it cannot be said yet.
    pub fn look(&self, login: &str, now: Timestamp) -> Result<Standing, Unknown> {
        if !self.is_whole() {
            return Err(Unknown::NotYet);
        }
        let tables = self.read();
        let sender = tables.senders.get(login);
        let sender = sender.ok_or(Unknown::Refused(Refusal::Unknown))?;
        sender.may_send(now).map_err(Unknown::Refused)?;
        tables
            .standing(sender)
            .ok_or(Unknown::Refused(Refusal::PartnerUnknown))
    }

    /// What is known about a sender, whether or not it may send.
    pub fn standing(&self, login: &str) -> Option<Standing> {
        let tables = self.read();
        tables.standing(tables.senders.get(login)?)
    }

    /// The route that a next hop or its host name stands for. An address without a port stands for none: it may be several.
    pub fn route_at(&self, host: &str, port: Option<u16>) -> Option<Arc<Route>> {
        let tables = self.read();
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let owner = tables.addresses.get(&(address, port?))?;
                tables.routes.get(owner)
            }
            Err(_) => {
                let (name, namespace) = host.strip_suffix(".svc")?.split_once('.')?;
                let route = tables.routes.get(&format!("{namespace}/{name}"))?;
                (port.is_none_or(|port| port == route.port) && route.address().is_none())
                    .then_some(route)
            }
        }
    }

    /// Takes in what the watch on Customers says.
    pub fn customer(&self, event: Event<Tolerant<api::Customer>>) {
        self.take_in(
            event,
            |tables| &mut tables.senders,
            |customer| {
                let login = tenant_of(&customer.namespace()?, &customer.name_any())?;
                Some((login, Sender::read(customer)))
            },
        );
    }

    /// Takes in what the watch on Partners says.
    pub fn partner(&self, event: Event<Tolerant<api::Partner>>) {
        self.take_in(
            event,
            |tables| &mut tables.partners,
            |partner| Some((place(partner)?, Partner::read(partner))),
        );
    }

    /// Takes in what the watch on PostalRoutes says.
    pub fn route(&self, event: Event<Tolerant<api::PostalRoute>>) {
        self.take_in(
            event,
            |tables| &mut tables.routes,
            |route| Some((place(route)?, Route::read(route))),
        );
        self.write().settle_addresses();
    }

    fn take_in<K, V>(
        &self,
        event: Event<Tolerant<K>>,
        table: impl Fn(&mut Tables) -> &mut Table<V>,
        read: impl Fn(&Tolerant<K>) -> Option<(String, Option<V>)>,
    ) {
        let mut tables = self.write();
        table(&mut tables).watched(event, read);
        let complete =
            tables.senders.complete && tables.partners.complete && tables.routes.complete;
        drop(tables);
        self.whole
            .send_if_modified(|whole| !std::mem::replace(whole, *whole || complete) && complete);
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place<K: ResourceExt>(object: &K) -> Option<String> {
    Some(format!("{}/{}", object.namespace()?, object.name_any()))
}

impl Tables {
    /// None if a partner on the path is not known: then its limits are not, either.
    fn standing(&self, sender: Arc<Sender>) -> Option<Standing> {
        let mut partners = Vec::with_capacity(sender.path.len());
        let mut zone = TimeZone::UTC;
        for place in sender.partner_places() {
            let partner = self.partners.get(&place)?;
            zone = partner.zone.clone().unwrap_or(zone);
            partners.push((partner, zone.clone()));
        }
        let routes = (0_u8..).zip(&sender.routes).filter_map(|(at, name)| {
            let (route, zone) = self.nearest(&partners, name)?;
            self.has_its_address(&route).then_some((at, route, zone))
        });
        let routes = routes.collect();
        Some(Standing {
            sender,
            partners,
            routes,
        })
    }

    /// The route that a name in force means: the nearest partner's, above the customer's own an inheritable one. One that is not
    /// inheritable any more, and is in force all the same, is meant if there is no other. None of a partner that is not on the path.
    fn nearest(
        &self,
        partners: &[(Arc<Partner>, TimeZone)],
        name: &str,
    ) -> Option<(Arc<Route>, TimeZone)> {
        let mut withdrawn = None;
        for (above, (partner, zone)) in partners.iter().rev().enumerate() {
            let Some(route) = self.routes.get(&format!("{}/{name}", partner.namespace())) else {
                continue;
            };
            if above == 0 || route.inheritable {
                return Some((route, zone.clone()));
            }
            withdrawn.get_or_insert_with(|| (route, zone.clone()));
        }
        withdrawn
    }

    /// Postfix knows a relay's credentials by the next hop. Where that is an address, only one route can have it.
    fn has_its_address(&self, route: &Route) -> bool {
        route.address().is_none_or(|address| {
            self.addresses
                .get(&(address, route.port))
                .is_some_and(|owner| **owner == *route.id)
        })
    }

    /// The oldest route has an address.
    fn settle_addresses(&mut self) {
        if !self.routes.complete {
            return;
        }
        let mut by_age: Vec<&Arc<Route>> = self.routes.entries.values().collect();
        by_age.retain(|route| route.address().is_some());
        by_age.sort_by(|a, b| (a.made, &a.id).cmp(&(b.made, &b.id)));
        self.addresses.clear();
        for route in by_age {
            if let Some(address) = route.address() {
                let owner = self.addresses.entry((address, route.port));
                owner.or_insert_with(|| Arc::clone(&route.id));
            }
        }
    }
}

/// Entries by key, as one watch tells of them.
#[derive(Debug)]
struct Table<V> {
    entries: HashMap<Arc<str>, Arc<V>>,
    /// While everything is listed anew: what was listed so far.
    listing: HashSet<Arc<str>>,
    complete: bool,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            listing: HashSet::new(),
            complete: false,
        }
    }
}

impl<V> Table<V> {
    fn get(&self, key: &str) -> Option<Arc<V>> {
        self.entries.get(key).map(Arc::clone)
    }

    fn watched<K>(
        &mut self,
        event: Event<Tolerant<K>>,
        read: impl Fn(&Tolerant<K>) -> Option<(String, Option<V>)>,
    ) {
        match event {
            Event::Init => self.listing = HashSet::new(),
            Event::InitApply(object) => {
                if let Some(key) = self.put(read(&object)) {
                    self.listing.insert(key);
                }
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listing);
                self.entries.retain(|key, _| listed.contains(key));
                self.complete = true;
            }
            Event::Apply(object) => {
                self.put(read(&object));
            }
            Event::Delete(object) => {
                if let Some((key, _)) = read(&object) {
                    self.entries.remove(&*key);
                }
            }
        }
    }

    /// Keeps an entry; what cannot be read is not kept, nor what was known of it before.
    fn put(&mut self, entry: Option<(String, Option<V>)>) -> Option<Arc<str>> {
        let (key, value) = entry?;
        let Some(value) = value else {
            self.entries.remove(&*key);
            return None;
        };
        let key: Arc<str> = self
            .entries
            .get_key_value(&*key)
            .map_or_else(|| key.into(), |(key, _)| Arc::clone(key));
        self.entries.insert(Arc::clone(&key), Arc::new(value));
        Some(key)
    }
}
