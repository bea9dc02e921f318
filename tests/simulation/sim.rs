//! One story: a server, an operator that comes and goes, and a test that plays the people.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::num::{NonZeroU16, NonZeroUsize};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clientele::controller;
use clientele::ops::clock::Clock;
use clientele::ops::http::Health;
use clientele::ops::metrics::Metrics;
use clientele::settings::{ClusterSettings, LogFormat, LogSettings, OperatorSettings};
use futures::FutureExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::relays::Relays;
use crate::server::log::Call;
use crate::server::{Kept, Pacing, Server};

/// Nothing changes for this long in a world that has settled: longer than the pace of counts and the wait for a namespace in the way.
const QUIET: Duration = Duration::from_secs(40);

/// A world that has not settled after this long never will.
const NEVER: Duration = Duration::from_secs(3600);

/// A story that is being told.
pub struct Sim {
    pub server: Server,
    operator: RefCell<Option<JoinHandle<()>>>,
    pub metrics: RefCell<Metrics>,
    pub health: RefCell<Health>,
    pub relays: Relays,
    /// Where tenants send their mail, as the next operator is told.
    pub smtp_host: RefCell<Option<String>>,
}

/// Tells a story in its own simulated time, in a cluster with Clientele installed and no operator running.
pub fn story<T, F: Future<Output = T>>(pacing: Pacing, tell: impl FnOnce(Rc<Sim>) -> F) -> T {
    simulate(pacing, Kept::default(), |sim| {
        sim.install();
        tell(sim)
    })
}

/// The cluster at the end of a story.
pub fn after<F: Future<Output = ()>>(tell: impl FnOnce(Rc<Sim>) -> F) -> Kept {
    story(Pacing::default(), |sim| async move {
        tell(Rc::clone(&sim)).await;
        sim.server.keep()
    })
}

/// Tells a story that goes on where another one has ended, with a new operator.
pub fn story_after<T, F: Future<Output = T>>(
    kept: &Kept,
    pacing: Pacing,
    tell: impl FnOnce(Rc<Sim>) -> F,
) -> T {
    simulate(pacing, kept.clone(), |sim| {
        sim.start();
        tell(sim)
    })
}

fn simulate<T, F: Future<Output = T>>(
    pacing: Pacing,
    kept: Kept,
    tell: impl FnOnce(Rc<Sim>) -> F,
) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(async {
            let sim = Rc::new(Sim {
                server: Server::start(pacing, kept),
                operator: RefCell::default(),
                metrics: RefCell::default(),
                health: RefCell::default(),
                relays: Relays::default(),
                smtp_host: RefCell::default(),
            });
            let told = tell(Rc::clone(&sim)).await;
            sim.check();
            told
        })
}

impl Sim {
    /// As `kubectl apply -k deploy/` leaves a new cluster.
    fn install(&self) {
        for namespace in ["default", "kube-system", "clientele-system"] {
            self.create(&namespace_named(namespace));
        }
        for object in installed() {
            self.create(object);
        }
    }

    /// Starts an operator with empty caches.
    pub fn start(&self) {
        let epoch = self.server.enter();
        let server = self.server.clone();
        let (metrics, health) = (Metrics::default(), Health::default());
        self.metrics.replace(metrics.clone());
        self.health.replace(health.clone());
        let clock = {
            let server = server.clone();
            Clock::new(move || server.operators_now())
        };
        let probe = Arc::new(self.relays.clone());
        let settings = OperatorSettings {
            smtp_host: self.smtp_host.borrow().clone(),
            ..settings()
        };
        let running = tokio::spawn(async move {
            let never = std::future::pending::<()>().boxed().shared();
            let client = server.client(epoch, &clock);
            let ended =
                controller::run(&settings, client, clock, metrics, health, probe, never).await;
            panic!("the operator has ended: {ended:?}");
        });
        if let Some(before) = self.operator.replace(Some(running)) {
            before.abort();
        }
    }

    /// The operator dies where it stands.
    pub fn kill(&self) {
        self.server.kill();
        if let Some(running) = self.operator.take() {
            running.abort();
        }
    }

    /// Dies, and another one starts.
    pub fn restart(&self) {
        self.kill();
        self.start();
    }

    /// Another one starts if none is at work.
    pub fn wake(&self) {
        if !self.server.is_alive() {
            self.start();
        }
    }

