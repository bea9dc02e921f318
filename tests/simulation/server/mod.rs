//! A small API server in memory, for one operator and a test that plays everybody else.
//!
//! ```text
//! operator ── kube::Client ── Port (tower service) ── latency, faults ──┐
//! test ─────────────────────────────────────────────────────────────────┼── Store ── log ── watches (with lag)
//! controllers: quota, default ServiceAccount, namespaces, CRDs ─────────┘
//! ```
//!
//! Good enough for what the operator calls, and no better: no schemas, no RBAC, no admission but the one refusal that readiness looks
//! for, and the fence round a tenant's own objects. Time is tokio's, which tests stop; nothing here reads another clock.

pub mod controllers;
pub mod faults;
mod fields;
mod guard;
pub mod log;
pub mod object;
pub mod refusal;
pub mod resources;
mod service;
pub mod store;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use self::faults::Fault;
use self::log::Call;
use self::store::{Store, Writer};

/// Where the simulated time begins.
const BEGINNING: &str = "2026-11-22T08:00:00Z";

/// How slow things are.
#[derive(Clone, Debug)]
pub struct Pacing {
    /// Shortest way of a request to the server, and of an answer back.
    pub latency: Duration,
    /// By how much a way may be longer, differently each time.
    pub jitter: Duration,
    /// What the differences follow from.
    pub seed: u64,
    /// How late a watch tells of a change, by the resource's plural name.
    pub lag: BTreeMap<&'static str, Duration>,
    /// The same for all others.
    pub usual_lag: Duration,
    /// How long until the quota controller has looked at a quota.
    pub quota: Duration,
    /// How long until a new namespace has its default ServiceAccount.
    pub service_account: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            latency: ms(1),
            jitter: ms(4),
            seed: 1,
            lag: BTreeMap::new(),
            usual_lag: ms(2),
            quota: ms(60),
            service_account: ms(400),
        }
    }
}

/// What is behind the lock.
pub struct State {
    pub store: Store,
    pub calls: Vec<Call>,
    pub pacing: Pacing,
    /// What the simulation found to be wrong with a call, whatever the test is about.
    pub violations: Vec<String>,
    /// What the operator has no right to: `create widgets`.
    pub denied: BTreeSet<&'static str>,
    /// Which operator process is alive; requests of an earlier one never arrive.
    epoch: u32,
    alive: bool,
    fault: Option<Box<dyn Fault>>,
    clock_moved: SignedDuration,
    /// No watch goes on from a version before this one.
    compacted: u64,
    /// By how much the operator's clock is ahead of the server's.
    pub operator_ahead: SignedDuration,
    ways: u64,
}

/// What is left of a cluster when its server is switched off.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    store: Store,
    passed: SignedDuration,
}

/// The server. Clones are one.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    start: Instant,
    /// Counts changes of the store and of the pacing, for who waits for one.
    changes: watch::Sender<u64>,
}

impl Server {
    /// A server with these objects, at this time, and its controllers at work.
    pub fn start(pacing: Pacing, kept: Kept) -> Self {
        let Kept { store, passed } = kept;
        let state = State {
            store,
            calls: Vec::new(),
            pacing,
            violations: Vec::new(),
            denied: BTreeSet::new(),
            epoch: 0,
            alive: false,
            fault: None,
            clock_moved: passed,
            compacted: 0,
            operator_ahead: SignedDuration::ZERO,
            ways: 0,
        };
        let server = Self(Arc::new(Shared {
            state: Mutex::new(state),
            start: tick(),
            changes: watch::Sender::new(0),
        }));
        controllers::start(&server);
        server
    }

    /// Looks at everything, or changes something without telling anybody.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nobody panics while holding it")
    }

    /// Changes something and tells who waits for changes.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.state());
        self.0.changes.send_modify(|count| *count += 1);
        answer
    }

    /// Changes the store as somebody who is not the operator.
    pub fn write<T>(&self, manager: &str, write: impl FnOnce(&mut Store, Writer<'_>) -> T) -> T {
        let now = self.now();
        self.change(|state| write(&mut state.store, Writer { manager, now }))
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        let moved = self.state().clock_moved;
        let beginning: Timestamp = BEGINNING.parse().expect("a time");
        let passed = SignedDuration::try_from(self.passed()).expect("not centuries");
        beginning + passed + moved
    }

    /// What the operator's clock says.
    pub fn operators_now(&self) -> Timestamp {
        let ahead = self.state().operator_ahead;
        self.now() + ahead
    }

    /// What another server could go on with.
    pub fn keep(&self) -> Kept {
        let beginning: Timestamp = BEGINNING.parse().expect("a time");
        let passed = self.now().duration_since(beginning);
        let mut store = self.state().store.clone();
        store.log.clear();
        Kept { store, passed }
    }

    /// Whether the operator process lives.
    pub fn is_alive(&self) -> bool {
        self.state().alive
    }

    /// How long the simulation has been running.
    pub fn passed(&self) -> Duration {
        tick().duration_since(self.0.start)
    }

    /// Sets the time of day forwards or back, while all else goes on.
    pub fn move_clock(&self, by: SignedDuration) {
        self.state().clock_moved += by;
    }

    /// A new operator process; the one before, if any, is dead from now on.
    pub fn enter(&self) -> u32 {
        let mut state = self.state();
        state.epoch += 1;
        state.alive = true;
        state.epoch
    }

    /// The operator process dies: nothing it has sent arrives any more, and nothing is answered.
    pub fn kill(&self) {
        self.state().alive = false;
    }

    /// What happens to the operator's calls from now on.
    pub fn set_fault(&self, fault: impl Fault + 'static) {
        self.state().fault = Some(Box::new(fault));
    }

    /// Nothing more goes wrong.
    pub fn mend(&self) {
        self.state().fault = None;
    }

    fn lives(&self, epoch: u32) -> bool {
        let state = self.state();
        state.alive && state.epoch == epoch
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// One way between operator and server.
    async fn way(&self) {
        let wait = {
            let mut state = self.state();
            state.ways += 1;
            let spread = u64::try_from(state.pacing.jitter.as_millis()).expect("short") + 1;
            let extra = mixed(state.pacing.seed ^ state.ways) % spread;
            state.pacing.latency + Duration::from_millis(extra)
        };
        tokio::time::sleep(wait).await;
    }
}

/// Numbers that look random (the finalizer of SplitMix64).
pub fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The simulation's time.
pub fn tick() -> Instant {
    clientele::ops::clock::tick()
}
