//! One order: its way, and what it comes to.

use std::collections::VecDeque;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::things::{astray, things};
use super::{Then, Way};
use crate::attempt::{Call, call, create, create_in_cluster, delete, get, patch};
use crate::steps::config_map;
use crate::support::normal::{Cluster, difference};
use crate::support::{AuditEvent, OPERATOR_USER, PATIENCE, World, eventually, unique};

/// How long nothing may be written for an end to count as one: longer than what is paced waits.
const SILENCE: Duration = Duration::from_secs(7);

/// What is still to be done.
enum Todo {
    Apply(usize),
    SetRight(usize),
}

/// One order under way.
pub struct Order<'a> {
    world: &'a World,
    pub mark: String,
    pub end: &'a str,
    things: Vec<Value>,
}

impl<'a> Order<'a> {
    pub fn new(world: &'a World, end: &'a str) -> Self {
        // The last letter keeps one mark from being the beginning of another.
        let mark = format!("{}x", unique("order-"));
        Self {
            things: things(&mark, end),
            world,
            mark,
            end,
        }
    }

    pub async fn ask(&self, request: &Call) -> Result<Value, kube::core::Status> {
        match call(&self.world.admin, request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(error) => panic!("{request:?}: {error}"),
        }
    }

    pub fn path(&self, which: usize) -> String {
        let thing = &self.things[which];
        let name = thing["metadata"]["name"].as_str().expect("a name");
        format!("{}/{name}", self.creating(which).path)
    }

    fn creating(&self, which: usize) -> Call {
        let thing = self.things[which].clone();
        match thing["metadata"]["namespace"].as_str() {
            Some(_) => create(thing),
            None => create_in_cluster(thing),
        }
    }

    /// Applies something; an error is why not yet.
    async fn apply(&self, which: usize) -> Result<(), String> {
        let thing = &self.things[which];
        let Err(status) = self.ask(&self.creating(which)).await else {
            return Ok(());
        };
        if status.message.contains("status unknown") {
            self.count_again(thing).await;
        }
        if thing["kind"] == "Namespace" && status.code == StatusCode::CONFLICT {
            return Ok(());
        }
        Err(status.message)
    }

    /// See `made_inside` in steps.rs.
    async fn count_again(&self, thing: &Value) {
        let place = thing["metadata"]["namespace"].as_str().expect("inside");
        let maps = self.world.api::<ConfigMap>(place);
        let map = self
            .world
            .create(&config_map(place, &unique("counted-")))
            .await;
        maps.delete(&map.name_any(), &DeleteParams::default())
            .await
            .ok();
    }

    /// Sets a customer right again; an error is why not yet.
    async fn set_right(&self, which: usize) -> Result<(), String> {
        let spec = &self.things[which]["spec"];
        let mut right = json!({});
        for way in 0..5 {
            for (field, _) in astray(way).as_object().expect("fields") {
                right[field] = match (&spec[field], field.as_str()) {
                    (Value::Object(trial), "trial") => {
                        let mut whole =
                            json!({"endsAt": null, "period": null, "mode": null, "onEnd": null});
                        whole.as_object_mut().expect("fields").extend(trial.clone());
                        whole
                    }
                    (as_it_was, _) => as_it_was.clone(),
                };
            }
        }
        let set = patch(&self.path(which), json!({"spec": right}));
        self.ask(&set)
            .await
            .map(drop)
            .map_err(|status| status.message)
    }

