//! One service's life: put in, put right, changed, withdrawn, given back, removed and pruned.

use std::time::Duration;

use clientele::api::Partner;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service};
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use serde_json::json;

use super::{
    asking, asks, judged, manifest, offering, offerings, redo, service, services_ready, stands, web,
};
use crate::steps::{break_glass, change, merged, until_so};
use crate::support::{AuditEvent, PATIENCE, World, namespace_of, refused, tenant, until};
use crate::tenancy::OPERATOR;

#[tokio::test]
async fn a_service_is_put_in_put_right_changed_withdrawn_given_back_and_pruned() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let offered = offering(&world, json!({"manifests": web("web")})).await;
    let name = offered.name_any();
    judged(&world, &name, "True", "Accepted").await;
    let asked = json!([{"name": name, "parameters": {"size": "M"}}]);
    let globex = world
        .ready(&asking(&world, &partner, asked.clone()).await)
        .await;
    let place = tenant(&globex);
    let maps = world.api::<ConfigMap>(&place);
    let deployments = world.api::<Deployment>(&place);
    let claims = world.api::<PersistentVolumeClaim>(&place);
    let size =
        |map: Option<&ConfigMap>| map.and_then(|map| map.data.as_ref()?.get("size").cloned());

    let map = until(maps.clone(), "web", "made", |map| map.is_some())
        .await
        .expect("a map");
    assert_eq!(size(Some(&map)).as_deref(), Some("M"));
    let owner = map.labels().get("clientele.dev/customer-uid");
    assert_eq!(owner.cloned(), globex.uid());
    let ports = world.api::<Service>(&place);
    until(ports, "web", "made", |it| it.is_some()).await;
    // There is no node to run it, so it is on its way.
    let told = service(&world, &globex, &name, "all made", |it| {
        it["objects"] == 4 && it["health"] == "InProgress"
    })
    .await;
    assert_eq!(told["state"], "Active");
    services_ready(&world, &globex, "False Progressing").await;

    // What the controllers and the API server add is no drift: it is quiet.
    let noise =
        |call: &AuditEvent| call.user == OPERATOR && call.namespace == place && call.is_write();
    let audit = world.plane.audit();
    let quiet = audit.quiet(Duration::from_secs(3), PATIENCE, noise).await;
    assert!(quiet, "something is written again and again");

    let fire = break_glass(&world).await;
    let by_hand = kube::Api::<ConfigMap>::namespaced(fire.clone(), &place);
    merged(
        &by_hand,
        "web",
        json!({"data": {"size": "XXL", "more": "x"}}),
    )
    .await;
    let map = until(maps.clone(), "web", "put right", |map| {
        size(map).as_deref() == Some("M")
    })
    .await;
    assert_eq!(
        map.expect("a map").data.expect("data")["more"],
        "x",
        "what others add is theirs"
    );
    by_hand
        .delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    until(maps.clone(), "web", "made anew", |map| {
        size(map).as_deref() == Some("M")
    })
    .await;

    // Its offering may not be deleted while somebody has it.
    until(offerings(&world), &name, "counted", |it| {
        it.is_some_and(|it| it.status.as_ref().is_some_and(|s| s.customers == 1))
    })
    .await;
    let attempt = offerings(&world)
        .delete(&name, &DeleteParams::default())
        .await;
    refused(
        attempt,
        &format!("ServiceOffering {name} is in use by 1 customers"),
    );

    let mut manifests = web("web");
    manifests.as_array_mut().expect("manifests").push(manifest(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}}),
    ));
    redo(&world, &name, json!({"manifests": manifests})).await;
    until(maps.clone(), "extra", "made", |map| map.is_some()).await;
    redo(
        &world,
        &name,
        json!({"manifests": web("web"), "pruneAfter": "5s"}),
    )
    .await;
    until(maps.clone(), "extra", "pruned", |map| map.is_none()).await;

    // Paused, it runs nothing; the API server's own scale is undone too.
    let replicas = |deployment: Option<&Deployment>| deployment.and_then(|it| it.spec.replicas);
    let paused = json!([{"name": name, "activation": "Paused", "parameters": {"size": "M"}}]);
    let globex = asks(&world, &globex, paused).await;
    until(deployments.clone(), "web", "stopped", |it| {
        replicas(it) == Some(0)
    })
    .await;
    stands(&world, &globex, &name, "Paused").await;
    let globex = asks(&world, &globex, asked).await;
    until(deployments.clone(), "web", "running", |it| {
        replicas(it) == Some(2)
    })
    .await;

    redo(&world, &name, json!({"pruneAfter": "1h"})).await;
    let partners = world.api::<Partner>(&namespace_of(&partner));
    let partner = change(
        &world,
        &partner,
        json!({"spec": {"services": {"policy": "Except", "names": [name]}}}),
    )
    .await;
    until(deployments.clone(), "web", "stopped", |it| {
        replicas(it) == Some(0)
    })
    .await;
    let told = stands(&world, &globex, &name, "Denied").await;
    assert_eq!(
        (&told["blockedBy"], told["removeAt"].is_string()),
        (&json!(partner.name_any()), true)
    );
    services_ready(&world, &globex, "False ServiceWithdrawn").await;
    world.ready(&globex).await;
    until(partners, &partner.name_any(), "shown", |it| {
        let status = it.and_then(|it| it.status.clone());
        status.is_some_and(|status| {
            json!(status.withdrawn) == json!([{"service": name, "customers": 1}])
        })
    })
    .await;
    change(&world, &partner, json!({"spec": {"services": null}})).await;
    until(deployments.clone(), "web", "running", |it| {
        replicas(it) == Some(2)
    })
    .await;

    redo(&world, &name, json!({"pruneAfter": "5s"})).await;
    // A withdrawal would be given ten minutes; what the customer itself removes is its own word.
    change(&world, &globex, json!({"spec": {"services": null}})).await;
    until(deployments, "web", "pruned", |it| it.is_none()).await;
    until(maps, "web", "pruned", |it| it.is_none()).await;
    let told = service(&world, &globex, &name, "pruned", |it| it["objects"] == 1).await;
    assert_eq!(told["removeAt"], json!(null));
    let claim = claims.get("web").await.expect("a claim to storage stays");
    assert!(claim.metadata.deletion_timestamp.is_none());
    until_so(&world, &globex, "its phase", |it| {
        json!(it.status)["phase"] == "TrialEnd"
    })
    .await;
    until(offerings(&world), &name, "not counted", |it| {
        it.is_some_and(|it| it.status.as_ref().is_some_and(|s| s.customers == 0))
    })
    .await;
    offerings(&world)
        .delete(&name, &DeleteParams::default())
        .await
        .expect("nobody has it");
}

