//! One order: its way, and what it comes to.

use std::collections::VecDeque;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::things::{WAYS, astray, things};
use super::{Then, Way};
use crate::attempt::{Call, call, create, create_in_cluster, delete, get, patch};
use crate::steps::count_again;
use crate::support::normal::{Cluster, difference};
use crate::support::{AuditEvent, OPERATOR_USER, PATIENCE, World, eventually, unique};

/// How long nothing may be written for an end to count as one: longer than what is paced waits.
const SILENCE: Duration = Duration::from_secs(7);

/// What is still to be done.
enum Todo {
    Apply(usize),
    SetRight(usize),
    /// A request of this name, filed in this namespace, is taken back.
    Cancel(String, String),
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
        if thing["kind"] == "DeletionRequest" && !self.may_ask(which).await {
            return Err("nobody asks yet".to_owned());
        }
        let Err(status) = self.ask(&self.creating(which)).await else {
            return Ok(());
        };
        // Made again already when its deletion was taken back: as it was then.
        if thing["kind"] == "Customer"
            && let Ok(there) = self.ask(&get(&self.path(which))).await
            && there["metadata"]["deletionTimestamp"].is_null()
        {
            return self.set_right(which).await;
        }
        if status.message.contains("status unknown") {
            let place = thing["metadata"]["namespace"].as_str().expect("inside");
            count_again(self.world, place).await?;
        }
        if thing["kind"] == "Namespace" && status.code == StatusCode::CONFLICT {
            return Ok(());
        }
        Err(status.message)
    }

    /// Sets a customer right again; an error is why not yet.
    async fn set_right(&self, which: usize) -> Result<(), String> {
        let spec = &self.things[which]["spec"];
        let mut right = json!({});
        for way in 0..WAYS {
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

    /// Takes a request back; an error is why not yet.
    async fn cancel(&self, namespace: &str, request: &str) -> Result<(), String> {
        let path = format!("{}/{request}", requests(namespace));
        let cancel = patch(&path, json!({"spec": {"cancel": {"note": "a mistake"}}}));
        let answer = self.ask(&cancel).await;
        answer.map(drop).map_err(|status| status.message)
    }

    /// One of the customers that are there and stay in the end, as the number says.
    fn staying(&self, there: &[usize], number: usize) -> Option<usize> {
        let customers = there
            .iter()
            .filter(|&&which| self.things[which]["kind"] == "Customer");
        let staying: Vec<_> = customers
            .filter(|&&which| self.leaves(which).is_none())
            .collect();
        staying.get(number % staying.len().max(1)).map(|&&it| it)
    }

    /// Which of the things asks for the deletion of this customer.
    fn leaves(&self, customer: usize) -> Option<usize> {
        let customer = &self.things[customer];
        let home = customer["metadata"]["namespace"].as_str()?;
        let tenant = format!(
            "{}--{}",
            home.trim_start_matches("partner-"),
            customer["metadata"]["name"].as_str()?
        );
        self.things.iter().position(|thing| {
            let place = &thing["metadata"]["namespace"];
            let beside =
                *place == *home && thing["spec"]["customer"] == customer["metadata"]["name"];
            thing["kind"] == "DeletionRequest" && (beside || *place == *tenant)
        })
    }

    /// Whether somebody who looks first files this request now: its customer has its tenant, and nobody else has asked. Who is asked to
    /// leave before gets no tenant, and who is applied again afterwards stays: these ends depend on the order, and rightly.
    async fn may_ask(&self, which: usize) -> bool {
        let customer = (0..self.things.len())
            .filter(|one| self.things[*one]["kind"] == "Customer")
            .find(|one| self.leaves(*one) == Some(which));
        let Some(customer) = customer else {
            return false;
        };
        let Ok(object) = self.ask(&get(&self.path(customer))).await else {
            return false;
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let home = text(&object["metadata"]["namespace"]);
        let name = text(&object["metadata"]["name"]);
        let partner = home.trim_start_matches("partner-");
        let tenant = get(&format!("/api/v1/namespaces/{partner}--{name}"));
        let tenant = self.ask(&tenant).await.unwrap_or_default();
        let others = self.ask(&get(&requests(&home))).await.unwrap_or_default();
        let mut others = others["items"].as_array().into_iter().flatten();
        let open = others.any(|other| {
            let over = ["Cancelled", "Completed"].map(Value::from);
            other["spec"]["customer"] == *name && !over.contains(&other["status"]["phase"])
        });
        let owner = &tenant["metadata"]["labels"]["clientele.dev/customer-uid"];
        *owner == object["metadata"]["uid"]
            && object["metadata"]["deletionTimestamp"].is_null()
            && !open
    }

    /// Goes the way until everything is applied as it should be.
    pub async fn go(&self, way: &Way) {
        let mut todo: VecDeque<Todo> = way.order.iter().copied().map(Todo::Apply).collect();
        let mut then = way.then.iter().copied();
        let mut there = Vec::new();
        let (mut refused, mut asked) = (0, 0);
        let mut why = String::new();
        let going = async {
            while let Some(next) = todo.pop_front() {
                let done = match &next {
                    Todo::Apply(which) => self.apply(*which).await,
                    Todo::SetRight(which) if there.contains(which) => self.set_right(*which).await,
                    // It was deleted, too, and comes back as it should be.
                    Todo::SetRight(_) => Ok(()),
                    Todo::Cancel(namespace, request) => self.cancel(namespace, request).await,
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
                        let kept = self.things[there[at]]["kind"] == "Namespace"
                            || self
                                .leaves(there[at])
                                .is_some_and(|asks| there.contains(&asks));
                        if !kept && self.ask(&delete(&self.path(there[at]))).await.is_ok() {
                            todo.push_back(Todo::Apply(there.swap_remove(at)));
                        }
                    }
                    Then::Change(which, to) => {
                        if let Some(which) = self.staying(&there, which) {
                            let spec = json!({"spec": astray(to)});
                            if self.ask(&patch(&self.path(which), spec)).await.is_ok() {
                                todo.push_back(Todo::SetRight(which));
                            }
                        }
                    }
                    Then::Ask(which) => {
                        if let Some(which) = self.staying(&there, which) {
                            let customer = &self.things[which]["metadata"];
                            let name = format!("asks-{asked}");
                            asked += 1;
                            let asks = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "DeletionRequest",
                                "metadata": {"name": name, "namespace": customer["namespace"]}, "spec": {"customer": customer["name"]}});
                            let namespace = customer["namespace"].as_str().expect("one");
                            if self.ask(&create(asks)).await.is_ok() {
                                todo.push_back(Todo::Cancel(namespace.to_owned(), name));
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
        let still = audit.quiet(SILENCE, 2 * PATIENCE, |call| {
            call.user == OPERATOR_USER && call.is_write() && self.concerns(call)
        });
        assert!(still.await, "the operator still writes\n{way:?}");
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

/// Where the requests of a namespace are.
fn requests(namespace: &str) -> String {
    format!("/apis/clientele.dev/v1alpha1/namespaces/{namespace}/deletionrequests")
}
