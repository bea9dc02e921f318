//! What somebody changes by hand in a tenant is put back, without ever fighting at full speed.

use clientele::api::Customer;
use futures::future::join_all;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::attempt::{call, delete, get, patch};
use crate::steps::{annotate, break_glass, change, essence, namespace};
use crate::support::{PATIENCE, World, eventually, namespace_of, tenant, until};
use crate::tenants::furnished;

/// The parts of a tenant: path, and a change for the worse.
fn parts(globex: &Customer) -> Vec<(String, Value)> {
    let place = tenant(globex);
    let core = |rest: &str| format!("/api/v1/namespaces/{place}/{rest}");
    let other = |group: &str, rest: &str| format!("/apis/{group}/v1/namespaces/{place}/{rest}");
    let intruder = json!({"kind": "User", "name": "mallory@evil.example", "apiGroup": "rbac.authorization.k8s.io"});
    vec![
        (
            core("resourcequotas/clientele"),
            json!({"spec": {"hard": {"pods": "999", "count/foreign.example": "1"}}}),
        ),
        (
            core("limitranges/clientele"),
            json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "64"}}]}}),
        ),
        (
            other("networking.k8s.io", "networkpolicies/clientele"),
            json!({"spec": {"ingress": [{}], "egress": [{}]}}),
        ),
        (
            core("serviceaccounts/default"),
            json!({"automountServiceAccountToken": true, "imagePullSecrets": [{"name": "registry"}, {"name": "foreign"}]}),
        ),
        (
            core("configmaps/customer"),
            json!({"data": {"access": "Locked", "foreign": "key"}, "binaryData": {"more": "AAAA"}}),
        ),
        (
            other("rbac.authorization.k8s.io", "rolebindings/globex-admin"),
            json!({"subjects": [intruder]}),
        ),
    ]
}

/// An object as it is, without what changes with every write.
async fn look(client: &Client, path: &str) -> Result<Value, String> {
    let object = call(client, &get(path)).await;
    object
        .map(|object| essence(&object))
        .map_err(|error| error.to_string())
}

/// All parts as they are.
async fn look_at_all(client: &Client, parts: &[(String, Value)]) -> Vec<Value> {
    let looks = parts.iter().map(|(path, _)| look(client, path));
    let looks: Result<_, _> = join_all(looks).await.into_iter().collect();
    looks.expect("every part is there")
}

/// Waits until a part is as it was.
async fn put_back(client: &Client, path: &str, before: &Value) {
    eventually(&format!("{path} is put back"), PATIENCE, async || {
        let now = look(client, path).await?;
        if now == *before {
            Ok(())
        } else {
            Err(format!("{now}"))
        }
    })
    .await;
}

#[tokio::test]
async fn parts_that_are_edited_or_extended_are_put_back() {
    let world = World::shared().await;
    let (_, globex) = furnished(&world).await;
    let fire = break_glass(&world).await;
    let parts = parts(&globex);
    let before = look_at_all(&fire, &parts).await;
    // One after the other: whatever tells the operator of one part has it look at all of them.
    for ((path, worse), before) in parts.iter().zip(&before) {
        let edited = call(&fire, &patch(path, worse.clone())).await;
        let edited = essence(&edited.expect("break-glass may"));
        assert_ne!(edited, *before, "{path} was not changed");
        put_back(&fire, path, before).await;
    }
}

#[tokio::test]
async fn parts_that_are_deleted_or_disowned_are_made_again() {
    let world = World::shared().await;
    let (_, globex) = furnished(&world).await;
    let fire = break_glass(&world).await;
    let parts = parts(&globex);
    let before = look_at_all(&fire, &parts).await;
    // Without its mark an object is out of the operator's sight, but not out of its care.
    let unmarked = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}});
    for ((path, _), before) in parts.iter().zip(&before) {
        call(&fire, &delete(path)).await.expect("break-glass may");
        put_back(&fire, path, before).await;
        let disowned = call(&fire, &patch(path, unmarked.clone())).await;
        disowned.expect("break-glass may");
        put_back(&fire, path, before).await;
    }
}

