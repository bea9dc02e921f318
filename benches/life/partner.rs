//! A change in a partner that reaches every customer: its domain, which each tenant's namespace, ConfigMap and status tell.

use clientele::api::{Customer, Partner};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Map, Value, json};

use super::reach::{Above, Write, list, patch, text};
use super::scene::{Scene, Watching};
use super::shared::Failure;
use super::shared::support::{home, namespace_of};

/// How the operator applies.
const APPLYING: &str = "fieldManager=clientele&force=true&fieldValidation=Ignore";

/// The partner's domain.
pub struct Domain;

impl Above for Domain {
    async fn give(&self, scene: &Scene, value: &str) -> Result<(), Failure> {
        let partner = &scene.stage.partner;
        let api: Api<Partner> = Api::namespaced(scene.stage.admin.clone(), &namespace_of(partner));
        let patch = Patch::Merge(json!({ "spec": { "domain": value } }));
        api.patch(&partner.name_any(), &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    async fn watch(&self, scene: &Scene, value: &str) -> Result<Watching, Failure> {
        let wanted = value.to_owned();
        let told = move |customer: &Customer| {
            let status = customer.status.as_ref();
            status.and_then(|status| status.domain.as_deref()) == Some(&wanted)
        };
        scene.watch(told).await
    }

    async fn writes(&self, scene: &Scene, old: &str, new: &str) -> Result<Vec<Write>, Failure> {
        let partner = &scene.stage.partner;
        let namespaces = format!(
            "/api/v1/namespaces?labelSelector=clientele.dev/partner%3D{}",
            partner.name_any()
        );
        let customers = format!(
            "/apis/clientele.dev/v1alpha1/namespaces/{}/customers",
            home(partner)
        );
        let mut writes = Vec::new();
        for namespace in list(scene, &namespaces).await? {
            let annotations = namespace["metadata"]["annotations"].as_object();
            let told: Map<String, Value> = annotations
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| {
                    let value = value.as_str().filter(|value| value.contains(old))?;
                    Some((key.clone(), value.replace(old, new).into()))
                })
                .collect();
            if !told.is_empty() {
                let metadata = &namespace["metadata"];
                let body = json!({"metadata": {"uid": metadata["uid"],
                    "resourceVersion": metadata["resourceVersion"], "annotations": told}});
                let path = format!("/api/v1/namespaces/{}", text(&metadata["name"]));
                writes.push(patch(&path, "merge-patch+json", &body)?);
            }
        }
        let maps = "/api/v1/configmaps?fieldSelector=metadata.name%3Dcustomer";
        for map in list(scene, maps).await? {
            let metadata = &map["metadata"];
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": with(&map["data"], old, new)?, "metadata": {
                "name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"]}});
            let path = format!(
                "/api/v1/namespaces/{}/configmaps/{}?{APPLYING}",
                text(&metadata["namespace"]),
                text(&metadata["name"])
            );
            writes.push(patch(&path, "apply-patch+yaml", &body)?);
        }
        for customer in list(scene, &customers).await? {
            let metadata = &customer["metadata"];
            let body = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer", "status": with(&customer["status"], old, new)?,
                "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}});
            let path = format!("{customers}/{}/status?{APPLYING}", text(&metadata["name"]));
            writes.push(patch(&path, "apply-patch+yaml", &body)?);
        }
        Ok(writes)
    }
}

/// The same with another domain.
fn with(value: &Value, old: &str, new: &str) -> Result<Value, Failure> {
    Ok(serde_json::from_str(&value.to_string().replace(old, new))?)
}
