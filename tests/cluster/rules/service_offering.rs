//! ServiceOfferings, and what customers, plans and partners say of services.

use clientele::api::{Customer, Partner, ServiceOffering, ServicePlan};
use serde_json::{Value, json};

use super::{check, many, refused, taken};

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

#[tokio::test]
async fn offerings_are_checked() {
    let map = json!({"object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "${customer.name}"}}});
    check::<ServiceOffering>(json!({"spec": {"displayName": "Storage"}}), vec![
        taken("an offering", json!({})),
        taken("all of it", spec(json!({"visibility": "Hidden", "autoEnable": true, "requires": ["dns"], "onStop": "Keep", "pruneAfter": "30d",
            "parameters": {"schema": {"type": "object"}, "defaults": {"size": "S"}}, "manifests": [map]}))),
        taken("no time to prune", spec(json!({"pruneAfter": ""}))),
        refused("a name with a dot", json!({"metadata": {"name": "a.b"}}), "metadata.name", "the name of a service offering must be"),
        refused("no title", spec(json!({"displayName": null})), "spec.displayName", "Required"),
        refused("a visibility that is none", spec(json!({"visibility": "Shown"})), "spec.visibility", "supported values"),
        refused("an end that is none", spec(json!({"onStop": "Explode"})), "spec.onStop", "supported values"),
        refused("itself", json!({"metadata": {"name": "good"}, "spec": {"requires": ["good"]}}), "spec.requires", "cannot require itself"),
        refused("one twice", spec(json!({"requires": ["a", "a"]})), "spec.requires[1]", "Duplicate"),
        refused("a time in words", spec(json!({"pruneAfter": "a month"})), "spec.pruneAfter", "must be a duration such as 30d"),
        refused("33 objects", spec(json!({"manifests": many::<Vec<_>, _>(33, |_| map.clone())})), "spec.manifests", "at most 32 items"),
        refused("a manifest without an object", spec(json!({"manifests": [{"when": "true"}]})), "spec.manifests[0].object", "Required"),
        refused("an empty condition", spec(json!({"manifests": [{"when": "", "object": {}}]})), "spec.manifests[0].when", "must not be empty"),
    ]).await;
}

#[tokio::test]
async fn services_of_customers_are_checked() {
    let services = |services: Value| spec(json!({"services": services}));
    let good = json!({"spec": {"displayName": "Globex", "contact": {"email": "a@b.example"}}});
    check::<Customer>(good, vec![
        taken("a service", services(json!([{"name": "storage"}]))),
        taken("a trial", services(json!([{"name": "storage", "activation": "Trial", "trialEndsAt": "2026-12-31T00:00:00Z", "parameters": {"any": ["thing"]}}]))),
        refused("one twice", services(json!([{"name": "a"}, {"name": "a"}])), "spec.services[1]", "Duplicate"),
        refused("no name", services(json!([{"activation": "Active"}])), "spec.services[0].name", "Required"),
        refused("an activation that is none", services(json!([{"name": "a", "activation": "On"}])), "spec.services[0].activation", "supported values"),
        refused("an end without a trial", services(json!([{"name": "a", "trialEndsAt": "2026-12-31T00:00:00Z"}])), "spec.services[0]", "trialEndsAt is for activation Trial"),
        refused("a date", services(json!([{"name": "a", "activation": "Trial", "trialEndsAt": "2026-12-31"}])), "spec.services[0].trialEndsAt", "must be a time in UTC"),
        refused("a time past all time", services(json!([{"name": "a", "activation": "Trial", "trialEndsAt": "9999-12-31T00:00:00Z"}])), "spec.services[0].trialEndsAt", "must be a time between"),
        refused("a visibility that is none", services(json!([{"name": "a", "visibility": "Shown"}])), "spec.services[0].visibility", "supported values"),
        refused("33 services", services(json!(many::<Vec<_>, _>(33, |i| json!({"name": format!("s{i}")})))), "spec.services", "at most 32 items"),
    ]).await;
}

#[tokio::test]
async fn services_of_plans_and_partners_are_checked() {
    check::<ServicePlan>(json!({"spec": {"displayName": "Business"}}), vec![
        taken("services", spec(json!({"services": ["storage", "dns"]}))),
        refused("one twice", spec(json!({"services": ["a", "a"]})), "spec.services[1]", "Duplicate"),
    ]).await;
    check::<Partner>(json!({"spec": {"displayName": "EMEA"}}), vec![
        taken("some", spec(json!({"services": {"policy": "Only", "names": ["storage"]}, "visibility": [{"name": "storage", "visibility": "Hidden"}]}))),
        refused("a policy that is none", spec(json!({"services": {"policy": "Some"}})), "spec.services.policy", "supported values"),
        refused("a visibility twice", spec(json!({"visibility": [{"name": "a"}, {"name": "a"}]})), "spec.visibility[1]", "Duplicate"),
    ]).await;
}
