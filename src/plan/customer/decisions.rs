//! What is decided about a customer before anything is built: number, plan, routes, domain, access.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::leaving::Leaving;
use super::{sending, services, trials};
use crate::api::{Access, ConditionType, Phase, Reason, SendLimits, ServicePlanSpec};
use crate::domain::access::{AccessVerdict, Standing};
use crate::domain::claims::{Claim, beaten_by};
use crate::domain::entitlement;
use crate::domain::facts::{DefaultsTaken, TenantFacts};
use crate::domain::lineage::Lineage;
use crate::domain::services::phase;
use crate::domain::trial::Trial;
use crate::plan::objects::Owner;
use crate::plan::observed::{CustomerObserved, RouteState};
use crate::plan::services::Services;
use crate::plan::status::second;
use crate::plan::trouble::Trouble;

/// `RoutesReady`: whether it holds, reason and message.
pub type RoutesCondition = (ConditionType, bool, Reason, String);

/// The decisions; `troubles` are in the order in which a person should mend them.
#[derive(Debug)]
pub struct Decisions<'a> {
    /// Facts as they will stand on the namespace.
    pub facts: TenantFacts,
    /// Where the customer is in its life.
    pub phase: Phase,
    /// Where its deletion stands.
    pub leaving: Leaving<'a>,
    /// Whether people get in.
    pub access: AccessVerdict,
    /// The plan in force.
    pub plan: Option<&'a ServicePlanSpec>,
    /// A plan is in force, but its object is gone: what it made stays as it is.
    pub plan_lost: bool,
    /// The partner that no longer offers the plan in force.
    pub plan_withdrawn_by: Option<String>,
    /// The trial in force.
    pub trial: Option<Trial>,
    /// Its services.
    pub services: Services,
    /// Routes that can be used, best first.
    pub usable_routes: Vec<String>,
    /// `RoutesReady`.
    pub routes_condition: RoutesCondition,
    /// Limits on what it sends.
    pub send_limits: SendLimits,
    /// The domain shown.
    pub domain: Option<String>,
    /// The domain for hosts, unless an older customer has it.
    pub ingress_domain: Option<String>,
    /// What is wrong with the spec. The tenant is made all the same, as far as it can be.
    pub troubles: Vec<Trouble>,
}