    /// Lets time pass.
    pub async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Lets time pass until nothing has changed for a while; gives how long that took, the while not counted.
    pub async fn settle(&self) -> Duration {
        let begun = self.server.passed();
        let (mut version, mut since) = (self.version(), begun);
        loop {
            self.wait(Duration::from_secs(1)).await;
            let now = self.server.passed();
            if self.version() != version {
                (version, since) = (self.version(), now);
            } else if now - since >= QUIET {
                self.check();
                return since - begun;
            }
            if now - begun > NEVER {
                let calls = self.server.state().calls.clone();
                panic!(
                    "it never settles:\n{}",
                    told(calls.iter().rev().take(40).rev())
                );
            }
        }
    }

    fn version(&self) -> u64 {
        self.server.state().store.version()
    }

    /// Fails if something was done that may never be done, or the operator has ended.
    pub fn check(&self) {
        let state = self.server.state();
        assert!(
            state.violations.is_empty(),
            "{}",
            state.violations.join("\n")
        );
        drop(state);
        let ended = self
            .operator
            .borrow()
            .as_ref()
            .is_some_and(JoinHandle::is_finished);
        assert!(!ended, "the operator has ended");
    }

    /// Where the list of calls ends now.
    pub fn mark(&self) -> usize {
        self.server.state().calls.len()
    }

    /// The operator's calls since then, watches not counted.
    pub fn calls_since(&self, mark: usize) -> Vec<Call> {
        let state = self.server.state();
        let calls = state.calls[mark..].iter();
        calls
            .filter(|call| call.verb != crate::server::resources::Verb::Watch)
            .cloned()
            .collect()
    }

    /// The writes among them.
    pub fn writes_since(&self, mark: usize) -> Vec<Call> {
        self.calls_since(mark)
            .into_iter()
            .filter(Call::is_write)
            .collect()
    }

    /// How often each thing was done since then.
    pub fn tally(&self, mark: usize) -> BTreeMap<String, usize> {
        let mut tally = BTreeMap::new();
        for call in self
            .calls_since(mark)
            .iter()
            .filter(|call| !call.is_event())
        {
            *tally.entry(call.what()).or_default() += 1;
        }
        tally
    }

    /// Fails if there was a call since then.
    pub fn silent_since(&self, mark: usize) {
        let calls = self.calls_since(mark);
        assert!(calls.is_empty(), "not silent:\n{}", told(calls.iter()));
    }
}

/// Calls, one a line.
pub fn told<'a>(calls: impl Iterator<Item = &'a Call>) -> String {
    calls.map(|call| format!("{call}\n")).collect()
}

fn settings() -> OperatorSettings {
    OperatorSettings {
        cluster: ClusterSettings {
            kubeconfig: None,
            max_calls: NonZeroUsize::new(64).expect("not zero"),
        },
        log: LogSettings {
            log_format: LogFormat::Text,
            log_filter: "off".to_owned(),
        },
        namespace: "clientele-system".to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        concurrency: NonZeroUsize::new(32).expect("not zero"),
        leader_elect: false,
        allow_private_relays: false,
        smtp_host: None,
        smtp_port: NonZeroU16::MIN,
        identity: "simulated".to_owned(),
    }
}

/// A namespace without labels.
pub fn namespace_named(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// The CRDs and what readiness looks for, as `kubectl apply -k deploy/` leaves them.
fn installed() -> &'static [Value] {
    static INSTALLED: OnceLock<Vec<Value>> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let mut objects: Vec<Value> = clientele::api::crds()
            .iter()
            .map(|crd| json!({ "kind": "CustomResourceDefinition", "metadata": { "name": crd.metadata.name } }))
            .collect();
        let labels = json!({ "app.kubernetes.io/name": "clientele" });
        for name in policies() {
            let metadata = json!({ "name": name, "labels": labels });
            let policy = json!({ "failurePolicy": "Fail", "validations": [] });
            let binding = json!({ "policyName": name, "validationActions": ["Deny"] });
            objects.push(json!({ "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": policy }));
            objects.push(json!({ "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding }));
        }
        objects
    })
}

/// Names of the policies that are bound in deploy/policies.
fn policies() -> Vec<String> {
    let files = std::fs::read_dir("deploy/policies").expect("deploy/policies");
    let texts =
        files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("a file"));
    texts
        .flat_map(|text| {
            let names = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("policyName: "));
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
