//! `clientele-tenant-hosts`: which hosts a tenant publishes, by what its plan says. (Ways round it are tried in `escapes`.)

use kube::Client;
use serde_json::{Value, json};

use super::platform;
use crate::attempt::{
    ALLOWED, Attempt, Call, call, create, create_in_cluster, patch, try_all, until_refused,
};
use crate::support::{PATIENCE, Report as _, World, eventually};
use crate::tenancy::{OPERATOR, Tenant};

fn ingress(spec: &Value) -> Call {
    create(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "x"}, "spec": spec})).dry()
}

fn at(host: &str) -> Value {
    json!({"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend()}]}}]})
}

fn backend() -> Value {
    json!({"service": {"name": "x", "port": {"number": 80}}})
}

/// A tenant of which the operator has written this, and somebody with every right to publish from it.
async fn told(world: &World, annotations: &Value) -> (Tenant, Client) {
    let tenant = Tenant::by_hand(world).await;
    let change = patch(
        "/api/v1/namespaces/{ns}",
        json!({"metadata": {"annotations": annotations}}),
    );
    let operator = world.as_user(OPERATOR, &[]).await;
    try_all(
        &operator,
        &tenant,
        vec![("tells what the plan says", change, ALLOWED)],
    )
    .await;
    (tenant, platform(world).await)
}

#[tokio::test]
async fn a_plan_may_publish_nothing() {
    let world = World::without_operator().await;
    let refused = "publishes nothing (ingressDomains None)";
    for told_so in [json!("None"), Value::Null] {
        let (tenant, person) =
            told(&world, &json!({"clientele.dev/ingress-domains": told_so})).await;
        let own = ingress(&at("www.{partner}.example")).about(&tenant);
        until_refused(&person, &own, refused).await;
        let service = create(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}}),
        );
        try_all(&person, &tenant, vec![("serves itself", service, ALLOWED)]).await;
    }
}

#[tokio::test]
async fn without_a_domain_there_is_nothing_to_publish_under() {
    let world = World::without_operator().await;
    let (tenant, person) = told(&world, &json!({"clientele.dev/ingress-domain": null})).await;
    let any = ingress(&at("www.a.example")).about(&tenant);
    until_refused(&person, &any, "This customer has no domain yet").await;
}

#[tokio::test]
async fn a_plan_may_publish_anything() {
    let world = World::without_operator().await;
    let (tenant, person) = told(&world, &json!({"clientele.dev/ingress-domains": "Any"})).await;
    let other = ingress(&at("shop.other.example")).about(&tenant);
    eventually("any host is let through", PATIENCE, async || {
        call(&person, &other).await.report()
    })
    .await;
    let mut snippet = ingress(&at("a.example"));
    if let Some(body) = &mut snippet.body {
        body["metadata"]["annotations"] =
            json!({"nginx.ingress.kubernetes.io/server-snippet": "return 200;"});
    }
    try_all(
        &person,
        &tenant,
        vec![
            (
                "every host under one",
                ingress(&at("*.other.example")),
                ALLOWED,
            ),
            (
                "what nobody serves",
                ingress(&json!({"defaultBackend": backend()})),
                ALLOWED,
            ),
            (
                "its own configuration",
                snippet,
                "Snippets put raw configuration",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn routes_of_a_gateway_are_held_like_ingresses() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "httproutes.gateway.networking.k8s.io", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
        "spec": {"group": "gateway.networking.k8s.io", "scope": "Namespaced",
            "names": {"plural": "httproutes", "singular": "httproute", "kind": "HTTPRoute", "listKind": "HTTPRouteList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    call(&world.admin, &create_in_cluster(crd))
        .await
        .expect("the kind of a gateway's routes");
    let route = |hostnames: Value| {
        let spec = if hostnames.is_null() {
            json!({})
        } else {
            json!({"hostnames": hostnames})
        };
        create(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "x"}, "spec": spec})).dry()
    };
    let person = platform(&world).await;
    let own = route(json!(["www.{partner}.example", "{partner}.example"]));
    let served = own.about(&tenant);
    eventually("the kind is served", PATIENCE, async || {
        call(&person, &served).await.report()
    })
    .await;
    let under = "Every host here has to be {partner}.example";
    let attempts: Vec<Attempt> = vec![
        (
            "another's host",
            route(json!(["shop.other.example"])),
            under,
        ),
        (
            "another's beside its own",
            route(json!(["www.{partner}.example", "shop.other.example"])),
            under,
        ),
        ("every host", route(Value::Null), under),
        (
            "every host under its own",
            route(json!(["*.{partner}.example"])),
            under,
        ),
        ("its own", own, ALLOWED),
    ];
    try_all(&person, &tenant, attempts).await;
}
