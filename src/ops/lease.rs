//! Leader election: at most one operator works, whoever holds the Lease.
//!
//! The rules are client-go's. Every write carries the resourceVersion of what was read, so that of two who take an
//! expired Lease one gets a conflict. A follower judges expiry by its own clock, from when it last saw the Lease
//! change, never by the times written in it: clocks differ. The leader steps down when it could not renew for
//! [`RENEW_WITHIN`], well before anybody may take over after [`DURATION`]; on a clean end it gives the Lease back, so
//! that nobody waits.
//!
//! Holding a Lease is no proof at the moment of a write: a process stopped in between wakes up believing. So each write
//! asks when the Lease was last renewed ([`Mandate`]).

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::clock;
use super::mandate::{Mandate, Moment};
use crate::error::{Cause, Error, chain};

/// Name of the Lease.
pub const NAME: &str = "clientele";
/// How long a Lease that nobody renews stays its holder's.
pub const DURATION: Duration = Duration::from_secs(15);
/// How long the leader goes on without a renewal.
pub const RENEW_WITHIN: Duration = Duration::from_secs(10);
/// Time between two renewals, and between two looks of a follower.
pub const EVERY: Duration = Duration::from_secs(2);
/// One call of a renewal: short enough for a second one within [`RENEW_WITHIN`].
const CALL: Duration = Duration::from_secs(4);

/// The Lease, held and renewed. Dropped without [`Leadership::release`], it is renewed no more and runs out.
#[derive(Debug)]
pub struct Leadership {
    lost: oneshot::Receiver<Error>,
    release: oneshot::Sender<()>,
    renewing: JoinHandle<()>,
}

impl Leadership {
    /// Waits until the Lease is ours, then keeps renewing it, which `mandate` is told. Calls that fail are tried again, for ever: a follower
    /// has nothing else to do. Only a right that stays missing is an error.
    pub async fn acquire(
        client: Client,
        namespace: &str,
        identity: &str,
        mandate: &Mandate,
    ) -> Result<Self, Error> {
        let mut candidate = Candidate::new(client, namespace, identity, mandate);
        let renewed = candidate.acquire().await?;
        let (tell_lost, lost) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let renewing = tokio::spawn(async move {
            tokio::select! {
                error = candidate.renew(renewed) => { let _ = tell_lost.send(error); }
                asked = released => if asked.is_ok() {
                    candidate.give_back().await;
                }
            }
        });
        Ok(Self {
            lost,
            release,
            renewing,
        })
    }

    /// Completes when the Lease is no longer ours, with the reason. From then on nothing may be written.
    pub async fn lost(&mut self) -> Error {
        match (&mut self.lost).await {
            Ok(error) => error,
            Err(_) => Error::Ended("renewing the Lease"),
        }
    }

    /// Gives the Lease back, so that a follower takes over at once.
    pub async fn release(self) {
        if self.release.send(()).is_ok() {
            let _ = timeout(CALL, self.renewing).await;
        }
    }
}

struct Candidate {
    api: Api<Lease>,
    namespace: String,
    identity: String,
    mandate: Mandate,
    /// The Lease as last seen, and since when it has been so.
    seen: Option<(Lease, Instant)>,
}

/// What to do about a Lease.
#[derive(Debug, PartialEq)]
enum Step {
    /// There is none: make it.
    Create,
    /// It is ours, or nobody's, or run out: write this.
    Write(LeaseSpec),
    /// It is somebody else's.
    Follow,
}

