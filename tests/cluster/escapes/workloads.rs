//! Out of a pod: nodes, priorities, privileges.

use serde_json::{Value, json};

use super::as_admin;
use crate::attempt::{create, patch, post};

/// A pod that Pod Security lets through at `restricted`, with these fields besides.
fn spec(besides: Value) -> Value {
    let mut spec = json!({
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "image": "a", "resources": {"requests": {"cpu": "1m"}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
    });
    let fields = spec.as_object_mut().expect("a spec");
    fields.extend(besides.as_object().expect("fields").clone());
    spec
}

/// Such a pod.
pub fn pod(name: &str, besides: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec(besides)})
}

#[tokio::test]
async fn pods_run_where_the_scheduler_puts_them() {
    let node = "placed by the scheduler";
    let taints = "cannot tolerate the taints of Kubernetes itself";
    let priority = "priority classes system-*";
    let tolerate = |toleration: Value| json!({"tolerations": [toleration]});
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "good"}, "target": {"kind": "Node", "name": "control-plane"}});
    as_admin(vec![
        ("names its node", create(pod("x", json!({"nodeName": "control-plane"}))), node),
        ("tolerates everything", create(pod("x", tolerate(json!({"operator": "Exists"})))), taints),
        (
            "goes to the control plane",
            create(pod("x", tolerate(json!({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"})))),
            taints,
        ),
        (
            "goes where nothing is to go",
            create(pod("x", tolerate(json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"})))),
            taints,
        ),
        (
            "goes to nodes that are not set up yet",
            create(pod("x", tolerate(json!({"key": "node.cloudprovider.kubernetes.io/uninitialized", "operator": "Exists"})))),
            taints,
        ),
        ("displaces the cluster", create(pod("x", json!({"priorityClassName": "system-node-critical"}))), priority),
        ("runs a good pod", create(pod("good", tolerate(json!({"key": "example.com/gpu", "operator": "Exists"})))), ""),
        (
            "tolerates more later",
            patch("/api/v1/namespaces/{ns}/pods/good", json!({"spec": {"tolerations": [
                {"key": "example.com/gpu", "operator": "Exists"},
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}})),
            taints,
        ),
        (
            "places it itself",
            post("/api/v1/namespaces/{ns}/pods/good/binding", binding),
            "cannot create resource \"pods/binding\"",
        ),
        (
            "forges its status, to lead a Service elsewhere",
            patch("/api/v1/namespaces/{ns}/pods/good/status", json!({"status": {"podIP": "10.0.0.1"}})),
            "cannot patch resource \"pods/status\"",
        ),
    ])
    .await;
}

#[tokio::test]
async fn templates_are_held_like_pods() {
    let selector = json!({"matchLabels": {"a": "b"}});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": spec(json!({"nodeName": "control-plane"}))});
    let of = |api: &str, kind: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": spec});
    let selected = json!({"selector": selector, "template": template});
    let mut stateful = selected.clone();
    stateful["serviceName"] = "x".into();
    let mut job = template.clone();
    job["spec"]["restartPolicy"] = "Never".into();
    let job = json!({"template": job});
    let node = "placed by the scheduler";
    as_admin(vec![
        (
            "a Deployment",
            create(of("apps/v1", "Deployment", selected.clone())),
            node,
        ),
        (
            "a ReplicaSet",
            create(of("apps/v1", "ReplicaSet", selected.clone())),
            node,
        ),
        (
            "a DaemonSet",
            create(of("apps/v1", "DaemonSet", selected)),
            node,
        ),
        (
            "a StatefulSet",
            create(of("apps/v1", "StatefulSet", stateful)),
            node,
        ),
        ("a Job", create(of("batch/v1", "Job", job.clone())), node),
        (
            "a CronJob",
            create(of(
                "batch/v1",
                "CronJob",
                json!({"schedule": "@hourly", "jobTemplate": {"spec": job}}),
            )),
            node,
        ),
        (
            "a ReplicationController",
            create(of(
                "v1",
                "ReplicationController",
                json!({"selector": {"a": "b"}, "template": template}),
            )),
            node,
        ),
    ])
    .await;
}

#[tokio::test]
async fn privileges_end_at_pod_security() {
    let refused = "violates PodSecurity \"restricted:latest\"";
    let container = |context: Value| json!({"containers": [{"name": "a", "image": "a", "resources": {"requests": {"cpu": "1m"}}, "securityContext": context}]});
    as_admin(vec![
        ("privileged", create(pod("x", container(json!({"privileged": true})))), refused),
        (
            "with a capability",
            create(pod("x", container(json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}})))),
            refused,
        ),
        ("in the node's network", create(pod("x", json!({"hostNetwork": true}))), refused),
        ("among the node's processes", create(pod("x", json!({"hostPID": true}))), refused),
        ("with the node's disk", create(pod("x", json!({"volumes": [{"name": "d", "hostPath": {"path": "/"}}]}))), refused),
        ("as root", create(pod("x", json!({"securityContext": {"runAsUser": 0}}))), refused),
    ])
    .await;
}
