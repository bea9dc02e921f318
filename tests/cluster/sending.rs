//! Sending: SMTP logins that tenants read and whose hashes they do not, and a status that two processes write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::api::{Customer, PostalRoute, Role};
use clientele::domain::credential::Credential;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use crate::attempt::{Call, call, create, delete, get, patch};
use crate::steps::{annotate, change, condition, purge, settled, until_so};
use crate::support::{
    OPERATOR_USER, Report as _, SMTP_HOST, World, customer, eventually, home, refused, route,
    tenant, until, user,
};

/// A value of a Secret.
fn text(secret: &Secret, key: &str) -> String {
    let value = secret.data.as_ref().and_then(|data| data.get(key));
    let value = value.map(|value| value.0.clone()).unwrap_or_default();
    String::from_utf8(value).expect("text")
}

/// A customer with a route, Ready; the Secrets of its login.
async fn sender(world: &World) -> (Customer, Api<Secret>, Api<Secret>) {
    let partner = world.provider().await;
    let relay: PostalRoute = route(&partner, "relay");
    world.ready(&world.create(&relay).await).await;
    let mut globex = customer(&partner, "globex");
    globex.spec.postal_routes = Some(vec!["relay".to_owned()]);
    let globex = settled(world, &globex).await;
    let inside = world.api(&tenant(&globex));
    (globex, inside, world.api(&home(&partner)))
}

/// Whether a password is this one that is taken.
async fn fits(beside: &Api<Secret>, password: &str, key: &str) -> bool {
    let check = beside
        .get("smtp-globex")
        .await
        .expect("what it is checked against");
    let credential = Credential::parse(&text(&check, key));
    credential.is_some_and(|credential| credential.fits(password.as_bytes()))
}

fn issued_at(customer: &Customer) -> Option<String> {
    let sending = customer.status.as_ref()?.sending.as_ref()?;
    Some(sending.login.as_ref()?.issued_at.as_ref()?.0.to_string())
}

async fn is_refused(client: &Client, attempt: &Call, part: &str) {
    refused(call(client, attempt).await, part);
}

#[tokio::test]
async fn a_customer_with_a_route_has_a_login_that_only_its_admins_read() {
    let world = World::shared().await;
    let (globex, inside, beside) = sender(&world).await;
    let secret = inside.get("smtp").await.expect("a login");
    assert_eq!(text(&secret, "host"), SMTP_HOST);
    assert_eq!(text(&secret, "port"), "587");
    assert_eq!(text(&secret, "username"), tenant(&globex));
    let password = text(&secret, "password");
    assert!(fits(&beside, &password, "hash").await);
    let check = beside.get("smtp-globex").await.expect("a check");
    assert_eq!(issued_at(&globex), Some(text(&check, "issued-at")));

    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let bob = settled(&world, &user(&globex, "bob", Role::Member)).await;
    let admin = world.as_user(&ada.spec.email, &[]).await;
    let member = world.as_user(&bob.spec.email, &[]).await;
    let (place, partners) = (tenant(&globex), home_of(&globex));
    let at = |namespace: &str, name: &str| format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    let mine = at(&place, "smtp");
    eventually("the admin reads it", crate::support::PATIENCE, async || {
        call(&admin, &get(&mine)).await.map(drop).report()
    })
    .await;
    is_refused(&member, &get(&mine), "forbidden").await;
    is_refused(&admin, &get(&at(&partners, "smtp-globex")), "forbidden").await;
    let another = json!({"data": {"password": STANDARD.encode("mine")}});
    is_refused(
        &admin,
        &patch(&mine, another),
        "written only by the operator",
    )
    .await;
    is_refused(&admin, &delete(&mine), "written only by the operator").await;
    let secret = |name: &str| {
        create(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": place}}),
        )
    };
    is_refused(&admin, &secret("smtp").dry(), "Give yours another name").await;
    call(&admin, &secret("other"))
        .await
        .expect("any other name");
}

fn home_of(customer: &Customer) -> String {
    customer.namespace().unwrap_or_default()
}

#[tokio::test]
async fn the_operator_writes_no_other_secret_in_a_tenant_and_reads_none() {
    let world = World::shared().await;
    let (globex, ..) = sender(&world).await;
    let groups = ["system:serviceaccounts", "system:authenticated"];
    let operator = world.as_user(OPERATOR_USER, &groups).await;
    let place = tenant(&globex);
    let at = |name: &str| format!("/api/v1/namespaces/{place}/secrets/{name}");
    is_refused(&operator, &get(&at("smtp")), "forbidden").await;
    let labels = json!({"clientele.dev/customer-uid": "x"});
    let other = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": place, "labels": labels}});
    is_refused(&operator, &create(other.clone()), "forbidden").await;
    is_refused(&operator, &Call::apply(&at("other"), other), "forbidden").await;
    // Beside the customer it writes what is checked, and nothing else.
    let home = home_of(&globex);
    let managed = json!({"app.kubernetes.io/managed-by": "clientele"});
    for (name, kind) in [
        ("smtp-other", "Opaque"),
        ("relay", "clientele.dev/smtp-login"),
    ] {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": home, "labels": managed}});
        is_refused(
            &operator,
            &create(secret).dry(),
            "In a partner namespace the operator writes only",
        )
        .await;
    }
}

