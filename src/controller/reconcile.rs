//! One reconcile, the same for every kind: gather, observe, plan, apply, conclude.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::backoff::Pace;
use super::lists::Lists;
use super::offerings::Checks;
use super::queue::{Queues, Round};
use super::relays::Relays;
use super::watching::Watching;
use crate::api::Reason;
use crate::apply::{self, events::Announcer, requests::Address};
use crate::error::Cause;
use crate::observe::World;
use crate::observe::own::Own;
use crate::ops::clock::{self, Clock};
use crate::ops::metrics::Metrics;
use crate::plan::notes::Note;
use crate::plan::observed::SmtpServer;
use crate::plan::status::Conditioned;
use crate::plan::{Failure, Key, Plan, Subject, Written, notes, status};

/// How long what is left of a plan waits, its urgent part being done: any time at all puts it behind what is due now.
const BEHIND_OTHERS: Duration = Duration::from_millis(2);

/// What a reconcile works with.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What is seen of it.
    pub world: RwLock<World>,
    /// Queues by kind.
    pub queues: Queues,
    /// The time of day.
    pub clock: Clock,
    /// For Events.
    pub announcer: Announcer,
    /// Counters.
    pub metrics: Metrics,
    /// What was found out about routes.
    pub relays: Arc<Relays>,
    /// What was read of contact lists.
    pub lists: Lists,
    /// What was found out about offerings.
    pub checks: Checks,
    /// The watches on what services have made.
    pub watching: Watching,
    /// Namespace of the operator's ServiceAccount.
    pub namespace: String,
    /// Where tenants send their mail, if logins are made.
    pub smtp: Option<SmtpServer>,
    /// Versions of unreadable objects that people were told of.
    pub told: Mutex<HashMap<Key, String>>,
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
            self.queues.ask(key);
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
pub async fn reconcile<K: Controlled>(context: &Context, key: &Key, pace: &Pace) -> Round {
    let started = clock::tick();
    let failures = pace.failures();
    let round = round::<K>(context, key, pace).await;
    let kind = K::KIND.as_str();
    let result = match &round {
        Round {
            failed: Some(failure),
            ..
        } => {
            context.metrics.failed(kind, failure.category);
            let Failure {
                category,
                message,
                retryable,
                reason: _,
            } = failure;
            // One failure that the next try mends is no news.
            if *retryable && failures == 0 {
                tracing::debug!(object = %key, category, "{message}");
            } else {
                tracing::warn!(object = %key, category, retryable, failures, "{message}");
            }
            "error"
        }
        Round { wake: Some(_), .. } => "requeue_after",
        Round { .. } => "success",
    };
    context
        .metrics
        .reconciled(kind, result, clock::tick().duration_since(started));
    round
}

async fn round<K: Controlled>(context: &Context, key: &Key, pace: &Pace) -> Round {
    let there = {
        let world = context.world();
        world.readable::<K>(key).or_else(|| world.remains::<K>(key))
    };
    let Some(object) = there else {
        report_unreadable::<K>(context, key).await;
        return Round::default();
    };
    let gathered = match K::gather(context, &object).await {
        Ok(gathered) => gathered,
        Err(error) => {
            let failed = Some(apply::failure("asking the API server", &error));
            return Round {
                failed,
                ..Round::default()
            };
        }
    };
    let now = context.clock.now();
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
    let wrote = stages.digest();
    if let Some(wait) = wrote.and_then(|digest| pace.held_back(digest, clock::tick())) {
        let wake = Some(wake.map_or(wait, |wake| wake.min(wait)));
        return Round {
            wake,
            ..Round::default()
        };
    }

    let urgent = stages.urgent();
    let first = urgent.as_ref().unwrap_or(&stages);
    let mut outcome = apply::run(&context.client, &own, &subject, first).await;
    let mut concerned = BTreeSet::new();
    for written in std::mem::take(&mut outcome.written) {
        concerned.extend(context.world_mut().written::<K>(written, now));
    }
    if urgent.is_some() && outcome.failure.is_none() {
        // The rest follows once others have had what is urgent about them.
        concerned.remove(key);
        context.ask(concerned);
        return Round {
            wake: Some(BEHIND_OTHERS),
            ..Round::default()
        };
    }
    context.ask(concerned);

    let old = object.status();
    let status = draft.and_then(|draft| {
        status::conclude(
            draft,
            &outcome,
            old,
            subject.generation,
            pace.failures(),
            now,
        )
    });
    let mut failed = outcome.failure;
    if let Some(new) = status {
        match apply::status::write(&context.client, &own, &subject, &new).await {
            Ok(answer) => {
                let keys = {
                    let mut world = context.world_mut();
                    world.counted(key, now);
                    world.written::<K>(Written::Own(answer), now)
                };
                context.ask(keys);
                tell::<K>(context, &own, &subject, old, &new).await;
            }
            // The object is gone, or another one has its name: the watch will tell.
            Err(error) if Cause::of(&error) == Cause::NotFound => {}
            Err(error) => {
                failed.get_or_insert_with(|| apply::failure("writing the status", &error));
            }
        }
    }
    Round {
        failed,
        wrote,
        wake,
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
        announce(context, own, subject, &note).await;
    }
}

async fn announce(context: &Context, own: &Address, subject: &Subject, note: &Note) {
    tracing::info!(object = %subject.key, reason = %note.reason, "{}", note.message);
    context
        .metrics
        .transition(subject.key.kind.as_str(), note.reason.as_str());
    context.announcer.announce(own, subject, note).await;
}

/// Tells, once for each version, that an object is there which cannot be decoded. It is left alone, and so is everything of it.
async fn report_unreadable<K: Controlled>(context: &Context, key: &Key) {
    let Some(unreadable) = context.world().unreadable_object::<K>(key) else {
        return;
    };
    let meta = &unreadable.metadata;
    let version = meta.resource_version.clone().unwrap_or_default();
    let told = context
        .told
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(key.clone(), version.clone());
    if told == Some(version) {
        return;
    }
    let subject = Subject {
        key: key.clone(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
    };
    let message = format!(
        "This object cannot be read and is left alone, with all that belongs to it. Mend or delete it: {}",
        unreadable.reason
    );
    let note = Note {
        warning: true,
        reason: Reason::Unreadable,
        message,
    };
    announce(context, &Address::of::<K>(&key.namespace), &subject, &note).await;
}