#[tokio::test]
async fn marks_of_a_tenant_namespace_are_put_back_and_those_of_others_left_alone() {
    let world = World::shared().await;
    let (_, globex) = furnished(&world).await;
    let fire = break_glass(&world).await;
    let place = tenant(&globex);
    let path = format!("/api/v1/namespaces/{place}");
    let edit = async |metadata: Value| {
        let edited = call(&fire, &patch(&path, json!({"metadata": metadata}))).await;
        edited.expect("break-glass may");
    };
    // A customer of long ago, whose facts cannot be come by again.
    let facts = json!({"clientele.dev/customer-number": "OLD-1", "clientele.dev/customer-since": "2020-02-02T02:02:02Z"});
    edit(json!({"annotations": facts})).await;
    let customers = world.api::<Customer>(&namespace_of(&globex));
    until(customers, "globex", "of long ago", |customer| {
        let status = customer.and_then(|customer| customer.status.as_ref());
        status.is_some_and(|status| status.customer_number.as_deref() == Some("OLD-1"))
    })
    .await;

    let before = namespace(&world, &place).await;
    let labels = json!({
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/enforce-version": "v1.0",
        "pod-security.kubernetes.io/warn": null,
        "clientele.dev/access": "Locked",
        "clientele.dev/retained": "true",
        "team.example/cost": "wholesale",
        "somebody.example/else": "kept",
    });
    let annotations = json!({
        "clientele.dev/customer-number": null,
        "clientele.dev/customer-since": null,
        "clientele.dev/contact-email": "mallory@evil.example",
        "clientele.dev/plan": null,
        "clientele.dev/storage-classes": null,
        "clientele.dev/ingress-domains": "Any",
    });
    edit(json!({"labels": labels, "annotations": annotations})).await;
    let kept = eventually("the namespace is put back", PATIENCE, async || {
        let now = namespace(&world, &place).await;
        let mut labels = now.labels().clone();
        let kept = labels.remove("somebody.example/else");
        if (&labels, now.annotations()) == (before.labels(), before.annotations()) {
            Ok(kept)
        } else {
            Err(format!("{labels:?} {:?}", now.annotations()))
        }
    });
    assert_eq!(kept.await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_paused_customer_stays_as_it_is_until_it_is_told_to_go_on() {
    let world = World::shared().await;
    let (_, globex) = furnished(&world).await;
    let paused = annotate(&world, &globex, "clientele.dev/paused", Some("true")).await;
    let says = |reason: &'static str| {
        world.reported(&paused, "Ready", move |ready| ready.reason == reason)
    };
    says("Paused").await;
    let fire = break_glass(&world).await;
    let parts = parts(&globex);
    let before = look_at_all(&fire, &parts).await;
    for (path, worse) in &parts {
        call(&fire, &patch(path, worse.clone()))
            .await
            .expect("break-glass may");
    }
    let worse = look_at_all(&fire, &parts).await;
    // A change of the spec is seen and said, but not done: so the operator has looked, and left all of it alone.
    let held = change(&world, &paused, json!({"spec": {"onHold": true}})).await;
    let told = world
        .reported(&held, "Reconciling", |it| it.reason == "Paused")
        .await;
    let access = told.status.and_then(|status| status.access_reason);
    assert_eq!(access.as_deref(), Some("Active"));
    assert_eq!(look_at_all(&fire, &parts).await, worse);

    change(&world, &held, json!({"spec": {"onHold": false}})).await;
    let goes_on = annotate(&world, &held, "clientele.dev/paused", None).await;
    for ((path, _), before) in parts.iter().zip(&before) {
        put_back(&fire, path, before).await;
    }
    world.ready(&goes_on).await;
}
