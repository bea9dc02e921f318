//! One customer: its tenant namespace with everything in it, opened and closed in the right order.
//!
//! The rules stand in [`plan`] in the order in which they hold; the first that stops says why. What is decided about plan,
//! routes, number and domain is in [`decisions`], the objects are in [`crate::plan::objects`].

mod adoption;
mod card;
mod decisions;
mod leaving;
mod login;
mod rooms;
mod sending;
mod services;
pub(super) mod stop;
mod trials;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use self::adoption::adoption;
pub use self::adoption::takes_over;
use self::decisions::Decisions;
use self::leaving::{Leaving, leave, stay_away};
pub use self::rooms::drifted;
use super::objects::Owner;
use super::observed::{CustomerObserved, Departure, LOOK_AGAIN};
use super::services::report;
use super::status::second;
use super::trouble::Trouble;
use super::{Draft, Plan, Stages, Subject, Verdict, subject::Kind};
use crate::api::{ConditionType, CustomerStatus, Reason, meta};
use crate::domain::lineage::Lineage;
use crate::domain::names::{CustomerName, PartnerName, tenant_namespace};
use crate::domain::trial;

/// What to do about a customer.
pub fn plan(observed: &CustomerObserved, now: Timestamp) -> Plan<CustomerStatus> {
    let customer = &observed.customer;
    let subject = Subject::of(Kind::Customer, customer.as_ref());
    let paused = super::is_paused(customer.as_ref());
    match observed.departure {
        // Taking the finalizer off changes nothing, and a pause must not hold up the end of a namespace or a CRD.
        Some(Departure::SweptAlong) => return leave(observed, subject, Departure::SweptAlong),
        _ if paused => return pause(observed, subject),
        Some(departure @ Departure::Deleted) => return leave(observed, subject, departure),
        None => {}
    }
    let leaving = Leaving::of(observed);
    // Asked to go before it has a tenant, it gets none.
    let nothing_to_stop = observed.tenant.is_none() && leaving.stops();
    if (nothing_to_stop && observed.home.partner().is_some())
        || matches!(leaving, Leaving::Purging(_) | Leaving::Done(_))
    {
        return stay_away(observed, subject, leaving);
    }
    match home(observed) {
        Err(trouble) => stalled(observed, subject, trouble),
        Ok((lineage, partner)) => match adoption(observed, &partner) {
            Err(trouble) => stalled(observed, subject, trouble),
            Ok(facts) => {
                let owner = Owner {
                    partner,
                    customer: Some((subject.key.name.to_string(), subject.uid.clone())),
                };
                let decisions = Decisions::make(observed, lineage, &owner, facts, leaving, now);
                open(observed, subject, lineage, &owner, decisions, now)
            }
        },
    }
}

/// Where the customer is: the path of a partner, with names that make a namespace.
fn home(observed: &CustomerObserved) -> Result<(&Lineage, String), Trouble> {
    let name = observed.customer.name_any();
    CustomerName::parse(&name)
        .map_err(|error| Trouble::stalled(Reason::InvalidSpec, error.to_string()))?;
    let Some((lineage, partner)) = observed
        .home
        .partner()
        .and_then(|lineage| Some((lineage, lineage.nearest()?.name_any())))
    else {
        let belongs = "A Customer belongs into the namespace of a partner (partner-<name>, made by its Partner). \
                       Delete it here and apply it there.";
        return Err(Trouble::misplaced(&observed.home, belongs));
    };
    PartnerName::parse(&partner)
        .map_err(|error| Trouble::stalled(Reason::InvalidSpec, error.to_string()))?;
    Ok((lineage, partner))
}

/// Nothing is changed; the status only says so.
fn pause(observed: &CustomerObserved, subject: Subject) -> Plan<CustomerStatus> {
    let status = observed.customer.status.clone().unwrap_or_default();
    Plan {
        draft: Some(Draft::paused(status, subject.generation)),
        // Its namespace or CRD may go later, which nothing of the object's own tells.
        wake: observed.departure.map(|_| LOOK_AGAIN),
        ..Plan::nothing(subject)
    }
}

