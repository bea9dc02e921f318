//! Objects that cannot be decoded: they are left alone with all that is theirs, and stop nobody else.

use clientele::api::Role;
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, plan, route, user};
use crate::scenes::{EMEA, GLOBEX, globex, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

/// An object of this kind that no version of the operator can read.
fn broken(kind: &str, namespace: &str, name: &str) -> Value {
    json!({ "kind": kind, "metadata": { "name": name, "namespace": namespace }, "spec": { "displayName": 7, "email": [], "host": {} } })
}

/// A whole new branch comes up and an old tenant is changed, whatever else there is.
async fn others_go_on(sim: &Sim) {
    sim.create(&partner(ROOT, "apac"));
    sim.wait(seconds(3)).await;
    sim.create(&plan("other"));
    sim.create(&route("partner-apac", "relay"));
    let mut initech = customer("partner-apac", "initech");
    initech.spec.plan = Some("other".into());
    initech.spec.postal_routes = Some(vec!["relay".into()]);
    sim.create(&initech);
    sim.create(&user("partner-apac", "initech", "zoe", Role::Admin));
    sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
    sim.settle().await;
    assert_eq!(sim.ready("partners", ROOT, "apac"), "True Settled");
    assert_eq!(sim.ready("serviceplans", "", "other"), "True Accepted");
    assert_eq!(
        sim.ready("postalroutes", "partner-apac", "relay"),
        "True RelayWorks"
    );
    assert_eq!(
        sim.ready("customers", "partner-apac", "initech"),
        "True Settled"
    );
    assert_eq!(
        sim.ready("customerusers", "partner-apac", "zoe"),
        "True Settled"
    );
    assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
}

#[test]
fn one_unreadable_object_of_each_kind_stops_nobody_else() {
    for before_the_start in [false, true] {
        story(Pacing::default(), |sim| async move {
            globex(&sim).await;
            if before_the_start {
                sim.kill();
            }
            for (kind, namespace, name) in [
                ("ServicePlan", "", "bad"),
                ("Partner", ROOT, "bad"),
                ("PostalRoute", EMEA, "bad"),
                ("Customer", EMEA, "bad"),
                ("CustomerUser", EMEA, "bad"),
                ("CustomerUser", GLOBEX, "bad"),
                ("ContactList", GLOBEX, "bad"),
            ] {
                sim.plant(&broken(kind, namespace, name));
            }
            if before_the_start {
                sim.start();
            }
            others_go_on(&sim).await;
            for (plural, namespace) in [
                ("serviceplans", ""),
                ("partners", ROOT),
                ("postalroutes", EMEA),
                ("customers", EMEA),
            ] {
                let status = sim.see(plural, namespace, "bad")["status"].clone();
                assert!(status.is_null(), "{plural} was written to");
            }
            sim.wait(seconds(30)).await;
            let page = sim.metrics.borrow().render().expect("renders");
            for line in [
                r#"clientele_unreadable_objects{kind="Customer"} 1"#,
                r#"clientele_unreadable_objects{kind="CustomerUser"} 2"#,
            ] {
                assert!(page.contains(line), "{line} is missing in\n{page}");
            }
            let state = sim.server.state();
            let told = state
                .calls
                .iter()
                .filter(|call| call.is_event() && call.body["reason"] == "Unreadable");
            assert_eq!(told.count(), 7, "each is told of once");
        });
    }
}

#[test]
fn what_cannot_be_read_can_be_deleted_all_the_same() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mut bad = sim.see("customers", EMEA, "globex");
        bad["spec"]["contact"] = json!(7);
        sim.plant(&bad);
        let mut worse = sim.see("partners", ROOT, "emea");
        worse["spec"]["displayName"] = json!(7);
        sim.settle().await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(sim.find("customers", EMEA, "globex"), None);
        let tenant = sim.see("namespaces", "", GLOBEX);
        assert_eq!(
            tenant["metadata"]["labels"]["clientele.dev/access"],
            "Locked"
        );
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        sim.plant(&worse);
        sim.delete("partners", ROOT, "emea");
        sim.settle().await;
        assert_eq!(sim.find("partners", ROOT, "emea"), None);
    });
}

#[test]
fn what_becomes_unreadable_keeps_what_it_had_until_it_is_mended() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let good = sim.see("customers", EMEA, "globex");
        let before = sim.cluster();
        let mut bad = good.clone();
        bad["spec"]["contact"] = json!(7);
        sim.plant(&bad);
        let mark = sim.mark();
        // It is no longer counted among those that live by the plan, and that is all.
        let only_counted = |sim: &Sim| {
            let writes = sim.writes_since(mark);
            assert!(
                writes
                    .iter()
                    .all(|call| call.what() == "Apply serviceplans/status business"),
                "{writes:?}"
            );
            assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
            assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        };
        sim.settle().await;
        only_counted(&sim);
        sim.restart();
        sim.settle().await;
        only_counted(&sim);
        sim.plant(&good);
        sim.settle().await;
        crate::normal::assert_same("mended", &before, &sim.cluster());
    });
}

#[test]
fn times_that_nobody_can_parse_in_what_tenants_can_write_stop_nobody() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let never = json!([{ "manager": "tenant", "operation": "Update", "apiVersion": "v1", "time": "9999-12-31T23:59:59Z" }]);
        for (plural, namespace, name) in [
            ("configmaps", GLOBEX, "customer"),
            ("serviceaccounts", GLOBEX, "default"),
            ("customerusers", EMEA, "ada"),
            ("namespaces", "", GLOBEX),
        ] {
            let mut object = sim.see(plural, namespace, name);
            object["metadata"]["managedFields"] = never.clone();
            sim.plant(&object);
        }
        let mut odd = sim.see("configmaps", GLOBEX, "customer");
        odd["metadata"]["creationTimestamp"] = json!("9999-99-99");
        sim.plant(&odd);
        sim.settle().await;
        sim.restart();
        others_go_on(&sim).await;
    });
}
