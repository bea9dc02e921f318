//! Reverse maps: from a plan, route, domain or number to the customers that refer to it.
//!
//! What a customer refers to depends on its path, so an entry is made anew when the customer, its tenant namespace, or a partner
//! above changes ([`super::relations`]).

pub mod requests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::table::Id;
use crate::domain::domains;
use crate::plan::{Key, Kind};

/// Sets of values by key; an empty set takes no room.
#[derive(Debug)]
pub struct Multi<K, V>(HashMap<K, BTreeSet<V>>);

impl<K, V> Default for Multi<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Ord> Multi<K, V> {
    /// Adds a value to a key's set.
    pub fn add(&mut self, key: K, value: V) {
        self.0.entry(key).or_default().insert(value);
    }

    /// Removes a value from a key's set.
    pub fn remove(&mut self, key: &K, value: &V) {
        if let Some(set) = self.0.get_mut(key) {
            set.remove(value);
            if set.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// The values of a key, in order.
    pub fn of<'a>(&'a self, key: &K) -> impl Iterator<Item = &'a V> + use<'a, K, V> {
        self.0.get(key).into_iter().flatten()
    }

    /// How many values a key has.
    pub fn count(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, BTreeSet::len)
    }
}

/// A provider, if the path leads to one, and a customer number.
pub type ProviderNumber = (Option<String>, String);

/// Who claims a customer number or a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claimant {
    /// A Customer that asks for it.
    Customer(Id),
    /// A tenant namespace on which it is recorded.
    Tenant(String),
}

/// A route that a customer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteReference {
    /// Its name.
    pub name: String,
    /// The partner namespace where it was found.
    pub namespace: Option<String>,
    /// Whether it is only there because it was in force before: the path no longer leads to it.
    pub withdrawn: bool,
}

impl Claimant {
    /// The key of a Customer.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Customer((namespace, name)) => Some(Key::new(Kind::Customer, namespace, name)),
            Self::Tenant(_) => None,
        }
    }
}

/// What one customer refers to, as its spec and path say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// The partner at the top of its path.
    pub provider: Option<String>,
    /// The plan asked for.
    pub plan: Option<String>,
    /// The plan recorded as in force.
    pub plan_in_force: Option<String>,
    /// The services it asks for, or that are written down of it.
    pub services: BTreeSet<String>,
    /// Those of them that it has, or of which objects are left.
    pub services_kept: BTreeSet<String>,
    /// The routes asked for, best first.
    pub routes: Vec<RouteReference>,
    /// The domain for hosts.
    pub domain: Option<String>,
    /// The number asked for in the spec.
    pub number: Option<String>,
}

/// All reverse maps.
#[derive(Debug, Default)]
pub struct Index {
    references: HashMap<Id, References>,
    by_plan: Multi<String, Id>,
    by_service: Multi<String, Id>,
    /// Customers of which a service is stopped that their path no longer offers.
    withdrawn: BTreeMap<String, BTreeSet<Id>>,
    by_route: Multi<Id, Id>,
    by_route_name: Multi<String, Id>,
    by_number: Multi<ProviderNumber, Claimant>,
    by_domain: BTreeMap<String, BTreeSet<Claimant>>,
    tenant_numbers: HashMap<String, ProviderNumber>,
    tenant_domains: HashMap<String, String>,
}

impl Index {
    /// What a customer refers to.
    pub fn references(&self, customer: &Id) -> Option<&References> {
        self.references.get(customer)
    }

    /// Puts a customer's references in place of its former ones, which are given back; `None` takes them away.
    pub fn set(&mut self, customer: &Id, references: Option<References>) -> Option<References> {
        let old = self.references.remove(customer);
        if let Some(old) = &old {
            self.unlink(customer, old);
        }
        if let Some(new) = references {
            self.link(customer, &new);
            self.references.insert(customer.clone(), new);
        }
        old
    }

    fn link(&mut self, customer: &Id, references: &References) {
        let References {
            provider,
            plan,
            plan_in_force,
            services,
            services_kept: _,
            routes,
            domain,
            number,
        } = references;
        for plan in [plan, plan_in_force].into_iter().flatten() {
            self.by_plan.add(plan.clone(), customer.clone());
        }
        for service in services {
            self.by_service.add(service.clone(), customer.clone());
        }
        for RouteReference {
            name, namespace, ..
        } in routes
        {
            self.by_route_name.add(name.clone(), customer.clone());
            if let Some(namespace) = namespace {
                self.by_route
                    .add((namespace.clone(), name.clone()), customer.clone());
            }
        }
        if let Some(domain) = domain {
            self.claim_domain(domain, Claimant::Customer(customer.clone()));
        }
        if let Some(number) = number {
            self.by_number.add(
                (provider.clone(), number.clone()),
                Claimant::Customer(customer.clone()),
            );
        }
    }

