//! Clientele's own kinds: `clientele-status`, `clientele-going`, `clientele-places`, `clientele-customer-users`,
//! `clientele-deletes` and `clientele-times`.

use serde_json::{Value, json};

use super::{as_platform, customer, given, partner, platform};
use crate::attempt::{ALLOWED, call, create, delete, get, patch, put, try_all};
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant};

const KINDS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{home}";

fn user(namespace: &str, name: &str, spec: &Value) -> Value {
    let mut user = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "CustomerUser",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"email": "eve@a.example"}});
    let fields = user["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    user
}

fn route(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "PostalRoute", "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": "smtp.relay.example", "port": 587}})
}

#[tokio::test]
async fn status_is_the_operators() {
    let refused = "is written only by the operator. Change the spec";
    let status = json!({"status": {"observedGeneration": 9}});
    let world = World::without_operator().await;
    let tenant = Tenant::open(&world).await;
    let objects = [
        customer("a"),
        partner("a", &json!({})),
        route("{home}", "a"),
        user("{home}", "a", &json!({"customer": "a"})),
    ];
    for object in objects {
        given(&world.admin, &tenant, object).await;
    }
    let mut attempts = Vec::new();
    for kind in ["customers", "partners", "postalroutes", "customerusers"] {
        attempts.push((
            "writes the status",
            patch(&format!("{KINDS}/{kind}/a/status"), status.clone()),
            refused,
        ));
    }
    try_all(&platform(&world).await, &tenant, attempts).await;
}

#[tokio::test]
async fn what_is_going_is_not_changed() {
    let going = "is being deleted, so a change to it would be lost";
    let path = format!("{KINDS}/customers/a");
    let mut held = customer("a");
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    as_platform(vec![
        ("makes it", create(held), ALLOWED),
        (
            "changes it",
            patch(&path, json!({"spec": {"description": "x"}})),
            ALLOWED,
        ),
        ("deletes it", delete(&path), ALLOWED),
        (
            "changes it while it goes",
            patch(&path, json!({"spec": {"description": "y"}})),
            going,
        ),
        (
            "applies it unchanged",
            patch(&path, json!({"spec": {"description": "x"}})),
            ALLOWED,
        ),
        (
            "labels it",
            patch(&path, json!({"metadata": {"labels": {"a": "b"}}})),
            ALLOWED,
        ),
        (
            "lets it go",
            patch(&path, json!({"metadata": {"finalizers": null}})),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn in_a_tenant_there_are_only_users() {
    let refused = "cannot live in the tenant namespace {ns}";
    let into_tenant = |mut object: Value| {
        object["metadata"]["namespace"] = "{ns}".into();
        create(object)
    };
    as_platform(vec![
        ("a customer", into_tenant(customer("a")), refused),
        ("a partner", into_tenant(partner("a", &json!({}))), refused),
        ("a route", create(route("{ns}", "a")), refused),
        ("a user", create(user("{ns}", "a", &json!({}))), ALLOWED),
        (
            "a user of another",
            create(user("{ns}", "b", &json!({"customer": "other"}))),
            "Leave spec.customer out",
        ),
        (
            "a user of nobody",
            create(user("{home}", "a", &json!({}))),
            "Say whose user this is",
        ),
        (
            "a user of a customer",
            create(user("{home}", "a", &json!({"customer": "a"}))),
            ALLOWED,
        ),
        (
            "takes its customer away",
            patch(
                &format!("{KINDS}/customerusers/a"),
                json!({"spec": {"customer": null}}),
            ),
            // The CRD says the same; whichever speaks first.
            "spec",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_others_stand_on_is_not_deleted() {
    let world = World::without_operator().await;
    let tenant = Tenant::open(&world).await;
    let operator = world.as_user(OPERATOR, &[]).await;
    for object in [partner("a", &json!({})), route("{home}", "a")] {
        given(&world.admin, &tenant, object).await;
    }
    let person = platform(&world).await;
    let (below, only) = (
        format!("{KINDS}/partners/a"),
        format!("{KINDS}/postalroutes/a"),
    );
    let count =
        |path: &str, counts: Value| patch(&format!("{path}/status"), json!({"status": counts}));
    let zero = json!({"customers": 0, "partners": 0, "onlyRouteOf": 0});
    for (path, counts, refused) in [
        (
            &below,
            json!({"customers": 2}),
            "Partner a still has 2 customers and 0 partners in or below partner-a",
        ),
        (
            &below,
            json!({"customers": 0, "partners": 1}),
            "still has 0 customers and 1 partners",
        ),
        (
            &only,
            json!({"customers": 3, "onlyRouteOf": 1}),
            "PostalRoute a is the only route of 1 customers",
        ),
    ] {
        try_all(
            &operator,
            &tenant,
            vec![("counts", count(path, counts), ALLOWED)],
        )
        .await;
        try_all(
            &person,
            &tenant,
            vec![("deletes it", delete(path), refused)],
        )
        .await;
    }
    try_all(
        &operator,
        &tenant,
        vec![
            ("counts none", count(&below, zero.clone()), ALLOWED),
            ("nor here", count(&only, zero), ALLOWED),
        ],
    )
    .await;
    try_all(
        &person,
        &tenant,
        vec![
            ("deletes it", delete(&below), ALLOWED),
            ("and this", delete(&only), ALLOWED),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_route_that_others_do_without_is_deleted() {
    let world = World::without_operator().await;
    let tenant = Tenant::open(&world).await;
    given(&world.admin, &tenant, route("{home}", "a")).await;
    let used = patch(
        &format!("{KINDS}/postalroutes/a/status"),
        json!({"status": {"customers": 3, "onlyRouteOf": 0}}),
    );
    try_all(
        &world.as_user(OPERATOR, &[]).await,
        &tenant,
        vec![("counts", used, ALLOWED)],
    )
    .await;
    let attempts = vec![(
        "deletes it",
        delete(&format!("{KINDS}/postalroutes/a")),
        ALLOWED,
    )];
    try_all(&platform(&world).await, &tenant, attempts).await;
}

#[tokio::test]
async fn no_time_that_a_client_cannot_read_gets_into_managed_fields() {
    let refused = "is not between the years 2000 and 2199";
    let world = World::without_operator().await;
    let tenant = Tenant::open(&world).await;
    given(&world.admin, &tenant, customer("a")).await;
    let path = tenant.fill(&format!("{KINDS}/customers/a"));
    let person = platform(&world).await;
    let read = async || call(&world.admin, &get(&path)).await.expect("the customer");
    let with = |mut object: Value, time: &str| {
        object["metadata"]["managedFields"][0]["time"] = time.into();
        // Where nothing else changes, or under the same name, the API server keeps or sets the time itself.
        object["spec"]["description"] = time.into();
        put(&format!("{path}?fieldManager=mallory"), object)
    };
    for (time, refused) in [
        ("9999-12-31T23:59:59Z", refused),
        ("2200-01-01T00:00:00Z", refused),
        ("1999-12-31T23:59:59Z", refused),
        ("2026-01-01T00:00:00Z", ALLOWED),
    ] {
        let attempts = vec![(time, with(read().await, time), refused)];
        try_all(&person, &tenant, attempts).await;
    }
    // These become years of five digits, or below zero, on their way; the API server then keeps what it had.
    for time in ["9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00+10:00"] {
        call(&person, &with(read().await, time)).await.ok();
        let stored = read().await["metadata"]["managedFields"].clone();
        for entry in stored.as_array().expect("entries") {
            let time = entry["time"].as_str().expect("a time");
            assert!(time.starts_with("20"), "{time} is stored");
        }
    }
}
