//! What was read of routes' Secrets, so that an event on a route is no read of its Secret.
//!
//! Secrets are never watched: the operator would see every Secret of a partner. They are read when their route changes and again
//! after a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use crate::api::{PostalRoute, meta};
use crate::observe::live;
use crate::plan::observed::SecretSeen;
use crate::plan::postal_route::recheck;

/// Which version of a route a Secret was read for.
type For = (String, i64, Option<String>);

/// What was read, and when.
#[derive(Debug, Default)]
pub struct Secrets(Mutex<HashMap<(String, String), (For, Timestamp, SecretSeen)>>);

impl Secrets {
    /// What a route's Secret holds, read anew if the route changed or the last reading is too old.
    pub async fn of(&self, client: &Client, route: &PostalRoute, now: Timestamp) -> SecretSeen {
        let id = (route.namespace().unwrap_or_default(), route.name_any());
        let version = (
            route.uid().unwrap_or_default(),
            route.metadata.generation.unwrap_or_default(),
            route
                .annotations()
                .get(meta::ANNOTATION_RECONCILE_AT)
                .cloned(),
        );
        if let Some(seen) = self.fresh(&id, &version, now) {
            return seen;
        }
        let seen = live::credentials(client, route).await;
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(id, (version, now, seen.clone()));
        seen
    }

    fn fresh(&self, id: &(String, String), version: &For, now: Timestamp) -> Option<SecretSeen> {
        let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, at, seen) = read.get(id)?;
        let age = now.duration_since(*at);
        let fresh =
            recheck(seen).is_none_or(|limit| age.is_negative() || age.unsigned_abs() < limit);
        (known == version && fresh).then(|| seen.clone())
    }

    /// Forgets a route that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        let id = (namespace.to_owned(), name.to_owned());
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }
}
