//! Clientele's own kinds: `clientele-status`, `clientele-going`, `clientele-places`, `clientele-customer-users` and
//! `clientele-times`.

use serde_json::{Value, json};

use super::deletion::request;
use super::{as_platform, customer, given, partner, platform};
use crate::attempt::{ALLOWED, call, create, delete, get, patch, put, try_all};
use crate::support::{World, refused};
use crate::tenancy::Tenant;

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
    let tenant = Tenant::by_hand(&world).await;
    let objects = [
        customer("a"),
        partner("a", &json!({})),
        route("{home}", "a"),
        user("{home}", "a", &json!({"customer": "a"})),
        request("a", json!({})),
        json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ContactList", "metadata": {"name": "a", "namespace": "{ns}"},
            "spec": {"entries": 1, "sha256": "0".repeat(64), "source": "a form"}}),
    ];
    for object in objects {
        given(&world.admin, &tenant, object).await;
    }
    let mut attempts = Vec::new();
    for kind in [
        "customers",
        "partners",
        "postalroutes",
        "customerusers",
        "deletionrequests",
    ] {
        attempts.push((
            "writes the status",
            patch(&format!("{KINDS}/{kind}/a/status"), status.clone()),
            refused,
        ));
    }
    let lists = "/apis/clientele.dev/v1alpha1/namespaces/{ns}/contactlists";
    let told = patch(&format!("{lists}/a/status"), status);
    attempts.push(("writes a list's status", told, refused));
    try_all(&platform(&world).await, &tenant, attempts).await;
}

#[tokio::test]
async fn finalizers_are_there_from_the_first_moment() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let finalizers = async |object: Value, theirs: &[&str]| {
        let mut object = object;
        object["metadata"]["finalizers"] = json!(theirs);
        let made = call(&world.admin, &create(object).about(&tenant))
            .await
            .expect("made");
        made["metadata"]["finalizers"].clone()
    };
    let ours = "clientele.dev/tenant";
    assert_eq!(finalizers(customer("b"), &[]).await, json!([ours]));
    assert_eq!(
        finalizers(customer("c"), &["example.com/a"]).await,
        json!(["example.com/a", ours])
    );
    assert_eq!(finalizers(customer("d"), &[ours]).await, json!([ours]));
    let above = partner("e", &json!({}));
    assert_eq!(
        finalizers(above, &[]).await,
        json!(["clientele.dev/partner"])
    );
    let asked = request("f", json!({}));
    assert_eq!(
        finalizers(asked, &[]).await,
        json!(["clientele.dev/deletion"])
    );
    // A form holds nothing up: it goes with its tenant.
    let mut form = request("f", json!({}));
    form["metadata"]["namespace"] = "{ns}".into();
    form["spec"] = json!({});
    assert_eq!(finalizers(form, &[]).await, Value::Null);
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
    let path = format!("{KINDS}/deletionrequests/a");
    let mut held = request("a", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    as_platform(vec![
        ("asks", create(held), ALLOWED),
        ("deletes that", delete(&path), ALLOWED),
        (
            "hurries it while it goes",
            patch(&path, json!({"spec": {"mode": "Now"}})),
            going,
        ),
        (
            "lets it go",
            patch(&path, json!({"metadata": {"finalizers": null}})),
            ALLOWED,
        ),
        ("it is gone", get(&path), "not found"),
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
async fn no_time_that_a_client_cannot_read_gets_into_managed_fields() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, customer("a")).await;
    let path = tenant.fill(&format!("{KINDS}/customers/a"));
    let person = platform(&world).await;
    let read = async || call(&world.admin, &get(&path)).await.expect("the customer");
    // Tries to write an entry with this time; somebody else may write the object meanwhile.
    let write = async |time: &str| {
        loop {
            let mut object = read().await;
            object["metadata"]["managedFields"][0]["time"] = time.into();
            // Where nothing else changes, or under the same name, the API server keeps or sets the time itself.
            object["spec"]["description"] = time.into();
            match call(
                &person,
                &put(&format!("{path}?fieldManager=mallory"), object),
            )
            .await
            {
                Err(kube::Error::Api(status)) if status.reason == "Conflict" => {}
                answer => return answer,
            }
        }
    };
    for time in [
        "9999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
    ] {
        refused(write(time).await, "is not between the years 2000 and 2199");
    }
    write("2026-01-01T00:00:00Z")
        .await
        .expect("a time of today");
    // These become years of five digits, or below zero, on their way; the API server then keeps what it had.
    for time in ["9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00+10:00"] {
        write(time).await.ok();
        let stored = read().await["metadata"]["managedFields"].clone();
        for entry in stored.as_array().expect("entries") {
            let time = entry["time"].as_str().expect("a time");
            assert!(time.starts_with("20"), "{time} is stored");
        }
    }
}
