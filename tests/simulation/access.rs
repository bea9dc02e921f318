//! Who gets in, and in which order a tenant opens and closes.

use clientele::api::Role;
use serde_json::json;

use crate::people::{customer, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::Fate;
use crate::server::log::Call;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};

/// Where in the calls since then the first of these stands.
fn first(sim: &Sim, mark: usize, what: &str) -> usize {
    let calls = sim.calls_since(mark);
    let found = calls
        .iter()
        .position(|call| call.what() == what && call.changed);
    found.unwrap_or_else(|| panic!("no {what} in\n{}", crate::sim::told(calls.iter())))
}

fn access(sim: &Sim) -> String {
    let labels = sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone();
    labels["clientele.dev/access"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_hold_takes_the_bindings_before_the_label_changes_and_nothing_else() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let before = sim.names("resourcequotas", GLOBEX);
        let mark = sim.mark();
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.wait(seconds(5)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(access(&sim), "Locked");
        sim.settle().await;
        let unbound = first(&sim, mark, "Delete rolebindings emea--globex/globex-admin");
        let locked = first(&sim, mark, "Merge namespaces emea--globex");
        assert!(unbound < locked);
        assert_eq!(sim.names("resourcequotas", GLOBEX), before);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
        assert_eq!(
            sim.condition("customers", EMEA, "globex", "AccessOpen"),
            "False OnHold"
        );
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True AccessClosed");
        assert_eq!(
            sim.see("configmaps", GLOBEX, "customer")["data"]["accessReason"],
            "OnHold"
        );
    });
}

#[test]
fn a_tenant_whose_binding_cannot_be_taken_away_is_not_called_locked() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server.set_fault(|call: &Call| match call.verb {
            Verb::Delete => Fate::Refused(500, "InternalError"),
            _ => Fate::Passes,
        });
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.wait(minutes(5)).await;
        assert_eq!(access(&sim), "Open");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False ApplyFailed");
        sim.server.mend();
        sim.wait(minutes(6)).await;
        assert_eq!(access(&sim), "Locked");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
    });
}

#[test]
fn a_release_opens_the_label_first_and_lets_people_in_last() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.settle().await;
        let mark = sim.mark();
        sim.spec("customers", EMEA, "globex", json!({ "onHold": null }));
        sim.settle().await;
        let opened = first(&sim, mark, "Merge namespaces emea--globex");
        let bound = first(&sim, mark, "Apply rolebindings emea--globex/globex-admin");
        assert!(opened < bound);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    });
}

#[test]
fn a_release_with_a_new_quota_waits_until_that_is_in_force() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.settle().await;
        sim.server.state().pacing.quota = seconds(30);
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "3" } }),
        );
        sim.spec("customers", EMEA, "globex", json!({ "onHold": false }));
        sim.wait(seconds(20)).await;
        assert_eq!(access(&sim), "Open");
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False Progressing");
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_quota_that_is_being_changed_shuts_nobody_out() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server.state().pacing.quota = minutes(2);
        let mark = sim.mark();
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "3" } }),
        );
        sim.wait(seconds(30)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        sim.settle().await;
        let bindings = sim
            .writes_since(mark)
            .into_iter()
            .filter(|call| call.resource.kind == "RoleBinding");
        assert_eq!(bindings.count(), 0);
    });
}

#[test]
fn a_customer_that_is_not_activated_has_everything_but_people() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mut globex = customer(EMEA, "globex");
        globex.spec.active = Some(false);
        sim.create(&globex);
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.settle().await;
        assert_eq!(access(&sim), "Locked");
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True NotActivated");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True AccessClosed");
        sim.spec("customers", EMEA, "globex", json!({ "active": true }));
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn a_user_who_is_switched_off_moves_or_goes_loses_the_binding() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&user(EMEA, "globex", "bob", Role::Admin));
        sim.settle().await;
        let subjects = || {
            let binding = sim.find("rolebindings", GLOBEX, "globex-admin")?;
            let subjects = binding["subjects"].as_array().cloned().unwrap_or_default();
            Some(
                subjects
                    .iter()
                    .map(|s| s["name"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            subjects().unwrap(),
            ["ada@globex.example", "bob@globex.example"]
        );

        sim.spec("customerusers", EMEA, "ada", json!({ "enabled": false }));
        sim.settle().await;
        assert_eq!(subjects().unwrap(), ["bob@globex.example"]);
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Disabled");

        sim.spec("customerusers", EMEA, "bob", json!({ "role": "Viewer" }));
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-viewer"]);

        sim.delete("customerusers", EMEA, "bob");
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.see("customers", EMEA, "globex")["status"]["users"], 0);
    });
}

#[test]
fn a_user_who_is_given_to_another_customer_leaves_the_first() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&customer(EMEA, "initech"));
        sim.spec(
            "customerusers",
            EMEA,
            "ada",
            json!({ "customer": "initech" }),
        );
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(
            sim.names("rolebindings", "emea--initech"),
            ["initech-admin"]
        );
        assert_eq!(sim.see("customers", EMEA, "globex")["status"]["users"], 0);
        assert_eq!(sim.see("customers", EMEA, "initech")["status"]["users"], 1);
    });
}

#[test]
fn the_partners_admin_role_is_bound_anew_because_a_binding_keeps_its_role() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let role =
            |sim: &Sim| sim.see("rolebindings", GLOBEX, "globex-admin")["roleRef"]["name"].clone();
        assert_eq!(role(&sim), "clientele-tenant-admin");
        sim.spec(
            "partners",
            "clientele-partners",
            "emea",
            json!({ "adminRole": "emea-admin" }),
        );
        sim.settle().await;
        assert_eq!(role(&sim), "emea-admin");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    });
}
