//! Contact lists: which a tenant has, whom they concern, and what is read of one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::relations::essence;
use super::table::{Change, Id};
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::{ContactList, Customer, meta};
use crate::domain::names::{partner_namespace, tenant_of};
use crate::plan::observed::lists::{ContentsSeen, ListObserved, ListSeen};
use crate::plan::observed::routes::Tried;
use crate::plan::{Key, Kind};

/// The digest that a list's status says is approved.
fn approved(list: Option<&Tolerant<ContactList>>) -> Option<&str> {
    let status = list?.object().ok()?.status.as_ref()?;
    status.approved.as_deref()
}

/// Whether a customer's lists wait for approval.
fn validates(customer: Option<&Tolerant<Customer>>) -> Option<bool> {
    let customer = customer?.object().ok()?;
    Some(customer.spec.sending.unwrap_or_default().validates_lists())
}

impl World {
    /// The customer, which names the list.
    pub(super) fn list_concerns(
        &mut self,
        change: &Change<Tolerant<ContactList>>,
    ) -> BTreeSet<Key> {
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if essence(old) == essence(new) && approved(old) == approved(new) {
            return BTreeSet::new();
        }
        let customer = self.customer_in(&change.id.0);
        let customer = customer.map(|(home, name)| Key::new(Kind::Customer, &home, &name));
        customer.into_iter().collect()
    }

    /// Lists that are approved otherwise, or may be, after a customer has changed.
    pub(super) fn lists_concerned(
        &self,
        customer: &Id,
        old: Option<&Tolerant<Customer>>,
        new: Option<&Tolerant<Customer>>,
    ) -> Vec<Key> {
        if validates(old) == validates(new) {
            return Vec::new();
        }
        self.lists_keys(customer)
    }

    /// The lists of a customer.
    pub(super) fn lists_keys(&self, customer: &Id) -> Vec<Key> {
        let Some(tenant) = tenant_of(&customer.0, &customer.1) else {
            return Vec::new();
        };
        let lists = self.inside.of(&(Kind::ContactList, tenant.clone()));
        lists
            .map(|name| Key::new(Kind::ContactList, &tenant, name))
            .collect()
    }

    /// The lists in a tenant that are not going, in alphabetical order.
    pub(super) fn lists_in(&self, tenant: &str) -> Vec<ListSeen> {
        let lists = self.inside.of(&(Kind::ContactList, tenant.to_owned()));
        lists
            .filter_map(|name| {
                let list = self.own::<ContactList>(tenant, name)?;
                let told = list.status.as_ref()?.approved.as_ref();
                let approved = told == Some(&list.spec.sha256);
                let contents = list.spec.contents.as_ref();
                let stays = list.metadata.deletion_timestamp.is_none();
                stays.then(|| ListSeen {
                    name: name.clone(),
                    sha256: list.spec.sha256.clone(),
                    entries: list.spec.entries,
                    approved,
                    secret: contents.is_some_and(|contents| contents.secret_key.is_some()),
                })
            })
            .collect()
    }

    /// The customer of a tenant namespace, whether it exists or not.
    fn customer_in(&self, namespace: &str) -> Option<Id> {
        let tenant = self
            .namespace(namespace)
            .filter(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT)?;
        Some((
            partner_namespace(tenant.label(meta::LABEL_PARTNER)),
            tenant.label(meta::LABEL_CUSTOMER).to_owned(),
        ))
    }

    /// Whether a namespace is a customer's tenant. Nothing is read in another one.
    pub fn is_tenant(&self, namespace: &str) -> bool {
        self.customer_in(namespace).is_some()
    }

    /// Everything about one contact list, with what was read of it.
    pub fn list(&self, key: &Key, contents: Tried<ContentsSeen>) -> Option<ListObserved> {
        let list: Arc<ContactList> = self.own(&key.namespace, &key.name)?;
        let customer = self.customer_in(&key.namespace);
        Some(ListObserved {
            list,
            in_tenant: customer.is_some(),
            customer: customer.and_then(|(home, name)| self.own(&home, &name)),
            contents,
        })
    }
}
