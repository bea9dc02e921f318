//! A change in a partner that reaches every customer: its domain, which each tenant's namespace, ConfigMap and status tell.
//!
//! The floor is the same writes of the same bodies, with another domain of the same length, by a client that decides nothing and
//! has as many calls in flight as the operator may have. Whether they are the same the operator itself says: the partner is given
//! that domain while the operator is down, and when it comes back it must find nothing to write.

use std::time::{Duration, Instant};

use clientele::api::{Customer, Partner};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Map, Value, json};

use super::Failure;
use super::figures::Tally;
use super::scene::{Scene, timed};
use super::support::{Mark, OPERATOR_USER, home, namespace_of};

/// Calls of the bare client in flight at once, as the operator has by default.
const CALLS: usize = 64;

/// What came of it.
pub struct Reached {
    /// Customers that were reached, the stage's sample too.
    pub customers: usize,
    /// In order.
    pub rounds: Vec<Round>,
    /// The operator's calls in the last round, but for those about the partner itself.
    pub calls: Tally,
}

/// The operator, and then the bare client.
pub struct Round {
    /// From the partner's change to the last customer that tells of it.
    pub operator: Duration,
    /// The same writes, bare.
    pub floor: Duration,
    /// How many those were.
    pub writes: usize,
    /// What the operator still found to write in tenants after the bare client: if anything, the floor was not the same.
    pub left: usize,
}

impl Round {
    /// How much longer it took with the operator.
    pub fn ratio(&self) -> f64 {
        self.operator.as_secs_f64() / self.floor.as_secs_f64()
    }
}

/// Plays it.
pub async fn play(scene: &Scene, rounds: usize) -> Result<Reached, Failure> {
    let mut played = Vec::new();
    let mut calls = None;
    for round in 0..rounds.max(1) {
        let [by_operator, by_hand] =
            ["operator", "bareones"].map(|by| format!("{by}-{round:03}.example"));
        let before = scene.mark().await;
        let operator = change(scene, &by_operator).await?;
        scene.stage.calm().await?;
        calls = Some(calls_about_customers(scene, before).await);

        scene.stage.operator.stop();
        let writes = writes(scene, &by_operator, &by_hand).await?;
        let count = writes.len();
        let client = scene
            .stage
            .plane
            .as_service_account("clientele-system", "clientele")
            .await;
        let (sent, floor) = timed(send_all(&client, writes)).await;
        sent?;
        give(scene, &by_hand).await?;
        let before = scene.mark().await;
        scene.stage.operator.start()?;
        scene.stage.operator.await_ready()?;
        scene.stage.calm().await?;
        let round = Round {
            operator,
            floor,
            writes: count,
            left: calls_about_customers(scene, before).await.writes,
        };
        eprintln!(
            "    operator {:.1} s, floor {:.1} s, ratio {:.2}",
            round.operator.as_secs_f64(),
            round.floor.as_secs_f64(),
            round.ratio()
        );
        played.push(round);
    }
    Ok(Reached {
        customers: scene.names.len() + 1,
        rounds: played,
        calls: calls.ok_or("no round")?,
    })
}

/// Gives the partner a domain.
async fn give(scene: &Scene, domain: &str) -> Result<(), Failure> {
    let partner = &scene.stage.partner;
    let api: Api<Partner> = Api::namespaced(scene.stage.admin.clone(), &namespace_of(partner));
    let patch = Patch::Merge(json!({ "spec": { "domain": domain } }));
    api.patch(&partner.name_any(), &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

/// Gives the partner a domain, and tells how long it took until the last customer told of it.
async fn change(scene: &Scene, domain: &str) -> Result<Duration, Failure> {
    let wanted = domain.to_owned();
    let watching = scene
        .watch(move |customer: &Customer| {
            let status = customer.status.as_ref();
            status.and_then(|status| status.domain.as_deref()) == Some(&wanted)
        })
        .await?;
    let began = Instant::now();
    give(scene, domain).await?;
    let told = watching.await?;
    let last = told.values().max().ok_or("no customer was reached")?;
    Ok(last.duration_since(began))
}

/// What the operator has asked for about customers and their tenants since the mark.
async fn calls_about_customers(scene: &Scene, since: Mark) -> Tally {
    let calls = scene.stage.plane.audit().since(since).await;
    let tenants = format!("{}--", scene.stage.partner.name_any());
    Tally::of(calls.by(OPERATOR_USER).only(|call| {
        (call.resource.starts_with("customers") && !call.name.is_empty())
            || call.namespace.starts_with(&tenants)
            || call.name.starts_with(&tenants)
    }))
}

/// The operator's writes with this domain, as they would be with another one.
async fn writes(scene: &Scene, old: &str, new: &str) -> Result<Vec<Request<Vec<u8>>>, Failure> {
    let partner = &scene.stage.partner;
    let tenants = format!(
        "labelSelector=clientele.dev/partner%3D{}",
        partner.name_any()
    );
    let of_kind = async |path: String| -> Result<Vec<Value>, Failure> {
        let request = Request::get(path).body(Vec::new())?;
        let mut list: Value = scene.stage.admin.request(request).await?;
        Ok(serde_json::from_value(list["items"].take())?)
    };
    let customers = format!(
        "/apis/clientele.dev/v1alpha1/namespaces/{}/customers",
        home(partner)
    );
    let mut writes = Vec::new();
    for namespace in of_kind(format!("/api/v1/namespaces?{tenants}")).await? {
        let annotations = namespace["metadata"]["annotations"].as_object();
        let told: Map<String, Value> = annotations
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.as_str().is_some_and(|value| value.contains(old)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !told.is_empty() {
            let metadata = &namespace["metadata"];
            let body = json!({"metadata": {"uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"], "annotations": told}});
            let path = format!("/api/v1/namespaces/{}", text(&metadata["name"]));
            writes.push(patch(&path, "merge-patch+json", &body, old, new)?);
        }
    }
    for map in
        of_kind("/api/v1/configmaps?fieldSelector=metadata.name%3Dcustomer".to_owned()).await?
    {
        let metadata = &map["metadata"];
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": map["data"], "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"]}});
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/{}?{APPLYING}",
            text(&metadata["namespace"]),
            text(&metadata["name"])
        );
        writes.push(patch(&path, "apply-patch+yaml", &body, old, new)?);
    }
    for customer in of_kind(customers.clone()).await? {
        let metadata = &customer["metadata"];
        let body = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer", "status": customer["status"], "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}});
        let path = format!("{customers}/{}/status?{APPLYING}", text(&metadata["name"]));
        writes.push(patch(&path, "apply-patch+yaml", &body, old, new)?);
    }
    Ok(writes)
}

/// How the operator applies.
const APPLYING: &str = "fieldManager=clientele&force=true&fieldValidation=Ignore";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn patch(
    path: &str,
    form: &str,
    body: &Value,
    old: &str,
    new: &str,
) -> Result<Request<Vec<u8>>, Failure> {
    let body = body.to_string().replace(old, new);
    let request = Request::patch(path).header("content-type", format!("application/{form}"));
    Ok(request.body(body.into_bytes())?)
}

async fn send_all(client: &Client, writes: Vec<Request<Vec<u8>>>) -> Result<(), Failure> {
    stream::iter(writes)
        .map(|write| client.request::<Value>(write))
        .buffer_unordered(CALLS)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    Ok(())
}
