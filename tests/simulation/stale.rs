//! Watches that are late: nothing is written twice because its echo has not come, and nothing is lost that came late.

use std::collections::BTreeMap;
use std::time::Duration;

use clientele::api::Role;
use serde_json::json;

use crate::deletions::{filed, with_customer};
use crate::people::{customer, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};
use crate::workloads::cancel;

/// How often each resource is written for a customer with a user.
fn creation(sim: &Sim, mark: usize) -> Vec<(String, usize)> {
    let mut tally = sim.tally(mark);
    tally.retain(|what, _| !what.contains("/status "));
    tally.into_iter().collect()
}

async fn created(sim: &Sim, mark: usize) -> Vec<(String, usize)> {
    sim.create(&customer(EMEA, "globex"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    sim.wait(minutes(5)).await;
    assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    creation(sim, mark)
}

#[test]
fn a_creation_is_written_once_however_late_the_watches_are() {
    let kinds = [
        "namespaces",
        "customers",
        "customerusers",
        "resourcequotas",
        "rolebindings",
        "configmaps",
        "serviceaccounts",
        "limitranges",
        "networkpolicies",
        "partners",
        "serviceplans",
    ];
    for late in kinds {
        story(Pacing::default(), |sim| async move {
            emea(&sim).await;
            sim.server.state().pacing.lag.insert(late, seconds(20));
            let mark = sim.mark();
            let tally = created(&sim, mark).await;
            assert!(
                tally.iter().all(|(_, times)| *times == 1),
                "{late} late: {tally:?}"
            );
            assert_eq!(tally.len(), 8, "{late} late: {tally:?}");
        });
    }
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.server.state().pacing.usual_lag = seconds(20);
        let mark = sim.mark();
        let tally = created(&sim, mark).await;
        assert!(
            tally.iter().all(|(_, times)| *times == 1),
            "all late: {tally:?}"
        );
    });
}

#[test]
fn a_hold_and_a_release_within_the_lag_end_open() {
    for late in ["namespaces", "rolebindings", "customers"] {
        story(Pacing::default(), |sim| async move {
            globex(&sim).await;
            sim.server.state().pacing.lag.insert(late, seconds(15));
            let mark = sim.mark();
            sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
            sim.wait(seconds(5)).await;
            sim.spec("customers", EMEA, "globex", json!({ "onHold": false }));
            sim.settle().await;
            assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
            assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
            let tally = creation(&sim, mark);
            assert!(
                tally.iter().all(|(_, times)| *times <= 2),
                "{late} late: {tally:?}"
            );
        });
    }
}

#[test]
fn what_somebody_deletes_is_put_back_once_its_late_event_has_come() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server.state().pacing.usual_lag = seconds(15);
        sim.delete("rolebindings", GLOBEX, "globex-admin");
        sim.delete("configmaps", GLOBEX, "customer");
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        assert_eq!(sim.names("configmaps", GLOBEX), ["customer"]);
    });
}

#[test]
fn a_namespace_that_others_label_all_the_time_is_still_locked_while_its_watch_is_late() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server
            .state()
            .pacing
            .lag
            .insert("namespaces", seconds(3));
        for n in 0..20 {
            sim.edit(
                "namespaces",
                "",
                GLOBEX,
                json!({ "metadata": { "labels": { "theirs.example/n": n.to_string() } } }),
            );
            sim.wait(seconds(1)).await;
            if n == 5 {
                sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
            }
        }
        sim.settle().await;
        let labels = sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone();
        assert_eq!(labels["clientele.dev/access"], "Locked");
        assert_eq!(labels["theirs.example/n"], "19");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
    });
}

#[test]
fn a_customer_that_is_made_again_while_nobody_looked_is_another_one() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server
            .state()
            .pacing
            .lag
            .insert("customers", minutes(10));
        let strip = json!({ "metadata": { "finalizers": null } });
        sim.edit("customers", EMEA, "globex", strip);
        sim.delete("customers", EMEA, "globex");
        let mut other = customer(EMEA, "globex");
        other.spec.contact.email = "boss@other.example".into();
        sim.create(&other);
        sim.wait(minutes(1)).await;
        sim.server.change(|state| state.pacing.lag.clear());
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False TenantRetained"
        );
        sim.restart();
        sim.settle().await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False TenantRetained"
        );
    });
}

