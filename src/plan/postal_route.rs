//! One postal route: whether it can be used, who uses it, what it hides, and the name that mail servers know it by.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::objects::{Owner, next_hop};
use super::observed::routes::{RelayFault, RelaySeen, RouteObserved, SecretSeen, Tried};
use super::step::{ChildKind, Stages, Step};
use super::trouble::Trouble;
use super::{Draft, Plan, Subject, Verdict, status, subject::Kind};
use crate::api::conditions::Condition;
use crate::api::{ConditionType, PostalRouteStatus, Reason, meta};

/// How many users of a route are named in its status.
const NAMED: usize = 5;

/// How often a Secret that was in order is read again; nothing tells us when it changes.
const SECRET_GOOD: Duration = Duration::from_secs(600);

/// Bounds of how long until one that was not is read again: a file often brings the route first and its Secret just after it, and
/// one that has been missing for an hour is not missed by the second.
const SECRET_BAD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often a relay that works is tried again.
const RELAY_GOOD: Duration = Duration::from_secs(4 * 3600);

/// Bounds of how long until one that did not is tried again: it doubles as the trouble lasts. Relays shut out who knocks too often.
const RELAY_BAD: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(900));

/// What to do about a route.
pub fn plan(observed: &RouteObserved, now: Timestamp) -> Plan<PostalRouteStatus> {
    let subject = Subject::of(Kind::PostalRoute, observed.route.as_ref());
    if observed.route.metadata.deletion_timestamp.is_some() {
        return Plan::nothing(subject);
    }
    let accepted = if observed.home.partner().is_some() {
        shared(observed).unwrap_or_else(|| secret(observed))
    } else {
        let message = "A PostalRoute belongs into the namespace of a partner (partner-<name>).";
        Trouble::misplaced(&observed.home, message).verdict
    };
    let (reason, message) = accepted.why();
    let usable = matches!(accepted, Verdict::Ready(..));
    let condition = (ConditionType::Accepted, usable, reason, message.to_owned());
    let verdict = if usable { relay(observed) } else { accepted };

    let uses = Uses::of(observed);
    let before = observed.route.status.as_ref().map(Uses::shown);
    let (uses, paced) = status::paced(before.as_ref(), &uses, observed.counted_at, now);
    let fields = PostalRouteStatus {
        customers: uses.customers,
        only_route_of: uses.only_route_of,
        used_by: uses.named.clone(),
        shadows: observed.shadows.clone(),
        ..PostalRouteStatus::default()
    };
    let left = |tried: Option<Duration>, age: Duration| tried.map(|it| it.saturating_sub(age));
    let checked = &observed.checked;
    let wake = [
        paced,
        left(reread(&checked.secret), checked.secret.age(now)),
        left(retry(&checked.relay), checked.relay.age(now)).filter(|_| !checked.trying),
    ];
    let draft = Draft {
        others: vec![condition],
        ..Draft::new(fields, verdict)
    };
    let mut stages = Stages::default();
    stages.then(service(observed, &subject));
    Plan {
        stages,
        draft: Some(draft),
        wake: wake.into_iter().flatten().min(),
        ..Plan::nothing(subject)
    }
}

/// How long after it was read a Secret is read again.
pub fn reread(secret: &Tried<SecretSeen>) -> Option<Duration> {
    let (soonest, latest) = SECRET_BAD;
    match secret.seen {
        SecretSeen::NotNeeded => None,
        SecretSeen::Complete => Some(SECRET_GOOD),
        SecretSeen::Missing
        | SecretSeen::WrongType(_)
        | SecretSeen::KeysMissing(_)
        | SecretSeen::Unreadable(_) => Some(secret.bad_for().clamp(soonest, latest)),
    }
}

/// How long after it was tried a relay is tried again.
pub fn retry(relay: &Tried<RelaySeen>) -> Option<Duration> {
    let (soonest, latest) = RELAY_BAD;
    match relay.seen {
        RelaySeen::NotTried => None,
        RelaySeen::Works => Some(RELAY_GOOD),
        RelaySeen::Fails(_) => Some(relay.bad_for().clamp(soonest, latest)),
    }
}

/// The Service that names the next hop against what is there of it. Its name is the route's own.
fn service(observed: &RouteObserved, subject: &Subject) -> Option<Step> {
    let partner = observed.home.partner()?.nearest()?.name_any();
    let owner = Owner {
        partner,
        customer: None,
    };
    let (namespace, name) = (&*subject.key.namespace, &*subject.key.name);
    let seen = observed.next_hop.as_ref();
    match next_hop::service(&owner, namespace, &observed.route) {
        Some(wanted) => seen
            .is_none_or(|seen| seen.fingerprint != wanted.fingerprint)
            .then_some(Step::Apply(wanted)),
        // It would stand for a relay that the route no longer leads to.
        None => seen.map(|seen| Step::Delete {
            kind: ChildKind::Service,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: seen.uid.clone(),
        }),
    }
}

