//! Watches: everything at once, then changes, each as late as the pacing says.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::Response;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::log::Call;
use super::refusal::Refusal;
use super::resources::{Asked, Resource, Selector};
use super::service::{Pieces, answer};
use super::{Server, tick};

/// How long a watch lasts that does not say.
const USUAL: u64 = 300;

struct Follower {
    server: Server,
    epoch: u32,
    resource: &'static Resource,
    selector: Selector,
    /// Where in the log it is.
    at: usize,
    /// The newest version when it began.
    since: u64,
    expired: bool,
    changes: watch::Receiver<u64>,
    end: Instant,
}

impl Server {
    /// Answers a watch: a stream that ends after a while.
    pub(super) fn watch(&self, epoch: u32, asked: Asked) -> Response<Pieces> {
        let mut call = Call::new(self.passed(), &asked, Value::Null);
        let mut state = self.state();
        let refused = state.store.served(asked.resource).err();
        call.code = refused.as_ref().map_or(200, |refusal| refusal.code);
        state.calls.push(call);
        if let Some(refusal) = refused {
            return answer(refusal.code, &refusal.body());
        }

        let selector = Selector::parse(asked.parameter("labelSelector"));
        let resource = asked.resource;
        let mut first = String::new();
        let mut at = state.store.log.len();
        if asked.parameter("sendInitialEvents") == "true" {
            for (_, object) in state.store.of(resource.plural) {
                if selector.matches(object) {
                    first.push_str(&line("ADDED", object));
                }
            }
            let version = state.store.version();
            let listed = json!({ "k8s.io/initial-events-end": "true" });
            first.push_str(&line("BOOKMARK", &bookmark(resource, version, listed)));
        } else {
            match asked.parameter("resourceVersion").parse::<u64>() {
                Ok(seen) if seen < state.compacted => return expired(),
                Ok(seen) => {
                    at = state
                        .store
                        .log
                        .partition_point(|event| event.version <= seen)
                }
                Err(_) => return expired(),
            }
        }
        let since = state.store.version();
        drop(state);

        let seconds = asked.parameter("timeoutSeconds").parse().unwrap_or(USUAL);
        let follower = Follower {
            server: self.clone(),
            epoch,
            resource,
            selector,
            at,
            since,
            expired: false,
            changes: self.subscribe(),
            end: tick() + Duration::from_secs(seconds),
        };
        let events = stream::unfold(follower, |mut follower| async move {
            let bytes = follower.next().await?;
            Some((bytes, follower))
        });
        let pieces = futures::StreamExt::chain(stream::iter([Bytes::from(first)]), events);
        Response::builder()
            .status(200)
            .body(Pieces::new(pieces))
            .expect("a response")
    }
}

impl Follower {
    /// The next line, or the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changes.borrow_and_update();
            if self.expired {
                return None;
            }
            if self.server.state().compacted > self.since {
                self.expired = true;
                let told = Refusal::plain(410, "Expired").body();
                return Some(Bytes::from(line("ERROR", &told)));
            }
            let wait = match self.look() {
                Ok(line) => return Some(line),
                Err(wait) => wait.unwrap_or(self.end).min(self.end),
            };
            tokio::select! {
                biased;
                changed = self.changes.changed() => changed.ok()?,
                () = tokio::time::sleep_until(wait) => {
                    if tick() >= self.end {
                        return None;
                    }
                }
            }
            if !self.server.lives(self.epoch) {
                return std::future::pending().await;
            }
            // A CRD takes its watches along.
            self.server.state().store.served(self.resource).ok()?;
        }
    }

    /// The next line that is due, or when there will be one.
    fn look(&mut self) -> Result<Bytes, Option<Instant>> {
        let state = self.server.state();
        let lag = state.pacing.lag.get(self.resource.plural).copied();
        let lag = lag.unwrap_or(state.pacing.usual_lag);
        while let Some(event) = state.store.log.get(self.at) {
            let of_mine = |object: &&Arc<Value>| self.selector.matches(object);
            let mine = event.id.plural == self.resource.plural;
            let old = event.old.as_ref().filter(|_| mine).filter(of_mine);
            let new = event.new.as_ref().filter(|_| mine).filter(of_mine);
            if old.is_none() && new.is_none() {
                self.at += 1;
                continue;
            }
            let due = event.at + lag;
            if due > tick() {
                return Err(Some(due));
            }
            self.at += 1;
            let line = match (old, new) {
                (None, Some(new)) => line("ADDED", new),
                (Some(_), Some(new)) => line("MODIFIED", new),
                (Some(old), None) => line("DELETED", &at_version(old, event.version)),
                (None, None) => unreachable!("skipped above"),
            };
            return Ok(Bytes::from(line));
        }
        Err(None)
    }
}

fn expired() -> Response<Pieces> {
    answer(410, &Refusal::plain(410, "Expired").body())
}

fn at_version(object: &Value, version: u64) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = version.to_string().into();
    object
}

fn bookmark(resource: &Resource, version: u64, annotations: Value) -> Value {
    json!({
        "apiVersion": resource.api_version(),
        "kind": resource.kind,
        "metadata": { "resourceVersion": version.to_string(), "annotations": annotations },
    })
}

fn line(kind: &str, object: &Value) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}
