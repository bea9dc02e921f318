//! Everything about one object, gathered from the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::table::Id;
use super::world::World;
use crate::api::{
    ConditionType, Customer, CustomerUser, Partner, PostalRoute, ServiceOffering, ServicePlan,
    holds, meta,
};
use crate::domain::entitlement;
use crate::domain::facts::TenantFacts;
use crate::domain::fingerprint::ChildKind;
use crate::domain::names::{partner_namespace, tenant_namespace, tenant_of};
use crate::domain::people::{self, Person, ROLES};
use crate::plan::observed::routes::{RouteChecked, RouteObserved};
use crate::plan::observed::services::{Checked, OfferingObserved};
use crate::plan::observed::{
    CustomerObserved, Departure, PartnerObserved, RouteSeen, RouteState, ServicePlanObserved,
    SmtpServer, UserObserved, UserSeen,
};
use crate::plan::{Key, Kind};

/// What of a customer has gone with its CRD or namespace, as the API server says.
#[derive(Clone, Copy, Debug, Default)]
pub struct SweptAlong {
    /// Users of whom bindings still speak.
    pub users: bool,
    /// The request on which the deletion of its tenant hangs.
    pub request: bool,
}

impl World {
    /// Everything about one customer.
    pub fn customer(
        &self,
        key: &Key,
        departure: Option<Departure>,
        swept: SweptAlong,
        operator_namespace: &str,
        smtp: Option<&SmtpServer>,
        now: Timestamp,
    ) -> Option<CustomerObserved> {
        let customer: Arc<Customer> = self.readable(key).or_else(|| self.remains(key))?;
        let id: Id = (key.namespace.to_string(), key.name.to_string());
        let home = self.place(&key.namespace);
        let partner = home
            .partner()
            .and_then(|lineage| lineage.nearest())
            .map(|partner| partner.name_any());
        // Going with its namespace, a customer may have no path any more; its tenant is found by name all the same.
        let partner = partner.or_else(|| {
            key.namespace
                .strip_prefix(meta::PARTNER_NAMESPACE_PREFIX)
                .map(ToOwned::to_owned)
        });
        let namespace = partner
            .map(|partner| tenant_namespace(&partner, &key.name))
            .unwrap_or_default();
        let tenant = self.namespace(&namespace).cloned();
        let facts = tenant
            .as_ref()
            .map(|tenant| TenantFacts::read(&tenant.annotations))
            .unwrap_or_default();
        let references = self.index.references(&id).cloned().unwrap_or_default();

        let routes = references.routes.iter().map(|route| RouteSeen {
            name: route.name.clone(),
            found: route
                .namespace
                .as_ref()
                .map(|at| (at.clone(), self.route_state(at, &route.name))),
            withdrawn: route.withdrawn,
        });
        Some(CustomerObserved {
            routes: routes.collect(),
            foreign_namespace: self.is_foreign(&namespace, now),
            children: self.children_in(&namespace),
            plan: references.plan.as_ref().and_then(|plan| self.own("", plan)),
            plan_in_force: facts.plan.as_ref().and_then(|plan| self.own("", plan)),
            smtp: smtp.cloned(),
            operator_namespace: operator_namespace.to_owned(),
            logins_open: self.logins_open(&key.namespace),
            users: self.users(&id),
            requests: self.requests_about(&id),
            lists: self.lists_in(&namespace),
            services: self.services_seen(&namespace, now),
            free_number: self.free_number(
                references.provider.as_deref(),
                &customer.uid().unwrap_or_default(),
            ),
            number_claims: self.number_claims(
                &id,
                &namespace,
                &customer,
                references.provider.as_deref(),
            ),
            domain_claims: self.domain_claims(&id, &namespace, references.domain.as_deref()),
            customer,
            home,
            tenant,
            departure,
            users_swept_along: swept.users,
            request_swept_along: swept.request,
        })
    }

    /// Whether a binding of the customer's users names somebody of whom there is no user any more.
    pub fn has_lost_people(&self, key: &Key) -> bool {
        let Some(tenant) = tenant_of(&key.namespace, &key.name) else {
            return false;
        };
        let bindings = self.children.get(&ChildKind::RoleBinding);
        let mut bound = ROLES
            .into_iter()
            .filter_map(|role| bindings?.get(&tenant, &people::binding(&key.name, role)))
            .flat_map(|binding| &binding.seen.subjects)
            .peekable();
        if bound.peek().is_none() {
            return false;
        }
        let users = self.users(&(key.namespace.to_string(), key.name.to_string()));
        bound.any(|email| users.iter().all(|user| user.person.email != *email))
    }

