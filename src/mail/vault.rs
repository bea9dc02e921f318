//! Secrets, read when they are needed: never listed, never watched, and only those of a type that is ours.
//!
//! Whoever asks for the same Secret at about the same time shares one call. If the API server cannot be reached, what was last read
//! goes on being used: a relay does not forget its password because a cluster is being upgraded. If it refuses, nothing does.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use lru::LruCache;
use tokio::time::Instant;

use super::counters::Unavailable;
use crate::error::{Cause, chain};
use crate::observe::tolerant::Tolerant;
use crate::ops::clock;

/// How long what was read is not read again.
const FRESH: Duration = Duration::from_secs(1);

/// How many Secrets are known at most; of more, those that were asked for longest ago are forgotten.
const KNOWN: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// What a Secret holds, as text; values that are none are left out.
pub type Values = BTreeMap<String, String>;

/// What was found in place of a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is none of that name.
    NotThere,
    /// It is of another type, and not for us to read.
    WrongType,
    /// It cannot be decoded.
    Unreadable,
}

type Found = Result<Arc<Values>, Missing>;

/// What was last read, and what it was.
#[derive(Debug, Default)]
struct Shelf {
    tried: Option<Instant>,
    found: Option<Found>,
}

type Shelves = LruCache<(String, String), Arc<tokio::sync::Mutex<Shelf>>>;

/// Reads Secrets.
pub struct Vault {
    client: Client,
    shelves: Mutex<Shelves>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Over this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            shelves: Mutex::new(LruCache::new(KNOWN)),
        }
    }

    /// What a Secret of this type holds.
    ///
    /// # Errors
    /// When it cannot be known.
    pub async fn open(
        &self,
        namespace: &str,
        name: &str,
        kind: &str,
    ) -> Result<Found, Unavailable> {
        let shelf = {
            let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (namespace.to_owned(), name.to_owned());
            Arc::clone(shelves.get_or_insert(key, Arc::default))
        };
        let mut shelf = shelf.lock().await;
        let unknown = || Unavailable(format!("Secret {namespace}/{name} cannot be read just now"));
        let fresh = |tried: Instant| clock::tick().duration_since(tried) < FRESH;
        if shelf.tried.is_some_and(fresh) {
            return shelf.found.clone().ok_or_else(unknown);
        }
        let api: Api<Tolerant<Secret>> = Api::namespaced(self.client.clone(), namespace);
        let got = api.get_opt(name).await;
        shelf.tried = Some(clock::tick());
        match got {
            Ok(secret) => shelf.found = Some(read(secret, kind)),
            Err(error) => {
                let cause = Cause::of(&error);
                let passing = matches!(
                    cause,
                    Cause::Unreachable
                        | Cause::TimedOut
                        | Cause::Throttled
                        | Cause::Server
                        | Cause::Unreadable
                );
                tracing::warn!(secret = %format!("{namespace}/{name}"), %cause, "a Secret cannot be read: {}", chain(&error));
                if !passing {
                    shelf.found = None;
                }
            }
        }
        shelf.found.clone().ok_or_else(unknown)
    }
}

fn read(secret: Option<Tolerant<Secret>>, kind: &str) -> Found {
    let secret = secret.ok_or(Missing::NotThere)?;
    let secret = secret.object().map_err(|_| Missing::Unreadable)?;
    if secret.type_.as_deref() != Some(kind) {
        return Err(Missing::WrongType);
    }
    let values =
        secret.data.iter().flatten().filter_map(|(key, value)| {
            Some((key.clone(), String::from_utf8(value.0.clone()).ok()?))
        });
    Ok(Arc::new(values.collect()))
}
