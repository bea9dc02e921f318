//! Things people do, in steps, for the tests that let something go wrong meanwhile.

use std::sync::OnceLock;

use clientele::api::Role;
use serde_json::json;

use crate::deletions::{filed, request};
use crate::forms::form;
use crate::lists::{self, TWO, approve, digest, hidden, list, readable};
use crate::people::{ROOT, customer, map_manifest, partner, plan, route_with_secret, secret, user};
use crate::scenes::{EMEA, GLOBEX, emea, furnished};
use crate::server::Kept;
use crate::services::{asks, change, web, with_web};
use crate::sim::{Sim, after};
use crate::trials::pod;

/// What people do at once, before everything settles.
type Deed = fn(&Sim);

/// A story in steps.
pub struct Workload {
    pub name: &'static str,
    begin: fn() -> &'static Kept,
    pub deeds: &'static [Deed],
}

impl Workload {
    /// The cluster it begins with.
    pub fn begin(&self) -> &'static Kept {
        (self.begin)()
    }
}

fn just_emea() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| after(|sim| async move { emea(&sim).await }))
}

fn all_furnished() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| after(|sim| async move { furnished(&sim).await }))
}

/// Takes a deletion back.
pub fn cancel(sim: &Sim, request: &str) {
    let cancel = json!({ "cancel": { "note": "a mistake" } });
    sim.spec("deletionrequests", EMEA, request, cancel);
}

/// Ends the wait of a deletion, as admission stamps whoever may.
pub fn purge_now(sim: &Sim, request: &str) {
    let stamp = json!({ "clientele.dev/purged-by": "root@emea.example" });
    let now = json!({ "metadata": { "annotations": stamp }, "spec": { "mode": "Now" } });
    sim.edit("deletionrequests", EMEA, request, now);
}

fn with_a_service() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| after(|sim| async move { with_web(&sim).await }))
}

fn offers(sim: &Sim, patch: serde_json::Value) {
    sim.spec("partners", ROOT, "emea", patch);
}

fn globex(sim: &Sim, patch: serde_json::Value) {
    sim.spec("customers", EMEA, "globex", patch);
}

