//! From what is (`Observed`) to what to do (`Plan`): pure, total, and data that a test can read.
//!
//! ```text
//! Observed ──▶ customer::plan, partner::plan, … (ordered rules) ──▶ Plan { stages of steps, draft of the status, wake }
//!                                                                     │ apply
//!                            status::conclude(draft, Outcome) ◀───────┘ Outcome
//! ```
//!
//! A bad spec is not an error here but a plan whose draft says so. No clock: `now` is an argument where a rule needs it.

pub mod contact_list;
pub mod customer;
pub mod customer_user;
pub mod deletion;
pub mod notes;
pub mod objects;
pub mod observed;
pub mod partner;
pub mod postal_route;
pub mod sending;
pub mod service_offering;
pub mod service_plan;
pub mod services;
pub mod status;
pub mod step;
pub mod subject;
mod trouble;

pub use status::{Draft, Verdict};
pub use step::{Failure, Outcome, Stages, Step, Written};
pub use subject::{Key, Kind, Subject};

use std::time::Duration;

use kube::ResourceExt;

use crate::api::meta;

/// What to do about one object.
#[derive(Clone, Debug)]
pub struct Plan<S> {
    /// The object this is about.
    pub subject: Subject,
    /// What to write, in order.
    pub stages: Stages,
    /// The status to conclude with; `None` leaves the status as it is (paused, or going).
    pub draft: Option<Draft<S>>,
    /// When to look again although nothing has changed.
    pub wake: Option<Duration>,
}

impl<S> Plan<S> {
    /// A plan that changes nothing at all.
    pub fn nothing(subject: Subject) -> Self {
        Self {
            subject,
            stages: Stages::default(),
            draft: None,
            wake: None,
        }
    }
}

/// Whether a person has said that nothing is to be changed.
fn is_paused(object: &impl ResourceExt) -> bool {
    let paused = object.annotations().get(meta::ANNOTATION_PAUSED);
    paused.is_some_and(|paused| paused == "true")
}

/// The step that puts a finalizer of ours on an object, unless it is there.
fn add_finalizer(object: &impl ResourceExt, finalizer: &str) -> Option<Step> {
    let mut finalizers = object.finalizers().to_vec();
    if finalizers.iter().any(|there| there == finalizer) {
        return None;
    }
    finalizers.push(finalizer.to_owned());
    Some(Step::Finalizers(finalizers))
}

/// The step that takes a finalizer of ours off an object, if it is there.
fn remove_finalizer(object: &impl ResourceExt, finalizer: &str) -> Option<Step> {
    let mut finalizers = object.finalizers().to_vec();
    let before = finalizers.len();
    finalizers.retain(|there| there != finalizer);
    (finalizers.len() < before).then_some(Step::Finalizers(finalizers))
}
