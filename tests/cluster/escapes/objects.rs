//! What stands in the tenant: the operator's objects, marks forged on one's own, and what blocks or floods.

use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

use super::as_admin;
use crate::attempt::{Attempt, call, create, delete, patch};
use crate::support::{World, until};
use crate::tenancy::Tenant;

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings";

fn map(name: &str, metadata: Value) -> Value {
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    map["metadata"]["name"] = name.into();
    map
}

#[tokio::test]
async fn the_operators_objects_are_the_operators() {
    let unlabelled = json!({"metadata": {"labels": null}});
    // Unlabelled, it is held by its name, and a binding by whom it binds.
    let owned = "is written only by the operator | only the operator writes it | only its own ServiceAccounts";
    let mut attempts: Vec<Attempt> = vec![
        (
            "lifts its quota",
            patch(
                "/api/v1/namespaces/{ns}/resourcequotas/clientele",
                json!({"spec": {"hard": null}}),
            ),
            "cannot patch",
        ),
        (
            "forges how much of its quota is used",
            patch(
                "/api/v1/namespaces/{ns}/resourcequotas/clientele/status",
                json!({"status": {"used": null}}),
            ),
            "cannot patch resource \"resourcequotas/status\"",
        ),
        (
            "deletes its quota",
            delete("/api/v1/namespaces/{ns}/resourcequotas/clientele"),
            "cannot delete",
        ),
        (
            "deletes its limits",
            delete("/api/v1/namespaces/{ns}/limitranges/clientele"),
            "cannot delete",
        ),
        (
            "deletes its network policy",
            delete("/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/clientele"),
            "cannot delete",
        ),
        (
            "adds a network policy that lets everything through",
            create(
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "all"},
                "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}]}}),
            ),
            "cannot create resource \"networkpolicies\"",
        ),
        (
            "rewrites what is known of the customer",
            patch(
                "/api/v1/namespaces/{ns}/configmaps/customer",
                json!({"data": {"plan": "free"}}),
            ),
            owned,
        ),
        (
            "deletes what is known of the customer",
            delete("/api/v1/namespaces/{ns}/configmaps/customer"),
            owned,
        ),
        (
            "unlabels what is known of the customer, to change it then",
            patch(
                "/api/v1/namespaces/{ns}/configmaps/customer",
                unlabelled.clone(),
            ),
            owned,
        ),
        (
            "mounts a token into every pod",
            patch(
                "/api/v1/namespaces/{ns}/serviceaccounts/default",
                json!({"automountServiceAccountToken": true}),
            ),
            owned,
        ),
        (
            "deletes the default ServiceAccount",
            delete("/api/v1/namespaces/{ns}/serviceaccounts/default"),
            owned,
        ),
    ];
    for role in ["admin", "member", "viewer"] {
        let binding = format!("{RBAC}/{{customer}}-{role}");
        attempts.push((
            "unlabels a binding of people",
            patch(&binding, unlabelled.clone()),
            owned,
        ));
        attempts.push((
            "lets others in by a binding of people",
            patch(&binding, json!({"subjects": []})),
            owned,
        ));
        attempts.push(("deletes a binding of people", delete(&binding), owned));
    }
    as_admin(attempts).await;
}

#[tokio::test]
async fn marks_and_names_of_the_operator_cannot_be_forged() {
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-tenant-viewer"});
    as_admin(vec![
        (
            "makes an object that the operator takes for its own",
            create(map("x", json!({"labels": {"app.kubernetes.io/managed-by": "clientele", "clientele.dev/customer-uid": "{uid}"}}))),
            "is written only by the operator",
        ),
        (
            "labels an object with its customer",
            create(map("x", json!({"labels": {"clientele.dev/customer-uid": "{uid}"}}))),
            "only the operator sets them",
        ),
        (
            "labels an object with another customer",
            create(map("x", json!({"labels": {"clientele.dev/customer": "other"}}))),
            "only the operator sets them",
        ),
        ("makes an object to label it later", create(map("later", json!({}))), ""),
        (
            "labels it later",
            patch("/api/v1/namespaces/{ns}/configmaps/later", json!({"metadata": {"labels": {"clientele.dev/partner": "other"}}})),
            "only the operator sets them",
        ),
        (
            "makes it the operator's later",
            patch("/api/v1/namespaces/{ns}/configmaps/later", json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "clientele"}}})),
            "is written only by the operator",
        ),
        (
            "makes a binding of a name that the operator uses",
            create(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "{customer}-viewer"}, "roleRef": role})),
            "belongs to Clientele",
        ),
    ])
    .await;
}

#[tokio::test]
async fn nothing_blocks_the_end_of_the_namespace() {
    let refused = "finalizer";
    let template = |restart: &str| {
        json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/never"]},
            "spec": {"restartPolicy": restart, "containers": [{"name": "a", "image": "a"}]}})
    };
    as_admin(vec![
        ("sets a finalizer", create(map("x", json!({"finalizers": ["example.com/never"]}))), refused),
        (
            "sets one that looks like Kubernetes'",
            create(map("x", json!({"finalizers": ["kubernetes.io/pvc-protection"]}))),
            refused,
        ),
        ("makes an object to block it later", create(map("blocked", json!({}))), ""),
        (
            "blocks it later",
            patch("/api/v1/namespaces/{ns}/configmaps/blocked", json!({"metadata": {"finalizers": ["example.com/never"]}})),
            refused,
        ),
        (
            "blocks a person of its own",
            create(json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "CustomerUser",
                "metadata": {"name": "eve", "finalizers": ["example.com/never"]}, "spec": {"email": "eve@{partner}.example"}})),
            refused,
        ),
        (
            "has a controller set it, from a Deployment's template",
            create(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template("Always")}})),
            refused,
        ),
        (
            "has a controller set it, from a CronJob's template",
            create(json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": {"schedule": "@hourly",
                "jobTemplate": {"spec": {"template": template("Never")}}}})),
            refused,
        ),
        (
            "has a controller set it, from a claim's template",
            create(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"},
                "spec": {"serviceName": "x", "selector": {"matchLabels": {"a": "b"}},
                    "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}},
                    "volumeClaimTemplates": [{"metadata": {"name": "d", "finalizers": ["example.com/never"]},
                        "spec": {"storageClassName": "standard", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}})),
            refused,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_flood_of_objects_ends_at_the_quota() {
    let world = World::shared().await;
    let tenant = Tenant::of_operator(&world).await;
    let admin = tenant.admin(&world).await;
    let limited = Some(Quantity("20".to_owned()));
    let quotas = world.api::<ResourceQuota>(&tenant.namespace);
    until(quotas, "clientele", "in force", |quota| {
        let status = quota.and_then(|quota| quota.status.as_ref());
        let hard = status.and_then(|status| status.hard.as_ref());
        hard.and_then(|hard| hard.get("count/configmaps")) == limited.as_ref()
    })
    .await;
    // The API server learns of a new limit a moment later, so a few more may pass; unlimited they would all.
    for made in 0..100 {
        let name = format!("flood-{made}");
        let mut object = map(&name, json!({}));
        object["metadata"]["namespace"] = tenant.namespace.as_str().into();
        if let Err(error) = call(&admin, &create(object)).await {
            assert!(error.to_string().contains("exceeded quota"), "{error}");
            return;
        }
    }
    panic!("as many ConfigMaps as one likes");
}
