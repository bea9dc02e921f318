//! What only one customer may have, and who else claims it: numbers under a provider, domains.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use kube::ResourceExt;

use super::index::{Claimant, ProviderNumber};
use super::relations::keys;
use super::table::Id;
use super::world::World;
use crate::api::{Customer, meta};
use crate::domain::claims::Claim;
use crate::domain::facts::TenantFacts;
use crate::domain::names::{partner_namespace, tenant_of};
use crate::domain::number;
use crate::plan::observed::NamespaceSeen;
use crate::plan::{Key, Kind};

/// Numbers that are being given: decided, but not yet seen to be recorded on a namespace. Without them, somebody who is looked at
/// meanwhile, and has the better claim, would be given the same one. By provider and number: the customer, and its UID.
pub(super) type Promised = HashMap<ProviderNumber, (Id, String)>;

impl World {
    /// Whether a customer asks for a number that is not recorded yet.
    pub fn is_number_open(&self, key: &Key) -> bool {
        let customer = self.own::<Customer>(&key.namespace, &key.name);
        if customer.is_none_or(|customer| customer.spec.customer_number.is_none()) {
            return false;
        }
        let tenant = tenant_of(&key.namespace, &key.name);
        let tenant = tenant.and_then(|tenant| self.namespace(&tenant));
        let facts = tenant.map(|tenant| TenantFacts::read(&tenant.annotations));
        facts.is_none_or(|facts| facts.customer_number.is_none())
    }

    /// Takes note of whether a customer is given the number that it asks for; gives those who are to be looked at, since it is not
    /// given it any more.
    pub fn promise_number(&mut self, key: &Key, given: Option<&str>) -> BTreeSet<Key> {
        let id: Id = (key.namespace.to_string(), key.name.to_string());
        let Some(customer) = self.own::<Customer>(&key.namespace, &key.name) else {
            return BTreeSet::new();
        };
        let Some(number) = customer.spec.customer_number.clone() else {
            return BTreeSet::new();
        };
        let provider = self
            .index
            .references(&id)
            .and_then(|references| references.provider.clone());
        let promise = (provider, number);
        if given == Some(&*promise.1) {
            let uid = customer.uid().unwrap_or_default();
            self.promised.insert(promise, (id, uid));
            return BTreeSet::new();
        }
        if self
            .promised
            .get(&promise)
            .is_none_or(|(other, _)| *other != id)
        {
            return BTreeSet::new();
        }
        self.promised.remove(&promise);
        let rivals = self.index.with_number(promise.0.as_deref(), &promise.1);
        let rivals = rivals.filter_map(|claimant| match claimant {
            Claimant::Customer(other) if *other != id => Some(other),
            _ => None,
        });
        keys(Kind::Customer, rivals).collect()
    }

    /// The customer that a number is promised to, if it is still the one that asked for it.
    fn promised(&self, provider: Option<&str>, number: &str) -> Option<&Id> {
        let promise = (provider.map(ToOwned::to_owned), number.to_owned());
        let (id, uid) = self.promised.get(&promise)?;
        let customer = self.own::<Customer>(&id.0, &id.1)?;
        let same = customer.uid().as_ref() == Some(uid)
            && customer.spec.customer_number.as_deref() == Some(number);
        same.then_some(id)
    }

    pub(super) fn free_number(&self, provider: Option<&str>, uid: &str) -> String {
        // Of 2^40 numbers a second try is already one in many millions; the bound is for totality.
        let free = (0..64)
            .map(|attempt| number::generate(uid, attempt))
            .find(|n| self.index.number_is_free(provider, n));
        free.unwrap_or_else(|| number::generate(uid, 64))
    }

    pub(super) fn number_claims(
        &self,
        id: &Id,
        tenant: &str,
        customer: &Customer,
        provider: Option<&str>,
    ) -> Vec<Claim> {
        let Some(number) = &customer.spec.customer_number else {
            return Vec::new();
        };
        let claims =
            self.index
                .with_number(provider, number)
                .filter_map(|claimant| match claimant {
                    Claimant::Customer(other) if other == id => None,
                    Claimant::Customer(other) => Some(self.claim(other)),
                    Claimant::Tenant(namespace) if namespace == tenant => None,
                    Claimant::Tenant(namespace) => Some(Claim {
                        id: namespace.clone(),
                        recorded: true,
                        created: None,
                    }),
                });
        let promised = self
            .promised(provider, number)
            .filter(|other| *other != id)
            .map(|(namespace, name)| Claim {
                id: format!("{namespace}/{name}"),
                recorded: true,
                created: None,
            });
        claims.chain(promised).collect()
    }

    pub(super) fn domain_claims(&self, id: &Id, tenant: &str, domain: Option<&str>) -> Vec<Claim> {
        let others = domain
            .map(|domain| self.index.in_the_way(domain))
            .unwrap_or_default();
        let claims = others.into_iter().filter_map(|claimant| match claimant {
            Claimant::Customer(other) if other == id => None,
            Claimant::Customer(other) => Some(self.claim(other)),
            Claimant::Tenant(namespace) if namespace == tenant => None,
            Claimant::Tenant(namespace) => self.tenants_claim(namespace),
        });
        claims.collect()
    }

    fn claim(&self, customer: &Id) -> Claim {
        let object = self.own::<Customer>(&customer.0, &customer.1);
        let tenant = tenant_of(&customer.0, &customer.1)
            .and_then(|tenant| self.namespace(&tenant))
            .filter(|tenant| {
                let uid = object.as_ref().and_then(|object| object.uid());
                Some(tenant.label(meta::LABEL_CUSTOMER_UID)) == uid.as_deref()
            });
        let made = object.and_then(|object| object.creation_timestamp());
        Claim {
            id: format!("{}/{}", customer.0, customer.1),
            recorded: false,
            created: tenant.and_then(since).or(made.map(|time| time.0)),
        }
    }

    /// What a tenant claims whose Customer is gone, cannot be read or is another one; its own speaks for itself.
    fn tenants_claim(&self, namespace: &str) -> Option<Claim> {
        let tenant = self.namespace(namespace)?;
        let home = partner_namespace(tenant.label(meta::LABEL_PARTNER));
        let customer = tenant.label(meta::LABEL_CUSTOMER);
        let object = self.own::<Customer>(&home, customer);
        let uid = object.and_then(|object| object.uid());
        if uid.as_deref() == Some(tenant.label(meta::LABEL_CUSTOMER_UID)) {
            return None;
        }
        Some(Claim {
            id: format!("{home}/{customer}"),
            recorded: false,
            created: since(tenant),
        })
    }
}

/// When the customer of a tenant was first made.
fn since(tenant: &NamespaceSeen) -> Option<Timestamp> {
    let facts = TenantFacts::read(&tenant.annotations);
    facts.customer_since?.parse().ok()
}
