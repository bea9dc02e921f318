//! A tenant's own admin against what services have put there.

use clientele::api::Role;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use serde_json::json;

use super::{asking, offering, stands, web};
use crate::attempt::{call, create, delete, get, patch, put, until_allowed};
use crate::steps::settled;
use crate::support::{World, refused, tenant, until, user};

#[tokio::test]
async fn what_a_service_made_is_not_the_tenants_to_change_delete_or_forge() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let name = offering(&world, json!({"manifests": web("web")}))
        .await
        .name_any();
    let globex = asking(&world, &partner, json!([{"name": name}])).await;
    stands(&world, &globex, &name, "Active").await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let place = tenant(&globex);
    let map = until(world.api::<ConfigMap>(&place), "web", "made", |map| {
        map.is_some()
    })
    .await
    .expect("a map");
    let person = world.as_user(&ada.spec.email, &[]).await;
    let robot = world.plane.as_service_account(&place, "robot").await;
    let path = format!("/api/v1/namespaces/{place}/configmaps/web");
    let deployment = format!("/apis/apps/v1/namespaces/{place}/deployments/web");
    let said = format!("is the service {name}'s and is written only by the operator");
    let unlabelled = json!({"metadata": {"labels": null}});
    let mut bare = json!(map);
    bare["metadata"]["labels"] = json!({});
    until_allowed(&person, &get(&path)).await;
    for attempt in [
        patch(&path, json!({"data": {"size": "XXL"}})),
        patch(&path, unlabelled.clone()),
        put(&path, bare),
        delete(&path),
        patch(&deployment, json!({"spec": {"replicas": 50}})),
        patch(&deployment, unlabelled),
        delete(&deployment),
    ] {
        refused(call(&person, &attempt).await, &said);
    }
    // No ServiceAccount of the tenant either, whatever it was given.
    let robots = crate::support::OPERATOR_USER
        .replace("clientele-system:clientele", &format!("{place}:robot"));
    let mighty = world.as_user(&robots, &["system:masters"]).await;
    refused(
        call(&mighty, &patch(&path, json!({"data": {"size": "XXL"}}))).await,
        &said,
    );
    drop(robot);
    for labels in [
        json!({"clientele.dev/service": name}),
        json!({"clientele.dev/customer-uid": globex.uid()}),
    ] {
        let forged = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "forged", "namespace": place, "labels": labels}});
        refused(
            call(&person, &create(forged)).await,
            "only the operator sets them",
        );
        let own = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "namespace": place}});
        let _ = call(&person, &create(own)).await;
        let later = patch(
            &format!("/api/v1/namespaces/{place}/configmaps/own"),
            json!({"metadata": {"labels": labels}}),
        );
        refused(call(&person, &later).await, "only the operator sets them");
    }
    // Scaling shows no label, and is put back.
    let scale = patch(
        &format!("{deployment}/scale"),
        json!({"spec": {"replicas": 5}}),
    );
    call(&person, &scale).await.expect("let through");
    until(
        world.api::<k8s_openapi::api::apps::v1::Deployment>(&place),
        "web",
        "put back",
        |it| it.and_then(|it| it.spec.replicas) == Some(2),
    )
    .await;
}
