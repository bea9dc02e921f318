//! Services: made, put right and pruned, withdrawn and given back, stopped and started, each customer as it should be.

mod above;
mod breaker;
mod faults;
mod life;
mod making;
mod news;

use clientele::api::Role;
use serde_json::{Value, json};

use crate::people::{ROOT, customer, deployment_manifest, map_manifest, offering, user};
use crate::scenes::{EMEA, GLOBEX, emea};
use crate::sim::Sim;

/// A claim to storage in a manifest.
fn claim_manifest(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": name }, "spec": {} })
}

/// An offering `web` with a ConfigMap, a Deployment of two replicas and a claim to storage; its parameter `size` is S, M or L.
pub fn web() -> Value {
    let mut web = offering(
        "web",
        &[
            map_manifest(
                "web",
                &json!({ "size": "${params.size}", "who": "is ${customer.name}" }),
            ),
            deployment_manifest("web", 2),
            claim_manifest("web"),
        ],
    );
    web["spec"]["parameters"] = json!({
        "schema": { "type": "object", "properties": { "size": { "type": "string", "enum": ["S", "M", "L"] } } },
        "defaults": { "size": "S" },
    });
    web
}

/// What `globex` says of its services.
pub fn asks(sim: &Sim, services: Value) {
    sim.spec("customers", EMEA, "globex", json!({ "services": services }));
}

/// `globex` with the service `web` in use.
pub async fn with_web(sim: &Sim) {
    emea(sim).await;
    sim.create(&web());
    sim.create(&customer(EMEA, "globex"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    asks(sim, json!([{ "name": "web" }]));
    sim.settle().await;
    assert_eq!(state(sim, "web"), "Active");
}

/// The entry of a service in the status of `globex`.
pub fn service(sim: &Sim, name: &str) -> Value {
    let status = sim.see("customers", EMEA, "globex")["status"].clone();
    let services = status["services"].as_array().cloned().unwrap_or_default();
    services
        .into_iter()
        .find(|it| it["name"] == name)
        .unwrap_or_default()
}

/// Where a service of `globex` stands.
pub fn state(sim: &Sim, name: &str) -> String {
    service(sim, name)["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Status and reason of `ServicesReady` of `globex`.
pub fn services_ready(sim: &Sim) -> String {
    sim.condition("customers", EMEA, "globex", "ServicesReady")
}

/// The message of `ServicesReady` of `globex`.
pub fn services_message(sim: &Sim) -> String {
    let conditions = sim.see("customers", EMEA, "globex")["status"]["conditions"].clone();
    let mut conditions = conditions.as_array().into_iter().flatten();
    let found = conditions.find(|condition| condition["type"] == "ServicesReady");
    let message = found.and_then(|condition| condition["message"].as_str());
    message.unwrap_or_default().to_owned()
}

/// `Ready` of `globex`.
pub fn ready(sim: &Sim) -> String {
    sim.ready("customers", EMEA, "globex")
}

/// The phase of `globex`.
pub fn phase(sim: &Sim) -> String {
    let status = sim.see("customers", EMEA, "globex")["status"].clone();
    status["phase"].as_str().unwrap_or_default().to_owned()
}

/// Replicas of the Deployment `web` of `globex`; none if it is not there.
pub fn replicas(sim: &Sim) -> Option<i64> {
    replicas_in(sim, GLOBEX)
}

/// Those in a tenant.
pub fn replicas_in(sim: &Sim, tenant: &str) -> Option<i64> {
    sim.find("deployments", tenant, "web")?["spec"]["replicas"].as_i64()
}

/// Names of the ConfigMaps in the tenant of `globex` that are no furniture.
pub fn maps(sim: &Sim) -> Vec<String> {
    let names = sim.names("configmaps", GLOBEX).into_iter();
    names.filter(|name| name != "customer").collect()
}

/// What a partner (`emea`, or `dach` below it) offers: `All`, `Only` these, or all `Except` these. Waits until that has come through.
pub async fn offers(sim: &Sim, partner: &str, policy: &str, names: &[&str]) {
    let above = if partner == "dach" { EMEA } else { ROOT };
    let names = Some(names).filter(|names| !names.is_empty());
    let services = json!({ "services": { "policy": policy, "names": names } });
    sim.spec("partners", above, partner, services);
    sim.settle().await;
}

/// Changes an offering.
pub fn change(sim: &Sim, name: &str, patch: Value) {
    sim.spec("serviceofferings", "", name, patch);
}
