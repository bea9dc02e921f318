//! Who gets in: the access level of a tenant, with its reason.
//!
//! What closes a tenant furthest wins, so that a hold put on a stopped tenant does not start its workloads again:
//!
//! | active | onHold | trial, deletion            | access                    |
//! | ------ | ------ | -------------------------- | ------------------------- |
//! | any    | any    | deletion pending           | `Stopped`, `DeletionPending` |
//! | any    | any    | over, with `onEnd: Stop`   | `Stopped`, `TrialEnded`   |
//! | false  | any    | else                       | `Locked`, `NotActivated`  |
//! | true   | true   | else                       | `Locked`, `OnHold`        |
//! | true   | false  | over, with `onEnd: Lock`   | `Locked`, `TrialEnded`    |
//! | true   | false  | none, or not over          | `Open`, `Active`          |

use crate::api::{Access, OnEnd, Reason};

/// An access level and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessVerdict {
    /// The level.
    pub access: Access,
    /// The reason, as shown in status and conditions.
    pub reason: Reason,
}

/// What decides about access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the customer is activated.
    pub active: bool,
    /// Whether it is on hold.
    pub on_hold: bool,
    /// Its trial is over, and this is what happens then.
    pub trial_over: Option<OnEnd>,
    /// Its deletion is asked for and can be taken back.
    pub deletion_pending: bool,
}

impl AccessVerdict {
    /// What holds for a customer that stands like this.
    pub fn of(standing: Standing) -> Self {
        let Standing {
            active,
            on_hold,
            trial_over,
            deletion_pending,
        } = standing;
        if deletion_pending {
            return Self {
                access: Access::Stopped,
                reason: Reason::DeletionPending,
            };
        }
        let (access, reason) = match (trial_over, active, on_hold) {
            (Some(OnEnd::Stop), _, _) => (Access::Stopped, Reason::TrialEnded),
            (_, false, _) => (Access::Locked, Reason::NotActivated),
            (_, true, true) => (Access::Locked, Reason::OnHold),
            (Some(OnEnd::Lock), true, false) => (Access::Locked, Reason::TrialEnded),
            (None, true, false) => (Access::Open, Reason::Active),
        };
        Self { access, reason }
    }

    /// Whether people get in.
    pub fn is_open(self) -> bool {
        self.access == Access::Open
    }

    /// What it means, for a person.
    pub fn message(self) -> &'static str {
        match (self.access, self.reason) {
            (Access::Stopped, Reason::DeletionPending) => {
                "Its deletion is asked for: people are kept out and nothing runs; all data is kept until the time that status.deletion says."
            }
            (Access::Stopped, _) => {
                "The trial is over: people are kept out and nothing runs; all data is kept. Extend spec.trial, or set its mode to None for a paying customer."
            }
            (Access::Locked, Reason::TrialEnded) => {
                "The trial is over: people are kept out, workloads go on. Extend spec.trial, or set its mode to None for a paying customer."
            }
            (Access::Locked, Reason::NotActivated) => {
                "Not activated: people are kept out, workloads go on. Set spec.active to true to let them in."
            }
            (Access::Locked, _) => {
                "On hold: people are kept out, workloads go on. Set spec.onHold to false to let them in."
            }
            (Access::Open, _) => "People get in.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(active: bool, on_hold: bool, trial_over: Option<OnEnd>) -> (Access, Reason) {
        let verdict = AccessVerdict::of(Standing {
            active,
            on_hold,
            trial_over,
            deletion_pending: false,
        });
        (verdict.access, verdict.reason)
    }

    #[test]
    fn the_table_of_the_api() {
        assert_eq!(of(true, false, None), (Access::Open, Reason::Active));
        assert_eq!(
            of(false, false, None),
            (Access::Locked, Reason::NotActivated)
        );
        assert_eq!(
            of(false, true, None),
            (Access::Locked, Reason::NotActivated)
        );
        assert_eq!(of(true, true, None), (Access::Locked, Reason::OnHold));
    }

    #[test]
    fn a_pending_deletion_stops_whatever_else_holds() {
        let verdict = AccessVerdict::of(Standing {
            active: true,
            on_hold: true,
            trial_over: Some(OnEnd::Lock),
            deletion_pending: true,
        });
        let stopped = (Access::Stopped, Reason::DeletionPending);
        assert_eq!((verdict.access, verdict.reason), stopped);
    }

    #[test]
    fn what_closes_furthest_wins() {
        let stopped = (Access::Stopped, Reason::TrialEnded);
        for (active, on_hold) in [(true, false), (true, true), (false, false), (false, true)] {
            assert_eq!(of(active, on_hold, Some(OnEnd::Stop)), stopped);
        }
        assert_eq!(
            of(true, false, Some(OnEnd::Lock)),
            (Access::Locked, Reason::TrialEnded)
        );
        assert_eq!(
            of(true, true, Some(OnEnd::Lock)),
            (Access::Locked, Reason::OnHold)
        );
        assert_eq!(
            of(false, false, Some(OnEnd::Lock)),
            (Access::Locked, Reason::NotActivated)
        );
    }
}
