//! Worlds that several tests begin with.

use std::time::Duration;

use clientele::api::Role;
use serde_json::json;

use crate::people::{ROOT, customer, inner_user, partner, plan, route_with_secret, secret, user};
use crate::sim::Sim;

/// The namespace of the partner `emea`.
pub const EMEA: &str = "partner-emea";

/// The tenant of the customer `globex` there.
pub const GLOBEX: &str = "emea--globex";

/// A running operator, the plan `business` and the provider `emea`.
pub async fn emea(sim: &Sim) {
    sim.start();
    sim.wait(seconds(1)).await;
    sim.create(&plan("business"));
    sim.create(&partner(ROOT, "emea"));
    sim.settle().await;
}

/// The same with a customer `globex`, and `ada` who is its admin.
pub async fn globex(sim: &Sim) {
    emea(sim).await;
    sim.create(&customer(EMEA, "globex"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    sim.settle().await;
    assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
}

/// `globex` with every kind of object that is managed: all roles, limits, pull secrets, staff, credentials, plan metadata.
pub async fn furnished(sim: &Sim) {
    globex(sim).await;
    sim.create(&user(EMEA, "globex", "bob", Role::Member));
    sim.create(&inner_user(GLOBEX, "eve", Role::Viewer));
    sim.create(&secret(EMEA, "relay"));
    sim.create(&route_with_secret(EMEA, "relay"));
    let staff = json!([{ "group": "sales", "role": "Seller" }, { "user": "boss@emea.example", "role": "Reseller" }]);
    let defaults = json!({ "postalRoutes": ["relay"] });
    sim.spec(
        "partners",
        ROOT,
        "emea",
        json!({ "staff": staff, "customerDefaults": defaults }),
    );
    sim.spec("serviceplans", "", "business", json!({
        "imagePullSecrets": ["registry"],
        "namespaceMetadata": { "labels": { "team.example/cost": "retail" }, "annotations": { "team.example/a": "b" } },
    }));
    sim.settle().await;
}

/// So many seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// So many minutes.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}
