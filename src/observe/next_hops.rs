//! What a mail server connects to for a route: the Service of a route's own, and who has an address.

use std::collections::BTreeSet;
use std::net::IpAddr;

use kube::ResourceExt;

use super::relations::keys;
use super::table::Change;
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::PostalRoute;
use crate::domain::fingerprint::ChildKind;
use crate::plan::observed::ChildSeen;
use crate::plan::{Key, Kind};

/// Where a relay is that is given by address.
pub(super) type Address = (IpAddr, i32);

/// Where a route leads, if its host is an address.
fn address(route: &PostalRoute) -> Option<Address> {
    Some((route.spec.host.parse().ok()?, route.spec.port))
}

impl World {
    /// The Service that names a route's next hop.
    pub(super) fn next_hop(&self, route: &Key) -> Option<ChildSeen> {
        let services = self.children.get(&ChildKind::Service)?;
        let service = services.get(&route.namespace, &route.name)?;
        Some(service.seen.clone())
    }

    /// The oldest route to the same address and port, unless it is this one: Postfix knows credentials by the address, so the mail
    /// service uses no other one.
    pub(super) fn address_of(&self, key: &Key, route: &PostalRoute) -> Option<String> {
        let all = self.addresses.of(&address(route)?);
        let ages = all.filter_map(|(namespace, name)| {
            let route = self.own::<PostalRoute>(namespace, name)?;
            let made = route.creation_timestamp().map(|made| made.0);
            Some((made, format!("{namespace}/{name}")))
        });
        let (_, oldest) = ages.min()?;
        (oldest != key.id()).then_some(oldest)
    }

    /// Notes which address a route leads to; gives the routes that lead to where it did, and does.
    pub(super) fn address_changed(
        &mut self,
        change: &Change<Tolerant<PostalRoute>>,
    ) -> BTreeSet<Key> {
        let at = |route: &Option<Tolerant<PostalRoute>>| {
            let route = route.as_ref()?.object().ok()?;
            Some((address(route)?, route.uid()))
        };
        let (old, new) = (at(&change.old), at(&change.new));
        if old == new {
            return BTreeSet::new();
        }
        let mut concerned = BTreeSet::new();
        for (address, _) in old.iter().chain(&new) {
            concerned.extend(keys(Kind::PostalRoute, self.addresses.of(address)));
        }
        if let Some((address, _)) = &old {
            self.addresses.remove(address, &change.id);
        }
        if let Some((address, _)) = new {
            self.addresses.add(address, change.id.clone());
        }
        concerned
    }
}
