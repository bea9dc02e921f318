//! A change in an offering that reaches every customer: a text, which the ConfigMap that it puts into each tenant holds.

use clientele::api::ServiceOffering;
use clientele::api::meta::ANNOTATION_SEAL;
use clientele::domain::pieces::{self, PieceKind};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::Config;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::reach::{Above, Write, list, patch, text};
use super::scene::{Scene, Watching};
use super::shared::Failure;

/// The offering and what it makes.
const NAME: &str = "notice";

/// The key that holds the text.
const KEY: &str = "text";

/// The text of an offering that every customer has.
pub struct Notice;

impl Notice {
    /// Offers it, and waits until every customer has it.
    pub async fn offer(scene: &Scene) -> Result<Self, Failure> {
        let watching = Self.watch(scene, "first").await?;
        Self.give(scene, "first").await?;
        watching.await?;
        scene.stage.calm().await?;
        Ok(Self)
    }
}

impl Above for Notice {
    async fn give(&self, scene: &Scene, value: &str) -> Result<(), Failure> {
        let api: Api<ServiceOffering> = Api::all(scene.stage.admin.clone());
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME},
            "data": {KEY: value, "for": "${customer.displayName}"}});
        let offering = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ServiceOffering", "metadata": {"name": NAME},
            "spec": {"displayName": "Notice", "autoEnable": true, "manifests": [{"object": map}]}});
        api.patch(NAME, &PatchParams::apply("person"), &Patch::Apply(offering))
            .await?;
        Ok(())
    }

    async fn watch(&self, scene: &Scene, value: &str) -> Result<Watching, Failure> {
        let (wanted, tenants) = (value.to_owned(), scene.tenants());
        let told = move |map: &ConfigMap| {
            let told = map.data.as_ref()?.get(KEY)? == &wanted;
            let namespace = map.namespace().filter(|_| told)?;
            Some(namespace.strip_prefix(&tenants)?.to_owned())
        };
        let named = Config::default().fields(&format!("metadata.name={NAME}"));
        let maps = Api::all(scene.stage.admin.clone());
        scene.watch_of(maps, named, told).await
    }

    async fn writes(&self, scene: &Scene, old: &str, new: &str) -> Result<Vec<Write>, Failure> {
        let kind = PieceKind {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
        };
        let maps = format!("/api/v1/configmaps?fieldSelector=metadata.name%3D{NAME}");
        let maps = list(scene, &maps).await?;
        let writes = maps.iter().filter(|map| map["data"][KEY] == old).map(|map| {
            let (metadata, mut data) = (&map["metadata"], map["data"].clone());
            data[KEY] = new.into();
            let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {
                "name": NAME, "namespace": metadata["namespace"], "labels": metadata["labels"]}});
            let seal = pieces::seal(&kind, &body);
            body["metadata"]["annotations"] = json!({ ANNOTATION_SEAL: seal });
            let path = format!(
                "/api/v1/namespaces/{}/configmaps/{NAME}?fieldManager={}&force=true&fieldValidation=Strict",
                text(&metadata["namespace"]),
                pieces::manager(NAME)
            );
            patch(&path, "apply-patch+yaml", &body)
        });
        writes.collect()
    }
}
