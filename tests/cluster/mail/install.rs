//! What deploy/mail ships is let in by the API server, and by Pod Security where it is to run.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::steps::make_namespace;
use crate::support::World;

#[tokio::test]
async fn what_is_shipped_is_accepted_and_its_pods_are_let_in() {
    let world = World::without_operator().await;
    // What is in a namespace can be tried only where there is that namespace.
    let level = [("pod-security.kubernetes.io/enforce", "baseline")];
    make_namespace(&world, "clientele-postfix", &level).await;
    world.kubectl(&["apply", "-k", "deploy/mail", "--dry-run=server"]);
    let shipped = world.kubectl(&["kustomize", "deploy/mail"]);
    let mut seen = Vec::new();
    for object in serde_yaml::Deserializer::from_str(&shipped) {
        let object = Value::deserialize(object).expect("an object");
        let metadata = &object["metadata"];
        if object["kind"] == "Namespace" {
            assert_eq!(
                metadata["labels"][level[0].0], level[0].1,
                "this test tries another level"
            );
        }
        if object["kind"] != "Deployment" {
            continue;
        }
        let mut spec = object["spec"]["template"]["spec"].clone();
        // Rights come with deploy/rbac.
        spec["serviceAccountName"] = json!("default");
        let name = metadata["name"].as_str().expect("a name").to_owned();
        let namespace = metadata["namespace"].as_str().expect("a namespace");
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec}))
            .expect("a pod");
        let pods: Api<Pod> = Api::namespaced(world.admin.clone(), namespace);
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        if let Err(error) = pods.create(&dry_run, &pod).await {
            panic!("{name}: {error}");
        }
        seen.push(name);
    }
    seen.sort();
    assert_eq!(seen, ["clientele-mail", "postfix"]);
}
