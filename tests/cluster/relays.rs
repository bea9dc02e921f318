//! Routes whose relays are tried: those that work, and every way in which one does not.

use std::net::TcpListener;

use clientele::api::{Partner, PostalRoute, RouteTls};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::steps::{annotate, condition, message, until_so};
use crate::support::relay::{Encryption, Manner, Relay};
use crate::support::{World, home, route_with_credentials};

/// The login of fixtures' routes.
fn login() -> Option<(String, String)> {
    Some(("relay".to_owned(), "secret".to_owned()))
}

/// A route to a relay at a port of this machine, and its Secret.
fn route_to(of: &Partner, name: &str, port: u16, tls: RouteTls) -> (PostalRoute, Secret) {
    let (mut route, secret) = route_with_credentials(of, name);
    route.spec.port = port.into();
    route.spec.tls = tls;
    (route, secret)
}

/// Why it is Ready, or not.
fn ready_reason(route: &PostalRoute) -> &str {
    condition(route, "Ready").map_or("", |ready| &ready.reason)
}

#[tokio::test]
async fn a_route_is_ready_when_its_relay_really_takes_mail_and_says_why_if_not() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let relay = |encryption| Manner {
        encryption,
        login: login(),
        ..Manner::default()
    };
    let strange = |encryption| Manner {
        untrusted: true,
        ..relay(encryption)
    };
    let another_login = Manner {
        login: Some(("relay".to_owned(), "another".to_owned())),
        ..relay(Encryption::StartTls)
    };
    let closed = Manner {
        greeting: Some("554 5.3.2 not today".to_owned()),
        ..relay(Encryption::None)
    };
    let works = "RelayWorks";
    let mut relays = Vec::new();
    for (name, manner, tls, reason, part) in [
        (
            "plain",
            relay(Encryption::None),
            RouteTls::None,
            works,
            "takes mail",
        ),
        (
            "starttls",
            relay(Encryption::StartTls),
            RouteTls::StartTls,
            works,
            "takes mail",
        ),
        (
            "implicit",
            relay(Encryption::Implicit),
            RouteTls::Implicit,
            works,
            "takes mail",
        ),
        (
            "not-offered",
            relay(Encryption::None),
            RouteTls::StartTls,
            "RelayTLSFailed",
            "does not offer STARTTLS",
        ),
        (
            "strange",
            strange(Encryption::StartTls),
            RouteTls::StartTls,
            "RelayTLSFailed",
            "certificate",
        ),
        (
            "stranger",
            strange(Encryption::Implicit),
            RouteTls::Implicit,
            "RelayTLSFailed",
            "certificate",
        ),
        (
            "login",
            another_login,
            RouteTls::StartTls,
            "RelayLoginFailed",
            "Correct the Secret",
        ),
        (
            "closed",
            closed,
            RouteTls::None,
            "RelayRejected",
            "not today",
        ),
    ] {
        let running = Relay::start(manner);
        let (route, secret) = route_to(&partner, name, running.address.port(), tls);
        relays.push(running);
        world.create(&secret).await;
        let route = world.create(&route).await;
        let route = until_so(&world, &route, reason, |route| {
            ready_reason(route) == reason
        })
        .await;
        let said = message(&route, "Ready");
        assert!(said.contains(part), "{name}: {said}");
        assert!(!said.contains("secret"), "{name}: {said}");
    }
    let (mut nowhere, secret) = route_to(&partner, "nowhere", 25, RouteTls::None);
    nowhere.spec.host = "no-such-relay.invalid".to_owned();
    world.create(&secret).await;
    let nowhere = world.create(&nowhere).await;
    let nowhere = world.stalled(&nowhere, "RelayNotFound").await;
    assert!(message(&nowhere, "Stalled").contains("Correct spec.host"));
}

#[tokio::test]
async fn a_relay_that_does_not_answer_is_told_from_one_that_is_not_there_and_both_are_tried_again()
{
    let world = World::shared().await;
    let partner = world.provider().await;
    // Whoever holds a port and never accepts lets connections in and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let (quiet, secret) = route_to(&partner, "quiet", port, RouteTls::None);
    world.create(&secret).await;
    let quiet = world.create(&quiet).await;
    until_so(&world, &quiet, "silent", |it| {
        ready_reason(it) == "RelayTimedOut"
    })
    .await;

    drop(silent);
    let quiet = annotate(&world, &quiet, "clientele.dev/reconcile-at", Some("now")).await;
    until_so(&world, &quiet, "gone", |it| {
        ready_reason(it) == "RelayRefused"
    })
    .await;

    // Nobody touches the route: it is tried again by itself.
    let manner = Manner {
        login: login(),
        ..Manner::default()
    };
    let _relay = Relay::start_at(([127, 0, 0, 1], port).into(), manner);
    world.ready(&quiet).await;
}

#[tokio::test]
async fn another_password_in_the_secret_is_tried_when_a_person_asks() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let relay = Relay::start(Manner {
        encryption: Encryption::StartTls,
        login: Some(("relay".to_owned(), "rotated".to_owned())),
        ..Manner::default()
    });
    let port = relay.address.port();
    let (route, secret) = route_to(&partner, "relay", port, RouteTls::StartTls);
    world.create(&secret).await;
    let route = world.create(&route).await;
    let route = world.stalled(&route, "RelayLoginFailed").await;
    let rotated = Patch::Merge(json!({"stringData": {"password": "rotated"}}));
    world
        .api::<Secret>(&home(&partner))
        .patch(&secret.name_any(), &PatchParams::default(), &rotated)
        .await
        .expect("changed");
    let route = annotate(&world, &route, "clientele.dev/reconcile-at", Some("now")).await;
    world.ready(&route).await;
}
