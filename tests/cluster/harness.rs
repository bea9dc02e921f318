//! The tools of this suite themselves: a budget counted wrongly would hold for ever.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};

use crate::support::{World, refused, unique};

#[tokio::test]
async fn the_audit_log_counts_each_call_once_and_names_who_asked() {
    let world = World::without_operator().await;
    let name = unique("audited-");
    let who = format!("{name}@staff.example");
    let maps: Api<ConfigMap> =
        Api::namespaced(world.as_user(&who, &["system:masters"]).await, "default");
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.clone());

    let before = world.plane.audit().mark().await;
    maps.create(&PostParams::default(), &map).await.unwrap();
    let labels = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": "b"}}});
    let apply = PatchParams::apply("harness");
    maps.patch(&name, &apply, &Patch::Apply(&labels))
        .await
        .unwrap();
    maps.get(&name).await.unwrap();
    let calls = world.plane.audit().since(before).await.by(&who);

    let counts = calls.counts();
    let counts: Vec<_> = counts.iter().map(|(key, n)| (key.as_str(), *n)).collect();
    assert_eq!(
        counts,
        [
            ("create configmaps", 1),
            ("get configmaps", 1),
            ("patch configmaps", 1)
        ]
    );
    assert_eq!(calls.clone().writes().count(), 2);
    assert_eq!(calls.in_namespace("kube-system").count(), 0);
}

#[tokio::test]
async fn a_person_without_rights_is_refused() {
    let world = World::without_operator().await;
    let stranger = world.as_user("nobody@staff.example", &[]).await;
    let maps: Api<ConfigMap> = Api::namespaced(stranger, "default");
    let status = refused(maps.get("kube-root-ca.crt").await, "nobody@staff.example");
    assert_eq!(status.code, 403);
}
