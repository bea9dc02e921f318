//! Ways through the world: down a partner's subtree, up its path, from a customer to its users and back.

use std::collections::BTreeSet;

use super::table::Id;
use super::world::World;
use crate::api::{CustomerUser, meta};
use crate::domain::names::{partner_namespace, tenant_of};
use crate::plan::{Key, Kind};

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
}
