//! Draft + Outcome → status: the one place where conditions change their time.
//!
//! The contract is kstatus's (<https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>):
//! `Ready` always, `Reconciling` and `Stalled` only while true. A condition whose status did not change keeps its time, and a
//! status that did not change is not written.

mod paced;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{sending, step::Outcome};
use crate::api::{
    self, Condition, ConditionType, ContactListStatus, CustomerStatus, CustomerUserStatus,
    DeletionEvent, DeletionRequestStatus, PartnerStatus, PostalRouteStatus, Reason,
    ServiceOfferingStatus, ServicePlanStatus, ServiceStatus, meta,
};

pub use self::paced::{COUNT_PACE, paced};

/// A status that carries conditions and the generation it speaks of.
pub trait Conditioned: Clone + Default + PartialEq {
    /// The conditions.
    fn conditions(&self) -> &[Condition];
    /// The generation the conditions speak of.
    fn observed_generation(&self) -> i64;
    /// Sets generation and conditions.
    fn conclude(&mut self, generation: i64, conditions: Vec<Condition>);

    /// What has happened since an older status, where the status itself keeps a history.
    fn happened(&self, _old: Option<&Self>) -> &[DeletionEvent] {
        &[]
    }

    /// Where services stand, where the status tells of any.
    fn services(&self) -> &[ServiceStatus] {
        &[]
    }

    /// Takes away what another writer tells in the same status: it is not compared with ours, and never applied.
    fn keep_ours(&mut self) {}
}

macro_rules! conditioned {
    ($($status:ty $(: $($more:item)+)?),+) => {$(
        impl Conditioned for $status {
            $($($more)+)?

            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn observed_generation(&self) -> i64 {
                self.observed_generation
            }

            fn conclude(&mut self, generation: i64, conditions: Vec<Condition>) {
                self.observed_generation = generation;
                self.conditions = conditions;
            }
        }
    )+};
}

conditioned!(
    ServiceOfferingStatus,
    ServicePlanStatus,
    PartnerStatus,
    PostalRouteStatus,
    CustomerUserStatus,
    ContactListStatus,
    CustomerStatus: fn services(&self) -> &[ServiceStatus] {
        &self.services
    } fn keep_ours(&mut self) {
        sending::keep_ours(self);
    }
);

impl Conditioned for DeletionRequestStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn observed_generation(&self) -> i64 {
        self.observed_generation
    }

    fn conclude(&mut self, generation: i64, conditions: Vec<Condition>) {
        self.observed_generation = generation;
        self.conditions = conditions;
    }

    fn happened(&self, old: Option<&Self>) -> &[DeletionEvent] {
        let known = old.map_or(0, |old| old.history.len());
        self.history.get(known..).unwrap_or_default()
    }
}

/// The answer to "is it as it should be?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, once the steps have succeeded.
    Ready(Reason, String),
    /// Not yet; nobody has to do anything.
    Waiting(Reason, String),
    /// No, until a person changes something; the message says what.
    Stalled(Reason, String),
}

impl Verdict {
    /// Reason and message.
    pub fn why(&self) -> (Reason, &str) {
        match self {
            Self::Ready(reason, message)
            | Self::Waiting(reason, message)
            | Self::Stalled(reason, message) => (*reason, message),
        }
    }
}

/// A status as the plan wants it, less what only the outcome tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<S> {
    /// The fields; generation and conditions are filled in by [`conclude`].
    pub fields: S,
    /// What `Ready`, `Reconciling` and `Stalled` will say.
    pub verdict: Verdict,
    /// Conditions beside those three.
    pub others: Vec<(ConditionType, bool, Reason, String)>,
    /// Whether conditions beside those three stay as they were.
    pub carry_over: bool,
}

impl<S: Conditioned> Draft<S> {
    /// A draft without further conditions.
    pub fn new(fields: S, verdict: Verdict) -> Self {
        Self {
            fields,
            verdict,
            others: Vec::new(),
            carry_over: false,
        }
    }

    /// The status of an object that a person has paused: as it was, and it says so. A spec that was not yet made true is not ready.
    pub fn paused(old: S, generation: i64) -> Self {
        let message = format!(
            "Paused by the annotation {}: nothing is changed until it is removed.",
            meta::ANNOTATION_PAUSED
        );
        let settled = api::holds(old.conditions(), ConditionType::Ready)
            && old.observed_generation() == generation;
        let verdict = if settled {
            Verdict::Ready(Reason::Paused, message)
        } else {
            Verdict::Waiting(Reason::Paused, message)
        };
        Self {
            carry_over: true,
            ..Self::new(old, verdict)
        }
    }
}

