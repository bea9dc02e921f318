//! Others' data: volumes and claims.

use serde_json::{Value, json};

use super::as_admin;
use crate::attempt::{create, patch};

fn claim(name: &str, metadata: Value, spec: Value) -> Value {
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    claim["metadata"]["name"] = name.into();
    let fields = claim["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    claim
}

#[tokio::test]
async fn volumes_are_new_ones_of_its_plans_classes() {
    let classes = "the storage classes: standard,fast";
    let class = "volume.beta.kubernetes.io/storage-class";
    let claims = |class: &str| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"}, "spec": {
            "serviceName": "x", "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}},
            "volumeClaimTemplates": [claim("d", json!({}), json!({"storageClassName": class}))]}})
    };
    as_admin(vec![
        ("takes a class of others", create(claim("x", json!({}), json!({"storageClassName": "others"}))), classes),
        ("takes any volume that has no class", create(claim("x", json!({}), json!({"storageClassName": ""}))), classes),
        (
            "takes a class of others by the old annotation",
            create(claim("x", json!({"annotations": {class: "others"}}), json!({"storageClassName": "standard"}))),
            classes,
        ),
        ("takes a class of others by a template", create(claims("others")), classes),
        (
            "names another's volume",
            create(claim("x", json!({}), json!({"storageClassName": "standard", "volumeName": "pv-of-other"}))),
            "cannot name the volume",
        ),
        ("makes a good claim", create(claim("good", json!({}), json!({"storageClassName": "standard"}))), ""),
        (
            "names another's volume later",
            patch("/api/v1/namespaces/{ns}/persistentvolumeclaims/good", json!({"spec": {"volumeName": "pv-of-other"}})),
            "cannot name the volume",
        ),
        ("makes a claim without a class", create(claim("none", json!({}), json!({}))), ""),
        (
            "takes a class of others later",
            patch("/api/v1/namespaces/{ns}/persistentvolumeclaims/none", json!({"spec": {"storageClassName": "others"}})),
            classes,
        ),
        (
            "takes a class of its plan later",
            patch("/api/v1/namespaces/{ns}/persistentvolumeclaims/none", json!({"spec": {"storageClassName": "fast"}})),
            "",
        ),
        ("makes good claims by a template", create(claims("fast")), ""),
        (
            "reads a snapshot of another's volume",
            create(json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "x"}})),
            "cannot create resource \"volumesnapshots\"",
        ),
    ])
    .await;
}
