//! The name of its own that each route has in the cluster's DNS, and relays given by address, which have none.

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::steps::{annotate, break_glass, change, delete, message, settled};
use crate::support::relay::{Manner, Relay};
use crate::support::{OPERATOR_USER, World, home, route, until};

#[tokio::test]
async fn a_route_has_a_next_hop_that_is_put_right_and_goes_with_it() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let place = home(&partner);
    let before = world.plane.audit().mark().await;
    let relay = settled(&world, &route(&partner, "relay")).await;
    let services = world.api::<Service>(&place);
    let service = services.get("relay").await.expect("its next hop");
    let spec = serde_json::to_value(&service.spec).expect("JSON");
    assert_eq!(
        spec,
        json!({"type": "ExternalName", "externalName": "localhost", "sessionAffinity": "None"})
    );
    assert_eq!(service.labels()["clientele.dev/route"], "relay");
    assert_eq!(
        service.owner_references()[0].uid,
        relay.uid().expect("a UID")
    );

    // Who may break the glass changes it.
    let firefighter = kube::Api::<Service>::namespaced(break_glass(&world).await, &place);
    let is_right = |service: Option<&Service>| {
        service.is_some_and(|service| {
            let spec = serde_json::to_value(&service.spec).expect("JSON");
            spec["externalName"] == "localhost"
                && spec["ports"] == Value::Null
                && service.owner_references().len() == 1
        })
    };
    for meddled in [
        json!({"spec": {"externalName": "relay.mallory.example"}}),
        json!({"spec": {"ports": [{"port": 25}]}}),
        json!({"metadata": {"ownerReferences": null}}),
    ] {
        let patch = Patch::Merge(&meddled);
        let changed = firefighter
            .patch("relay", &PatchParams::default(), &patch)
            .await
            .expect("changed");
        assert!(!is_right(Some(&changed)), "{meddled}");
        until(services.clone(), "relay", "put right", is_right).await;
    }
    firefighter
        .delete("relay", &DeleteParams::default())
        .await
        .expect("deleted");
    until(services.clone(), "relay", "there again", is_right).await;

    let calls = world.plane.audit().since(before).await;
    let calls = calls.by(OPERATOR_USER).in_namespace(&place);
    let written = calls
        .only(|call| call.resource == "services" && call.is_write())
        .counts();
    // One to make it, one a change, and where a field was added that an apply leaves there a PUT.
    assert_eq!(
        written.into_iter().collect::<Vec<_>>(),
        [
            ("patch services".to_owned(), 5),
            ("update services".to_owned(), 1)
        ]
    );

    let routes = change(
        &world,
        &relay,
        json!({"spec": {"host": "127.0.0.1", "port": relay.spec.port}}),
    );
    let relay = routes.await;
    until(services.clone(), "relay", "gone", |it| it.is_none()).await;
    let relay = change(&world, &relay, json!({"spec": {"host": "localhost"}})).await;
    until(services.clone(), "relay", "there", is_right).await;
    delete(&world, &relay).await;
    until(services, "relay", "collected", |it| it.is_none()).await;
}

#[tokio::test]
async fn a_service_in_the_way_stalls_the_route_until_it_is_gone() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let services = world.api::<Service>(&home(&partner));
    let theirs = json!({"metadata": {"name": "relay"}, "spec": {"type": "ExternalName", "externalName": "theirs.example"}});
    let theirs: Service = serde_json::from_value(theirs).expect("a Service");
    services
        .create(&PostParams::default(), &theirs)
        .await
        .expect("made");
    let relay = world.create(&route(&partner, "relay")).await;
    let stalled = world.stalled(&relay, "NextHopTaken").await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains("Delete that Service"), "{said}");
    let kept = services.get("relay").await.expect("it is there");
    assert_eq!(
        kept.spec.and_then(|spec| spec.external_name).as_deref(),
        Some("theirs.example")
    );
    services
        .delete("relay", &DeleteParams::default())
        .await
        .expect("deleted");
    let relay = annotate(&world, &relay, "clientele.dev/reconcile-at", Some("now")).await;
    world.ready(&relay).await;
}

#[tokio::test]
async fn every_name_that_a_route_may_have_is_one_of_a_service() {
    let world = World::shared().await;
    let partner = world.provider().await;
    for name in ["1", "1-relay", &"a".repeat(63), &"9".repeat(63)] {
        settled(&world, &route(&partner, name)).await;
        let services = world.api::<Service>(&home(&partner));
        services.get(name).await.expect("its next hop");
    }
}

#[tokio::test]
async fn of_two_routes_to_one_address_the_younger_is_told() {
    let world = World::shared().await;
    let mut partners = [world.provider().await, world.provider().await];
    // Of two routes made in the same second the one before in the alphabet counts as the older.
    partners.sort_by_key(home);
    let [one, two] = partners;
    let relay = Relay::start(Manner::default());
    let route_to = |of, name| {
        let mut route = route(of, name);
        route.spec.host = "127.0.0.1".to_owned();
        route.spec.port = relay.address.port().into();
        route
    };
    let older = settled(&world, &route_to(&one, "older")).await;
    let below = world.create(&route_to(&one, "younger")).await;
    let below = world.stalled(&below, "AddressShared").await;
    let said = message(&below, "Stalled");
    assert!(said.contains("PostalRoute older"), "{said}");
    // What other partners have is none of its business.
    let beside = world.create(&route_to(&two, "younger")).await;
    let beside = world.stalled(&beside, "AddressShared").await;
    let said = message(&beside, "Stalled");
    assert!(
        said.contains("of another partner") && !said.contains(&home(&one)),
        "{said}"
    );
    delete(&world, &older).await;
    world.ready(&below).await;
    delete(&world, &below).await;
    world.ready(&beside).await;
}
