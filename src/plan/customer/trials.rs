//! A customer's trial: when it began, and what is told of its end. When it ends is decided in [`crate::domain::trial`].

use jiff::Timestamp;

use crate::api::{ConditionType, OnEnd, Reason, TrialDefault};
use crate::domain::duration;
use crate::domain::facts::TenantFacts;
use crate::domain::trial::{self, Trial};
use crate::plan::observed::CustomerObserved;
use crate::plan::status::second;
use crate::plan::trouble::Trouble;

/// The trial in force. One that has to begin begins now, once.
pub fn in_force(
    observed: &CustomerObserved,
    first_made: bool,
    facts: &mut TenantFacts,
    now: Timestamp,
) -> (Option<Trial>, Option<Trouble>) {
    let spec = observed.customer.spec.trial.as_ref();
    let told = observed.customer.status.as_ref();
    let since = facts
        .customer_since
        .as_deref()
        .and_then(|since| since.parse().ok());
    // The namespace was removed with the facts on it. People were told an end, and that stays.
    if let (true, Some(end)) = (
        first_made,
        told.and_then(|told| told.trial_ends_at.as_ref()),
    ) {
        let period = spec.and_then(|spec| spec.period.as_deref());
        let period = period.and_then(|period| duration::parse(period).ok());
        let began = period.and_then(|period| end.0.checked_sub(period).ok());
        let began = began.or(since);
        if let Some(began) = began {
            let lasted = end.0.duration_since(began).as_secs().max(1);
            facts.defaults.trial = Some(TrialDefault {
                period: format!("{lasted}s"),
                on_end: None,
            });
        }
        facts.trial_began = began.map(|began| second(began).to_string());
    }
    let default = facts.defaults.trial.as_ref();
    if facts.trial_began.is_none() && trial::begins(spec, default) {
        let began = since.filter(|_| first_made).unwrap_or(now);
        facts.trial_began = Some(second(began).to_string());
    }
    let began = facts.trial_began.as_deref();
    let began = began.and_then(|began| began.parse().ok()).unwrap_or(now);
    match Trial::of(spec, default, began) {
        Ok(trial) => (trial, None),
        Err(wrong) => {
            // What people were told stays: a mistake opens nothing that was closed.
            let ends_at = told.and_then(|told| told.trial_ends_at.as_ref());
            let trial = ends_at.map(|ends_at| Trial {
                ends_at: ends_at.0,
                on_end: spec.and_then(|spec| spec.on_end).unwrap_or_default(),
            });
            let message = format!("Mend spec.trial: {wrong}.");
            (trial, Some(Trouble::stalled(Reason::InvalidSpec, message)))
        }
    }
}

/// The condition that tells of the end of a trial. Its message changes, and with it an Event is sent, at each notice.
pub fn ending(
    trial: Trial,
    notices: Option<&[String]>,
    now: Timestamp,
) -> Option<(ConditionType, bool, Reason, String)> {
    // A notice that is none is the partner's mistake, and its schema lets none through.
    let notice = trial::notice(trial, notices, now).ok().flatten()?;
    let what = match trial.on_end {
        OnEnd::Stop => "people are kept out and nothing runs",
        OnEnd::Lock => "people are kept out",
    };
    let message = format!(
        "The trial ends at {}, in less than {}; then {what}. Extend spec.trial, or set its mode to None for a paying customer.",
        second(trial.ends_at),
        duration::spelled(notice),
    );
    Some((
        ConditionType::TrialEnding,
        true,
        Reason::TrialEnding,
        message,
    ))
}