    fn route_state(&self, namespace: &str, name: &str) -> RouteState {
        let route = self.own::<PostalRoute>(namespace, name);
        let status = route.as_ref().and_then(|route| route.status.as_ref());
        let conditions = status
            .map(|status| status.conditions.as_slice())
            .unwrap_or_default();
        if holds(conditions, ConditionType::Accepted) {
            RouteState::Accepted
        } else if holds(conditions, ConditionType::Stalled) {
            RouteState::Refused
        } else {
            RouteState::Pending
        }
    }

    fn users(&self, customer: &Id) -> Vec<UserSeen> {
        let users = self
            .users_ids(customer)
            .into_iter()
            .filter_map(|(namespace, name)| {
                let user = self.own::<CustomerUser>(&namespace, &name)?;
                // One that belongs elsewhere, or is going, takes no place.
                let belongs = self.customer_of(&namespace, &user).as_ref() == Some(customer);
                (belongs && user.metadata.deletion_timestamp.is_none()).then(|| UserSeen {
                    person: Person {
                        id: format!("{namespace}/{name}"),
                        email: user.spec.email.clone(),
                        enabled: user.spec.enabled,
                        created: user.creation_timestamp().map(|time| time.0),
                    },
                    role: user.spec.role,
                })
            });
        users.collect()
    }

    /// Everything about one partner.
    pub fn partner(
        &self,
        key: &Key,
        operator_namespace: &str,
        smtp: Option<&SmtpServer>,
        departure: Option<Departure>,
        now: Timestamp,
    ) -> Option<PartnerObserved> {
        let partner: Arc<Partner> = self.readable(key).or_else(|| self.remains(key))?;
        let namespace = partner_namespace(&key.name);
        let above = self.place(&key.namespace);
        let own = self.namespace(&namespace).cloned();
        // Counts are of what is really below: another partner of this name has what is below it.
        let mine = own
            .as_ref()
            .is_some_and(|own| own.label(meta::LABEL_PARENT) == &*key.namespace);
        let below = if mine {
            self.namespaces_below(&namespace)
        } else {
            Vec::new()
        };
        let count = |kind| {
            below
                .iter()
                .map(|at| self.inside.count(&(kind, at.clone())))
                .sum::<usize>()
        };
        let routes_here = self.inside.of(&(Kind::PostalRoute, namespace.clone()));
        let has_secrets = routes_here
            .filter_map(|name| self.own::<PostalRoute>(&namespace, name))
            .any(|route| route.spec.credentials_secret.is_some());
        let has_logins = smtp.is_some() && self.has_senders(&namespace);
        let plans: BTreeSet<String> = self.plans.values().map(|plan| plan.name_any()).collect();
        let offerings: BTreeSet<String> = self
            .offerings
            .values()
            .map(|offering| offering.name_any())
            .collect();
        Some(PartnerObserved {
            foreign_namespace: self.is_foreign(&namespace, now),
            children: self.children_in(&namespace),
            plans: plans.into_iter().collect(),
            offerings: offerings.into_iter().collect(),
            withdrawn: self.withdrawn_in(&below),
            routes: self
                .lineage(&namespace)
                .map(|lineage| self.usable_routes(&lineage))
                .unwrap_or_default(),
            has_secrets,
            has_mail: smtp.is_some() && (has_secrets || has_logins),
            has_logins,
            customers: i64::try_from(count(Kind::Customer)).unwrap_or(i64::MAX),
            partners: i64::try_from(count(Kind::Partner)).unwrap_or(i64::MAX),
            retained: i64::try_from(self.retained_in(&below)).unwrap_or(i64::MAX),
            counted_at: self.counted_at(key),
            operator_namespace: operator_namespace.to_owned(),
            partner,
            above,
            own,
            departure,
        })
    }

    /// How many customers in these namespaces have a service stopped that their path no longer offers, by service.
    fn withdrawn_in(&self, namespaces: &[String]) -> BTreeMap<String, i64> {
        let withdrawn = self.index.withdrawn().iter();
        let counted = withdrawn.map(|(service, customers)| {
            let here = customers
                .iter()
                .filter(|(namespace, _)| namespaces.contains(namespace));
            (
                service.clone(),
                i64::try_from(here.count()).unwrap_or(i64::MAX),
            )
        });
        counted.filter(|(_, customers)| *customers > 0).collect()
    }

