//! When a customer's trial ends, and what then.
//!
//! | the customer's `trial`  | the trial ends                                                         |
//! | ----------------------- | ---------------------------------------------------------------------- |
//! | `mode: None`            | never: a paying customer                                               |
//! | `endsAt`                | then                                                                   |
//! | `period`                | that long after the trial began                                        |
//! | none of these           | the default's period after it began, if one was taken when first made |
//!
//! A trial begins once: when the customer was first made, or when one was first asked for later. That is a durable fact, so
//! deleting the customer and applying it again, or removing the field and setting it again, gives no second trial.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::api::{OnEnd, TrialDefault, TrialMode, TrialSpec};
use crate::domain::duration;

/// The longest a timer may be relied on: a clock that is set steps over it.
const LONGEST_WAKE: Duration = Duration::from_secs(4 * 60 * 60);

const DAY: u64 = 24 * 60 * 60;

/// How long before its end a trial is announced, where the partner says nothing.
const NOTICES: [Duration; 3] = [
    Duration::from_secs(DAY),
    Duration::from_secs(3 * DAY),
    Duration::from_secs(7 * DAY),
];

/// A trial: its end, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The first moment after it.
    pub ends_at: Timestamp,
    /// What happens then.
    pub on_end: OnEnd,
}

impl Trial {
    /// The trial in force, if any, of a customer whose trial began then.
    ///
    /// # Errors
    /// What is wrong with a period, for a person.
    pub fn of(
        spec: Option<&TrialSpec>,
        default: Option<&TrialDefault>,
        began: Timestamp,
    ) -> Result<Option<Self>, String> {
        let asked = spec.cloned().unwrap_or_default();
        let TrialSpec {
            period,
            ends_at,
            mode,
            on_end,
        } = asked;
        let on_end = on_end
            .or_else(|| default.and_then(|default| default.on_end))
            .unwrap_or_default();
        let ends_at = match (
            mode,
            ends_at,
            period.as_ref().or(default.map(|default| &default.period)),
        ) {
            (Some(TrialMode::None), ..) | (None, None, None) => return Ok(None),
            (None, Some(ends_at), _) => ends_at.0,
            (None, None, Some(period)) => after(began, duration::parse(period)?)?,
        };
        Ok(Some(Self { ends_at, on_end }))
    }

    /// Whether it is over.
    pub fn is_over(self, now: Timestamp) -> bool {
        now >= self.ends_at
    }
}

/// Whether a trial by period is asked for, one that has to begin.
pub fn begins(spec: Option<&TrialSpec>, default: Option<&TrialDefault>) -> bool {
    match spec {
        Some(
            TrialSpec {
                mode: Some(TrialMode::None),
                ..
            }
            | TrialSpec {
                ends_at: Some(_), ..
            },
        ) => false,
        Some(TrialSpec {
            period: Some(_), ..
        }) => true,
        Some(_) | None => default.is_some(),
    }
}

fn after(began: Timestamp, period: Duration) -> Result<Timestamp, String> {
    let period = SignedDuration::try_from(period).map_err(|error| error.to_string())?;
    began.checked_add(period).map_err(|error| error.to_string())
}

/// The shortest of the notices that has come: how long before its end the trial is announced as ending by now. `None` when it is
/// not near yet, or over.
///
/// # Errors
/// What is wrong with a notice, for a person.
pub fn notice(
    trial: Trial,
    notices: Option<&[String]>,
    now: Timestamp,
) -> Result<Option<Duration>, String> {
    let left = duration::left(trial.ends_at, now);
    let near = sorted(notices)?.into_iter().find(|notice| left <= *notice);
    Ok(near.filter(|_| !trial.is_over(now)))
}

/// How long until something about the trial is different: a notice, or its end.
pub fn next_change(trial: Trial, notices: Option<&[String]>, now: Timestamp) -> Option<Duration> {
    if trial.is_over(now) {
        return None;
    }
    let left = duration::left(trial.ends_at, now);
    let notices = sorted(notices).unwrap_or_default();
    let next = notices
        .into_iter()
        .rev()
        .find_map(|notice| left.checked_sub(notice).filter(|wait| !wait.is_zero()))
        .unwrap_or(left);
    Some(next.min(LONGEST_WAKE))
}

