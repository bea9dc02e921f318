//! The customers that all scenes play with, and what every scene does with them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use clientele::api::{Access, Customer};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::Config;
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::shared::Failure;
use super::shared::figures::Tally;
use super::shared::floor::CONCURRENCY;
use super::shared::load::{arrivals, at_once};
use super::shared::stage::Stage;
use super::shared::support::{Mark, OPERATOR_USER, Reports as _};

/// How often it is looked whether what was asked for has come.
const LOOK: Duration = Duration::from_millis(20);

/// Tells in the end when each customer was as wanted.
pub type Watching = JoinHandle<HashMap<String, Instant>>;

/// N customers with an admin each, Ready.
pub struct Scene {
    /// What they stand on.
    pub stage: Stage,
    /// Their names.
    pub names: Vec<String>,
}

impl Scene {
    /// Makes them, and waits until nothing moves.
    pub async fn set(customers: usize) -> Result<Self, Failure> {
        let stage = Stage::set().await?;
        let names: Vec<String> = (0..customers).map(|n| format!("customer-{n}")).collect();
        at_once(&stage, &names, 1).await?;
        stage.calm().await?;
        Ok(Self { stage, names })
    }

    /// A place in the audit log.
    pub async fn mark(&self) -> Mark {
        self.stage.plane.audit().mark().await
    }

    /// The operator's calls since then.
    pub async fn tally(&self, since: Mark) -> Tally {
        Tally::of(
            self.stage
                .plane
                .audit()
                .since(since)
                .await
                .by(OPERATOR_USER),
        )
    }

    /// Begins to watch: the task tells when each customer was as wanted.
    pub async fn watch(
        &self,
        wanted: impl Fn(&Customer) -> bool + Send + 'static,
    ) -> Result<Watching, Failure> {
        let told = move |customer: &Customer| wanted(customer).then(|| customer.name_any());
        self.watch_of(self.stage.customers(), Config::default(), told)
            .await
    }

    /// Begins to watch other objects: the task tells when `told` first named each customer.
    pub async fn watch_of<K>(
        &self,
        api: Api<K>,
        config: Config,
        told: impl Fn(&K) -> Option<String> + Send + 'static,
    ) -> Result<Watching, Failure>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let (listening, listens) = oneshot::channel();
        let names = self.names.clone();
        let watching =
            tokio::spawn(async move { arrivals(api, config, names, told, listening).await });
        listens.await?;
        Ok(watching)
    }

    /// What begins the name of every customer's tenant namespace.
    pub fn tenants(&self) -> String {
        format!("{}--", self.stage.partner.name_any())
    }

    /// Changes the spec of all customers, each as it should be.
    pub async fn change(&self, spec: impl Fn(usize) -> Value) -> Result<(), Failure> {
        let api = &self.stage.customers();
        stream::iter(self.names.iter().enumerate())
            .map(|(number, name)| {
                let patch = json!({ "spec": spec(number) });
                async move {
                    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
                        .await
                }
            })
            .buffer_unordered(CONCURRENCY)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await?;
        Ok(())
    }

    /// Puts a customer on hold, or releases it, and tells how long it took until its status says so.
    pub async fn hold(&self, name: &str, hold: bool) -> Result<Duration, Failure> {
        let wanted = if hold { Access::Locked } else { Access::Open };
        let customers = self.stage.customers();
        let patch = Patch::Merge(json!({"spec": {"onHold": hold}}));
        let began = Instant::now();
        let asked = customers
            .patch(name, &PatchParams::default(), &patch)
            .await?;
        loop {
            let now = customers.get(name).await?;
            let told = now.status.as_ref().and_then(|status| status.access) == Some(wanted);
            if told && now.observed_generation() >= asked.metadata.generation.unwrap_or_default() {
                return Ok(began.elapsed());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What something comes to, and how long it took.
pub async fn timed<T>(what: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let done = what.await;
    (done, began.elapsed())
}