/// Mail servers know credentials by the address: of two routes to one, only the older is used. Routes of other partners are
/// nobody's business here.
fn shared(observed: &RouteObserved) -> Option<Verdict> {
    let older = observed.address_of.as_ref()?;
    let spec = &observed.route.spec;
    let (namespace, name) = older.split_once('/')?;
    let whose = if observed.route.metadata.namespace.as_deref() == Some(namespace) {
        format!("PostalRoute {name}")
    } else {
        "An older route of another partner".to_owned()
    };
    let message = format!(
        "{whose} leads to the same address {} and port {}, and mail servers tell relays given by address apart by nothing else. Set spec.host to the relay's DNS name.",
        spec.host, spec.port
    );
    Some(Verdict::Stalled(Reason::AddressShared, message))
}

fn secret(observed: &RouteObserved) -> Verdict {
    let name = observed
        .route
        .spec
        .credentials_secret
        .as_ref()
        .map(|secret| secret.name.as_str())
        .unwrap_or_default();
    let kind = meta::SECRET_TYPE_RELAY;
    match &observed.checked.secret.seen {
        SecretSeen::NotNeeded => Verdict::Ready(
            Reason::Accepted,
            "Customers can use this route; it needs no credentials.".to_owned(),
        ),
        SecretSeen::Complete => Verdict::Ready(
            Reason::Accepted,
            "Customers can use this route, and its credentials are there.".to_owned(),
        ),
        SecretSeen::Missing => Verdict::Stalled(
            Reason::SecretNotFound,
            format!(
                "There is no Secret {name} in this namespace. Create it with type {kind} and the keys username and password."
            ),
        ),
        SecretSeen::WrongType(found) => Verdict::Stalled(
            Reason::SecretWrongType,
            format!(
                "Secret {name} is of type {found}; only Secrets of type {kind} are read. Delete it and create it with that type."
            ),
        ),
        SecretSeen::KeysMissing(keys) => Verdict::Stalled(
            Reason::SecretKeysMissing,
            format!("Secret {name} lacks {}.", keys.join(" and ")),
        ),
        SecretSeen::Unreadable(why) => Verdict::Waiting(
            Reason::Progressing,
            format!("Secret {name} cannot be read yet: {why}"),
        ),
    }
}

/// What the relay itself says. What its operators or name servers may mend by themselves is waited for; the rest is a mistake here.
fn relay(observed: &RouteObserved) -> Verdict {
    let spec = &observed.route.spec;
    let relay = format!("The relay {}:{}", spec.host, spec.port);
    match &observed.checked.relay.seen {
        RelaySeen::NotTried => last_verdict(observed).unwrap_or_else(|| {
            Verdict::Waiting(Reason::Progressing, format!("{relay} is being tried."))
        }),
        RelaySeen::Works => Verdict::Ready(
            Reason::RelayWorks,
            format!("{relay} takes mail: connection, encryption and credentials were tried."),
        ),
        RelaySeen::Fails(fault) => {
            let message = format!("{relay} cannot be used: {fault}");
            match fault {
                RelayFault::NotFound(_) => Verdict::Stalled(Reason::RelayNotFound, message),
                RelayFault::Private(_) => Verdict::Stalled(Reason::RelayAddressRefused, message),
                RelayFault::ClearPassword => {
                    Verdict::Stalled(Reason::RelayWithoutEncryption, message)
                }
                RelayFault::Refused(_) => Verdict::Waiting(Reason::RelayRefused, message),
                RelayFault::TimedOut(_) => Verdict::Waiting(Reason::RelayTimedOut, message),
                RelayFault::Tls(_) => Verdict::Stalled(Reason::RelayTLSFailed, message),
                RelayFault::Login(_) => Verdict::Stalled(Reason::RelayLoginFailed, message),
                RelayFault::Rejected(_) => Verdict::Waiting(Reason::RelayRejected, message),
            }
        }
    }
}

/// An operator that has just started has tried no relay: until it has, what its predecessor found of the same spec holds, so that
/// a restart stops nobody's mail.
fn last_verdict(observed: &RouteObserved) -> Option<Verdict> {
    let route = &observed.route;
    let status = route.status.as_ref()?;
    let ready = |condition: &&Condition| condition.type_ == ConditionType::Ready.as_str();
    let ready = status.conditions.iter().find(ready)?;
    let same = route.metadata.generation == Some(status.observed_generation);
    let worked = ready.status == "True" && ready.reason == Reason::RelayWorks.as_str();
    (same && worked).then(|| Verdict::Ready(Reason::RelayWorks, ready.message.clone()))
}

/// Who uses a route, as the status shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Uses {
    customers: i64,
    only_route_of: i64,
    named: Vec<String>,
}

impl Uses {
    fn of(observed: &RouteObserved) -> Self {
        Self {
            customers: i64::try_from(observed.used_by.len()).unwrap_or(i64::MAX),
            only_route_of: observed.only_route_of,
            named: observed.used_by.iter().take(NAMED).cloned().collect(),
        }
    }

    fn shown(status: &PostalRouteStatus) -> Self {
        Self {
            customers: status.customers,
            only_route_of: status.only_route_of,
            named: status.used_by.clone(),
        }
    }
}
