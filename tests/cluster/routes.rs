//! Postal routes: their Secrets, who uses them, and which one of a name holds where.

use clientele::api::meta::SECRET_TYPE_RELAY;
use clientele::api::{Customer, CustomerDefaults, Partner, PostalRoute, SecretRef};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::steps::{annotate, change, condition, message, settled, until_so};
use crate::support::{
    World, customer, home, provider, refused, reseller, route, route_with_credentials, tenant,
    until,
};

/// A customer that asks for these routes.
fn sending(of: &Partner, name: &str, routes: &[&str]) -> Customer {
    let mut customer = customer(of, name);
    customer.spec.postal_routes = Some(routes.iter().map(|&route| route.to_owned()).collect());
    customer
}

/// The routes a customer can use, best first.
fn usable(customer: &Customer) -> Vec<&str> {
    let status = customer.status.as_ref();
    let routes = status.map(|status| status.postal_routes.iter().map(String::as_str).collect());
    routes.unwrap_or_default()
}

/// A route whose Secret is not there, in this test's own words for "not in order".
fn broken(of: &Partner, name: &str) -> PostalRoute {
    let mut route = route(of, name);
    route.spec.credentials_secret = Some(SecretRef {
        name: "no-such-secret".to_owned(),
    });
    route
}

#[tokio::test]
async fn a_route_is_accepted_as_soon_as_its_secret_is_in_order() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let secrets = world.api::<Secret>(&home(&partner));

    let (missing, missing_secret) = route_with_credentials(&partner, "missing");
    let (wrong, wrong_secret) = route_with_credentials(&partner, "wrong");
    let (partial, mut partial_secret) = route_with_credentials(&partner, "partial");
    let mut opaque = wrong_secret.clone();
    opaque.type_ = Some("Opaque".to_owned());
    world.create(&opaque).await;
    let keys = partial_secret.string_data.as_mut().expect("keys");
    keys.remove("password");
    world.create(&partial_secret).await;

    let mut bad = Vec::new();
    for (route, reason, part) in [
        (&missing, "SecretNotFound", "There is no Secret missing"),
        (&wrong, "SecretWrongType", "is of type Opaque"),
        (&partial, "SecretKeysMissing", "lacks password"),
    ] {
        let stalled = world.stalled(&world.create(route).await, reason).await;
        let said = message(&stalled, "Stalled");
        assert!(said.contains(part), "{said}");
        assert_eq!(
            condition(&stalled, "Accepted").expect("Accepted").status,
            "False"
        );
        bad.push(stalled);
    }

    // Nobody touches the routes; what is wrong with their Secrets is mended.
    world.create(&missing_secret).await;
    secrets
        .delete("wrong", &DeleteParams::default())
        .await
        .expect("deleted");
    world.create(&wrong_secret).await;
    let password = Patch::Merge(json!({"stringData": {"password": "secret"}}));
    secrets
        .patch("partial", &PatchParams::default(), &password)
        .await
        .expect("changed");
    for route in bad {
        let good = world.ready(&route).await;
        assert_eq!(good.metadata.generation, route.metadata.generation);
        assert_eq!(
            condition(&good, "Accepted").expect("Accepted").status,
            "True"
        );
    }
}

#[tokio::test]
async fn a_secret_of_another_type_is_never_read() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let (route, mut secret) = route_with_credentials(&partner, "relay");
    secret.type_ = Some("kubernetes.io/basic-auth".to_owned());
    world.create(&secret).await;
    let route = world.create(&route).await;
    let stalled = world.stalled(&route, "SecretWrongType").await;
    assert!(message(&stalled, "Stalled").contains(SECRET_TYPE_RELAY));
    // The right beside the route goes with its need.
    let maps: Api<k8s_openapi::api::rbac::v1::RoleBinding> = world.api(&home(&partner));
    assert!(
        maps.get_opt("clientele-secrets")
            .await
            .expect("an answer")
            .is_some()
    );
    change(&world, &route, json!({"spec": {"credentialsSecret": null}})).await;
    world.ready(&route).await;
    until(maps, "clientele-secrets", "gone", |binding| {
        binding.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_person_can_have_a_secret_looked_at_at_once() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let (route, secret) = route_with_credentials(&partner, "relay");
    world.create(&secret).await;
    let route = settled(&world, &route).await;
    // One in order is looked at again every ten minutes.
    let secrets = world.api::<Secret>(&home(&partner));
    secrets
        .delete("relay", &DeleteParams::default())
        .await
        .expect("deleted");
    let route = annotate(&world, &route, "clientele.dev/reconcile-at", Some("now")).await;
    world.stalled(&route, "SecretNotFound").await;
    world.create(&secret).await;
    let route = annotate(
        &world,
        &route,
        "clientele.dev/reconcile-at",
        Some("and again"),
    )
    .await;
    world.ready(&route).await;
}

#[tokio::test]
async fn a_route_knows_its_customers_and_the_only_one_is_not_deleted() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let (first, second) = (route(&partner, "first"), route(&partner, "second"));
    let first = settled(&world, &first).await;
    let globex = settled(&world, &sending(&partner, "globex", &["first"])).await;
    assert_eq!(usable(&globex), ["first"]);
    assert_eq!(
        condition(&globex, "RoutesReady")
            .expect("RoutesReady")
            .status,
        "True"
    );
    let user = format!("{}/globex", home(&partner));
    until_so(&world, &first, "used", |first| {
        let status = first.status.as_ref().expect("a status");
        status.customers == 1 && status.used_by == [user.clone()] && status.only_route_of == 1
    })
    .await;
    let shown = world.kubectl(&[
        "get",
        "proute",
        "first",
        "-n",
        &home(&partner),
        "-o",
        "wide",
    ]);
    assert!(
        shown.contains("localhost") && shown.contains(&user),
        "{shown}"
    );

    let routes = world.api::<PostalRoute>(&home(&partner));
    let result = routes.delete("first", &DeleteParams::default()).await;
    refused(result, "is the only route of 1 customers");
    settled(&world, &second).await;
    change(
        &world,
        &globex,
        json!({"spec": {"postalRoutes": ["second", "first"]}}),
    )
    .await;
    until_so(&world, &first, "one of two", |first| {
        let status = first.status.as_ref().expect("a status");
        status.customers == 1 && status.only_route_of == 0
    })
    .await;
    routes
        .delete("first", &DeleteParams::default())
        .await
        .expect("deleted");
    let globex = until_so(&world, &globex, "told", |globex| {
        usable(globex) == ["second"]
    })
    .await;
    let told = condition(&globex, "RoutesReady").expect("RoutesReady");
    assert_eq!((&*told.status, &*told.reason), ("False", "RouteNotFound"));
}

