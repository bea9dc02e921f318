//! Every admission policy of deploy/, from both sides: what it refuses, with the words a person reads, and what it lets
//! through. Who tries has all the rights RBAC can give (`system:masters`), so that nothing but the policy is tried.

mod assign;
mod contact_lists;
mod deletes;
pub mod deletion;
mod fence_bindings;
mod fence_namespaces;
mod fence_objects;
mod hosts;
mod kinds;
mod kubernetes;
mod locks;
mod namespaces;
mod owned;
mod service_objects;
mod shipped;
mod unstamped;
mod warnings;
mod wishes;

use kube::Client;
use serde_json::{Value, json};

use super::attempt::{Attempt, call, create, create_in_cluster, try_all};
use super::tenancy::{OPERATOR, Tenant};
use crate::support::{PATIENCE, Report as _, World, eventually};

/// Tries all of them as a person with every right.
async fn as_platform(attempts: Vec<Attempt>) {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    try_all(&platform(&world).await, &tenant, attempts).await;
}

/// Tries all of them as the operator, with every right besides its own.
async fn as_operator(attempts: Vec<Attempt>) {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    try_all(&operator, &tenant, attempts).await;
}

/// A person with every right.
async fn platform(world: &World) -> Client {
    world
        .as_user("platform@staff.example", &["system:masters"])
        .await
}

/// A Customer of the tenant's partner.
fn customer(name: &str) -> Value {
    json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer", "metadata": {"name": name, "namespace": "{home}"},
        "spec": {"displayName": "A customer", "contact": {"email": "a@b.example"}, "billing": {"currency": "EUR"}}})
}

/// A partner below the tenant's.
fn partner(name: &str, spec: &Value) -> Value {
    let mut partner = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Partner", "metadata": {"name": name, "namespace": "{home}"},
        "spec": {"displayName": "A partner"}});
    let fields = partner["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    partner
}

/// A ConfigMap in this namespace.
fn map(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "labels": labels}})
}

/// Makes an object that a test begins with.
async fn given(client: &Client, tenant: &Tenant, object: Value) {
    let request = create(object).about(tenant);
    if let Err(error) = call(client, &request).await {
        panic!("{}: {error}", request.path);
    }
}

/// Waits until somebody may create such objects there: the authorizer reads bindings from a cache.
async fn let_in(client: &Client, namespace: &str, group: &str, resource: &str) {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {
        "verb": "create", "group": group, "resource": resource, "namespace": namespace}}});
    let review = create_in_cluster(review);
    eventually("the binding counts", PATIENCE, async || {
        let answer = call(client, &review).await.report()?;
        let allowed = answer["status"]["allowed"] == true;
        allowed.then_some(()).ok_or_else(|| "not yet".to_owned())
    })
    .await;
}
