//! What SMTP logins depend on beyond the customer itself.

use std::collections::BTreeSet;

use super::index::References;
use super::world::World;
use crate::api::meta;
use crate::domain::fingerprint::ChildKind;
use crate::plan::{Key, Kind};

impl References {
    /// Whether there is a route.
    pub fn sends(&self) -> bool {
        self.routes.iter().any(|route| route.namespace.is_some())
    }
}

impl World {
    /// Whether the operator may write what logins are checked against in a partner's namespace, as far as is seen.
    pub(super) fn logins_open(&self, namespace: &str) -> bool {
        let bindings = self.children.get(&ChildKind::RoleBinding);
        bindings.is_some_and(|bindings| bindings.get(namespace, meta::SMTP_LOGINS_ROLE).is_some())
    }

    /// Whether a customer in this namespace has a route.
    pub(super) fn has_senders(&self, namespace: &str) -> bool {
        let customers = self.inside.of(&(Kind::Customer, namespace.to_owned()));
        customers
            .filter_map(|name| self.index.references(&(namespace.to_owned(), name.clone())))
            .any(References::sends)
    }

    /// Whom a binding of this name in a partner's namespace concerns beside its partner: whose logins wait for it.
    pub(super) fn waiting_for(&self, namespace: &str, name: &str) -> BTreeSet<Key> {
        if name != meta::SMTP_LOGINS_ROLE {
            return BTreeSet::new();
        }
        let customers = self.inside.of(&(Kind::Customer, namespace.to_owned()));
        customers
            .map(|name| Key::new(Kind::Customer, namespace, name))
            .collect()
    }
}
