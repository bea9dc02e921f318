//! Who gets in: the access level of a tenant, with its reason.

use crate::api::{Access, Reason};

/// An access level and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessVerdict {
    /// The level.
    pub access: Access,
    /// The reason, as shown in status and conditions.
    pub reason: Reason,
}

impl AccessVerdict {
    /// What holds for a customer that is (not) activated and (not) on hold.
    pub fn of(active: bool, on_hold: bool) -> Self {
        match (active, on_hold) {
            (true, false) => Self {
                access: Access::Open,
                reason: Reason::Active,
            },
            (false, _) => Self {
                access: Access::Locked,
                reason: Reason::NotActivated,
            },
            (true, true) => Self {
                access: Access::Locked,
                reason: Reason::OnHold,
            },
        }
    }

    /// Whether people get in.
    pub fn is_open(self) -> bool {
        self.access == Access::Open
    }

    /// What it means, for a person.
    pub fn message(self) -> &'static str {
        match self.reason {
            Reason::NotActivated => {
                "Not activated: people are kept out, workloads go on. Set spec.active to true to let them in."
            }
            Reason::OnHold => {
                "On hold: people are kept out, workloads go on. Set spec.onHold to false to let them in."
            }
            _ => "People get in.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_api() {
        let of = |active, hold| {
            let v = AccessVerdict::of(active, hold);
            (v.access, v.reason)
        };
        assert_eq!(of(true, false), (Access::Open, Reason::Active));
        assert_eq!(of(false, false), (Access::Locked, Reason::NotActivated));
        assert_eq!(of(false, true), (Access::Locked, Reason::NotActivated));
        assert_eq!(of(true, true), (Access::Locked, Reason::OnHold));
    }
}
