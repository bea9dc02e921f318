//! What one test holds: its turn in the shared control plane, and short words for what tests do all the time.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};

use clientele::api::{Condition, Customer, Partner};
use k8s_openapi::NamespaceResourceScope;
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::fixtures::{self, Reports};
use super::wait::{PATIENCE, eventually, until_for};
use super::{ControlPlane, Operator};

static TURNS: RwLock<()> = RwLock::const_new(());

/// One test's hold on the control plane of the run.
pub struct World {
    /// A client with all rights.
    pub admin: Client,
    /// The control plane.
    pub plane: &'static ControlPlane,
    operator: Option<(&'static Operator, usize)>,
    _turn: Turn,
}

/// Ordinary tests run side by side; one that hurts the others runs alone.
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl World {
    /// For a test that minds its own partner: the operator runs, other tests too.
    pub async fn shared() -> Self {
        let turn = Turn::Shared(TURNS.read().await);
        Self::enter(turn, true).await
    }

    /// For a test that needs no operator: rules and policies of the API server alone.
    pub async fn without_operator() -> Self {
        let turn = Turn::Shared(TURNS.read().await);
        Self::enter(turn, false).await
    }

    /// For a test that others would suffer from (it stops the operator, deletes a CRD, counts all calls): no other
    /// runs meanwhile. It leaves the cluster as it found it.
    pub async fn alone() -> Self {
        let turn = Turn::Alone(TURNS.write().await);
        Self::enter(turn, true).await
    }

    async fn enter(turn: Turn, with_operator: bool) -> Self {
        let plane = ControlPlane::of_this_run();
        let operator = with_operator.then(|| {
            let operator = Operator::of_this_run();
            (operator, panics(operator))
        });
        Self {
            admin: plane.admin().await,
            plane,
            operator,
            _turn: turn,
        }
    }

    /// The operator.
    ///
    /// # Panics
    /// In a test that has asked for none.
    pub fn operator(&self) -> &'static Operator {
        self.operator
            .expect("this test has asked for no operator")
            .0
    }

    /// A client for a person, by impersonation.
    pub async fn as_user(&self, name: &str, groups: &[&str]) -> Client {
        self.plane.as_user(name, groups).await
    }

    /// Runs kubectl as the administrator and returns what it prints.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.plane.kubectl(arguments)
    }

    /// An administrator's API of one kind in one namespace.
    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.admin.clone(), namespace)
    }

    /// Creates a namespaced object, where its metadata says. Many that are made at once in a namespace with a quota may come into
    /// each other's way (409 Conflict, of the quota): then it is tried again.
    ///
    /// # Panics
    /// When that is refused.
    #[track_caller]
    pub fn create<K>(&self, object: &K) -> impl Future<Output = K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Serialize
            + DeserializeOwned,
    {
        let caller = Location::caller();
        async move {
            let api = self.api::<K>(&namespace_of(object));
            eventually("made", PATIENCE, async || {
                match api.create(&PostParams::default(), object).await {
                    Ok(made) => Ok(made),
                    Err(kube::Error::Api(status)) if status.is_conflict() => Err(status.message),
                    Err(error) => panic!("{caller}: {}: {error}", object.name_any()),
                }
            })
            .await
        }
    }

    /// Waits until the operator has seen the object as it is now, and calls it Ready.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn ready<K: Reports>(&self, object: &K) -> impl Future<Output = K> {
        self.reported(object, "Ready", |condition| condition.status == "True")
    }

    /// Waits until the operator has seen the object as it is now, and calls it Stalled for this reason.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn stalled<K: Reports>(&self, object: &K, reason: &str) -> impl Future<Output = K> {
        let reason = reason.to_owned();
        self.reported(object, "Stalled", move |condition| {
            condition.status == "True" && condition.reason == reason
        })
    }

    /// Waits until the operator has seen the object's present generation and reports this condition as wanted.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn reported<K: Reports>(
        &self,
        object: &K,
        condition: &str,
        wanted: impl Fn(&Condition) -> bool,
    ) -> impl Future<Output = K> {
        let caller = Location::caller();
        let api = self.api::<K>(&namespace_of(object));
        let name = object.name_any();
        let generation = object.meta().generation.unwrap_or_default();
        let condition = condition.to_owned();
        async move {
            let what = format!("{condition} as wanted");
            let found = until_for(caller, api, &name, &what, |now: Option<&K>| {
                now.is_some_and(|now| {
                    now.observed_generation() >= generation
                        && now
                            .conditions()
                            .iter()
                            .any(|one| one.type_ == condition && wanted(one))
                })
            });
            found.await.expect("a condition belongs to an object")
        }
    }

    /// A provider of this test's own, ready, under a name nobody else has.
    pub async fn provider(&self) -> Partner {
        self.ready(&self.create(&fixtures::provider()).await).await
    }

    /// A customer of this partner, ready.
    pub async fn customer(&self, partner: &Partner, name: &str) -> Customer {
        self.ready(&self.create(&fixtures::customer(partner, name)).await)
            .await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let Some((operator, before)) = self.operator else {
            return;
        };
        if std::thread::panicking() {
            // The others go on, also when this one has failed while it held the operator down.
            operator.start().ok();
            eprintln!("The end of the operator's log:\n{}", operator.log_tail(60));
        } else {
            assert!(
                panics(operator) == before,
                "the operator panicked while this test ran; the end of its log:\n{}",
                operator.log_tail(60)
            );
        }
    }
}

/// A name that no other test of this run has.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Where a namespaced object says it is.
pub fn namespace_of(object: &impl Resource) -> String {
    object.meta().namespace.clone().unwrap_or_default()
}

fn panics(operator: &Operator) -> usize {
    operator.log().matches("panicked at").count()
}
