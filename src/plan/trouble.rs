//! Why something cannot be made so, and what to tell the person who can change that.

use super::Verdict;
use crate::api::Reason;
use crate::domain::lineage::Place;

/// What keeps an object from being as its spec says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What the status says: stalled until somebody changes something, or waiting for what comes by itself.
    pub verdict: Verdict,
    /// Whether it may pass without anything that we watch changing, so that it has to be looked at again.
    pub unwatched: bool,
}

impl Trouble {
    /// Until somebody changes something that we watch.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Stalled(reason, message.into()),
            unwatched: false,
        }
    }

    /// Until something comes by itself that we watch.
    pub fn waiting(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Waiting(reason, message.into()),
            unwatched: false,
        }
    }

    /// The same, but nothing will tell us.
    #[must_use]
    pub fn unwatched(self) -> Self {
        Self {
            unwatched: true,
            ..self
        }
    }

    /// A namespace that we need is being deleted.
    pub fn terminating(namespace: &str) -> Self {
        let message =
            format!("Namespace {namespace} is being deleted; it is made again when it is gone.");
        Self::waiting(Reason::NamespaceTerminating, message)
    }

    /// An object that is not where it belongs, or where it belongs too early; `belongs` tells where that is.
    pub fn misplaced(place: &Place, belongs: &str) -> Self {
        match place {
            Place::Coming => Self::waiting(
                Reason::PartnerNotReady,
                "Waiting for the partner that is to own this namespace: kubectl get partners -A",
            ),
            Place::Root | Place::Partner(_) | Place::Elsewhere => {
                Self::stalled(Reason::NotAPartnerNamespace, belongs)
            }
        }
    }
}
