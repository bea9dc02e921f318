//! What a customer may send: how much, and whether at all.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::decisions::Decisions;
use crate::api::{SendLimits, SendingStatus, ServicePlanSpec, SmtpLogin};
use crate::domain::limits;
use crate::plan::observed::CustomerObserved;

/// As its status tells it.
pub fn status(
    observed: &CustomerObserved,
    namespace: &str,
    decisions: &Decisions<'_>,
) -> SendingStatus {
    let Decisions {
        send_limits,
        facts,
        access,
        ..
    } = decisions;
    let limited = *send_limits != SendLimits::default();
    let login = facts.login.as_ref().filter(|_| observed.smtp.is_some());
    SendingStatus {
        limits: limited.then_some(*send_limits),
        allowed: Some(access.is_open() && !facts.routes.is_empty()),
        login: login.map(|login| SmtpLogin {
            username: namespace.to_owned(),
            issued_at: login.issued_at.parse().ok().map(Time),
        }),
        used: None,
    }
}

/// The limits in force. Those of a plan whose object is lost go on holding as the status tells them: what was limited never becomes
/// unlimited by that.
pub fn limits(
    observed: &CustomerObserved,
    plan: Option<&ServicePlanSpec>,
    plan_lost: bool,
) -> SendLimits {
    let customer = &observed.customer;
    let told = || {
        let sending = customer.status.as_ref()?.sending.as_ref()?;
        sending.limits.as_ref()
    };
    let plans = if plan_lost {
        told()
    } else {
        plan.and_then(|plan| plan.send_limits.as_ref())
    };
    let own = customer.spec.sending.as_ref();
    limits::effective(plans, own.and_then(|own| own.limits.as_ref()))
}

/// Limits for people: the name of each that there is, and how many.
pub fn named(limits: &SendLimits) -> impl Iterator<Item = (&'static str, i64)> {
    let SendLimits {
        hourly,
        daily,
        monthly,
        recipients_per_message,
    } = *limits;
    [
        ("sendLimits.hourly", hourly),
        ("sendLimits.daily", daily),
        ("sendLimits.monthly", monthly),
        ("sendLimits.recipientsPerMessage", recipients_per_message),
    ]
    .into_iter()
    .filter_map(|(name, limit)| Some((name, limit?)))
}