#[tokio::test]
async fn a_services_trial_ends_on_time_and_stops_that_service_alone() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let offered = offering(&world, json!({"manifests": web("web")})).await;
    let other = offering(&world, json!({"manifests": web("other")})).await;
    let globex = asking(&world, &partner, json!([{"name": other.name_any()}])).await;
    let globex = world.ready(&globex).await;
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    let trial = json!([{"name": other.name_any()},
        {"name": offered.name_any(), "activation": "Trial", "trialEndsAt": format!("{end:.0}")}]);
    let globex = asks(&world, &globex, trial).await;
    stands(&world, &globex, &offered.name_any(), "Trial").await;
    let deployments = world.api::<Deployment>(&tenant(&globex));
    let replicas = |it: Option<&Deployment>| it.and_then(|it| it.spec.replicas);
    until(deployments.clone(), "web", "running", |it| {
        replicas(it) == Some(2)
    })
    .await;
    until(deployments.clone(), "web", "stopped", |it| {
        replicas(it) == Some(0)
    })
    .await;
    let late = jiff::Timestamp::now().duration_since(end).as_secs_f64();
    assert!(late > -1.0, "{} s before its end", -late);
    stands(&world, &globex, &offered.name_any(), "TrialEnd").await;
    assert_eq!(
        replicas(Some(&deployments.get("other").await.expect("there"))),
        Some(2)
    );
    world.ready(&globex).await;
}

#[tokio::test]
async fn parameters_are_checked_and_defaulted_and_another_ones_object_is_left_alone() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let offered = offering(&world, json!({"manifests": web("web")})).await;
    let name = offered.name_any();
    let globex = asking(
        &world,
        &partner,
        json!([{"name": name, "parameters": {"size": "XXL"}}]),
    )
    .await;
    let globex = world.stalled(&globex, "ServiceParametersInvalid").await;
    let place = tenant(&globex);
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": place}, "data": {"theirs": "x"}});
    let theirs: ConfigMap = serde_json::from_value(theirs).expect("a map");
    world.create(&theirs).await;
    let globex = asks(&world, &globex, json!([{"name": name}])).await;
    let globex = world.stalled(&globex, "ServiceConflict").await;
    let said = services_ready(&world, &globex, "False ServiceConflict").await;
    assert!(
        said.contains("a ConfigMap web is there that is not the service's"),
        "{said}"
    );
    let maps = world.api::<ConfigMap>(&place);
    assert_eq!(
        json!(maps.get("web").await.expect("theirs").data),
        json!({"theirs": "x"})
    );
    let rest = world.api::<Deployment>(&place);
    until(rest, "web", "the rest stands", |it| it.is_some()).await;
    maps.delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    let globex =
        crate::steps::annotate(&world, &globex, "clientele.dev/reconcile-at", Some("now")).await;
    let map = until(maps, "web", "made", |map| map.is_some())
        .await
        .expect("a map");
    assert_eq!(map.data.expect("data")["size"], "S", "the default");
    world.ready(&globex).await;
    let cards = world.api::<ConfigMap>(&place);
    until(cards, "customer", "it says so", |card| {
        let said = card.and_then(|card| card.data.as_ref());
        said.is_some_and(|said| {
            let of = said.get(&format!("service.{name}"));
            said.get("services") == Some(&name)
                && of.is_some_and(|it| it.contains("\"parameters\":{\"size\":\"S\"}"))
        })
    })
    .await;
}
