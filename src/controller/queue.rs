//! One kind's queue: each object at most once in it and at most once at work, a bounded number at work at once.
//!
//! Built on kube's scheduler, which delays and deduplicates. kube's own `Controller` is not used: it keeps every object a second
//! time, knows one kind as its source of keys, and cannot hold back an object that somebody fights over (docs/decisions.md).

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::unfold;
use kube::runtime::scheduler::{ScheduleRequest, scheduler};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::backoff::Pace;
use crate::ops::clock;
use crate::ops::metrics::Metrics;
use crate::ops::shutdown::Shutdown;
use crate::plan::{Failure, Key, Kind};

/// Longest wait for work that is under way when the process is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What came of one round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Why it failed, if it did.
    pub failed: Option<Failure>,
    /// What was written, as a digest, if anything was.
    pub wrote: Option<u64>,
    /// When to look again although nothing has changed.
    pub wake: Option<Duration>,
}

/// Where keys are put in.
pub type Sender = mpsc::UnboundedSender<ScheduleRequest<Key>>;

/// Where they come out.
pub type Receiver = mpsc::UnboundedReceiver<ScheduleRequest<Key>>;

/// Asks for an object to be looked at, now or after a while.
pub fn ask(sender: &Sender, key: Key, after: Duration) {
    // Nobody listens only while the process ends.
    let _ = sender.send(ScheduleRequest {
        message: key,
        run_at: clock::tick() + after,
    });
}

/// The queues of all kinds.
#[derive(Clone, Debug, Default)]
pub struct Queues(Vec<(Kind, Sender)>);

impl Queues {
    /// Adds the queue of a kind.
    pub fn add(&mut self, kind: Kind, sender: Sender) {
        self.0.push((kind, sender));
    }

    /// Has an object looked at.
    pub fn ask(&self, key: Key) {
        if let Some((_, sender)) = self.0.iter().find(|(kind, _)| *kind == key.kind) {
            ask(sender, key, Duration::ZERO);
        }
    }
}

/// Works through the queue until shutdown: `work` is given a key and what is remembered of its pace.
pub async fn run<F>(
    controller: &'static str,
    (sender, receiver): (Sender, Receiver),
    concurrency: usize,
    metrics: Metrics,
    shutdown: Shutdown,
    work: impl Fn(Key, Pace) -> F,
) where
    F: Future<Output = Round> + Send + 'static,
{
    let requests = unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let mut queue = std::pin::pin!(scheduler(Box::pin(requests)));
    let mut at_work: HashSet<Key> = HashSet::new();
    let mut paces: HashMap<Key, Pace> = HashMap::new();
    let mut tasks: JoinSet<(Key, Option<Round>)> = JoinSet::new();
    loop {
        metrics.queue_depth(controller, at_work.len());
        let free = at_work.len() < concurrency;
        tokio::select! {
            () = shutdown.clone() => break,
            Some(done) = tasks.join_next() => {
                let Ok((key, round)) = done else { continue };
                at_work.remove(&key);
                settle(&sender, &mut paces, key, round);
            }
            key = async { queue.as_mut().hold_unless(|key| !at_work.contains(key)).next().await }, if free => {
                let Some(key) = key else { break };
                if let Some(wait) = paces.get(&key).and_then(|pace| pace.held(clock::tick())) {
                    ask(&sender, key, wait);
                    continue;
                }
                metrics.queued(controller);
                let pace = paces.get(&key).cloned().unwrap_or_default();
                at_work.insert(key.clone());
                let round = tokio::spawn(work(key.clone(), pace));
                // A task of its own keeps a panic, should there ever be one, with the one object that caused it.
                tasks.spawn(async move { (key, round.await.ok()) });
            }
        }
    }
    let rest = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, rest).await.is_err() {
        tracing::warn!(
            controller,
            "work was still under way when the time to stop was over"
        );
    }
}

/// Decides when the object is looked at again.
fn settle(sender: &Sender, paces: &mut HashMap<Key, Pace>, key: Key, round: Option<Round>) {
    let now = clock::tick();
    let pace = paces.entry(key.clone()).or_default();
    // A round without an end panicked: the same again would do the same.
    let (retryable, wrote, wake) = match round {
        Some(Round {
            failed,
            wrote,
            wake,
        }) => (failed.map(|failure| failure.retryable), wrote, wake),
        None => (Some(false), None, None),
    };
    let wake = match retryable {
        Some(retryable) => Some(pace.failed(retryable, now)),
        None => {
            pace.succeeded(wrote, now);
            wake
        }
    };
    if pace.is_calm(now) {
        paces.remove(&key);
    }
    if let Some(wake) = wake {
        ask(sender, key, wake);
    }
}
