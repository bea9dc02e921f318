//! Plans: changed, removed, no longer offered; defaults that are live and defaults that are taken once.

use clientele::api::{CustomerDefaults, Role};
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, plan, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex};
use crate::server::Pacing;
use crate::sim::{Sim, story};

fn pods(sim: &Sim, tenant: &str) -> Value {
    sim.see("resourcequotas", tenant, "clientele")["spec"]["hard"]["pods"].clone()
}

#[test]
fn a_changed_plan_costs_one_write_for_each_object_that_differs() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mark = sim.mark();
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "20" } }),
        );
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "20");
        let tally = sim.tally(mark);
        let expected = [
            "Apply resourcequotas emea--globex/clientele",
            "Apply serviceplans/status business",
        ];
        assert_eq!(tally.keys().collect::<Vec<_>>(), expected);
        assert!(tally.values().all(|&n| n == 1), "{tally:?}");
    });
}

#[test]
fn what_a_plan_no_longer_says_goes_from_the_tenant() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let metadata = json!({ "labels": { "team.example/cost": "retail" }, "annotations": { "team.example/x": "y" } });
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({
                "namespaceMetadata": metadata,
                "podSecurity": "baseline",
                "imagePullSecrets": ["registry"],
                "storageClasses": ["standard"],
                "network": { "allowTo": [{ "cidr": "0.0.0.0/0", "ports": [443] }] },
            }),
        );
        sim.settle().await;
        let seen = |plural, name| {
            sim.see(
                plural,
                if plural == "namespaces" { "" } else { GLOBEX },
                name,
            )
        };
        let namespace = seen("namespaces", GLOBEX);
        assert_eq!(
            namespace["metadata"]["labels"]["team.example/cost"],
            "retail"
        );
        assert_eq!(
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "baseline"
        );
        assert_eq!(
            namespace["metadata"]["annotations"]["clientele.dev/storage-classes"],
            "standard"
        );
        assert_eq!(
            seen("serviceaccounts", "default")["imagePullSecrets"][0]["name"],
            "registry"
        );

        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({
                "namespaceMetadata": null,
                "podSecurity": null,
                "imagePullSecrets": null,
                "storageClasses": null,
                "network": null,
                "containerDefaults": null,
                "quota": { "pods": null },
            }),
        );
        sim.settle().await;
        let namespace = seen("namespaces", GLOBEX);
        assert_eq!(
            namespace["metadata"]["labels"]["team.example/cost"],
            Value::Null
        );
        assert_eq!(
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "restricted"
        );
        assert_eq!(
            namespace["metadata"]["annotations"]["team.example/x"],
            Value::Null
        );
        assert_eq!(
            namespace["metadata"]["annotations"]["clientele.dev/storage-classes"],
            Value::Null
        );
        assert_eq!(
            seen("serviceaccounts", "default")["imagePullSecrets"],
            Value::Null
        );
        assert_eq!(
            seen("networkpolicies", "clientele")["spec"]["egress"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(sim.names("limitranges", GLOBEX), [""; 0]);
        assert_eq!(pods(&sim, GLOBEX), Value::Null);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_plan_that_is_removed_leaves_the_last_good_state_and_access_is_still_enforced() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let spec = |sim: &Sim| {
            let children = [
                ("resourcequotas", "clientele"),
                ("limitranges", "clientele"),
                ("networkpolicies", "clientele"),
            ];
            children.map(|(plural, name)| sim.see(plural, GLOBEX, name)["spec"].clone())
        };
        let before = spec(&sim);
        sim.delete("serviceplans", "", "business");
        sim.settle().await;
        assert_eq!(spec(&sim), before);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False PlanNotFound");
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        assert_eq!(
            sim.see("customers", EMEA, "globex")["status"]["plan"],
            "business"
        );

        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        sim.spec("customers", EMEA, "globex", json!({ "onHold": false }));
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);

        sim.create(&plan("business"));
        sim.settle().await;
        assert_eq!(spec(&sim), before);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_plan_that_is_withdrawn_stays_in_force_and_new_uses_are_refused() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let policy = json!({ "plans": { "policy": "Except", "names": ["business"] } });
        sim.spec("partners", ROOT, "emea", policy);
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "10");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        let withdrawn = |sim: &Sim, name| sim.condition("customers", EMEA, name, "PlanWithdrawn");
        assert_eq!(withdrawn(&sim, "globex"), "True PlanNotOffered");
        // Still live: what the plan says is still what its customers get.
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "20" } }),
        );
        sim.create(&customer(EMEA, "initech"));
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "20");
        assert_eq!(
            sim.ready("customers", EMEA, "initech"),
            "False PlanNotOffered"
        );
        assert_eq!(pods(&sim, "emea--initech"), "0");

        sim.restart();
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "20");
        assert_eq!(withdrawn(&sim, "globex"), "True PlanNotOffered");
        assert_eq!(withdrawn(&sim, "initech"), "", "it never had it");
        let told = {
            let state = sim.server.state();
            let events = state.calls.iter().filter(|call| call.is_event());
            events
                .filter(|call| call.body["reason"] == "PlanNotOffered")
                .count()
        };
        assert_eq!(told, 2, "each is told of once");

        sim.spec("partners", ROOT, "emea", json!({ "plans": null }));
        sim.settle().await;
        assert_eq!(withdrawn(&sim, "globex"), "");
        assert_eq!(sim.ready("customers", EMEA, "initech"), "True Settled");
        assert_eq!(pods(&sim, "emea--initech"), "20");
    });
}

