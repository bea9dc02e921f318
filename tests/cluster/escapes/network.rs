//! Others' traffic: Services, Ingresses, routes.

use serde_json::{Value, json};

use super::as_admin;
use crate::attempt::{create, patch};

fn service(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec})
}

fn ingress(name: &str, annotations: Value, spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "annotations": annotations}, "spec": spec})
}

fn rule(host: &str) -> Value {
    let backend = json!({"service": {"name": "x", "port": {"number": 80}}});
    let mut rule =
        json!({"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
    if !host.is_empty() {
        rule["host"] = host.into();
    }
    rule
}

#[tokio::test]
async fn services_lead_only_to_its_own_pods() {
    let ports = json!([{"port": 443}]);
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "x"}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}]});
    as_admin(vec![
        (
            "catches the traffic to an address (CVE-2020-8554)",
            create(service(json!({"ports": ports, "externalIPs": ["1.1.1.1"]}))),
            "cannot claim external IPs",
        ),
        (
            "has an ingress fetch from elsewhere",
            create(service(json!({"type": "ExternalName", "externalName": "metadata.internal"}))),
            "cannot be an alias",
        ),
        ("opens a port on every node", create(service(json!({"type": "NodePort", "ports": ports}))), "exceeded quota"),
        ("asks for a load balancer", create(service(json!({"type": "LoadBalancer", "ports": ports}))), "exceeded quota"),
        ("makes a good Service", create(service(json!({"ports": ports}))), ""),
        (
            "adds the address later (CVE-2020-8554)",
            patch("/api/v1/namespaces/{ns}/services/x", json!({"spec": {"externalIPs": ["1.1.1.1"]}})),
            "cannot claim external IPs",
        ),
        (
            "adds it in the status (CVE-2020-8554)",
            patch("/api/v1/namespaces/{ns}/services/x/status", json!({"status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}})),
            "cannot patch resource \"services/status\"",
        ),
        (
            "makes it an alias later",
            patch("/api/v1/namespaces/{ns}/services/x", json!({"spec": {"type": "ExternalName", "externalName": "a.example"}})),
            "cannot be an alias",
        ),
        (
            "opens a port on every node later",
            patch("/api/v1/namespaces/{ns}/services/x", json!({"spec": {"type": "NodePort"}})),
            "exceeded quota",
        ),
        ("leads it to others' pods (CVE-2021-25740)", create(slice), "cannot create resource \"endpointslices\""),
        (
            "takes another's name in the DNS",
            patch("/api/v1/namespaces/{ns}/services/x", json!({"metadata": {"annotations": {"external-dns.alpha.kubernetes.io/hostname": "shop.other.example"}}})),
            "Every host here has to be {partner}.example",
        ),
    ])
    .await;
}

#[tokio::test]
async fn hosts_are_under_its_own_domain() {
    let under = "Every host here has to be {partner}.example or end in .{partner}.example";
    let own = || rule("www.{partner}.example");
    let one = |host: &str| json!({"rules": [rule(host)]});
    let backend = json!({"service": {"name": "x", "port": {"number": 80}}});
    as_admin(vec![
        ("serves another's host", create(ingress("x", json!({}), one("shop.other.example"))), under),
        ("serves a host that only ends alike", create(ingress("x", json!({}), one("not{partner}.example"))), under),
        ("serves every host under its own", create(ingress("x", json!({}), one("*.{partner}.example"))), under),
        ("serves every host", create(ingress("x", json!({}), one(""))), under),
        (
            "hides another's host behind a good one",
            create(ingress("x", json!({}), json!({"rules": [own(), rule("shop.other.example")]}))),
            under,
        ),
        (
            "serves what nobody serves",
            create(ingress("x", json!({}), json!({"defaultBackend": backend, "rules": [own()]}))),
            "A default backend answers for hosts that are nobody's",
        ),
        (
            "takes another's host for its certificate",
            create(ingress("x", json!({}), json!({"rules": [own()], "tls": [{"hosts": ["shop.other.example"], "secretName": "t"}]}))),
            under,
        ),
        (
            "takes another's host as an alias",
            create(ingress("x", json!({"nginx.ingress.kubernetes.io/server-alias": "www.{partner}.example, shop.other.example"}), json!({"rules": [own()]}))),
            under,
        ),
        (
            "takes another's password file",
            create(ingress("x", json!({"nginx.ingress.kubernetes.io/auth-secret": "other--tenant/users"}), json!({"rules": [own()]}))),
            "has to be in this namespace",
        ),
        (
            "puts its own configuration into the controller (CVE-2021-25742)",
            create(ingress("x", json!({"nginx.ingress.kubernetes.io/configuration-snippet": "return 200;"}), json!({"rules": [own()]}))),
            "Snippets put raw configuration",
        ),
        ("serves its own host", create(ingress("x", json!({}), json!({"rules": [own(), rule("{partner}.example")]}))), ""),
        (
            "serves another's later",
            patch("/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/x", json!({"spec": {"rules": [rule("shop.other.example")]}})),
            under,
        ),
        (
            "opens its network by a route into another namespace",
            create(json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "x"}})),
            "cannot create resource \"referencegrants\"",
        ),
        (
            "makes a gateway of its own",
            create(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "x"}})),
            "cannot create resource \"gateways\"",
        ),
    ])
    .await;
}