/// Nothing can be made; what there is stays as it is.
fn stalled(
    observed: &CustomerObserved,
    subject: Subject,
    trouble: Trouble,
) -> Plan<CustomerStatus> {
    let old = observed.customer.status.clone().unwrap_or_default();
    let wake = trouble.unwatched.then_some(LOOK_AGAIN);
    let draft = Draft {
        carry_over: true,
        ..Draft::new(old, trouble.verdict)
    };
    Plan {
        draft: Some(draft),
        wake,
        ..Plan::nothing(subject)
    }
}

/// The tenant as it should be.
fn open(
    observed: &CustomerObserved,
    subject: Subject,
    lineage: &Lineage,
    owner: &Owner,
    decisions: Decisions<'_>,
    now: Timestamp,
) -> Plan<CustomerStatus> {
    let namespace = tenant_namespace(&owner.partner, &subject.key.name);
    let rooms = rooms::furnish(
        observed, &subject, lineage, owner, &namespace, &decisions, now,
    );

    let mut stages = Stages::default();
    stages.then(super::add_finalizer(
        observed.customer.as_ref(),
        meta::FINALIZER_TENANT,
    ));
    stages.then(leaving::wish(observed, &owner.partner));
    for stage in rooms.stages {
        stages.then(stage);
    }

    let access = decisions.access;
    let customer_since = decisions.since();
    let sending = sending::status(observed, &namespace, &decisions);
    let verdict = match (decisions.troubles.into_iter().next(), rooms.waiting) {
        (Some(trouble), _) => trouble.verdict,
        (None, Some(waiting)) => Verdict::Waiting(Reason::Progressing, waiting),
        (None, None) if access.is_open() => {
            Verdict::Ready(Reason::Settled, "The tenant is as it should be.".to_owned())
        }
        (None, None) => Verdict::Ready(access.reason, access.message().to_owned()),
    };
    let fields = CustomerStatus {
        namespace: Some(namespace),
        path: lineage.path(),
        customer_number: decisions.facts.customer_number.clone(),
        customer_since,
        phase: Some(decisions.phase),
        access: Some(access.access),
        access_reason: Some(access.reason.as_str().to_owned()),
        trial_ends_at: decisions.trial.map(|trial| Time(second(trial.ends_at))),
        deletion: decisions.leaving.standing(),
        domain: decisions.domain,
        ingress_domain: decisions.ingress_domain,
        plan: decisions.facts.plan.clone(),
        postal_routes: decisions.usable_routes,
        services: report::statuses(&decisions.services.reports),
        sending: Some(sending),
        users: rooms.users,
        ..CustomerStatus::default()
    };
    let mut others = vec![
        (
            ConditionType::AccessOpen,
            access.is_open(),
            access.reason,
            access.message().to_owned(),
        ),
        (
            ConditionType::NamespaceReady,
            true,
            Reason::Settled,
            "The tenant namespace is there.".to_owned(),
        ),
        decisions.routes_condition,
        report::condition(&decisions.services.reports),
    ];
    if let (Some(by), Some(plan)) = (decisions.plan_withdrawn_by, &decisions.facts.plan) {
        let message = format!(
            "Partner {by} no longer offers plan {plan}. It stays in force here; once left, it cannot be chosen again."
        );
        others.push((
            ConditionType::PlanWithdrawn,
            true,
            Reason::PlanNotOffered,
            message,
        ));
    }
    let notices = lineage.default(|defaults| defaults.trial_notices.as_deref());
    others.extend(decisions.leaving.condition());
    others.extend(
        decisions
            .trial
            .and_then(|trial| trials::ending(trial, notices, now)),
    );
    let changes = decisions
        .trial
        .and_then(|trial| trial::next_change(trial, notices, now));
    // Nothing tells us when they are back, or that they will not be.
    let swept = (observed.users_swept_along || observed.request_swept_along).then_some(LOOK_AGAIN);
    Plan {
        subject,
        stages,
        draft: Some(Draft {
            others,
            ..Draft::new(fields, verdict)
        }),
        wake: [changes, swept, decisions.services.wake]
            .into_iter()
            .flatten()
            .min(),
    }
}