    /// Goes the way until everything is applied as it should be.
    pub async fn go(&self, way: &Way) {
        let mut todo: VecDeque<Todo> = way.order.iter().copied().map(Todo::Apply).collect();
        let mut then = way.then.iter().copied();
        let mut there = Vec::new();
        let mut refused = 0;
        let mut why = String::new();
        let going = async {
            while let Some(next) = todo.pop_front() {
                let done = match &next {
                    Todo::Apply(which) => self.apply(*which).await,
                    Todo::SetRight(which) if there.contains(which) => self.set_right(*which).await,
                    // It was deleted, too, and comes back as it should be.
                    Todo::SetRight(_) => Ok(()),
                };
                if let Err(reason) = done {
                    why = reason;
                    todo.push_back(next);
                    refused += 1;
                    if refused > todo.len() {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        refused = 0;
                    }
                    continue;
                }
                if let Todo::Apply(which) = next {
                    there.push(which);
                }
                match then.next().unwrap_or(Then::Nothing) {
                    Then::Nothing => {}
                    Then::Pass(time) => tokio::time::sleep(time).await,
                    Then::Delete(which) if !there.is_empty() => {
                        let at = which % there.len();
                        // A namespace, or what others still need: that is refused, and nothing happens.
                        let kept = self.things[there[at]]["kind"] == "Namespace";
                        if !kept && self.ask(&delete(&self.path(there[at]))).await.is_ok() {
                            todo.push_back(Todo::Apply(there.swap_remove(at)));
                        }
                    }
                    Then::Change(which, to) => {
                        let customers: Vec<_> = there
                            .iter()
                            .filter(|&&which| self.things[which]["kind"] == "Customer")
                            .collect();
                        if let Some(&&which) = customers.get(which % customers.len().max(1)) {
                            let spec = json!({"spec": astray(to)});
                            if self.ask(&patch(&self.path(which), spec)).await.is_ok() {
                                todo.push_back(Todo::SetRight(which));
                            }
                        }
                    }
                    Then::Delete(_) => {}
                }
            }
        };
        if tokio::time::timeout(4 * PATIENCE, going).await.is_err() {
            panic!("{}: still refused: {why}", self.mark);
        }
    }

    /// Whether a call is about this order, and not about plans that somebody else has made.
    fn concerns(&self, call: &AuditEvent) -> bool {
        let ours = call.name.contains(&self.mark) || call.namespace.contains(&self.mark);
        ours && !(call.resource == "configmaps" && call.name == "partner")
    }

    /// Waits until the cluster is as it should be.
    pub async fn comes_to(&self, reference: &Cluster, way: &Way) {
        let what = format!("{}: as in order", self.mark);
        eventually(&what, 2 * PATIENCE, async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match difference(reference, &self.cluster().await) {
                same if same.is_empty() => Ok(()),
                different => Err(format!("in order / in this order:\n{different}\n{way:?}")),
            }
        })
        .await;
        let audit = self.world.plane.audit();
        let mark = audit.mark().await;
        tokio::time::sleep(SILENCE).await;
        let writes = audit.since(mark).await.by(OPERATOR_USER).writes();
        let writes = writes.only(|call| self.concerns(call));
        assert_eq!(writes.count(), 0, "{:?}\n{way:?}", writes.counts());
    }

    /// What a careful person comes to, who makes one thing after the other.
    pub async fn reference(&self) -> Cluster {
        for which in 0..self.things.len() {
            let made = eventually("accepted", 4 * PATIENCE, async || self.apply(which).await);
            made.await;
            eventually("looked at", PATIENCE, async || {
                let object = self.ask(&get(&self.path(which))).await;
                let object = object.map_err(|status| status.message)?;
                let seen = &object["status"]["observedGeneration"];
                if object["status"].is_null()
                    || seen.is_null()
                    || *seen == object["metadata"]["generation"]
                {
                    Ok(())
                } else {
                    Err(object.to_string())
                }
            })
            .await;
        }
        let end: Timestamp = self.end.parse().expect("a time");
        let left = end.duration_since(Timestamp::now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
        let audit = self.world.plane.audit();
        let still = audit.quiet(SILENCE, 2 * PATIENCE, |call| {
            call.is_write() && self.concerns(call)
        });
        assert!(still.await, "somebody still writes");
        self.cluster().await
    }
}
