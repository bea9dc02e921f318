//! What was read of routes' Secrets, so that an event on a route is no read of its Secret.
//!
//! Secrets are never watched: the operator would see every Secret of a partner. They are read when their route changes and again
//! after a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use crate::api::{PostalRoute, meta};
use crate::observe::live;
use crate::plan::observed::SecretSeen;
use crate::plan::postal_route::recheck;

/// Which version of a route a Secret was read for.
type For = (String, i64, Option<String>);

/// What was read of one Secret.
#[derive(Debug)]
struct Reading {
    version: For,
    at: Timestamp,
    /// Since when it has not been in order, for this version of the route.
    bad_since: Option<Timestamp>,
    seen: SecretSeen,
}

impl Reading {
    fn bad_for(&self, now: Timestamp) -> Duration {
        self.bad_since
            .map_or(Duration::ZERO, |since| since_then(since, now))
    }

    fn is_fresh(&self, version: &For, now: Timestamp) -> bool {
        let limit = recheck(&self.seen, self.bad_for(self.at));
        self.version == *version && limit.is_none_or(|limit| since_then(self.at, now) < limit)
    }
}

/// The time from one point to another; none if the clock was set back.
fn since_then(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// What was read of the Secrets of all routes, by the routes' namespace and name.
#[derive(Debug, Default)]
pub struct Secrets(Mutex<HashMap<(String, String), Reading>>);

impl Secrets {
    /// What a route's Secret holds, and for how long it has not been in order. Read anew if the route changed or the last reading
    /// is too old.
    pub async fn of(
        &self,
        client: &Client,
        route: &PostalRoute,
        now: Timestamp,
    ) -> (SecretSeen, Duration) {
        let id = (route.namespace().unwrap_or_default(), route.name_any());
        let version = (
            route.uid().unwrap_or_default(),
            route.metadata.generation.unwrap_or_default(),
            route
                .annotations()
                .get(meta::ANNOTATION_RECONCILE_AT)
                .cloned(),
        );
        if let Some(reading) = self
            .readings()
            .get(&id)
            .filter(|reading| reading.is_fresh(&version, now))
        {
            return (reading.seen.clone(), reading.bad_for(now));
        }
        let seen = live::credentials(client, route).await;
        let mut readings = self.readings();
        let before = readings
            .remove(&id)
            .filter(|reading| reading.version == version);
        let good = matches!(seen, SecretSeen::Complete | SecretSeen::NotNeeded);
        let bad_since =
            (!good).then(|| before.and_then(|reading| reading.bad_since).unwrap_or(now));
        let reading = Reading {
            version,
            at: now,
            bad_since,
            seen,
        };
        let answer = (reading.seen.clone(), reading.bad_for(now));
        readings.insert(id, reading);
        answer
    }

    fn readings(&self) -> MutexGuard<'_, HashMap<(String, String), Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
