//! Customers made by a person while the operator runs, and the time until each is Ready, by the clock of who watches.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::pin::pin;
use std::time::Instant;

use clientele::api::Customer;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::Failure;
use super::figures::{Pace, Series, Waits};
use super::floor::CONCURRENCY;
use super::stage::Stage;
use super::support::Reports as _;

/// Makes these customers as fast as the API server takes them, each with so many users, and waits until all are Ready.
pub async fn at_once(stage: &Stage, names: &[String], users: i64) -> Result<Series, Failure> {
    let (listening, listens) = oneshot::channel();
    let wanted = names.to_vec();
    let (api, config) = (stage.customers(), watcher::Config::default());
    let is = move |customer: &Customer| is_ready(customer, users).then(|| customer.name_any());
    let ready = tokio::spawn(async move { arrivals(api, config, wanted, is, listening).await });
    listens.await?;

    let before = stage.spent()?;
    let began = Instant::now();
    let asked: HashMap<String, Instant> = stream::iter(names)
        .map(|name| ask(stage, name, users))
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await?;
    let asking = began.elapsed();
    let ready = ready.await?;
    let took = ready
        .values()
        .max()
        .ok_or("no customer became Ready")?
        .duration_since(began);
    let spent = stage.spent()?.since(&before);
    let waits = ready
        .iter()
        .map(|(name, at)| at.duration_since(asked[name]))
        .collect();
    let pace = Pace {
        customers: names.len(),
        took,
        spent,
    };
    Ok(Series {
        pace,
        asking,
        waits: Waits::new(waits),
    })
}

/// Makes these customers one after the other, each when the one before is Ready.
pub async fn one_at_a_time(stage: &Stage, names: &[String]) -> Result<Waits, Failure> {
    let mut waits = Vec::new();
    for name in names {
        let began = Instant::now();
        let ready = await_condition(stage.customers(), name, |seen: Option<&Customer>| {
            seen.is_some_and(|customer| is_ready(customer, 0))
        });
        let (_, ready) = tokio::try_join!(ask(stage, name, 0), async {
            ready.await.map_err(Failure::from)
        })?;
        ready.ok_or("a customer went away")?;
        waits.push(began.elapsed());
    }
    Ok(Waits::new(waits))
}

async fn ask(stage: &Stage, name: &str, users: i64) -> Result<(String, Instant), Failure> {
    let customer = stage.customer(name);
    let at = Instant::now();
    stage
        .customers()
        .create(&PostParams::default(), &customer)
        .await?;
    if users > 0 {
        let home = customer.namespace().unwrap_or_default();
        let api = Api::namespaced(stage.admin.clone(), &home);
        api.create(&PostParams::default(), &stage.admin_of(&customer))
            .await?;
    }
    Ok((name.to_owned(), at))
}

/// Watches until something of each of these has been as wanted, and tells when that was. `told` says whose an object is that is as
/// wanted; `listening` is told when the watch has begun.
pub async fn arrivals<K>(
    api: Api<K>,
    config: watcher::Config,
    names: Vec<String>,
    told: impl Fn(&K) -> Option<String>,
    listening: oneshot::Sender<()>,
) -> HashMap<String, Instant>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut missing: HashSet<String> = names.into_iter().collect();
    let mut arrived = HashMap::new();
    let mut listening = Some(listening);
    let mut events = pin!(watch(api, config.streaming_lists()).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::InitDone) => {
                // Nobody waits for it the second time, or after a failure.
                listening.take().map(|listening| listening.send(()));
            }
            Ok(Event::Apply(object) | Event::InitApply(object)) => {
                if let Some(name) = told(&object).and_then(|name| missing.take(&name)) {
                    arrived.insert(name, Instant::now());
                }
            }
            Ok(_) => {}
            Err(error) => eprintln!("watching: {error}"),
        }
        if missing.is_empty() {
            break;
        }
    }
    arrived
}

/// Whether the tenant is as it should be, with that many users let in.
fn is_ready(customer: &Customer, users: i64) -> bool {
    let ready = customer
        .conditions()
        .iter()
        .any(|one| one.type_ == "Ready" && one.status == "True");
    ready
        && customer
            .status
            .as_ref()
            .is_some_and(|status| status.users == users)
}
