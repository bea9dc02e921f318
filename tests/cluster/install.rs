//! What `kubectl apply -k deploy/` leaves behind.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::conditions::{Condition as _, is_crd_established};
use kube::{Api, ResourceExt as _};

use crate::support::{World, until};

#[tokio::test]
async fn every_kind_is_served() {
    let world = World::without_operator().await;
    let crds: Api<CustomResourceDefinition> = Api::all(world.admin.clone());
    for crd in clientele::api::crds() {
        let name = crd.name_any();
        let established = is_crd_established();
        until(crds.clone(), &name, "established", |crd| {
            established.matches_object(crd)
        })
        .await;
    }
}
