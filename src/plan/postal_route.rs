//! One postal route: whether it can be used, who uses it, what it hides. Nothing is made for it here.

use std::time::Duration;

use jiff::Timestamp;

use super::observed::{RouteObserved, SecretSeen};
use super::trouble::Trouble;
use super::{Draft, Plan, Subject, Verdict, status, subject::Kind};
use crate::api::{ConditionType, PostalRouteStatus, Reason, meta};

/// How many users of a route are named in its status.
const NAMED: usize = 5;

/// How often a Secret that was in order is read again; nothing tells us when it changes.
const SECRET_GOOD: Duration = Duration::from_secs(600);

/// Bounds of how long until one that was not is read again: a file often brings the route first and its Secret just after it, and
/// one that has been missing for an hour is not missed by the second.
const SECRET_BAD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What to do about a route.
pub fn plan(observed: &RouteObserved, now: Timestamp) -> Plan<PostalRouteStatus> {
    let subject = Subject::of(Kind::PostalRoute, observed.route.as_ref());
    if observed.route.metadata.deletion_timestamp.is_some() {
        return Plan::nothing(subject);
    }
    let verdict = if observed.home.partner().is_some() {
        secret(observed)
    } else {
        let message = "A PostalRoute belongs into the namespace of a partner (partner-<name>).";
        Trouble::misplaced(&observed.home, message).verdict
    };
    let (reason, message) = verdict.why();
    let usable = matches!(verdict, Verdict::Ready(..));
    let accepted = (ConditionType::Accepted, usable, reason, message.to_owned());

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
    let wake = [paced, recheck(&observed.secret, observed.secret_bad_for)]
        .into_iter()
        .flatten()
        .min();
    let draft = Draft {
        others: vec![accepted],
        ..Draft::new(fields, verdict)
    };
    Plan {
        draft: Some(draft),
        wake,
        ..Plan::nothing(subject)
    }
}

/// How long until the Secret is read again, if it has not been in order `for_long` already.
pub fn recheck(secret: &SecretSeen, for_long: Duration) -> Option<Duration> {
    let (soonest, latest) = SECRET_BAD;
    match secret {
        SecretSeen::NotNeeded => None,
        SecretSeen::Complete => Some(SECRET_GOOD),
        SecretSeen::Missing
        | SecretSeen::WrongType(_)
        | SecretSeen::KeysMissing(_)
        | SecretSeen::Unreadable(_) => Some(for_long.clamp(soonest, latest)),
    }
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
    match &observed.secret {
        SecretSeen::NotNeeded => Verdict::Ready(
            Reason::Accepted,
            "Mail can be sent by this route, without credentials.".to_owned(),
        ),
        SecretSeen::Complete => Verdict::Ready(
            Reason::Accepted,
            "Mail can be sent by this route.".to_owned(),
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
