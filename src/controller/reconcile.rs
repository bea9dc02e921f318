//! One reconcile, the same for every kind: gather, observe, plan, apply, conclude.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::queue::{self, Round, Sender};
use super::secrets::Secrets;
use crate::apply::{self, events::Announcer, requests::Address};
use crate::error::{Cause, chain};
use crate::observe::World;
use crate::observe::world::Own;
use crate::ops::clock;
use crate::ops::metrics::Metrics;
use crate::plan::status::Conditioned;
use crate::plan::{Key, Kind, Plan, Subject, notes, status};

/// What a reconcile works with.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What is seen of it.
    pub world: RwLock<World>,
    /// Queues by kind.
    pub queues: Vec<(Kind, Sender)>,
    /// For Events.
    pub announcer: Announcer,
    /// Counters.
    pub metrics: Metrics,
    /// What was read of Secrets.
    pub secrets: Secrets,
    /// Namespace of the operator's ServiceAccount.
    pub namespace: String,
    /// Told when every watch has listed everything.
    pub whole: Notify,
}

impl Context {
    /// The world, to look at. A poisoned lock is taken all the same: tables are changed entry by entry, none is half a change.
    pub fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, to change.
    pub fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has these objects looked at.
    pub fn ask(&self, keys: BTreeSet<Key>) {
        for key in keys {
            if let Some((_, sender)) = self.queues.iter().find(|(kind, _)| *kind == key.kind) {
                queue::ask(sender, key, Duration::ZERO);
            }
        }
    }
}

/// A kind that is reconciled: where its plan comes from.
pub trait Controlled: Own + Serialize + DeserializeOwned {
    /// Its status.
    type Status: Conditioned + Serialize + Send + Sync;
    /// What must be asked of the API server before it can be planned.
    type Gathered: Send;

    /// The status of an object.
    fn status(&self) -> Option<&Self::Status>;

    /// Asks the API server what no cache may answer.
    fn gather(
        context: &Context,
        object: &Self,
    ) -> impl Future<Output = kube::Result<Self::Gathered>> + Send;

    /// The plan, or `None` when the object is not there any more.
    fn plan(
        context: &Context,
        key: &Key,
        gathered: Self::Gathered,
        now: Timestamp,
    ) -> Option<Plan<Self::Status>>;
}

/// Reconciles one object.
pub async fn reconcile<K: Controlled>(context: &Context, key: &Key, failures: u32) -> Round {
    let started = clock::tick();
    let round = round::<K>(context, key, failures).await;
    let result = match round {
        Round {
            failed: Some(_), ..
        } => "error",
        Round { wake: Some(_), .. } => "requeue_after",
        Round { .. } => "success",
    };
    context
        .metrics
        .reconciled(K::KIND.as_str(), result, started.elapsed());
    round
}

async fn round<K: Controlled>(context: &Context, key: &Key, failures: u32) -> Round {
    let Some(object) = context.world().readable::<K>(key) else {
        return Round::default();
    };
    let gathered = match K::gather(context, &object).await {
        Ok(gathered) => gathered,
        Err(error) => {
            return gave_up(
                context,
                key,
                Cause::of(&error).as_str(),
                true,
                &chain(&error),
            );
        }
    };
    let now = clock::now();
    let Some(plan) = K::plan(context, key, gathered, now) else {
        return Round::default();
    };
    let Plan {
        subject,
        stages,
        draft,
        wake,
    } = plan;
    let own = Address::of::<K>(&key.namespace);

    let mut outcome = apply::run(&context.client, &own, &subject, &stages).await;
    let wrote = !outcome.written.is_empty();
    for written in std::mem::take(&mut outcome.written) {
        let keys = context.world_mut().written::<K>(written, now);
        context.ask(keys);
    }

    let mut round = Round {
        failed: None,
        wrote,
        wake,
    };
    if let Some(failure) = &outcome.failure {
        round = Round {
            wrote,
            ..gave_up(
                context,
                key,
                failure.category,
                failure.retryable,
                &failure.message,
            )
        };
    }
    // The object as it was looked at; a status written meanwhile by nobody but us is in the cache by now.
    let old = object.status();
    let Some(new) = draft.and_then(|draft| {
        status::conclude(draft, &outcome, old, subject.generation, failures, now)
    }) else {
        return round;
    };
    match apply::status::write(&context.client, &own, &subject, &new).await {
        Ok(answer) => {
            tell::<K>(context, &own, &subject, old, &new).await;
            let keys = {
                let mut world = context.world_mut();
                world.counted(key, now);
                world.written::<K>(crate::plan::Written::Own(answer), now)
            };
            context.ask(keys);
            Round {
                wrote: true,
                ..round
            }
        }
        // The object is gone, or another one has its name: the watch will tell.
        Err(error) if matches!(Cause::of(&error), Cause::NotFound) => round,
        Err(error) => {
            let cause = Cause::of(&error);
            Round {
                wrote,
                ..gave_up(
                    context,
                    key,
                    cause.as_str(),
                    !cause.is_final(),
                    &format!("status: {}", chain(&error)),
                )
            }
        }
    }
}

/// A round that failed, told to logs and metrics.
fn gave_up(
    context: &Context,
    key: &Key,
    category: &'static str,
    retryable: bool,
    message: &str,
) -> Round {
    context.metrics.failed(key.kind.as_str(), category);
    tracing::warn!(object = %key, category, retryable, "{message}");
    Round {
        failed: Some(retryable),
        ..Round::default()
    }
}

/// Tells people what has changed.
async fn tell<K: Controlled>(
    context: &Context,
    own: &Address,
    subject: &Subject,
    old: Option<&K::Status>,
    new: &K::Status,
) {
    for note in notes::on_change(old, new) {
        tracing::info!(object = %subject.key, reason = note.reason, "{}", note.message);
        context
            .metrics
            .transition(subject.key.kind.as_str(), "condition");
        context.announcer.announce(own, subject, &note).await;
    }
}