/// The rules. `unchanged` is how long the Lease has been seen as it is.
fn step(lease: Option<&Lease>, me: &str, unchanged: Duration, now: Timestamp) -> Step {
    let Some(lease) = lease else {
        return Step::Create;
    };
    let old = lease.spec.clone().unwrap_or_default();
    let holder = old.holder_identity.as_deref().unwrap_or_default();
    let mine = holder == me;
    let lasts = old
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let run_out = unchanged >= lasts.map_or(DURATION, Duration::from_secs);
    if !mine && !holder.is_empty() && !run_out {
        return Step::Follow;
    }
    let transitions = old.lease_transitions.unwrap_or_default();
    Step::Write(LeaseSpec {
        acquire_time: if mine {
            old.acquire_time
        } else {
            Some(MicroTime(now))
        },
        lease_transitions: Some(if mine {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        ..spec(me, DURATION, now)
    })
}

fn spec(holder: &str, lasts: Duration, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
        renew_time: Some(MicroTime(now)),
        ..LeaseSpec::default()
    }
}

impl Candidate {
    fn new(client: Client, namespace: &str, identity: &str, mandate: &Mandate) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
            mandate: mandate.clone(),
            seen: None,
        }
    }

    /// Waits for the Lease; returns when the write that took it was begun.
    async fn acquire(&mut self) -> Result<Instant, Error> {
        let mut refused_since = None;
        let mut said = String::new();
        loop {
            let begun = Moment::this();
            let waiting_for = match timeout(CALL, self.try_once()).await {
                Ok(Ok(true)) => {
                    tracing::info!(lease = %self.full_name(), identity = %self.identity, "leading");
                    self.mandate.renewed(begun);
                    return Ok(begun.tick);
                }
                Ok(Ok(false)) => {
                    refused_since = None;
                    format!("its holder {}", self.holder())
                }
                Ok(Err(error)) if Cause::of(&error) == Cause::Forbidden => {
                    let since = *refused_since.get_or_insert(begun.tick);
                    if begun.tick.duration_since(since) >= RENEW_WITHIN {
                        return Err(Error::Call {
                            step: "taking the leader election Lease",
                            source: error,
                        });
                    }
                    chain(&error)
                }
                Ok(Err(error)) => chain(&error),
                Err(_elapsed) => "the API server to answer".to_owned(),
            };
            if waiting_for != said {
                tracing::info!(lease = %self.full_name(), waiting_for, "standing by");
                said = waiting_for;
            }
            sleep(EVERY).await;
        }
    }

    /// Renews until that fails for too long; returns how.
    async fn renew(&mut self, mut renewed: Instant) -> Error {
        let mut trouble = String::from("the API server did not answer");
        loop {
            sleep(EVERY).await;
            let begun = Moment::this();
            let deadline = renewed + RENEW_WITHIN;
            match timeout_at(deadline.min(begun.tick + CALL), self.try_once()).await {
                Ok(Ok(true)) => {
                    self.mandate.renewed(begun);
                    renewed = begun.tick;
                }
                Ok(Ok(false)) => return self.lost(format!("{} has it", self.holder())),
                Ok(Err(error)) => trouble = chain(&error),
                Err(_elapsed) => {}
            }
            if clock::tick() >= deadline {
                return self.lost(format!(
                    "not renewed for {} s ({trouble})",
                    RENEW_WITHIN.as_secs()
                ));
            }
        }
    }

    /// Takes or renews the Lease if the rules let us. What was seen last is tried first: while nobody else writes, a
    /// renewal is one call.
    async fn try_once(&mut self) -> kube::Result<bool> {
        if self.holder() == self.identity {
            match self.write_step().await {
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                done => return done,
            }
        }
        self.look().await?;
        self.write_step().await
    }

    async fn write_step(&mut self) -> kube::Result<bool> {
        let (lease, since) = match &self.seen {
            Some((lease, since)) => (Some(lease), *since),
            None => (None, clock::tick()),
        };
        let unchanged = clock::tick().duration_since(since);
        let written = match step(lease, &self.identity, unchanged, clock::now()) {
            Step::Follow => return Ok(false),
            Step::Create => {
                let now = clock::now();
                let spec = LeaseSpec {
                    acquire_time: Some(MicroTime(now)),
                    lease_transitions: Some(0),
                    ..spec(&self.identity, DURATION, now)
                };
                self.api
                    .create(&PostParams::default(), &object(None, spec))
                    .await?
            }
            Step::Write(spec) => {
                self.api
                    .replace(NAME, &PostParams::default(), &object(lease, spec))
                    .await?
            }
        };
        self.seen = Some((written, clock::tick()));
        Ok(true)
    }

    async fn look(&mut self) -> kube::Result<()> {
        let found = self.api.get_opt(NAME).await?;
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        self.seen = match (self.seen.take(), found) {
            (Some((old, since)), Some(new)) if version(&old) == version(&new) => Some((new, since)),
            (_, Some(new)) => Some((new, clock::tick())),
            (_, None) => None,
        };
        Ok(())
    }

    /// Leaves the Lease to nobody. If that fails it runs out.
    async fn give_back(&mut self) {
        let Some((lease, _)) = &self.seen else { return };
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
        let spec = LeaseSpec {
            lease_transitions: transitions,
            ..spec("", Duration::from_secs(1), clock::now())
        };
        match self
            .api
            .replace(NAME, &PostParams::default(), &object(Some(lease), spec))
            .await
        {
            Ok(_) => tracing::info!(lease = %self.full_name(), "gave the Lease back"),
            Err(error) => {
                tracing::warn!(lease = %self.full_name(), reason = chain(&error), "left the Lease to run out")
            }
        }
    }

    fn holder(&self) -> &str {
        let spec = self
            .seen
            .as_ref()
            .and_then(|(lease, _)| lease.spec.as_ref());
        spec.and_then(|spec| spec.holder_identity.as_deref())
            .unwrap_or_default()
    }

    fn lost(&self, reason: String) -> Error {
        Error::LeaseLost {
            lease: self.full_name(),
            reason,
        }
    }

    fn full_name(&self) -> String {
        format!("{}/{NAME}", self.namespace)
    }
}

/// The Lease to write: guarded by the version of the old one, whose labels and annotations it keeps.
fn object(old: Option<&Lease>, spec: LeaseSpec) -> Lease {
    let metadata = match old {
        Some(lease) => ObjectMeta {
            managed_fields: None,
            ..lease.metadata.clone()
        },
        None => ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
    };
    Lease {
        metadata,
        spec: Some(spec),
    }
}