impl<'a> Decisions<'a> {
    /// Decides everything, given the facts kept from before (none for a customer that is first made).
    pub fn make(
        observed: &'a CustomerObserved,
        lineage: &'a Lineage,
        owner: &Owner,
        kept: Option<TenantFacts>,
        leaving: Leaving<'a>,
        now: Timestamp,
    ) -> Self {
        let customer = &observed.customer;
        let spec = &customer.spec;
        let mut troubles = Vec::new();

        let first_made = kept.is_none();
        let mut facts = kept.unwrap_or_default();
        if first_made {
            facts.defaults = DefaultsTaken {
                active: lineage.default(|defaults| defaults.active),
                on_hold: lineage.default(|defaults| defaults.on_hold),
                // No default can end a customer that had no trial, also if its namespace was removed.
                trial: match customer
                    .status
                    .as_ref()
                    .and_then(|told| told.customer_since.as_ref())
                {
                    None => lineage.default(|defaults| defaults.trial.clone()),
                    Some(_) => None,
                },
            };
        }
        // Facts that are missing were removed, alone or with the namespace; the status still knows what people were told.
        if let Some(told) = &customer.status {
            let since = told
                .customer_since
                .as_ref()
                .map(|since| since.0.to_string());
            facts.customer_number = facts.customer_number.or(told.customer_number.clone());
            facts.customer_since = facts.customer_since.or(since);
        }
        // Not now: two customers must come out in the order in which they were made, whoever is looked at first.
        let made = customer.creation_timestamp().map_or(now, |time| time.0);
        facts
            .customer_since
            .get_or_insert_with(|| second(made).to_string());
        facts.contact_email = Some(spec.contact.email.clone());

        troubles.extend(number(observed, &mut facts));
        let chosen = choose_plan(observed, lineage, &mut facts);
        troubles.extend(chosen.trouble);

        let (trial, trial_trouble) = trials::in_force(observed, first_made, &mut facts, now);
        troubles.extend(trial_trouble);
        let access = AccessVerdict::of(Standing {
            active: spec.active.or(facts.defaults.active).unwrap_or(true),
            on_hold: spec.on_hold.or(facts.defaults.on_hold).unwrap_or(false),
            trial_over: trial
                .filter(|trial| trial.is_over(now))
                .map(|trial| trial.on_end),
            deletion_pending: leaving.stops(),
        });

        let (usable_routes, routes_condition, route_trouble) = routes(observed);
        troubles.extend(route_trouble);
        facts.routes = routes_in_force(observed);

        let mut ingress_domain = entitlement::ingress_domain(&customer.name_any(), spec, lineage);
        let mine = claim(observed, &facts);
        if let Some(domain) =
            ingress_domain.take_if(|_| beaten_by(&mine, &observed.domain_claims).is_some())
        {
            let message = format!(
                "The domain {domain} equals, contains or is part of an older customer's domain, or of one that a kept tenant \
                 still holds. Choose another one."
            );
            troubles.push(Trouble::stalled(Reason::DomainConflict, message));
        }

        if entitlement::currency(spec, lineage).is_none() {
            let message = "Set spec.billing.currency, or give the partner a default (spec.customerDefaults.currency).";
            troubles.push(Trouble::stalled(Reason::CurrencyMissing, message));
        }

        let decided = services::Standing {
            observed,
            lineage,
            owner,
            facts: &facts,
            plan: chosen.in_force,
            plan_lost: chosen.lost,
            ingress_domain: ingress_domain.as_deref(),
            stopped: access.access == Access::Stopped,
            trial_ends_at: trial.map(|trial| trial.ends_at),
        }
        .decide(now);
        troubles.extend(services::trouble(&decided));
        facts.services = decided.records.clone();
        let trial_is_over = trial.is_some_and(|trial| trial.is_over(now));

        Self {
            leaving,
            phase: match phase(&decided.list, trial_is_over) {
                _ if leaving.is_pending() => Phase::PendingDeletion,
                phase => phase,
            },
            services: decided,
            facts,
            access,
            plan: chosen.in_force,
            plan_lost: chosen.lost,
            plan_withdrawn_by: chosen.withdrawn_by,
            trial,
            send_limits: sending::limits(observed, chosen.in_force, chosen.lost),
            usable_routes,
            routes_condition,
            domain: entitlement::domain(spec, lineage),
            ingress_domain,
            troubles,
        }
    }

    /// When the customer was first made.
    pub fn since(&self) -> Option<Time> {
        self.facts
            .customer_since
            .as_deref()
            .and_then(|since| since.parse().ok())
            .map(Time)
    }
}

/// This customer as a claimant. Its age is that of the company, whose object may have been made again.
fn claim(observed: &CustomerObserved, facts: &TenantFacts) -> Claim {
    let customer = &observed.customer;
    let since = facts.customer_since.as_deref();
    Claim {
        id: format!(
            "{}/{}",
            customer.namespace().unwrap_or_default(),
            customer.name_any()
        ),
        recorded: false,
        created: since.and_then(|since| since.parse().ok()),
    }
}

/// The number: what is recorded stays; else what is given, if nobody has it; else a generated one.
fn number(observed: &CustomerObserved, facts: &mut TenantFacts) -> Option<Trouble> {
    let given = observed.customer.spec.customer_number.as_deref();
    if let Some(recorded) = facts.customer_number.as_deref() {
        let changed = given.filter(|given| *given != recorded)?;
        let message = format!(
            "The customer number is {recorded} for good and cannot become {changed}. Set spec.customerNumber to {recorded} or remove it."
        );
        return Some(Trouble::stalled(Reason::InvalidSpec, message));
    }
    let Some(given) = given else {
        facts.customer_number = Some(observed.free_number.clone());
        return None;
    };
    if beaten_by(&claim(observed, facts), &observed.number_claims).is_some() {
        let message = format!(
            "Another customer of the same provider has the number {given}. Give this one another number."
        );
        return Some(Trouble::stalled(Reason::NumberTaken, message));
    }
    facts.customer_number = Some(given.to_owned());
    None
}

/// What becomes of the plan.
#[derive(Default)]
struct Chosen<'a> {
    in_force: Option<&'a ServicePlanSpec>,
    /// One is in force, but its object is gone.
    lost: bool,
    /// One is in force that this partner no longer offers.
    withdrawn_by: Option<String>,
    trouble: Option<Trouble>,
}