    fn unlink(&mut self, customer: &Id, references: &References) {
        let References {
            provider,
            plan,
            plan_in_force,
            services,
            services_kept: _,
            routes,
            domain,
            number,
        } = references;
        for plan in [plan, plan_in_force].into_iter().flatten() {
            self.by_plan.remove(plan, customer);
        }
        for service in services {
            self.by_service.remove(service, customer);
        }
        for RouteReference {
            name, namespace, ..
        } in routes
        {
            self.by_route_name.remove(name, customer);
            if let Some(namespace) = namespace {
                self.by_route
                    .remove(&(namespace.clone(), name.clone()), customer);
            }
        }
        if let Some(domain) = domain {
            self.release_domain(domain, &Claimant::Customer(customer.clone()));
        }
        if let Some(number) = number {
            self.by_number.remove(
                &(provider.clone(), number.clone()),
                &Claimant::Customer(customer.clone()),
            );
        }
    }

    fn claim_domain(&mut self, domain: &str, claimant: Claimant) {
        let claimants = self.by_domain.entry(domains::reversed(domain));
        claimants.or_default().insert(claimant);
    }

    fn release_domain(&mut self, domain: &str, claimant: &Claimant) {
        let reversed = domains::reversed(domain);
        if let Some(claimants) = self.by_domain.get_mut(&reversed) {
            claimants.remove(claimant);
            if claimants.is_empty() {
                self.by_domain.remove(&reversed);
            }
        }
    }

    /// Puts the domain recorded on a tenant namespace in place of its former one, which is given back.
    pub fn set_tenant_domain(&mut self, namespace: &str, domain: Option<String>) -> Option<String> {
        let claimant = Claimant::Tenant(namespace.to_owned());
        let old = self.tenant_domains.remove(namespace);
        if let Some(old) = &old {
            self.release_domain(old, &claimant);
        }
        if let Some(domain) = domain {
            self.claim_domain(&domain, claimant);
            self.tenant_domains.insert(namespace.to_owned(), domain);
        }
        old
    }

    /// Puts the number (with its provider) recorded on a tenant namespace in place of its former one, which is given back.
    pub fn set_tenant_number(
        &mut self,
        namespace: &str,
        number: Option<ProviderNumber>,
    ) -> Option<ProviderNumber> {
        let claimant = Claimant::Tenant(namespace.to_owned());
        let old = self.tenant_numbers.remove(namespace);
        if let Some(old) = &old {
            self.by_number.remove(old, &claimant);
        }
        if let Some(number) = number {
            self.by_number.add(number.clone(), claimant);
            self.tenant_numbers.insert(namespace.to_owned(), number);
        }
        old
    }

    /// Customers that ask for a plan or live by it.
    pub fn with_plan<'a>(&'a self, plan: &str) -> impl Iterator<Item = &'a Id> + use<'a> {
        self.by_plan.of(&plan.to_owned())
    }

    /// Customers that ask for a service or of which it is written down.
    pub fn with_service<'a>(&'a self, service: &str) -> impl Iterator<Item = &'a Id> + use<'a> {
        self.by_service.of(&service.to_owned())
    }

    /// Notes which services of a customer are stopped because its path no longer offers them; whether that is news.
    pub fn set_withdrawn(&mut self, customer: &Id, services: &BTreeSet<String>) -> bool {
        let mut news = false;
        for service in services {
            let customers = self.withdrawn.entry(service.clone()).or_default();
            news |= customers.insert(customer.clone());
        }
        self.withdrawn.retain(|service, customers| {
            if !services.contains(service) {
                news |= customers.remove(customer);
            }
            !customers.is_empty()
        });
        news
    }

    /// Services that are stopped because a path no longer offers them, with the customers of which they are.
    pub fn withdrawn(&self) -> &BTreeMap<String, BTreeSet<Id>> {
        &self.withdrawn
    }

    /// Customers whose list leads to this route.
    pub fn with_route<'a>(
        &'a self,
        namespace: &str,
        name: &str,
    ) -> impl Iterator<Item = &'a Id> + use<'a> {
        self.by_route.of(&(namespace.to_owned(), name.to_owned()))
    }

    /// Customers that have a route of this name on their list, found or not.
    pub fn with_route_name<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Id> + use<'a> {
        self.by_route_name.of(&name.to_owned())
    }

    /// Who claims a number under a provider.
    pub fn with_number<'a>(
        &'a self,
        provider: Option<&str>,
        number: &str,
    ) -> impl Iterator<Item = &'a Claimant> + use<'a> {
        self.by_number
            .of(&(provider.map(ToOwned::to_owned), number.to_owned()))
    }

    /// Whether nobody claims a number under a provider.
    pub fn number_is_free(&self, provider: Option<&str>, number: &str) -> bool {
        self.by_number
            .count(&(provider.map(ToOwned::to_owned), number.to_owned()))
            == 0
    }

    /// Who claims a domain that equals this one, or is above or below it.
    pub fn in_the_way(&self, domain: &str) -> Vec<&Claimant> {
        let reversed = domains::reversed(domain);
        let below = self
            .by_domain
            .range(reversed.clone()..)
            .take_while(|(candidate, _)| candidate.starts_with(&reversed))
            .flat_map(|(_, claimants)| claimants);
        let ends = reversed
            .match_indices('.')
            .map(|(at, _)| at + 1)
            .filter(|&end| end < reversed.len());
        let above = ends
            .filter_map(|end| self.by_domain.get(&reversed[..end]))
            .flatten();
        below.chain(above).collect()
    }
}

#[cfg(test)]
mod tests;