#[test]
fn a_change_to_a_plan_that_is_not_offered_leaves_the_one_in_force() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mut big = plan("big");
        big.spec.quota.insert(
            "pods".into(),
            k8s_openapi::apimachinery::pkg::api::resource::Quantity("500".into()),
        );
        sim.create(&big);
        sim.spec(
            "partners",
            ROOT,
            "emea",
            json!({ "plans": { "policy": "Only", "names": ["business"] } }),
        );
        sim.settle().await;
        sim.spec("customers", EMEA, "globex", json!({ "plan": "big" }));
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False PlanNotOffered"
        );
        assert_eq!(pods(&sim, GLOBEX), "10");
        assert_eq!(
            sim.see("customers", EMEA, "globex")["status"]["plan"],
            "business"
        );
        sim.spec("partners", ROOT, "emea", json!({ "plans": null }));
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "500");
        assert_eq!(
            sim.see("serviceplans", "", "business")["status"]["customers"],
            0
        );
        assert_eq!(sim.see("serviceplans", "", "big")["status"]["customers"], 1);
    });
}

#[test]
fn the_default_plan_is_live_and_whether_one_is_active_is_taken_once() {
    story(Pacing::default(), |sim| async move {
        sim.start();
        sim.wait(crate::scenes::seconds(1)).await;
        sim.create(&plan("business"));
        sim.create(&plan("starter"));
        let mut emea = partner(ROOT, "emea");
        emea.spec.customer_defaults = Some(CustomerDefaults {
            plan: Some("starter".into()),
            active: Some(false),
            ..CustomerDefaults::default()
        });
        sim.create(&emea);
        sim.settle().await;
        let mut globex = customer(EMEA, "globex");
        globex.spec.plan = None;
        sim.create(&globex);
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.settle().await;
        let status = |sim: &Sim| sim.see("customers", EMEA, "globex")["status"].clone();
        assert_eq!(
            (status(&sim)["plan"].clone(), status(&sim)["access"].clone()),
            (json!("starter"), json!("Locked"))
        );

        let defaults = json!({ "customerDefaults": { "plan": "business", "active": true } });
        sim.spec("partners", ROOT, "emea", defaults);
        sim.settle().await;
        assert_eq!(status(&sim)["plan"], "business");
        assert_eq!(
            status(&sim)["access"],
            "Locked",
            "taken once, when it was first made"
        );

        sim.create(&customer(EMEA, "initech"));
        sim.settle().await;
        assert_eq!(
            sim.see("customers", EMEA, "initech")["status"]["access"],
            "Open"
        );

        sim.spec("customers", EMEA, "globex", json!({ "active": true }));
        sim.settle().await;
        assert_eq!(status(&sim)["access"], "Open");
        sim.spec("customers", EMEA, "globex", json!({ "active": null }));
        sim.settle().await;
        assert_eq!(
            status(&sim)["access"],
            "Locked",
            "what was taken once is still there"
        );
    });
}

#[test]
fn without_any_plan_no_pod_is_admitted_and_that_is_no_mistake() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mut globex = customer(EMEA, "globex");
        globex.spec.plan = None;
        sim.create(&globex);
        sim.settle().await;
        assert_eq!(pods(&sim, GLOBEX), "0");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_role_that_changes_together_with_the_quota_waits_until_the_quota_is_in_force() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.spec("partners", ROOT, "emea", json!({ "adminRole": "theirs" }));
        let quota = json!({ "quota": { "pods": "20" } });
        sim.spec("serviceplans", "", "business", quota);
        // That nobody is let in too early is looked at with every call.
        sim.settle().await;
        let binding = sim.see("rolebindings", GLOBEX, "globex-admin");
        assert_eq!(binding["roleRef"]["name"], "theirs");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}