/// Notices, the shortest first.
fn sorted(notices: Option<&[String]>) -> Result<Vec<Duration>, String> {
    let mut sorted = match notices {
        Some(notices) => notices
            .iter()
            .map(|notice| duration::parse(notice))
            .collect::<Result<Vec<_>, _>>()?,
        None => NOTICES.to_vec(),
    };
    sorted.sort();
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    const BEGAN: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn at(days: f64) -> Timestamp {
        BEGAN + SignedDuration::from_secs_f64(days * 86_400.0)
    }

    fn period(period: &str) -> TrialSpec {
        TrialSpec {
            period: Some(period.into()),
            ..TrialSpec::default()
        }
    }

    fn default(period: &str) -> TrialDefault {
        TrialDefault {
            period: period.into(),
            on_end: Some(OnEnd::Lock),
        }
    }

    fn end(spec: Option<&TrialSpec>, default: Option<&TrialDefault>) -> Option<f64> {
        let trial = Trial::of(spec, default, BEGAN).unwrap()?;
        Some(trial.ends_at.duration_since(BEGAN).as_secs_f64() / 86_400.0)
    }

    #[test]
    fn the_customer_says_when_else_the_default_that_was_taken() {
        let fixed = TrialSpec {
            ends_at: Some(Time(at(3.0))),
            ..TrialSpec::default()
        };
        let none = TrialSpec {
            mode: Some(TrialMode::None),
            ..TrialSpec::default()
        };
        let default = default("14d");
        assert_eq!(end(None, None), None);
        assert_eq!(end(None, Some(&default)), Some(14.0));
        assert_eq!(end(Some(&period("2d")), Some(&default)), Some(2.0));
        assert_eq!(end(Some(&fixed), Some(&default)), Some(3.0));
        assert_eq!(end(Some(&none), Some(&default)), None);
        assert_eq!(end(Some(&TrialSpec::default()), Some(&default)), Some(14.0));
    }

    #[test]
    fn what_happens_at_the_end_is_the_customers_word_then_the_defaults() {
        let on_end = |spec: Option<&TrialSpec>, default: Option<&TrialDefault>| {
            Trial::of(spec, default, BEGAN).unwrap().unwrap().on_end
        };
        let stop = TrialSpec {
            on_end: Some(OnEnd::Stop),
            ..TrialSpec::default()
        };
        assert_eq!(on_end(Some(&period("1d")), None), OnEnd::Stop);
        assert_eq!(
            on_end(Some(&period("1d")), Some(&default("1d"))),
            OnEnd::Lock
        );
        assert_eq!(on_end(Some(&stop), Some(&default("1d"))), OnEnd::Stop);
    }

    #[test]
    fn it_is_over_at_its_end_and_not_a_moment_before() {
        let trial = Trial::of(Some(&period("1d")), None, BEGAN)
            .unwrap()
            .unwrap();
        assert!(!trial.is_over(at(1.0) - SignedDuration::from_nanos(1)));
        assert!(trial.is_over(at(1.0)));
    }

    #[test]
    fn notices_come_one_after_the_other() {
        let trial = Trial::of(Some(&period("30d")), None, BEGAN)
            .unwrap()
            .unwrap();
        let days = |now| {
            notice(trial, None, at(now))
                .unwrap()
                .map(|notice| notice.as_secs() / 86_400)
        };
        assert_eq!(
            [22.9, 23.0, 26.5, 27.0, 29.5, 30.0].map(days),
            [None, Some(7), Some(7), Some(3), Some(1), None]
        );
        let own = ["2h".to_owned()];
        assert_eq!(notice(trial, Some(&own), at(29.9)), Ok(None));
        assert_eq!(notice(trial, Some(&[]), at(29.99)), Ok(None));
        assert!(notice(trial, Some(&["soon".to_owned()]), at(1.0)).is_err());
    }

    #[test]
    fn it_wakes_for_each_change_and_at_least_every_few_hours() {
        let trial = Trial::of(Some(&period("30d")), None, BEGAN)
            .unwrap()
            .unwrap();
        let wake = |now| next_change(trial, None, at(now));
        assert_eq!(wake(1.0), Some(LONGEST_WAKE));
        assert_eq!(wake(23.0 - 1.0 / 24.0), Some(Duration::from_secs(3600)));
        assert_eq!(wake(30.0 - 1.0 / 86_400.0), Some(Duration::from_secs(1)));
        assert_eq!(wake(30.0), None);
    }

    #[test]
    fn only_a_trial_by_period_has_to_begin() {
        let fixed = TrialSpec {
            ends_at: Some(Time(at(3.0))),
            ..TrialSpec::default()
        };
        assert!(begins(Some(&period("1d")), None) && begins(None, Some(&default("1d"))));
        assert!(!begins(Some(&fixed), Some(&default("1d"))) && !begins(None, None));
    }
}
