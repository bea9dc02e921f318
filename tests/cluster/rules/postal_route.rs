//! PostalRoutes.

use clientele::api::PostalRoute;
use serde_json::{Value, json};

use super::{check, refused, taken};

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

#[tokio::test]
async fn routes_are_checked() {
    const HOST: &str =
        "must be a DNS name in lower case such as smtp.relay.example, or an IP address";
    let host = |host: &str| spec(json!({"host": host}));
    let port = |port: i64| spec(json!({"port": port}));
    let secret = |name: &str| spec(json!({"credentialsSecret": {"name": name}}));
    let rows = vec![
        taken("a route", json!({})),
        refused("a name with a dot", named("eu.relay"), "metadata.name", "the name of a mail route must be"),
        refused("a name of 64 characters", named(&"a".repeat(64)), "metadata.name", "at most 63 characters"),
        taken("a host of one label", host("relay")),
        taken("a host in the cluster", host("relay.mail.svc")),
        taken("an address", host("192.0.2.25")),
        taken("an address of version 6", host("2001:db8::25")),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("no host", spec(json!({"host": null})), "spec.host", "Required"),
        refused("a host with a port", host("smtp.relay.example:25"), "spec.host", HOST),
        refused("a host as a URL", host("smtp://relay.example"), "spec.host", HOST),
        refused("a host as Postfix writes it", host("[relay.example]"), "spec.host", HOST),
        refused("a host in upper case", host("SMTP.relay.example"), "spec.host", HOST),
        refused("a host with a space", host("relay .example"), "spec.host", HOST),
        refused("a host with a line break", host("relay.example\nfoo"), "spec.host", HOST),
        refused("an address that is none", host("256.0.0.1"), "spec.host", HOST),
        refused("port 0", port(0), "spec.port", "greater than or equal to 1"),
        refused("port 65536", port(65_536), "spec.port", "less than or equal to 65535"),
        refused("no port", spec(json!({"port": null})), "spec.port", "Required"),
        refused("half a port", spec(json!({"port": 2.5})), "spec.port", "must be of type int32"),
        taken("no encryption", spec(json!({"tls": "None"}))),
        refused("an encryption that is none", spec(json!({"tls": "starttls"})), "spec.tls", "supported values"),
        taken("credentials", secret("eu-relay.v2")),
        refused("credentials without a name", spec(json!({"credentialsSecret": {}})), "spec.credentialsSecret.name", "Required"),
        refused("credentials of another namespace", secret("kube-system/token"), "spec.credentialsSecret.name", "must be the name of an object"),
    ];
    check::<PostalRoute>(
        json!({"spec": {"host": "smtp.relay.example", "port": 587}}),
        rows,
    )
    .await;
}
