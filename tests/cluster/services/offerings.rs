//! What is wrong with an offering is found when it is applied: kinds, rights, expressions.

use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use super::{
    asking, asks, judged, manifest, offering, offerings, redo, service, services_ready, stands,
};
use crate::attempt::{call, get, patch};
use crate::steps::merged;
use crate::support::{PATIENCE, World, eventually, tenant, unique};

/// A kind of somebody else's operator, of a group of its own.
async fn crd(world: &World, scope: &str) -> (CustomResourceDefinition, String) {
    let group = format!("{}.example.org", unique("g"));
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": scope, "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]}});
    let crd: CustomResourceDefinition = serde_json::from_value(crd).expect("a CRD");
    let crds: Api<CustomResourceDefinition> = Api::all(world.admin.clone());
    let made = crds
        .create(&PostParams::default(), &crd)
        .await
        .expect("a CRD");
    let path = get(&format!("/apis/{group}/v1/widgets"));
    eventually("it is served", PATIENCE, async || {
        call(&world.admin, &path)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    })
    .await;
    (made, group)
}

/// Has an offering looked at until its reason is this: nothing tells the operator of rights and kinds.
async fn found_again(world: &World, name: &str, wanted: &str) {
    eventually(wanted, PATIENCE, async || {
        let now =
            json!({"metadata": {"annotations": {"clientele.dev/reconcile-at": unique("now-")}}});
        merged(&offerings(world), name, now).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let offering = offerings(world)
            .get(name)
            .await
            .map_err(|error| error.to_string())?;
        let reason = json!(offering.status)["conditions"][0]["reason"].clone();
        (reason == wanted)
            .then_some(())
            .ok_or_else(|| reason.to_string())
    })
    .await;
}

fn widget(group: &str) -> Value {
    manifest(
        json!({"apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": {"name": "it"}, "spec": {"size": "${params.size}"}}),
    )
}

#[tokio::test]
async fn what_no_service_may_make_and_what_no_expression_may_say_is_told_at_once() {
    let world = World::shared().await;
    let (_, group) = crd(&world, "Cluster").await;
    let made = offering(&world, json!({"manifests": [
        manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})),
        manifest(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "kube-system"}})),
        manifest(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y"}, "data": {"a": "${custmer.name}", "b": "${now()}", "c": "${params.sise}", "d": "${customer.nmae}"}})),
        manifest(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "admin"}})),
    ]})).await;
    let name = made.name_any();
    let faults = judged(&world, &name, "False", "InvalidSpec").await;
    for expected in [
        "spec.manifests[0].object.kind: a Namespace is cluster-scoped",
        "spec.manifests[1].object.metadata.namespace: the tenant namespace is meant anyway",
        "there is no custmer",
        "there is no function now",
        "params.sise is not in parameters.schema",
        "spec.manifests[2].object.data.d: customer.nmae: there is no customer.nmae (customer.name?): there are",
        "spec.manifests[3].object.kind: rights in a tenant",
    ] {
        assert!(faults.contains(expected), "{expected}\nnot in\n{faults}");
    }
    redo(&world, &name, json!({"manifests": [widget(&group)]})).await;
    let faults = judged(&world, &name, "False", "KindNotFound").await;
    assert!(faults.contains("a Widget is cluster-scoped"), "{faults}");
    redo(
        &world,
        &name,
        json!({"manifests": [widget("nowhere.example.org")]}),
    )
    .await;
    let faults = judged(&world, &name, "False", "KindNotFound").await;
    assert!(
        faults.contains("this cluster has no kind Widget"),
        "{faults}"
    );
    redo(
        &world,
        &name,
        json!({"manifests": [], "requires": ["nothing-of-that-name"]}),
    )
    .await;
    judged(&world, &name, "False", "RequirementNotFound").await;
}

#[tokio::test]
async fn a_missing_right_is_named_healed_and_lost_again_and_a_foreign_kind_reports_how_it_is() {
    let world = World::shared().await;
    let (crd, group) = crd(&world, "Namespaced").await;
    let partner = world.provider().await;
    let made = offering(&world, json!({"manifests": [widget(&group)]})).await;
    let name = made.name_any();
    let faults = judged(&world, &name, "False", "RightsMissing").await;
    let rule = format!(
        "{{apiGroups: [\"{group}\"], resources: [widgets], verbs: [watch, create, patch, delete]}}"
    );
    assert!(faults.ends_with(&rule), "{faults}");
    let globex = asking(
        &world,
        &partner,
        json!([{"name": name, "parameters": {"size": "M"}}]),
    )
    .await;
    let globex = world.ready(&globex).await;
    stands(&world, &globex, &name, "Waiting").await;

    // As the message says.
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": unique("clientele-services-"), "labels": {"clientele.dev/aggregate-to-services": "true"}},
        "rules": [{"apiGroups": [group], "resources": ["widgets"], "verbs": ["watch", "create", "patch", "delete"]}]});
    let role: ClusterRole = serde_json::from_value(role).expect("a role");
    let roles: Api<ClusterRole> = Api::all(world.admin.clone());
    let role = roles
        .create(&PostParams::default(), &role)
        .await
        .expect("a role");
    found_again(&world, &name, "Accepted").await;
    stands(&world, &globex, &name, "Active").await;
    let place = tenant(&globex);
    let path = format!("/apis/{group}/v1/namespaces/{place}/widgets/it");
    let made = eventually("it is made", PATIENCE, async || {
        call(&world.admin, &get(&path))
            .await
            .map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(made["spec"], json!({"size": "M"}));

    // Another operator says how it gets on, and adds what is its own.
    let theirs = json!({"metadata": {"finalizers": ["example.org/theirs"], "annotations": {"example.org/a": "b"}}});
    call(&world.admin, &patch(&path, theirs))
        .await
        .expect_err("a person may not");
    let operator = world
        .as_user(
            "system:serviceaccount:widgets:operator",
            &["system:masters"],
        )
        .await;
    let says = async |kind: &str, status: &str| {
        let condition = json!({"type": kind, "status": status, "message": "because", "reason": "X", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let status = json!({"status": {"observedGeneration": made["metadata"]["generation"], "conditions": [condition]}});
        call(&operator, &patch(&format!("{path}/status"), status))
            .await
            .expect("a status");
    };
    let theirs = json!({"metadata": {"annotations": {"example.org/a": "b"}}});
    call(&operator, &patch(&path, theirs))
        .await
        .expect("an operator may");
    says("Ready", "False").await;
    service(&world, &globex, &name, "on its way", |it| {
        it["health"] == "InProgress"
    })
    .await;
    let said = services_ready(&world, &globex, "False Progressing").await;
    assert!(said.contains("Widget it: because"), "{said}");
    says("Stalled", "True").await;
    services_ready(&world, &globex, "False ServiceUnhealthy").await;
    says("Ready", "True").await;
    services_ready(&world, &globex, "True Settled").await;
    world.ready(&globex).await;

    // The kind goes, and takes nothing along.
    let crds: Api<CustomResourceDefinition> = Api::all(world.admin.clone());
    crds.delete(&crd.name_any(), &DeleteParams::default())
        .await
        .expect("deleted");
    found_again(&world, &name, "KindNotFound").await;
    roles
        .delete(&role.name_any(), &DeleteParams::default())
        .await
        .expect("deleted");
    let globex = asks(&world, &globex, json!([])).await;
    world.ready(&globex).await;
}
