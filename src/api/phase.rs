//! Where a customer is in its life. Which phase follows from what is the domain's to say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a customer is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// No service is in use.
    #[default]
    Preparation,
    /// At least one service is tried, and none is in full use.
    Trial,
    /// At least one service is in use.
    Active,
    /// The trial is over, or no service is in use any more.
    TrialEnd,
    /// Its deletion is asked for and can be taken back.
    PendingDeletion,
    /// Its deletion is done: it has no tenant any more.
    Deleted,
}

impl Phase {
    /// The name as it stands in status and ConfigMap.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparation => "Preparation",
            Self::Trial => "Trial",
            Self::Active => "Active",
            Self::TrialEnd => "TrialEnd",
            Self::PendingDeletion => "PendingDeletion",
            Self::Deleted => "Deleted",
        }
    }
}
