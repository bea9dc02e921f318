//! Plan → writes → Outcome. The plan has decided; here it is only done, and what came of it told.
//!
//! | step | request | why this one |
//! | --- | --- | --- |
//! | finalizers | merge patch with resourceVersion | never brings back a finalizer that somebody else removed meanwhile |
//! | make a namespace | POST | an apply would take over one that exists |
//! | change a namespace | merge patch with uid and resourceVersion | key by key: others label it too |
//! | everything in it | server-side apply, forced, one field manager | one call, whether it exists or not |
//! | objects of services | server-side apply, forced, one field manager a service | drift in a field of ours shows in its owner |
//! | take away | DELETE with uid | never hits a successor of that name |
//! | an SMTP login | server-side apply of two Secrets, then a merge patch of the namespace | in this order, a password always works |
//! | another object of our kinds | POST under a name that the same cause always comes to | made once, however often it is tried |
//! | a tenant namespace | reads, then DELETE with uid and resourceVersion | it cannot be undone |
//! | status | server-side apply on the subresource, with uid | each writer owns its fields |

pub mod events;
pub mod kinds;
mod logins;
mod own;
mod pieces;
mod pods;
mod purge;
mod refusals;
pub mod requests;
pub mod status;
mod steps;

use std::time::Duration;

use kube::Client;

use crate::api::Reason;
use crate::error::{Cause, chain};
use crate::plan::step::{Failure, Outcome, Stages};
use crate::plan::{Subject, Written};
use requests::Address;

/// Longest time for all steps of one plan; each call has its own, shorter limit.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the stages in order, the steps of one stage side by side. `own` is where the subject itself is.
pub async fn run(client: &Client, own: &Address, subject: &Subject, stages: &Stages) -> Outcome {
    let mut outcome = Outcome::default();
    let all = async {
        for stage in stages.iter() {
            let done = futures::future::join_all(
                stage
                    .iter()
                    .map(|step| steps::run(client, own, subject, step)),
            )
            .await;
            for (written, failure) in done {
                outcome.written.extend(written);
                if outcome.failure.is_none() {
                    outcome.failure = failure;
                }
            }
            if outcome.failure.is_some() {
                break;
            }
        }
    };
    if tokio::time::timeout(LIMIT, all).await.is_err() {
        let message = format!(
            "The API server did not answer within {} s.",
            LIMIT.as_secs()
        );
        outcome.failure = Some(Failure {
            category: Cause::TimedOut.as_str(),
            reason: Reason::ApplyFailed,
            message,
            retryable: true,
        });
    }
    outcome
}

/// What a failed call means for the status and the retry. `what` names the step for a person.
pub fn failure(what: &str, error: &kube::Error) -> Failure {
    let cause = Cause::of(error);
    Failure {
        category: cause.as_str(),
        reason: Reason::ApplyFailed,
        message: format!("{what}: {}", chain(error)),
        retryable: !cause.is_final(),
    }
}

/// What one step left behind, and why it failed, if it did.
type Done = (Option<Written>, Option<Failure>);