#[test]
fn a_user_added_and_taken_away_within_the_lag_leaves_nothing_behind() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.server.state().pacing.usual_lag = seconds(10);
        sim.create(&user(EMEA, "globex", "bob", Role::Viewer));
        sim.wait(seconds(12)).await;
        sim.delete("customerusers", EMEA, "bob");
        sim.wait(seconds(1)).await;
        sim.create(&user(EMEA, "globex", "eve", Role::Viewer));
        sim.settle().await;
        let binding = sim.see("rolebindings", GLOBEX, "globex-viewer");
        let names: Vec<_> = binding["subjects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["name"].clone())
            .collect();
        assert_eq!(json!(names), json!(["eve@globex.example"]));
        sim.delete("customerusers", EMEA, "eve");
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn a_customer_that_was_gone_before_it_was_seen_gets_no_tenant() {
    let lag = BTreeMap::from([("customers", Duration::from_millis(500))]);
    let pacing = Pacing {
        lag,
        ..Pacing::default()
    };
    story(pacing, |sim| async move {
        emea(&sim).await;
        sim.create(&customer(EMEA, "globex"));
        sim.wait(Duration::from_millis(100)).await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
    });
}

/// What somebody does a minute before a deletion comes to its end, which makes it come to none.
type Rescue = (&'static str, &'static str, fn(&Sim));

const RESCUES: [Rescue; 4] = [
    ("a request cancelled", "deletionrequests", |sim| {
        cancel(sim, &filed(sim));
    }),
    ("a request deleted", "deletionrequests", |sim| {
        sim.delete("deletionrequests", EMEA, &filed(sim));
    }),
    ("a customer applied again", "customers", |sim| {
        sim.create(&customer(EMEA, "globex"));
    }),
    (
        "another company's customer told to take the tenant",
        "customers",
        |sim| {
            let mut other = customer(EMEA, "globex");
            other.spec.contact.email = "boss@other.example".into();
            let tenant = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
            let tenant = tenant.as_str().expect("a uid").to_owned();
            let told = ("clientele.dev/adopt-retained".to_owned(), tenant);
            other.metadata.annotations = Some([told].into());
            sim.create(&other);
        },
    ),
];

#[test]
fn nothing_is_destroyed_while_the_news_that_saves_it_is_late() {
    for (what, late, rescue) in RESCUES {
        story(Pacing::default(), |sim| async move {
            with_customer(&sim).await;
            let tenant = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
            sim.delete("customers", EMEA, "globex");
            sim.wait(minutes(118)).await;
            sim.server.state().pacing.lag.insert(late, minutes(10));
            rescue(&sim);
            sim.wait(minutes(30)).await;
            sim.server.state().pacing.lag.remove(late);
            sim.settle().await;
            let there = sim.see("namespaces", "", GLOBEX);
            assert_eq!(there["metadata"]["uid"], tenant, "{what}");
            assert!(there["metadata"]["deletionTimestamp"].is_null(), "{what}");
            assert_eq!(
                sim.ready("customers", EMEA, "globex"),
                "True Settled",
                "{what}"
            );
        });
    }
}

#[test]
fn nothing_is_destroyed_while_the_news_of_a_change_of_the_customer_is_late() {
    let rescues = [
        json!({ "deletion": { "protected": true } }),
        json!({ "deletion": { "requested": null } }),
    ];
    for rescue in rescues {
        story(Pacing::default(), |sim| async move {
            with_customer(&sim).await;
            let wish = json!({ "deletion": { "requested": { "reason": "over" } } });
            sim.spec("customers", EMEA, "globex", wish);
            sim.wait(minutes(118)).await;
            sim.server
                .state()
                .pacing
                .lag
                .insert("customers", minutes(10));
            sim.spec("customers", EMEA, "globex", rescue.clone());
            sim.wait(minutes(30)).await;
            assert!(sim.find("namespaces", "", GLOBEX).is_some(), "{rescue}");
            assert_eq!(
                sim.ready("customers", EMEA, "globex"),
                "True Settled",
                "{rescue}"
            );
        });
    }
}
