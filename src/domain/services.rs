//! Which services a customer has, and where each stands: what its partners offer, its plan includes, it asks for itself, and
//! what it once used.
//!
//! | it asks for | offered | state |
//! | --- | --- | --- |
//! | `Active`, or nothing and the plan includes it or it is on for everybody | yes | `Active`; `Waiting` if what it requires is not there |
//! | `Trial` | yes | `Trial`, and `TrialEnd` once that is over |
//! | `Paused` | yes | `Paused` |
//! | `Inactive`, never used | – | `Preparation` |
//! | `Inactive`, or nothing any more, once used | – | `Deleted` |
//! | anything else | no | `Denied`, by the partner nearest to the top that refuses |
//!
//! A trial ends at its own `trialEndsAt`, else with the trial of the customer; the customer's own ends those of its
//! services too, whatever they say. Used is a service that was `Trial` or `Active` once: a durable fact, because it tells one
//! withdrawn from one that was never granted, and because what was used stays listed.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use jiff::Timestamp;

use crate::api::{
    Activation, CustomerService, Phase, ServiceOfferingSpec, ServiceSource, ServiceState,
    Visibility, VisibilityChoice,
};

use super::duration;
use super::lineage::Lineage;
use super::offering::requires;

/// What a service once used was last known as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Since when it is withdrawn or removed; none while it is not.
    pub out_since: Option<Timestamp>,
}

/// What there is to know of an offering.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Its spec.
    pub spec: &'a ServiceOfferingSpec,
    /// Whether it is in order: nothing in it is wrong.
    pub in_order: bool,
}

/// All that decides which services a customer has.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The partner path.
    pub lineage: &'a Lineage,
    /// All offerings there are, by name.
    pub offerings: BTreeMap<&'a str, Offered<'a>>,
    /// What the plan in force includes.
    pub plan: &'a [String],
    /// What the customer's spec says.
    pub services: &'a [CustomerService],
    /// Services once used.
    pub used: &'a BTreeMap<String, Used>,
    /// When the customer's own trial ends, if it has one.
    pub trial_ends_at: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

/// Where a service of a customer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Name of the offering.
    pub name: String,
    /// Where it stands.
    pub state: ServiceState,
    /// Why the customer has it.
    pub source: ServiceSource,
    /// The partner that refuses it, or the service it waits for.
    pub blocked_by: Option<String>,
    /// Whether front ends list it.
    pub visibility: Visibility,
    /// Whether it was used before, or is now.
    pub used: bool,
    /// It was used and is not offered any more.
    pub withdrawn: bool,
    /// When its objects are pruned, if ever.
    pub remove_at: Option<Timestamp>,
    /// When its state next changes by itself.
    pub changes_at: Option<Timestamp>,
}

impl Service {
    /// Whether its objects are to be there and run.
    pub fn runs(&self) -> bool {
        matches!(self.state, ServiceState::Trial | ServiceState::Active)
    }

    /// Whether it is out of use so that its objects may be pruned some time.
    pub fn is_out(&self) -> bool {
        self.withdrawn || self.state == ServiceState::Deleted
    }

    /// Whether its objects are to go now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.remove_at.is_some_and(|at| at <= now)
    }
}

/// The services of a customer, by name: those asked for, included, on for everybody, and once used.
pub fn effective(asked: &Asked<'_>) -> Vec<Service> {
    let listed = asked.services.iter().map(|service| service.name.as_str());
    let automatic = asked.offerings.iter().filter(|(name, offering)| {
        offering.spec.auto_enable && asked.lineage.offers_service(name).is_ok()
    });
    let names: BTreeSet<&str> = listed
        .chain(asked.plan.iter().map(String::as_str))
        .chain(automatic.map(|(name, _)| *name))
        .chain(asked.used.keys().map(String::as_str))
        .collect();
    let mut services: BTreeMap<&str, Service> = names
        .into_iter()
        .map(|name| (name, alone(asked, name)))
        .collect();
    // In the order of the requirements, so that who waits makes those wait that need it.
    let requirements = asked.offerings.iter();
    let requirements = requirements
        .map(|(name, it)| ((*name).to_owned(), it.spec.requires.clone()))
        .collect();
    let order = requires::order(&requirements).into_iter();
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for name in order {
        let (Some(service), Some(offering)) = (services.get_mut(name), asked.offerings.get(name))
        else {
            continue;
        };
        if !service.runs() {
            continue;
        }
        match requires::unmet(&offering.spec.requires, |required| met.contains(required)) {
            Some(missing) => {
                service.state = ServiceState::Waiting;
                service.blocked_by = Some(missing.to_owned());
            }
            None => drop(met.insert(name)),
        }
    }
    services.into_values().collect()
}

