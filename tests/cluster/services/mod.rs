//! Services on the real API server: its own defaults, server-side apply, rights and policies.

mod escapes;
mod life;
mod offerings;

use clientele::api::{Condition, Customer, Partner, ServiceOffering};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::steps::{change, pod};
use crate::support::{World, customer, namespace_of, unique, until};

/// An object that a service makes, as a manifest.
fn manifest(object: Value) -> Value {
    json!({ "object": object })
}

/// A ConfigMap, a Deployment of two replicas, a Service and a claim to storage, all of this name.
fn web(name: &str) -> Value {
    let mut pod = pod(name, "any")["spec"].clone();
    // Spelled otherwise than it is stored.
    pod["containers"][0]["resources"] = json!({"requests": {"cpu": "0.001", "memory": "1024Ki"}});
    let labels = json!({"app": name});
    json!([
        manifest(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"size": "${params.size}", "who": "is ${customer.name} of ${partner.name}"}})
        ),
        manifest(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}})
        ),
        manifest(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}})
        ),
        manifest(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}})
        ),
    ])
}

/// The API of offerings.
fn offerings(world: &World) -> Api<ServiceOffering> {
    Api::all(world.admin.clone())
}

/// Makes an offering under a name of its own.
async fn offering(world: &World, spec: Value) -> ServiceOffering {
    let name = unique("service-");
    let mut whole = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ServiceOffering", "metadata": {"name": name},
    "spec": {"displayName": "A service", "parameters": {
        "schema": {"type": "object", "properties": {"size": {"type": "string", "enum": ["S", "M"]}}},
        "defaults": {"size": "S"},
    }}});
    let fields = whole["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    let whole = serde_json::from_value(whole).expect("an offering");
    let made = offerings(world)
        .create(&PostParams::default(), &whole)
        .await;
    made.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
}

/// Waits until an offering's `Ready` has this status and reason, and returns its message and all its faults.
async fn judged(world: &World, name: &str, status: &str, reason: &str) -> String {
    let what = format!("{status} {reason}");
    let offering = until(offerings(world), name, &what, |offering| {
        let Some(offering) = offering else {
            return false;
        };
        let Some(told) = &offering.status else {
            return false;
        };
        let seen = Some(told.observed_generation) == offering.metadata.generation;
        seen && ready(&told.conditions).is_some_and(|it| it.status == status && it.reason == reason)
    })
    .await
    .expect("an offering");
    offering.status.expect("a status").faults.join("\n")
}

/// Changes an offering.
async fn redo(world: &World, name: &str, spec: Value) {
    let patch = Patch::Merge(json!({ "spec": spec }));
    let done = offerings(world)
        .patch(name, &PatchParams::default(), &patch)
        .await;
    done.unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// A customer of this partner's that asks for these services.
async fn asking(world: &World, partner: &Partner, services: Value) -> Customer {
    let mut globex = json!(customer(partner, "globex"));
    globex["spec"]["services"] = services;
    let plan = crate::steps::offer(world, |plan| plan.quota.clear()).await;
    globex["spec"]["plan"] = plan.name_any().into();
    let globex: Customer = serde_json::from_value(globex).expect("a customer");
    world.create(&globex).await
}

/// Changes what a customer says of its services.
async fn asks(world: &World, customer: &Customer, services: Value) -> Customer {
    change(world, customer, json!({"spec": {"services": services}})).await
}

/// Waits until a service of a customer is as wanted, and returns its entry in the status.
async fn service(
    world: &World,
    customer: &Customer,
    name: &str,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let entry = |customer: &Customer| {
        let status = json!(customer.status);
        let services = status["services"].as_array().cloned().unwrap_or_default();
        services
            .into_iter()
            .find(|it| it["name"] == name)
            .unwrap_or_default()
    };
    let api = world.api::<Customer>(&namespace_of(customer));
    let customer = until(api, &customer.name_any(), what, |customer| {
        customer.is_some_and(|customer| wanted(&entry(customer)))
    })
    .await;
    entry(&customer.expect("a customer"))
}

/// Waits until a service of a customer stands there.
async fn stands(world: &World, customer: &Customer, name: &str, state: &str) -> Value {
    service(world, customer, name, state, |it| it["state"] == state).await
}

/// Waits until `ServicesReady` of a customer has this status and reason, and returns its message.
async fn services_ready(world: &World, customer: &Customer, wanted: &str) -> String {
    let api = world.api::<Customer>(&namespace_of(customer));
    let condition = |customer: &Customer| {
        let status = customer.status.as_ref()?;
        let mut all = status.conditions.iter();
        all.find(|it| it.type_ == "ServicesReady").cloned()
    };
    let customer = until(api, &customer.name_any(), wanted, |customer| {
        let found = customer.and_then(condition);
        found.is_some_and(|it| format!("{} {}", it.status, it.reason) == wanted)
    })
    .await;
    condition(&customer.expect("a customer"))
        .expect("it has it")
        .message
}

/// An offering with an object of every kind that the operator has a right to as it is shipped; its name.
pub async fn everyday(world: &World) -> String {
    let mut manifests = web("everyday");
    let all = manifests.as_array_mut().expect("manifests");
    let labels = json!({"app": "db"});
    let pods = json!({"metadata": {"labels": labels}, "spec": pod("db", "any")["spec"]});
    let mut job = pod("job", "any")["spec"].clone();
    job["restartPolicy"] = "Never".into();
    all.push(manifest(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "everyday"},
        "spec": {"replicas": 1, "serviceName": "everyday", "selector": {"matchLabels": labels}, "template": pods}})));
    all.push(manifest(
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "everyday"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": job}}}}}),
    ));
    let backend = json!({"service": {"name": "everyday", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    all.push(manifest(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "everyday"},
        "spec": {"rules": [{"host": "www.${customer.ingressDomain}", "http": {"paths": paths}}]}})));
    let made = offering(world, json!({ "manifests": manifests })).await;
    judged(world, &made.name_any(), "True", "Accepted").await;
    made.name_any()
}

/// Waits until such a service's objects are there, and has them pruned.
pub async fn come_and_go(world: &World, name: &str, place: &str) {
    let ingresses = world.api::<Ingress>(place);
    until(ingresses.clone(), "everyday", "made", |it| it.is_some()).await;
    let stateful = world.api::<StatefulSet>(place);
    until(stateful, "everyday", "made", |it| it.is_some()).await;
    redo(world, name, json!({"manifests": []})).await;
    until(ingresses, "everyday", "pruned", |it| it.is_none()).await;
    let jobs = world.api::<CronJob>(place);
    until(jobs, "everyday", "pruned", |it| it.is_none()).await;
}