/// The plan: a new one must exist and be offered; one in force stays when it is no longer offered.
fn choose_plan<'a>(
    observed: &'a CustomerObserved,
    lineage: &Lineage,
    facts: &mut TenantFacts,
) -> Chosen<'a> {
    let in_force = |trouble, facts: &TenantFacts| {
        let recorded = facts.plan.as_deref();
        let kept = observed.plan_in_force.as_ref();
        let kept = kept.filter(|_| recorded.is_some());
        Chosen {
            in_force: kept.map(|plan| &plan.spec),
            lost: recorded.is_some() && kept.is_none(),
            withdrawn_by: recorded.and_then(|plan| lineage.offers_plan(plan).err()),
            trouble: Some(trouble),
        }
    };
    let Some(asked) = entitlement::plan_name(&observed.customer.spec, lineage) else {
        facts.plan = None;
        // Having no plan is a state a partner may want, not a mistake.
        return Chosen::default();
    };
    let already = facts.plan.as_deref() == Some(asked);
    let Some(plan) = &observed.plan else {
        let message = format!(
            "There is no ServicePlan {asked}. Create it, or choose one of: kubectl get serviceplans"
        );
        return in_force(Trouble::stalled(Reason::PlanNotFound, message), facts);
    };
    let refused_by = lineage.offers_plan(asked).err();
    if let (false, Some(by)) = (already, &refused_by) {
        let message = format!(
            "Plan {asked} is not offered by partner {by}. Choose one that is: kubectl get configmap partner -o yaml"
        );
        return in_force(Trouble::stalled(Reason::PlanNotOffered, message), facts);
    }
    facts.plan = Some(asked.to_owned());
    Chosen {
        in_force: Some(&plan.spec),
        withdrawn_by: refused_by,
        ..Chosen::default()
    }
}

/// The routes found now, which stay when the path no longer leads to them.
fn routes_in_force(observed: &CustomerObserved) -> Vec<(String, String)> {
    let found = observed.routes.iter().filter_map(|route| {
        let (namespace, _) = route.found.as_ref()?;
        Some((namespace.clone(), route.name.clone()))
    });
    found.collect()
}

/// Which routes can be used, `RoutesReady`, and what is wrong if none can be.
fn routes(observed: &CustomerObserved) -> (Vec<String>, RoutesCondition, Option<Trouble>) {
    let condition =
        |holds, reason, message: String| (ConditionType::RoutesReady, holds, reason, message);
    let (mut usable, mut problems, mut pending) = (Vec::new(), Vec::new(), false);
    for route in &observed.routes {
        let name = &route.name;
        match &route.found {
            Some((_, RouteState::Accepted)) => usable.push(name.clone()),
            Some((namespace, RouteState::Refused)) => {
                problems.push(format!(
                    "{namespace}/{name} is not in order, see its status"
                ));
            }
            Some((namespace, RouteState::Pending)) => {
                pending = true;
                problems.push(format!("{namespace}/{name} is being looked at"));
            }
            None => problems.push(format!(
                "{name} is not in the partner's namespace, nor inheritable from above"
            )),
        }
    }
    if observed.routes.is_empty() {
        return (
            usable,
            condition(
                true,
                Reason::NoRoutes,
                "No postal route is asked for.".to_owned(),
            ),
            None,
        );
    }
    let ways = format!("Mail goes by {}", usable.join(", then "));
    let withdrawn: Vec<_> = observed
        .routes
        .iter()
        .filter(|route| route.withdrawn)
        .map(|route| route.name.as_str())
        .collect();
    if problems.is_empty() && !withdrawn.is_empty() {
        let message = format!(
            "{ways}; {} is no longer inheritable and stays in force here until another list is asked for.",
            withdrawn.join(", ")
        );
        return (
            usable,
            condition(false, Reason::RouteWithdrawn, message),
            None,
        );
    }
    if problems.is_empty() {
        return (
            usable,
            condition(true, Reason::Settled, format!("{ways}.")),
            None,
        );
    }
    let problems = problems.join("; ");
    if !usable.is_empty() {
        return (
            usable,
            condition(false, Reason::RouteNotFound, format!("{ways}; {problems}.")),
            None,
        );
    }
    let message = format!("No postal route can be used: {problems}.");
    let trouble = if pending {
        Trouble::waiting(Reason::NoUsableRoute, message.clone())
    } else {
        Trouble::stalled(
            Reason::NoUsableRoute,
            format!("{message} Name another one in spec.postalRoutes, or mend one."),
        )
    };
    (
        usable,
        condition(false, Reason::NoUsableRoute, message),
        Some(trouble),
    )
}
