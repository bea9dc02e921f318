//! What was found out about routes: what their Secrets hold, and whether their relays take mail.
//!
//! ```text
//! an event on a route ──▶ Secret read? still fresh? ──▶ relay tried with it? still fresh? ──▶ what is known
//!                               │ no: read                    │ no: tried beside; the route is asked for again when that is done
//! ```
//!
//! Secrets are never watched: the operator would see every Secret of a partner. They are read when their route changes and again
//! after a while. Relays are tried in tasks of their own, since a silent one takes half a minute to be given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::{Client, ResourceExt};
use tokio::sync::Semaphore;

use super::queue::Queues;
use crate::api::{PostalRoute, meta};
use crate::observe::live::{self, Credentials};
use crate::observe::relay::{Probe, Relay};
use crate::ops::clock::Clock;
use crate::plan::observed::routes::{RelaySeen, RouteChecked, SecretSeen, Tried};
use crate::plan::postal_route::{reread, retry};
use crate::plan::{Key, Kind};

/// Relays tried at the same time.
const AT_ONCE: usize = 16;

/// A route, by namespace and name.
type Id = (String, String);

/// Which version of a route was looked at.
type Version = (String, i64, Option<String>);

/// What is known of one route.
#[derive(Debug)]
struct Known {
    version: Version,
    secret: Tried<SecretSeen>,
    /// What the relay was tried with last, or is being tried with.
    tried: Option<Relay>,
    relay: Tried<RelaySeen>,
    /// Whether it is being tried now.
    trying: bool,
}

impl Known {
    fn checked(&self) -> RouteChecked {
        RouteChecked {
            secret: self.secret.clone(),
            relay: self.relay.clone(),
            trying: self.trying,
        }
    }

    /// Whether its relay is to be tried again.
    fn is_due(&self, now: Timestamp) -> bool {
        !self.trying && retry(&self.relay).is_some_and(|limit| self.relay.age(now) >= limit)
    }
}

/// What is known of all routes.
pub struct Relays {
    probe: Arc<dyn Probe>,
    clock: Clock,
    queues: Queues,
    slots: Semaphore,
    known: Mutex<HashMap<Id, Known>>,
}

impl Relays {
    /// Nothing is known yet.
    pub fn new(probe: Arc<dyn Probe>, clock: Clock, queues: Queues) -> Arc<Self> {
        Arc::new(Self {
            probe,
            clock,
            queues,
            slots: Semaphore::new(AT_ONCE),
            known: Mutex::default(),
        })
    }

    /// What is known of a route. Its Secret is read anew if the route changed or the last reading is too old; then its relay is
    /// tried anew for the same reasons, or because the Secret holds something else.
    pub async fn of(self: &Arc<Self>, client: &Client, route: &PostalRoute) -> RouteChecked {
        let now = self.clock.now();
        let id = (route.namespace().unwrap_or_default(), route.name_any());
        let version = (
            route.uid().unwrap_or_default(),
            route.metadata.generation.unwrap_or_default(),
            route
                .annotations()
                .get(meta::ANNOTATION_RECONCILE_AT)
                .cloned(),
        );
        if let Some(known) = self.known().get(&id) {
            let unread = reread(&known.secret).is_some_and(|limit| known.secret.age(now) >= limit);
            if known.version == version && !unread && !known.is_due(now) {
                return known.checked();
            }
        }
        let Credentials { seen, login } = live::credentials(client, route).await;
        let good = matches!(seen, SecretSeen::Complete | SecretSeen::NotNeeded);
        let relay = good.then(|| Relay::of(route, login));

        let mut all = self.known();
        let before = all.remove(&id);
        let same = before.as_ref().filter(|known| known.version == version);
        let bad_since = same.and_then(|known| known.secret.bad_since);
        let secret = Tried {
            seen,
            at: now,
            bad_since: (!good).then(|| bad_since.unwrap_or(now)),
        };
        // A person who asks for it has the relay tried again, too.
        let still =
            same.filter(|known| relay.is_some() && known.tried == relay && !known.is_due(now));
        let begin = relay.clone().filter(|_| still.is_none());
        let known = Known {
            trying: begin.is_some() || still.is_some_and(|known| known.trying),
            relay: same
                .filter(|known| known.tried == relay)
                .map_or_else(|| untried(now), |known| known.relay.clone()),
            tried: relay,
            version,
            secret,
        };
        let checked = known.checked();
        all.insert(id.clone(), known);
        drop(all);
        if let Some(relay) = begin {
            self.begin(id, relay);
        }
        checked
    }

    /// Tries a relay, and has its route looked at again.
    fn begin(self: &Arc<Self>, id: Id, relay: Relay) {
        let relays = Arc::clone(self);
        tokio::spawn(async move {
            // It is never closed.
            let _slot = relays.slots.acquire().await;
            let seen = relays.probe.look(relay.clone()).await;
            let (namespace, name) = &id;
            if relays.note(&id, &relay, seen) {
                let route = Key::new(Kind::PostalRoute, namespace, name);
                relays.queues.ask(route);
            }
        });
    }

    /// Notes what came of it, unless the route wants something else by now.
    fn note(&self, id: &Id, relay: &Relay, seen: RelaySeen) -> bool {
        let now = self.clock.now();
        let mut all = self.known();
        let Some(known) = all
            .get_mut(id)
            .filter(|known| known.trying && known.tried.as_ref() == Some(relay))
        else {
            return false;
        };
        let good = seen == RelaySeen::Works;
        let bad_since = (!good).then(|| known.relay.bad_since.unwrap_or(now));
        known.relay = Tried {
            seen,
            at: now,
            bad_since,
        };
        known.trying = false;
        true
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Id, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn untried(now: Timestamp) -> Tried<RelaySeen> {
    Tried {
        seen: RelaySeen::NotTried,
        at: now,
        bad_since: None,
    }
}
