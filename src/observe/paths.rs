//! Ways through the world: down a partner's subtree, up its path, from a customer to its users and back.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::table::Id;
use super::world::World;
use crate::api::{CustomerUser, Partner, meta};
use crate::domain::lineage::{Lineage, Place};
use crate::domain::names::{partner_namespace, tenant_of};
use crate::plan::{Key, Kind};

/// Longest partner path.
const DEEPEST: usize = 32;

impl World {
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
    pub(super) fn owner_of(&self, namespace: &str) -> Option<Key> {
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
    pub(super) fn partners_above(&self, namespace: &str) -> BTreeSet<Key> {
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
        if let Some(tenant) = tenant_of(&customer.0, &customer.1) {
            users.extend(
                self.inside
                    .of(&(Kind::CustomerUser, tenant.clone()))
                    .map(|name| (tenant.clone(), name.clone())),
            );
        }
        users
    }

    pub(super) fn users_keys(&self, customer: &Id) -> Vec<Key> {
        self.users_ids(customer)
            .iter()
            .map(|(namespace, name)| Key::new(Kind::CustomerUser, namespace, name))
            .collect()
    }

    /// What a namespace is to the objects in it.
    pub fn place(&self, namespace: &str) -> Place {
        if namespace == meta::PARTNERS_NAMESPACE {
            return Place::Root;
        }
        let tenant = self
            .namespace(namespace)
            .is_some_and(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT);
        match self.lineage(namespace) {
            Some(lineage) => Place::Partner(lineage),
            None if tenant => Place::Elsewhere,
            None if namespace.starts_with(meta::PARTNER_NAMESPACE_PREFIX) => Place::Coming,
            None => Place::Elsewhere,
        }
    }

    /// The partner path that leads to a partner's own namespace; none if a partner on it is not in order.
    pub fn lineage(&self, namespace: &str) -> Option<Lineage> {
        let mut bottom_first = Vec::new();
        let mut at = namespace.to_owned();
        // Namespaces are owned by objects in other namespaces, each made before what is below it; the bound is for a world that
        // was edited by hand into a circle.
        while at != meta::PARTNERS_NAMESPACE && bottom_first.len() < DEEPEST {
            let seen = self.namespace(&at)?;
            let (name, parent) = (
                seen.label(meta::LABEL_PARTNER),
                seen.label(meta::LABEL_PARENT),
            );
            let partner = self.own::<Partner>(parent, name)?;
            if !seen.is_own_of(name, parent, &partner.uid().unwrap_or_default()) {
                return None;
            }
            parent.clone_into(&mut at);
            bottom_first.push(partner);
        }
        let whole = at == meta::PARTNERS_NAMESPACE && !bottom_first.is_empty();
        bottom_first.reverse();
        whole.then(|| Lineage::new(bottom_first))
    }
}