/// A service as if it required nothing.
fn alone(asked: &Asked<'_>, name: &str) -> Service {
    let own = asked.services.iter().find(|service| service.name == name);
    let offering = asked.offerings.get(name);
    let source = if own.is_some() {
        ServiceSource::Customer
    } else if asked.plan.iter().any(|included| included == name) {
        ServiceSource::Plan
    } else if offering.is_some_and(|offering| offering.spec.auto_enable) {
        ServiceSource::AutoEnable
    } else {
        // Once used, and nobody asks for it.
        ServiceSource::Customer
    };
    let wanted = match own {
        Some(own) => own.activation,
        None if asked.plan.iter().any(|included| included == name) => Activation::Active,
        None if offering.is_some_and(|offering| offering.spec.auto_enable) => Activation::Active,
        None => Activation::Inactive,
    };
    let used = asked.used.get(name);
    let refusal = asked.lineage.offers_service(name).err();
    let ends_at = trial_end(own, asked.trial_ends_at);
    let is_over = ends_at.is_some_and(|at| at <= asked.now);
    let (state, blocked_by) = match (wanted, &refusal, offering) {
        (Activation::Inactive, _, _) if used.is_some() => (ServiceState::Deleted, None),
        (Activation::Inactive, _, _) => (ServiceState::Preparation, None),
        (_, Some(partner), _) => (ServiceState::Denied, Some(partner.clone())),
        // What is used goes on as it was while its offering is being put right.
        (
            _,
            None,
            None
            | Some(Offered {
                in_order: false, ..
            }),
        ) if used.is_none() => (ServiceState::Waiting, Some(name.to_owned())),
        (_, None, None) => (ServiceState::Waiting, Some(name.to_owned())),
        (Activation::Trial, None, Some(_)) if is_over => (ServiceState::TrialEnd, None),
        (Activation::Trial, None, Some(_)) => (ServiceState::Trial, None),
        (Activation::Active, None, Some(_)) => (ServiceState::Active, None),
        (Activation::Paused, None, Some(_)) => (ServiceState::Paused, None),
    };
    let withdrawn = state == ServiceState::Denied && used.is_some();
    let is_out = withdrawn || state == ServiceState::Deleted;
    let prune_after = offering.and_then(|it| prune_after(it.spec));
    // A moment ago, if it was not known to be out: the clock starts now.
    let out_since = used.and_then(|used| used.out_since).unwrap_or(asked.now);
    let remove_at = prune_after
        .filter(|_| is_out)
        .and_then(|after| out_since.checked_add(after).ok());
    let trial_ends = ends_at.filter(|_| state == ServiceState::Trial);
    Service {
        name: name.to_owned(),
        state,
        source,
        blocked_by,
        visibility: visibility(asked, name, own),
        used: used.is_some() || matches!(state, ServiceState::Trial | ServiceState::Active),
        withdrawn,
        remove_at,
        changes_at: trial_ends.or(remove_at.filter(|at| *at > asked.now)),
    }
}

/// When the trial of a service ends: at its own time or with the customer's trial, whichever is first.
fn trial_end(own: Option<&CustomerService>, of_customer: Option<Timestamp>) -> Option<Timestamp> {
    let own = own
        .and_then(|own| own.trial_ends_at.as_ref())
        .map(|time| time.0);
    own.into_iter().chain(of_customer).min()
}

/// Whether front ends list a service: as the customer says, else the nearest partner that says so, else the offering.
fn visibility(asked: &Asked<'_>, name: &str, own: Option<&CustomerService>) -> Visibility {
    match own.map(|own| own.visibility).unwrap_or_default() {
        VisibilityChoice::Visible => return Visibility::Visible,
        VisibilityChoice::Hidden => return Visibility::Hidden,
        VisibilityChoice::Inherit => {}
    }
    let of_offering = asked
        .offerings
        .get(name)
        .map(|offering| offering.spec.visibility);
    asked
        .lineage
        .visibility(name)
        .or(of_offering)
        .unwrap_or_default()
}

/// How long the objects of a service stay that is out of use; none: for ever.
pub fn prune_after(spec: &ServiceOfferingSpec) -> Option<Duration> {
    spec.prune_after
        .as_deref()
        .filter(|text| !text.is_empty())
        .and_then(duration::at_most_a_century)
}

/// Where a customer is in its life, by its services, and whether its own trial is over. The first that holds.
pub fn phase(services: &[Service], trial_is_over: bool) -> Phase {
    let any = |state: ServiceState| services.iter().any(|service| service.state == state);
    let after_use = |service: &Service| {
        let stopped = matches!(service.state, ServiceState::Paused | ServiceState::Deleted);
        service.state == ServiceState::TrialEnd || service.used && stopped || service.withdrawn
    };
    if trial_is_over {
        Phase::TrialEnd
    } else if any(ServiceState::Active) {
        Phase::Active
    } else if any(ServiceState::Trial) {
        Phase::Trial
    } else if services.iter().any(after_use) {
        Phase::TrialEnd
    } else {
        Phase::Preparation
    }
}

#[cfg(test)]
mod tests;
