//! The watches: one a kind, never ending, each feeding the world and asking for what its events concern.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, ResourceQuota, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::reconcile::{Context, Controlled};
use crate::api::{
    ContactList, Customer, CustomerUser, DeletionRequest, Partner, PostalRoute, ServiceOffering,
    ServicePlan, meta,
};
use crate::error::chain;
use crate::observe::World;
use crate::observe::seen::{Child, Governed, Seen};
use crate::observe::tolerant::Tolerant;
use crate::plan::Key;
use crate::plan::observed::NamespaceSeen;

/// Starts all watches.
pub fn start(context: &Arc<Context>) {
    own::<ServiceOffering>(context);
    own::<ServicePlan>(context);
    own::<Partner>(context);
    own::<PostalRoute>(context);
    own::<Customer>(context);
    own::<CustomerUser>(context);
    own::<DeletionRequest>(context);
    own::<ContactList>(context);
    namespaces(context);
    children::<ResourceQuota>(context);
    children::<LimitRange>(context);
    children::<NetworkPolicy>(context);
    children::<ServiceAccount>(context);
    children::<ConfigMap>(context);
    children::<RoleBinding>(context);
    children::<Service>(context);
}

/// Everything at once, then changes, in one request (KEP-3157).
pub(super) fn config() -> Config {
    Config::default().streaming_lists()
}

fn own<K: Controlled + Debug>(context: &Arc<Context>) {
    follow::<Tolerant<K>>(context, config(), World::watched::<K>);
}

fn namespaces(context: &Arc<Context>) {
    let labelled = config().labels(meta::LABEL_PARTNER);
    follow::<Seen<Namespace, NamespaceSeen>>(context, labelled, |world, event| {
        world.namespace_watched(kept(event))
    });
}

fn children<K: Governed + Send + Sync>(context: &Arc<Context>) {
    let managed = config().labels(&format!("{}={}", meta::LABEL_MANAGED_BY, meta::MANAGED_BY));
    follow::<Seen<K, Child>>(context, managed, |world, event| {
        world.child_watched(K::KIND, kept(event))
    });
}

/// An event of what is kept.
fn kept<K, V>(event: Event<Seen<K, V>>) -> Event<V> {
    match event {
        Event::Apply(seen) => Event::Apply(seen.kept),
        Event::Delete(seen) => Event::Delete(seen.kept),
        Event::Init => Event::Init,
        Event::InitApply(seen) => Event::InitApply(seen.kept),
        Event::InitDone => Event::InitDone,
    }
}

/// Follows one watch for as long as the process lives. What fails is tried again with backoff; what stays silent or refused is the
/// watchdog's, who hears every call.
fn follow<W>(
    context: &Arc<Context>,
    config: Config,
    take_in: impl Fn(&mut World, Event<W>) -> BTreeSet<Key> + Send + Sync + 'static,
) where
    W: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let context = Arc::clone(context);
    tokio::spawn(async move {
        let api: Api<W> = Api::all(context.client.clone());
        let mut events = std::pin::pin!(watch(api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let (keys, complete) = {
                        let mut world = context.world_mut();
                        let keys = take_in(&mut world, event);
                        (keys, world.is_complete())
                    };
                    // Nothing is decided on half a world; what came before it was whole is asked for when it is.
                    if complete {
                        context.ask(keys);
                        context.whole.notify_one();
                    }
                }
                Err(error) => report(&W::plural(&()), &error),
            }
        }
    });
}

fn report(watch: &str, error: &watcher::Error) {
    tracing::warn!(
        watch,
        "watch interrupted, starting it again: {}",
        chain(error)
    );
}
