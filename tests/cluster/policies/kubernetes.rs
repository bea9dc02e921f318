//! Kubernetes' own controllers, which write in tenants what a tenant may not: policies have to let them.

use serde_json::{Value, json};

use super::platform;
use crate::attempt::{ALLOWED, create, patch, try_all};
use crate::support::World;
use crate::tenancy::Tenant;

fn pod(name: &str, owners: &Value, besides: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "ownerReferences": owners}, "spec": {
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "image": "a", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}});
    let spec = pod["spec"].as_object_mut().expect("a spec");
    spec.extend(besides.as_object().expect("fields").clone());
    pod
}

#[tokio::test]
async fn pods_of_a_daemon_set_stay_on_nodes_in_trouble_and_nodes_mirror_their_own() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "x", "uid": "u", "controller": true}]);
    let trouble = json!({"tolerations": [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/disk-pressure", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}]});
    let control_plane = json!({"tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]});
    let mirror = json!({"nodeName": "one"});
    let taints = "cannot tolerate the taints of Kubernetes itself";
    for (who, pod, refused) in [
        (
            "system:serviceaccount:kube-system:daemon-set-controller",
            pod("a", &owner, &trouble),
            ALLOWED,
        ),
        (
            "system:serviceaccount:kube-system:daemon-set-controller",
            pod("b", &owner, &control_plane),
            taints,
        ),
        // An owner is what anybody can write.
        ("somebody@else.example", pod("c", &owner, &trouble), taints),
        ("system:node:one", pod("d", &json!([]), &mirror), ALLOWED),
        (
            "system:serviceaccount:kube-system:replicaset-controller",
            pod("e", &json!([]), &mirror),
            "placed by the scheduler",
        ),
    ] {
        let client = world.as_user(who, &["system:masters"]).await;
        try_all(&client, &tenant, vec![(who, create(pod).dry(), refused)]).await;
    }
}

#[tokio::test]
async fn claims_are_bound_by_their_controller() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "x"}, "spec": {
        "storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let path = "/api/v1/namespaces/{ns}/persistentvolumeclaims/x";
    let bind = patch(path, json!({"spec": {"volumeName": "pv-1"}}));
    let label = patch(path, json!({"metadata": {"labels": {"a": "b"}}}));
    let person = platform(&world).await;
    try_all(
        &person,
        &tenant,
        vec![
            ("claims", create(claim), ALLOWED),
            ("binds", bind.clone(), "cannot name the volume"),
        ],
    )
    .await;
    let binder = world
        .as_user(
            "system:serviceaccount:kube-system:persistent-volume-binder",
            &["system:masters"],
        )
        .await;
    try_all(&binder, &tenant, vec![("binds", bind, ALLOWED)]).await;
    try_all(
        &person,
        &tenant,
        vec![("labels what is bound", label, ALLOWED)],
    )
    .await;
}
