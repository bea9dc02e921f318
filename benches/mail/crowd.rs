//! Customers that send: one as the operator makes it, and ten thousand after its image.

use std::time::Duration;

use clientele::api::{Customer, PostalRoute};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};

use super::shared::Failure;
use super::shared::floor::CONCURRENCY;
use super::shared::stage::Stage;
use super::shared::support::{Reports, home, route, tenant, until};

/// The name of the customer whose image the others are. Nothing else in it contains it.
const FIRST: &str = "sender";

/// A limit that nothing here reaches.
pub const PLENTY: u64 = 1_000_000_000;

/// A route, and customers that may send, as the operator says: so many to be changed, and the one that the others are like.
pub async fn first(stage: &Stage, changed: usize) -> Result<(Vec<Customer>, Customer), Failure> {
    let mut route = route(&stage.partner, "relay");
    route.spec.inheritable = true;
    let routes: Api<PostalRoute> = Api::namespaced(stage.admin.clone(), &home(&stage.partner));
    routes.create(&PostParams::default(), &route).await?;
    settled(routes, "relay").await?;
    let names: Vec<String> = (0..changed).map(|one| format!("changed-{one}")).collect();
    let all = stream::iter(&names)
        .map(|name| one(stage, name))
        .buffered(CONCURRENCY)
        .try_collect();
    Ok((all.await?, one(stage, FIRST).await?))
}

async fn one(stage: &Stage, name: &str) -> Result<Customer, Failure> {
    let mut customer = stage.customer(name);
    customer.spec.postal_routes = Some(vec!["relay".to_owned()]);
    customer.spec.sending = serde_json::from_value(json!({"limits": {"hourly": PLENTY}}))?;
    stage
        .customers()
        .create(&PostParams::default(), &customer)
        .await?;
    settled(stage.customers(), name).await
}

async fn settled<K: Reports>(api: Api<K>, name: &str) -> Result<K, Failure> {
    let ready = until(api, name, "Ready", |seen| {
        let conditions = seen.map(Reports::conditions).unwrap_or_default();
        conditions
            .iter()
            .any(|one| one.type_ == "Ready" && one.status == "True")
    });
    ready.await.ok_or_else(|| "it went away".into())
}

/// So many more, as they would be in the API server, tenants apart: the operator is down. Returns all logins.
pub async fn more(stage: &Stage, first: &Customer, count: usize) -> Result<Vec<String>, Failure> {
    let firefighter = ["system:masters", "clientele:break-glass"];
    let client = stage
        .plane
        .as_user("fire@staff.example", &firefighter)
        .await;
    let api: Api<Customer> = Api::namespaced(client, &home(&stage.partner));
    let image = image(first)?;
    let names: Vec<String> = (0..count).map(|one| format!("{FIRST}-{one:05}")).collect();
    stream::iter(&names)
        .map(|name| {
            let object = image.replace(FIRST, name);
            let api = &api;
            async move { make(api, name, &object).await }
        })
        .buffer_unordered(CONCURRENCY)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    let login = tenant(first);
    Ok(names
        .iter()
        .map(|name| login.replace(FIRST, name))
        .collect())
}

/// What a person and the operator wrote of it.
fn image(first: &Customer) -> Result<String, Failure> {
    let mut object: Value = serde_json::to_value(first)?;
    object["metadata"] = json!({"name": FIRST, "namespace": first.namespace()});
    Ok(object.to_string())
}

async fn make(api: &Api<Customer>, name: &str, object: &str) -> Result<(), Failure> {
    let customer: Customer = serde_json::from_str(object)?;
    api.create(&PostParams::default(), &customer).await?;
    let status = json!({"status": customer.status});
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

/// Changes the spec of a customer.
pub async fn change(client: &Client, customer: &Customer, spec: Value) -> Result<(), Failure> {
    let place = customer.namespace().unwrap_or_default();
    let api: Api<Customer> = Api::namespaced(client.clone(), &place);
    let patch = Patch::Merge(json!({ "spec": spec }));
    let name = customer.name_any();
    api.patch(&name, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// Waits until nothing is left to be told.
pub async fn calm() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}