    fn usable_routes(&self, lineage: &crate::domain::lineage::Lineage) -> Vec<String> {
        let names: BTreeSet<String> = lineage
            .nearest_first()
            .flat_map(|partner| {
                self.inside
                    .of(&(Kind::PostalRoute, partner_namespace(&partner.name_any())))
            })
            .cloned()
            .collect();
        let found = |name: &String| {
            entitlement::find_route(name, lineage, |ns, name| self.own(ns, name)).is_some()
        };
        names.into_iter().filter(found).collect()
    }

    /// Everything about one postal route, with what was found out about it.
    pub fn route(&self, key: &Key, checked: RouteChecked) -> Option<RouteObserved> {
        let route = self.own::<PostalRoute>(&key.namespace, &key.name)?;
        let home = self.place(&key.namespace);
        let users: Vec<&Id> = self.index.with_route(&key.namespace, &key.name).collect();
        let only = users.iter().filter(|id| {
            self.index.references(id).is_some_and(|references| {
                references
                    .routes
                    .iter()
                    .filter(|route| route.namespace.is_some())
                    .count()
                    == 1
            })
        });
        let shadows = home.partner().and_then(|lineage| {
            lineage
                .nearest_first()
                .skip(1)
                .map(|partner| partner_namespace(&partner.name_any()))
                .find(|above| {
                    self.own::<PostalRoute>(above, &key.name)
                        .is_some_and(|route| route.spec.inheritable)
                })
        });
        Some(RouteObserved {
            // With a route of that name further up to fall back on, nobody is left without when this one goes.
            only_route_of: match shadows {
                Some(_) => 0,
                None => i64::try_from(only.count()).unwrap_or(i64::MAX),
            },
            used_by: users
                .iter()
                .map(|(namespace, name)| format!("{namespace}/{name}"))
                .collect(),
            counted_at: self.counted_at(key),
            next_hop: self.next_hop(key),
            address_of: self.address_of(key, &route),
            route,
            home,
            checked,
            shadows,
        })
    }

    /// Everything about one user.
    pub fn user(&self, key: &Key) -> Option<UserObserved> {
        let user = self.own::<CustomerUser>(&key.namespace, &key.name)?;
        let in_tenant = self
            .namespace(&key.namespace)
            .is_some_and(|seen| seen.label(meta::LABEL_TYPE) == meta::TYPE_TENANT);
        let customer_id = self.customer_of(&key.namespace, &user);
        let customer = customer_id
            .as_ref()
            .and_then(|(namespace, name)| self.own::<Customer>(namespace, name));
        let customer_unreadable = customer_id
            .as_ref()
            .and_then(|(namespace, name)| self.customers.get(namespace, name))
            .is_some_and(|customer| customer.object().is_err());
        let status = customer
            .as_ref()
            .and_then(|customer| customer.status.as_ref());
        let tenant = status
            .and_then(|status| status.namespace.clone())
            .unwrap_or_default();
        let plan = status
            .and_then(|status| status.plan.as_ref())
            .and_then(|plan| self.own::<ServicePlan>("", plan));
        Some(UserObserved {
            users: customer_id.map(|id| self.users(&id)).unwrap_or_default(),
            children: self.children_in(&tenant),
            in_tenant,
            place: self.place(&key.namespace),
            customer,
            customer_unreadable,
            plan,
            user,
        })
    }

    /// Everything about one plan.
    pub fn plan(&self, key: &Key) -> Option<ServicePlanObserved> {
        let plan: Arc<ServicePlan> = self.own("", &key.name)?;
        let in_force = self.index.with_plan(&key.name).filter(|id| {
            self.index
                .references(id)
                .is_some_and(|references| references.plan_in_force.as_deref() == Some(&*key.name))
        });
        Some(ServicePlanObserved {
            customers: i64::try_from(in_force.count()).unwrap_or(i64::MAX),
            counted_at: self.counted_at(key),
            plan,
        })
    }
}

impl World {
    /// Everything about one offering, unless it has changed since it was checked: then it is being looked at again.
    pub fn offering(&self, key: &Key, checked: Checked) -> Option<OfferingObserved> {
        let offering: Arc<ServiceOffering> = self.own("", &key.name)?;
        if !checked.is_of(&offering) {
            return None;
        }
        let kept = self.index.with_service(&key.name).filter(|id| {
            let references = self.index.references(id);
            references.is_some_and(|references| references.services_kept.contains(&*key.name))
        });
        let all = self
            .offerings
            .values()
            .filter_map(|offering| offering.object().ok());
        Some(OfferingObserved {
            customers: i64::try_from(kept.count()).unwrap_or(i64::MAX),
            requirements: all
                .map(|offering| (offering.name_any(), offering.spec.requires.clone()))
                .collect(),
            counted_at: self.counted_at(key),
            offering,
            checked,
        })
    }
}
