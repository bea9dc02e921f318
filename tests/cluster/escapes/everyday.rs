//! What a tenant's admin must be able to do, with all the policies in force.

use serde_json::{Value, json};

use super::as_admin_among_people;
use crate::attempt::{ALLOWED, Attempt, create, delete, get, patch};

fn object(api: &str, kind: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": "app"}});
    let fields = object.as_object_mut().expect("an object");
    fields.extend(rest.as_object().expect("fields").clone());
    object
}

#[tokio::test]
async fn an_application_is_run_as_anywhere_else() {
    let selector = json!({"matchLabels": {"app": "app"}});
    let template = json!({"metadata": {"labels": {"app": "app"}}, "spec": {
        "serviceAccountName": "app",
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"key": "example.com/gpu", "operator": "Exists"}],
        "containers": [{"name": "app", "image": "app", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}});
    let backend = json!({"service": {"name": "app", "port": {"number": 80}}});
    let rule = json!({"host": "app.{partner}.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
    let mut once = template.clone();
    once["spec"]["restartPolicy"] = "Never".into();
    let mine = [
        object("v1", "ServiceAccount", json!({})),
        object("v1", "ConfigMap", json!({"data": {"a": "b"}})),
        object("v1", "Secret", json!({"stringData": {"a": "b"}})),
        object(
            "v1",
            "Service",
            json!({"spec": {"selector": {"app": "app"}, "ports": [{"port": 80}]}}),
        ),
        object(
            "apps/v1",
            "Deployment",
            json!({"spec": {"selector": selector, "template": template}}),
        ),
        object(
            "apps/v1",
            "DaemonSet",
            json!({"spec": {"selector": selector, "template": template}}),
        ),
        object(
            "apps/v1",
            "StatefulSet",
            json!({"spec": {"serviceName": "app", "selector": selector, "template": template}}),
        ),
        object("batch/v1", "Job", json!({"spec": {"template": once}})),
        object(
            "batch/v1",
            "CronJob",
            json!({"spec": {"schedule": "@hourly", "jobTemplate": {"spec": {"template": once}}}}),
        ),
        object(
            "networking.k8s.io/v1",
            "Ingress",
            json!({"spec": {"rules": [rule], "tls": [{"hosts": ["app.{partner}.example"], "secretName": "tls"}]}}),
        ),
        object(
            "policy/v1",
            "PodDisruptionBudget",
            json!({"spec": {"selector": selector, "maxUnavailable": 1}}),
        ),
        object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            json!({"spec": {"maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}}}),
        ),
        object(
            "coordination.k8s.io/v1",
            "Lease",
            json!({"spec": {"holderIdentity": "app"}}),
        ),
        object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-tenant-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": "{ns}"}]}),
        ),
        object(
            "clientele.dev/v1alpha1",
            "CustomerUser",
            json!({"spec": {"email": "bob@{partner}.example", "role": "Viewer"}}),
        ),
    ];
    let mut attempts: Vec<Attempt> = Vec::new();
    for object in &mine {
        let made = create(object.clone());
        let path = format!("{}/app", made.path);
        attempts.push(("makes it", made, ALLOWED));
        attempts.push(("reads it", get(&path), ALLOWED));
        attempts.push((
            "labels it",
            patch(&path, json!({"metadata": {"labels": {"team": "a"}}})),
            ALLOWED,
        ));
    }
    attempts.extend([
        (
            "scales",
            patch(
                "/apis/apps/v1/namespaces/{ns}/deployments/app/scale",
                json!({"spec": {"replicas": 0}}),
            ),
            ALLOWED,
        ),
        (
            "reads its quota",
            get("/api/v1/namespaces/{ns}/resourcequotas/clientele"),
            ALLOWED,
        ),
        (
            "reads its limits",
            get("/api/v1/namespaces/{ns}/limitranges/clientele"),
            ALLOWED,
        ),
        (
            "reads its network policy",
            get("/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/clientele"),
            ALLOWED,
        ),
        (
            "reads what is known of the customer",
            get("/api/v1/namespaces/{ns}/configmaps/customer"),
            ALLOWED,
        ),
        (
            "reads events",
            get("/apis/events.k8s.io/v1/namespaces/{ns}/events"),
            ALLOWED,
        ),
    ]);
    for object in mine.into_iter().rev() {
        let path = format!("{}/app", create(object).path);
        attempts.push(("deletes it", delete(&path), ALLOWED));
    }
    as_admin_among_people(attempts).await;
}