/// The status to write, or `None` where the old one still says it all.
///
/// `attempt` counts failures in a row before this one: a first failure that can be retried does not touch the status, since the
/// next try usually succeeds and flapping helps nobody.
pub fn conclude<S: Conditioned>(
    draft: Draft<S>,
    outcome: &Outcome,
    old: Option<&S>,
    generation: i64,
    attempt: u32,
    now: Timestamp,
) -> Option<S> {
    let Draft {
        mut fields,
        mut verdict,
        mut others,
        carry_over,
    } = draft;
    let mut old = old.cloned();
    old.iter_mut().for_each(Conditioned::keep_ours);
    let old = old.as_ref();
    fields.keep_ours();
    if let Some(failure) = &outcome.failure {
        if failure.retryable && attempt == 0 {
            return None;
        }
        verdict = match verdict {
            stalled @ Verdict::Stalled(..) => stalled,
            _ if failure.retryable && failure.reason == Reason::ApplyFailed => {
                Verdict::Waiting(failure.reason, failure.message.clone())
            }
            _ => Verdict::Stalled(failure.reason, failure.message.clone()),
        };
        // This one speaks of the steps themselves.
        for other in others
            .iter_mut()
            .filter(|other| other.0 == ConditionType::NamespaceReady)
        {
            *other = (
                ConditionType::NamespaceReady,
                false,
                Reason::ApplyFailed,
                failure.message.clone(),
            );
        }
    }

    let mut wanted = Vec::with_capacity(others.len() + 2);
    match verdict {
        Verdict::Ready(reason, message) => {
            wanted.push((ConditionType::Ready, true, reason, message))
        }
        Verdict::Waiting(reason, message) => {
            wanted.push((ConditionType::Ready, false, reason, message.clone()));
            wanted.push((ConditionType::Reconciling, true, reason, message));
        }
        Verdict::Stalled(reason, message) => {
            wanted.push((ConditionType::Ready, false, reason, message.clone()));
            wanted.push((ConditionType::Stalled, true, reason, message));
        }
    }
    wanted.extend(others);

    let before = old.map(Conditioned::conditions).unwrap_or_default();
    let mut conditions: Vec<_> = wanted
        .into_iter()
        .map(|(kind, holds, reason, message)| {
            condition(kind, holds, reason, message, before, generation, now)
        })
        .collect();
    if carry_over {
        let main = [
            ConditionType::Ready,
            ConditionType::Reconciling,
            ConditionType::Stalled,
        ];
        conditions.extend(
            before
                .iter()
                .filter(|old| main.iter().all(|main| main.as_str() != old.type_))
                .cloned(),
        );
    }
    fields.conclude(generation, conditions);
    (old != Some(&fields)).then_some(fields)
}

fn condition(
    kind: ConditionType,
    holds: bool,
    reason: Reason,
    mut message: String,
    before: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Condition {
    let status = if holds { "True" } else { "False" };
    let since = before
        .iter()
        .find(|old| old.type_ == kind.as_str() && old.status == status)
        .map_or_else(|| Time(second(now)), |old| old.last_transition_time.clone());
    if message.len() > api::MAX_MESSAGE {
        let cut = (0..=api::MAX_MESSAGE)
            .rev()
            .find(|&at| message.is_char_boundary(at))
            .unwrap_or_default();
        message.truncate(cut);
    }
    Condition {
        type_: kind.as_str().to_owned(),
        status: status.to_owned(),
        reason: reason.as_str().to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time: since,
    }
}

/// The time without its fraction: the API server keeps seconds, and what is read back must equal what was written.
pub fn second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::step::Failure;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn draft(verdict: Verdict) -> Draft<CustomerStatus> {
        Draft::new(CustomerStatus::default(), verdict)
    }

    fn ready() -> Draft<CustomerStatus> {
        draft(Verdict::Ready(Reason::Settled, "fine".into()))
    }

    fn failed(retryable: bool) -> Outcome {
        let failure = Failure {
            category: "conflict",
            reason: Reason::ApplyFailed,
            message: "no luck".into(),
            retryable,
        };
        Outcome {
            failure: Some(failure),
            ..Outcome::default()
        }
    }

    #[test]
    fn a_settled_status_is_not_written_again() {
        let first = conclude(ready(), &Outcome::default(), None, 3, 0, at(100)).unwrap();
        assert_eq!(first.observed_generation, 3);
        assert_eq!(
            conclude(ready(), &Outcome::default(), Some(&first), 3, 0, at(900)),
            None
        );
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let first = conclude(ready(), &Outcome::default(), None, 1, 0, at(100)).unwrap();
        let other = draft(Verdict::Ready(Reason::OnHold, "held".into()));
        let second = conclude(other, &Outcome::default(), Some(&first), 1, 0, at(200)).unwrap();
        assert_eq!(second.conditions[0].last_transition_time, Time(at(100)));
        let stalled = draft(Verdict::Stalled(Reason::PlanNotFound, "x".into()));
        let third = conclude(stalled, &Outcome::default(), Some(&second), 1, 0, at(300)).unwrap();
        assert_eq!(third.conditions[0].last_transition_time, Time(at(300)));
        assert!(
            api::holds(third.conditions(), ConditionType::Stalled)
                && !api::holds(third.conditions(), ConditionType::Ready)
        );
    }

    #[test]
    fn one_failure_that_passes_leaves_the_status_alone_a_second_does_not() {
        let old = conclude(ready(), &Outcome::default(), None, 1, 0, at(100)).unwrap();
        assert_eq!(
            conclude(ready(), &failed(true), Some(&old), 1, 0, at(200)),
            None
        );
        let told = conclude(ready(), &failed(true), Some(&old), 1, 1, at(200)).unwrap();
        assert!(
            api::holds(told.conditions(), ConditionType::Reconciling)
                && !api::holds(told.conditions(), ConditionType::Ready)
        );
    }

    #[test]
    fn a_final_failure_is_stalled_at_once_but_never_hides_the_users_own_mistake() {
        let told = conclude(ready(), &failed(false), None, 1, 0, at(1)).unwrap();
        assert!(api::holds(told.conditions(), ConditionType::Stalled));
        let mistake = draft(Verdict::Stalled(Reason::PlanNotFound, "no plan".into()));
        let told = conclude(mistake, &failed(true), None, 1, 5, at(1)).unwrap();
        assert_eq!(told.conditions[0].reason, "PlanNotFound");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = draft(Verdict::Ready(Reason::Settled, "ä".repeat(2_000)));
        let told = conclude(long, &Outcome::default(), None, 1, 0, at(1)).unwrap();
        assert!(told.conditions[0].message.len() <= api::MAX_MESSAGE);
    }
}