#[tokio::test]
async fn when_the_first_route_fails_mail_goes_by_the_second() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let first = settled(&world, &route(&partner, "first")).await;
    settled(&world, &route(&partner, "second")).await;
    let globex = settled(&world, &sending(&partner, "globex", &["first", "second"])).await;
    assert_eq!(usable(&globex), ["first", "second"]);

    let secret = json!({"spec": {"credentialsSecret": {"name": "no-such-secret"}}});
    let failed = change(&world, &first, secret).await;
    world.stalled(&failed, "SecretNotFound").await;
    let globex = until_so(&world, &globex, "on the second", |globex| {
        usable(globex) == ["second"]
    })
    .await;
    // Mail can be sent, so the tenant is as it should be; what is wrong is said beside.
    assert_eq!(condition(&globex, "Ready").expect("Ready").status, "True");
    let told = condition(&globex, "RoutesReady").expect("RoutesReady");
    assert!(
        told.status == "False" && told.message.contains("first"),
        "{told:?}"
    );

    change(
        &world,
        &failed,
        json!({"spec": {"credentialsSecret": null}}),
    )
    .await;
    let globex = until_so(&world, &globex, "on both", |globex| {
        usable(globex).len() == 2
    })
    .await;
    assert_eq!(usable(&globex), ["first", "second"]);
}

#[tokio::test]
async fn a_customer_without_a_usable_route_is_stalled_until_one_is_mended() {
    let world = World::shared().await;
    let mut partner = provider();
    partner.spec.customer_defaults = Some(CustomerDefaults {
        postal_routes: Some(vec!["relay".to_owned()]),
        ..CustomerDefaults::default()
    });
    let partner = settled(&world, &partner).await;
    let globex = world.create(&customer(&partner, "globex")).await;
    let stalled = world.stalled(&globex, "NoUsableRoute").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains("relay is not in the partner's namespace"),
        "{said}"
    );
    let relay = world.create(&broken(&partner, "relay")).await;
    until_so(&world, &globex, "told of the Secret", |globex| {
        condition(globex, "Stalled").is_some_and(|it| it.message.contains("is not in order"))
    })
    .await;
    change(&world, &relay, json!({"spec": {"credentialsSecret": null}})).await;
    let globex = world.ready(&globex).await;
    assert_eq!(usable(&globex), ["relay"]);
    let maps = world.api::<ConfigMap>(&tenant(&globex));
    let data = maps
        .get("customer")
        .await
        .expect("a map")
        .data
        .expect("data");
    assert_eq!(data["postalRoutes"], "relay");
}

#[tokio::test]
async fn what_is_inheritable_comes_down_and_the_nearest_of_a_name_hides_it() {
    let world = World::shared().await;
    let top = world.provider().await;
    let below = settled(&world, &reseller(&top)).await;
    let above = settled(&world, &route(&top, "relay")).await;
    let globex = world.create(&sending(&below, "globex", &["relay"])).await;
    world.stalled(&globex, "NoUsableRoute").await;
    let above = change(&world, &above, json!({"spec": {"inheritable": true}})).await;
    world.ready(&globex).await;
    let user = format!("{}/globex", home(&below));
    until_so(&world, &above, "used", |above| {
        above
            .status
            .as_ref()
            .is_some_and(|status| status.used_by == [user.clone()])
    })
    .await;
    until_so(&world, &below, "offered", |below| {
        below
            .status
            .as_ref()
            .is_some_and(|status| status.postal_routes == ["relay"])
    })
    .await;

    let near = settled(&world, &route(&below, "relay")).await;
    let shadows = near
        .status
        .as_ref()
        .and_then(|status| status.shadows.clone());
    assert_eq!(shadows, Some(home(&top)));
    until_so(&world, &near, "used", |near| {
        near.status
            .as_ref()
            .is_some_and(|status| status.customers == 1)
    })
    .await;
    until_so(&world, &above, "left", |above| {
        above
            .status
            .as_ref()
            .is_some_and(|status| status.customers == 0)
    })
    .await;

    // With the one above behind it, this one can go; its customer never stands without.
    let routes = world.api::<PostalRoute>(&home(&below));
    routes
        .delete("relay", &DeleteParams::default())
        .await
        .expect("deleted");
    until_so(&world, &above, "used again", |above| {
        above
            .status
            .as_ref()
            .is_some_and(|status| status.used_by == [user.clone()])
    })
    .await;
    let globex = world.ready(&globex).await;
    assert_eq!(usable(&globex), ["relay"]);
}