#[tokio::test]
async fn another_password_is_made_on_a_wish_and_goes_with_its_tenant() {
    let world = World::shared().await;
    let (globex, inside, beside) = sender(&world).await;
    let first = text(&inside.get("smtp").await.expect("a login"), "password");
    let before = issued_at(&globex);
    let globex = annotate(&world, &globex, "clientele.dev/rotate-smtp", Some("1")).await;
    let globex = until_so(&world, &globex, "another login", |globex| {
        issued_at(globex) != before
    })
    .await;
    let second = text(&inside.get("smtp").await.expect("a login"), "password");
    assert_ne!(first, second);
    assert!(fits(&beside, &second, "hash").await);
    assert!(fits(&beside, &first, "previous-hash").await);
    let check = beside.get("smtp-globex").await.expect("a check");
    assert_eq!(issued_at(&globex), Some(text(&check, "issued-at")));

    purge(&world, &globex).await;
    until(beside, "smtp-globex", "gone with the tenant", |secret| {
        secret.is_none()
    })
    .await;
}

#[tokio::test]
async fn two_processes_write_one_status_and_neither_takes_from_the_other() {
    let world = World::shared().await;
    let (globex, ..) = sender(&world).await;
    let mail = mail(&world).await;
    let customers: Api<Customer> = Api::namespaced(mail, &home_of(&globex));
    let tell = async |status: serde_json::Value| {
        let body = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer",
            "metadata": {"name": "globex"}, "status": status});
        let manager = PatchParams::apply("clientele-mail").force();
        let told = customers
            .patch_status("globex", &manager, &Patch::Apply(&body))
            .await;
        told.expect("told")
    };
    let used = json!({"hourly": 7, "daily": 9, "monthly": 80});
    let near = json!({"type": "SendLimitNear", "status": "True", "reason": "LimitNear", "message": "nearly",
        "lastTransitionTime": "2026-11-23T00:00:00Z"});
    tell(json!({"sending": {"used": used}, "conditions": [near]})).await;
    let limits = json!({"spec": {"sending": {"limits": {"hourly": 9}}, "onHold": true}});
    let globex = world.ready(&change(&world, &globex, limits).await).await;
    let sending = globex.status.as_ref().and_then(|it| it.sending.clone());
    let sending = sending.expect("sending");
    assert_eq!(sending.used.map(|used| used.monthly), Some(80));
    assert_eq!(sending.limits.and_then(|limits| limits.hourly), Some(9));
    assert_eq!(sending.allowed, Some(false));
    assert!(condition(&globex, "SendLimitNear").is_some());
    let globex = tell(json!({"sending": {"used": used}})).await;
    assert!(condition(&globex, "SendLimitNear").is_none());
    assert!(condition(&globex, "Ready").is_some());
}

/// `clientele mail`, by its ServiceAccount and nothing else.
async fn mail(world: &World) -> Client {
    let groups = ["system:serviceaccounts", "system:authenticated"];
    let name = "system:serviceaccount:clientele-system:clientele-mail";
    world.as_user(name, &groups).await
}

#[tokio::test]
async fn the_mail_service_says_what_was_sent_and_nothing_else_and_reads_only_what_it_needs() {
    let world = World::shared().await;
    let (globex, ..) = sender(&world).await;
    let (mail, home, place) = (mail(&world).await, home_of(&globex), tenant(&globex));
    let secret = |namespace: &str, name: &str| {
        get(&format!("/api/v1/namespaces/{namespace}/secrets/{name}"))
    };
    eventually("it reads hashes", crate::support::PATIENCE, async || {
        let read = call(&mail, &secret(&home, "smtp-globex")).await;
        read.map(drop).report()
    })
    .await;
    is_refused(&mail, &secret(&place, "smtp"), "forbidden").await;
    is_refused(&mail, &secret(&home, ""), "forbidden").await;

    let own = "and nothing else";
    let path = format!("/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/globex");
    let ready = json!({"type": "Ready", "status": "False", "reason": "Mine", "message": "", "lastTransitionTime": "2026-11-23T00:00:00Z"});
    for forged in [
        json!({"phase": "Deleted"}),
        json!({"access": "Stopped", "sending": {"used": {"hourly": 1}}}),
        json!({"sending": {"allowed": false}}),
        json!({"sending": {"limits": {"hourly": 1}}}),
        json!({"sending": {"login": null}}),
        json!({"conditions": [ready]}),
    ] {
        let patch = patch(&format!("{path}/status"), json!({"status": forged}));
        is_refused(&mail, &patch, own).await;
    }
    let spec = patch(&path, json!({"spec": {"onHold": true}}));
    is_refused(&mail, &spec, "forbidden").await;
    let relay = format!("/apis/clientele.dev/v1alpha1/namespaces/{home}/postalroutes/relay/status");
    is_refused(
        &mail,
        &patch(&relay, json!({"status": {"customers": 9}})),
        "forbidden",
    )
    .await;
}