/// All of them.
pub const WORKLOADS: [Workload; 21] = [
    Workload {
        name: "a customer with two users is made",
        begin: just_emea,
        deeds: &[|sim| {
            sim.create(&customer(EMEA, "globex"));
            sim.create(&user(EMEA, "globex", "ada", Role::Admin));
            sim.create(&user(EMEA, "globex", "bob", Role::Viewer));
        }],
    },
    Workload {
        name: "a reseller and its customer are made, with a number that was given",
        begin: just_emea,
        deeds: &[
            |sim| sim.create(&partner(EMEA, "dach")),
            |sim| {
                let mut initech = customer("partner-dach", "initech");
                initech.spec.customer_number = Some("C-7".into());
                initech.spec.domain = Some("initech.example".into());
                sim.create(&initech);
            },
        ],
    },
    Workload {
        name: "a plan is changed, then another one is chosen",
        begin: all_furnished,
        deeds: &[
            |sim| {
                sim.spec(
                    "serviceplans",
                    "",
                    "business",
                    json!({
                        "quota": { "pods": "20" },
                        "podSecurity": "baseline",
                        "containerDefaults": null,
                        "network": { "allowTo": [{ "cidr": "0.0.0.0/0", "ports": [443] }] },
                    }),
                );
            },
            |sim| {
                sim.create(&plan("big"));
                globex(sim, json!({ "plan": "big" }));
            },
        ],
    },
    Workload {
        name: "a hold and its release",
        begin: all_furnished,
        deeds: &[
            |sim| globex(sim, json!({ "onHold": true })),
            |sim| globex(sim, json!({ "onHold": false })),
        ],
    },
    Workload {
        name: "a trial ends and is extended",
        begin: all_furnished,
        deeds: &[
            |sim| {
                pod(sim, "web");
                pod(sim, "db");
                globex(
                    sim,
                    json!({ "trial": { "endsAt": "2020-01-01T00:00:00Z" } }),
                );
            },
            |sim| {
                globex(
                    sim,
                    json!({ "trial": { "endsAt": "2199-01-01T00:00:00Z" } }),
                )
            },
        ],
    },
    Workload {
        name: "a partner is changed",
        begin: all_furnished,
        deeds: &[|sim| {
            sim.spec(
                "partners",
                ROOT,
                "emea",
                json!({
                    "adminRole": "theirs",
                    "domain": "emea.example",
                    "staff": [{ "group": "helpers", "role": "Support", "scope": "Path" }],
                }),
            );
        }],
    },
    Workload {
        name: "users come, change and go",
        begin: all_furnished,
        deeds: &[
            |sim| {
                sim.create(&user(EMEA, "globex", "zoe", Role::Admin));
                sim.spec("customerusers", EMEA, "ada", json!({ "role": "Viewer" }));
            },
            |sim| {
                sim.spec("customerusers", EMEA, "zoe", json!({ "enabled": false }));
                sim.delete("customerusers", EMEA, "bob");
                sim.delete("customerusers", GLOBEX, "eve");
            },
        ],
    },
    Workload {
        name: "a route comes, another one goes",
        begin: all_furnished,
        deeds: &[
            |sim| {
                sim.create(&secret(EMEA, "second"));
                sim.create(&route_with_secret(EMEA, "second"));
                globex(sim, json!({ "postalRoutes": ["second", "relay"] }));
            },
            |sim| sim.delete("postalroutes", EMEA, "relay"),
        ],
    },
    Workload {
        name: "a customer is deleted and made again",
        begin: all_furnished,
        deeds: &[
            |sim| sim.delete("customers", EMEA, "globex"),
            |sim| sim.create(&customer(EMEA, "globex")),
        ],
    },
    Workload {
        name: "a partner is deleted and made again",
        begin: all_furnished,
        deeds: &[
            |sim| sim.delete("partners", ROOT, "emea"),
            |sim| sim.create(&partner(ROOT, "emea")),
        ],
    },
    Workload {
        name: "somebody tidies up by hand",
        begin: all_furnished,
        deeds: &[|sim| {
            sim.delete("resourcequotas", GLOBEX, "clientele");
            sim.delete("rolebindings", GLOBEX, "globex-admin");
            sim.delete("configmaps", EMEA, "partner");
            sim.edit(
                "configmaps",
                GLOBEX,
                "customer",
                json!({ "data": { "more": "of it" } }),
            );
            let labels = json!({ "pod-security.kubernetes.io/enforce": "privileged" });
            sim.edit(
                "namespaces",
                "",
                GLOBEX,
                json!({ "metadata": { "labels": labels } }),
            );
        }],
    },
    Workload {
        name: "lists are registered, approved, changed and taken back",
        begin: all_furnished,
        deeds: &[
            |sim| {
                sim.create(&lists::map(&json!({ "news": TWO })));
                sim.create(&lists::contents_secret(&json!({ "private": TWO })));
                sim.create(&hidden("private", &digest(TWO)));
                sim.create(&readable("news", &digest(TWO)));
                sim.create(&list("waits", &digest("waits"), &json!({})));
            },
            |sim| {
                approve(sim, "news", &digest(TWO));
                approve(sim, "waits", &digest("waits"));
            },
            |sim| {
                let other = json!({ "sha256": digest("other") });
                sim.spec("contactlists", GLOBEX, "waits", other);
                sim.delete("contactlists", GLOBEX, "private");
            },
        ],
    },
    Workload {
        name: "a deletion is asked for and taken back",
        begin: all_furnished,
        deeds: &[
            |sim| sim.create(&request("leaves")),
            |sim| {
                cancel(sim, "leaves");
            },
        ],
    },
    Workload {
        name: "a deletion is asked for and comes to its end",
        begin: all_furnished,
        deeds: &[
            |sim| sim.create(&request("leaves")),
            |sim| {
                purge_now(sim, "leaves");
            },
        ],
    },
    Workload {
        name: "the spec asks for the deletion, and no more",
        begin: all_furnished,
        deeds: &[
            |sim| {
                globex(
                    sim,
                    json!({ "deletion": { "requested": { "reason": "over" } } }),
                )
            },
            |sim| globex(sim, json!({ "deletion": null })),
        ],
    },
    Workload {
        name: "a customer is deleted, and that is cancelled",
        begin: all_furnished,
        deeds: &[
            |sim| sim.delete("customers", EMEA, "globex"),
            |sim| {
                cancel(sim, &filed(sim));
            },
        ],
    },
    Workload {
        name: "a customer is deleted, and its tenant purged",
        begin: all_furnished,
        deeds: &[
            |sim| sim.delete("customers", EMEA, "globex"),
            |sim| {
                purge_now(sim, &filed(sim));
            },
        ],
    },
    Workload {
        name: "a form is filled in and taken back",
        begin: all_furnished,
        deeds: &[
            |sim| sim.create(&form("ada@globex.example")),
            |sim| {
                sim.delete("deletionrequests", GLOBEX, "leave");
            },
        ],
    },
    Workload {
        name: "a service is put in, and its offering changes",
        begin: just_emea,
        deeds: &[
            |sim| {
                sim.create(&web());
                sim.create(&customer(EMEA, "globex"));
                asks(sim, json!([{ "name": "web" }]));
            },
            |sim| {
                let next = json!([{ "object": map_manifest("next", &json!({})) }]);
                change(sim, "web", json!({ "manifests": next }));
            },
        ],
    },
    Workload {
        name: "a service is withdrawn and given back",
        begin: with_a_service,
        deeds: &[
            |sim| offers(sim, json!({ "services": { "policy": "Only" } })),
            |sim| offers(sim, json!({ "services": null })),
        ],
    },
    Workload {
        name: "a service is paused, and then removed for good",
        begin: with_a_service,
        deeds: &[
            |sim| asks(sim, json!([{ "name": "web", "activation": "Paused" }])),
            |sim| {
                change(sim, "web", json!({ "pruneAfter": "1s" }));
                asks(sim, json!([]));
            },
        ],
    },
];
