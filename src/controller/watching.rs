//! Watches on the kinds that services render: they come and go with the offerings, and none of them is waited for by anything else.
//! One that fails is tried again; it never ends the process, nor keeps it from being ready.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::api::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, ResourceExt};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::reconcile::{Context, Controlled};
use super::watches::config;
use crate::api::ServiceOffering;
use crate::apply::kinds;
use crate::domain::pieces::PieceKind;
use crate::error::chain;
use crate::observe::pieces::Piece;
use crate::observe::seen::SeenPiece;
use crate::ops::calls::COMING_AND_GOING;
use crate::ops::clock;
use crate::plan::{Key, Kind};

/// How often it is looked whether a kind is still needed.
const EVERY: Duration = Duration::from_secs(15);

/// How long the first work waits for the watches on services.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a kind is believed not to be there, of which objects are written down.
const FORGET: Duration = Duration::from_secs(300);

/// The watches that are at work.
#[derive(Debug, Default)]
pub struct Watching {
    tasks: Mutex<HashMap<PieceKind, AbortHandle>>,
    unknown: Mutex<HashMap<PieceKind, Instant>>,
    due: Notify,
    listed: Notify,
}

impl Watching {
    /// Has it looked which kinds are needed.
    pub fn tend(&self) {
        self.due.notify_one();
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<PieceKind, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unknown(&self, kind: &PieceKind) -> bool {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown
            .get(kind)
            .is_some_and(|since| clock::tick().duration_since(*since) < FORGET)
    }

    fn set_unknown(&self, kind: &PieceKind) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.insert(kind.clone(), clock::tick());
    }
}

/// Looks at all offerings and lists what they render, so that what is there is known before the first customer is looked at. What
/// takes too long comes later.
pub async fn prepare(context: &Arc<Context>) {
    let all = async {
        let names: Vec<Arc<ServiceOffering>> = {
            let world = context.world();
            let keys = world.keys::<ServiceOffering>().into_iter();
            keys.filter_map(|key| world.readable::<ServiceOffering>(&key))
                .collect()
        };
        for offering in names {
            let key = Key::new(Kind::ServiceOffering, "", &offering.name_any());
            match ServiceOffering::gather(context, &offering).await {
                Ok(checked) => drop(ServiceOffering::plan(
                    context,
                    &key,
                    checked,
                    context.clock.now(),
                )),
                Err(error) => tracing::warn!(object = %key, "looking at it: {}", chain(&error)),
            }
        }
        follow_wanted(context).await;
        while !is_whole(context) {
            context.watching.listed.notified().await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        tracing::warn!(
            "not everything that services have made could be listed yet; going on without"
        );
    }
}

fn is_whole(context: &Context) -> bool {
    let world = context.world();
    let tasks = context.watching.tasks();
    tasks.keys().all(|kind| world.is_listed(kind))
}

/// Starts and stops watches, for as long as the process lives.
pub async fn keep(context: Arc<Context>) {
    loop {
        follow_wanted(&context).await;
        // In time also for what is needed no longer because an object has gone.
        let _ = tokio::time::timeout(EVERY, context.watching.due.notified()).await;
    }
}

async fn follow_wanted(context: &Arc<Context>) {
    let wanted = context.world().wanted_kinds();
    let at_work: BTreeSet<PieceKind> = context.watching.tasks().keys().cloned().collect();
    for kind in at_work.difference(&wanted) {
        if let Some(task) = context.watching.tasks().remove(kind) {
            task.abort();
        }
        let concerned = context.world_mut().piece_unwatched(kind);
        context.ask(concerned);
    }
    for kind in wanted.difference(&at_work) {
        if context.watching.is_unknown(kind) {
            continue;
        }
        match kinds::plural(&context.client, kind).await {
            Ok(Some(plural)) => {
                let task = tokio::spawn(follow(Arc::clone(context), kind.clone(), plural));
                context
                    .watching
                    .tasks()
                    .insert(kind.clone(), task.abort_handle());
            }
            Ok(None) => context.watching.set_unknown(kind),
            Err(error) => tracing::warn!(kind = %kind.kind, "looking up a kind: {}", chain(&error)),
        }
    }
}

/// Follows one watch.
async fn follow(context: Arc<Context>, kind: PieceKind, plural: String) {
    let version = kind.api_version.rsplit('/').next().unwrap_or_default();
    let names = GroupVersionKind::gvk(kind.group(), version, &kind.kind);
    let names = ApiResource::from_gvk_with_plural(&names, &plural);
    let api: Api<SeenPiece> = Api::all_with(context.client.clone(), &names);
    let config = config().labels(COMING_AND_GOING);
    let mut events = std::pin::pin!(watch(api, config).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let keys = context
                    .world_mut()
                    .piece_watched(&kind, &plural, kept(event));
                context.watching.listed.notify_one();
                context.ask(keys);
            }
            Err(error) => {
                tracing::warn!(watch = %plural, "watch of services interrupted, starting it again: {}", chain(&error));
                if is_refused(&error) {
                    context.checks.doubt(&kind);
                    let concerned = context.world().offerings_with(&kind);
                    context.ask(concerned);
                }
            }
        }
    }
}

/// Whether the kind, or the right to it, may be gone.
fn is_refused(error: &watcher::Error) -> bool {
    let code = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => return false,
    };
    matches!(code, 403 | 404)
}

fn kept(event: Event<SeenPiece>) -> Event<Piece> {
    match event {
        Event::Apply(seen) => Event::Apply(seen.kept),
        Event::Delete(seen) => Event::Delete(seen.kept),
        Event::Init => Event::Init,
        Event::InitApply(seen) => Event::InitApply(seen.kept),
        Event::InitDone => Event::InitDone,
    }
}

#[cfg(test)]
mod tests {
    use crate::api::meta;
    use crate::ops::calls::COMING_AND_GOING;

    #[test]
    fn the_call_layer_knows_these_watches_by_their_label() {
        assert_eq!(COMING_AND_GOING, meta::LABEL_SERVICE);
    }
}
