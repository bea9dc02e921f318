//! Customer objects that are deleted: by hand, by a tool, by the hundred.

use serde_json::{Value, json};

use crate::deletions::{filed, history, phase, request, told, with_customer};
use crate::normal::{assert_same, less_history};
use crate::people::{ROOT, customer};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};
use crate::trials::{access, pod, ready};
use crate::workloads::cancel;

/// The customer was deleted a while ago.
pub async fn deleted(sim: &Sim) {
    with_customer(sim).await;
    sim.edit(
        "customers",
        EMEA,
        "globex",
        json!({ "metadata": { "labels": { "team": "blue" } }, "spec": { "description": "likes tea" } }),
    );
    sim.settle().await;
    sim.delete("customers", EMEA, "globex");
    sim.wait(seconds(10)).await;
    assert!(sim.find("customers", EMEA, "globex").is_none());
}

fn snapshot(sim: &Sim, name: &str) -> Value {
    sim.see("deletionrequests", EMEA, name)["metadata"]["annotations"]["clientele.dev/customer-snapshot"].clone()
}

#[test]
fn a_customer_that_is_deleted_is_shut_at_once_stopped_after_a_minute_and_gone_after_its_grace() {
    story(Pacing::default(), |sim| async move {
        deleted(&sim).await;
        let name = filed(&sim);
        assert_eq!(
            (access(&sim).as_str(), phase(&sim, &name).as_str()),
            ("Locked", "Pending")
        );
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.names("pods", GLOBEX), ["web"]);
        sim.wait(seconds(45)).await;
        assert_eq!(sim.names("pods", GLOBEX), ["web"]);
        sim.wait(seconds(30)).await;
        assert_eq!(
            (access(&sim).as_str(), sim.names("pods", GLOBEX).len()),
            ("Stopped", 0)
        );
        sim.settle().await;
        assert_eq!(
            sim.ready("deletionrequests", EMEA, &name),
            "True DeletionPending"
        );
        assert_eq!(sim.see("partners", ROOT, "emea")["status"]["retained"], 1);
        // What somebody changes in it meanwhile is put right.
        sim.delete("resourcequotas", GLOBEX, "clientele-stopped");
        sim.settle().await;
        assert!(
            sim.find("resourcequotas", GLOBEX, "clientele-stopped")
                .is_some()
        );
        sim.wait(minutes(121)).await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        assert_eq!(
            history(&sim, &name),
            ["Requested by -", "Purging by -", "Completed by -"]
        );
        assert!(snapshot(&sim, &name).is_null());
        assert_eq!(sim.see("partners", ROOT, "emea")["status"]["retained"], 0);
        // Applied again, it is a new customer.
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

#[test]
fn a_customer_applied_again_within_a_minute_notices_nothing_and_later_nothing_is_lost() {
    for wait in [5, 300, 7_000] {
        story(Pacing::default(), |sim| async move {
            with_customer(&sim).await;
            let before = less_history(sim.cluster());
            sim.delete("customers", EMEA, "globex");
            sim.wait(seconds(wait)).await;
            let name = filed(&sim);
            let running = sim.names("pods", GLOBEX);
            sim.create(&customer(EMEA, "globex"));
            sim.settle().await;
            assert_eq!(running.len(), usize::from(wait < 60), "{wait}");
            if running.is_empty() {
                pod(&sim, "web");
            }
            assert_same("before and after", &before, &less_history(sim.cluster()));
            assert_eq!(
                (phase(&sim, &name).as_str(), history(&sim, &name).len()),
                ("Cancelled", 2)
            );
            sim.wait(minutes(130)).await;
            assert!(sim.find("namespaces", "", GLOBEX).is_some());
        });
    }
}

#[test]
fn cancelling_makes_the_customer_again_as_it_was() {
    for by_deleting in [false, true] {
        story(Pacing::default(), |sim| async move {
            deleted(&sim).await;
            sim.wait(minutes(30)).await;
            let name = filed(&sim);
            let tenant = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
            if by_deleting {
                sim.delete("deletionrequests", EMEA, &name);
            } else {
                cancel(&sim, &name);
            }
            sim.settle().await;
            let globex = sim.see("customers", EMEA, "globex");
            assert_eq!(globex["spec"]["description"], "likes tea");
            assert_eq!(globex["metadata"]["labels"]["team"], "blue");
            assert_eq!(
                (access(&sim).as_str(), ready(&sim).as_str()),
                ("Open", "True Settled")
            );
            assert_eq!(sim.see("namespaces", "", GLOBEX)["metadata"]["uid"], tenant);
            assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
            if by_deleting {
                assert_eq!(sim.names("deletionrequests", EMEA), [""; 0]);
            } else {
                assert_eq!(phase(&sim, &name), "Cancelled");
                assert!(snapshot(&sim, &name).is_null());
            }
        });
    }
}

#[test]
fn another_company_of_the_name_does_not_stop_the_deletion() {
    story(Pacing::default(), |sim| async move {
        deleted(&sim).await;
        let name = filed(&sim);
        let mut other = customer(EMEA, "globex");
        other.spec.contact.email = "boss@other.example".into();
        sim.create(&other);
        sim.settle().await;
        assert_eq!(
            (ready(&sim).as_str(), phase(&sim, &name).as_str()),
            ("False TenantRetained", "Pending")
        );
        let tenant = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
        sim.wait(minutes(125)).await;
        assert_eq!(phase(&sim, &name), "Completed");
        // Now the name is free.
        assert_eq!(ready(&sim), "True Settled");
        assert_ne!(sim.see("namespaces", "", GLOBEX)["metadata"]["uid"], tenant);
    });
}

#[test]
fn a_customer_deleted_while_a_request_waits_keeps_to_that_request() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        let end = told(&sim, "leaves")["finalizeAt"].clone();
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(
            (
                filed(&sim).as_str(),
                told(&sim, "leaves")["finalizeAt"].clone()
            ),
            ("leaves", end)
        );
        assert_eq!(access(&sim), "Stopped");
        cancel(&sim, "leaves");
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

#[test]
fn an_operator_that_was_away_for_longer_than_the_grace_lets_nobody_down() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.kill();
        sim.delete("customers", EMEA, "globex");
        sim.wait(minutes(300)).await;
        sim.start();
        sim.settle().await;
        // The grace begins when the request is filed.
        assert_eq!(phase(&sim, &filed(&sim)), "Pending");
        assert!(sim.find("namespaces", "", GLOBEX).is_some());
        // And one that was filed and cancelled meanwhile is not acted on.
        sim.kill();
        cancel(&sim, &filed(&sim));
        sim.wait(minutes(300)).await;
        sim.start();
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

/// So many customers more.
pub async fn crowd(sim: &Sim, count: usize) {
    for number in 0..count {
        sim.create(&customer(EMEA, &format!("crowd-{number}")));
    }
    sim.settle().await;
}

pub fn phases(sim: &Sim, wanted: &str) -> usize {
    let names = sim.names("deletionrequests", EMEA);
    names
        .iter()
        .filter(|name| phase(sim, name) == wanted)
        .count()
}

pub fn held(sim: &Sim) -> Vec<String> {
    let mut names = sim.names("deletionrequests", EMEA);
    names.retain(|name| sim.ready("deletionrequests", EMEA, name) == "False DeletionHeld");
    names
}

pub fn confirm(sim: &Sim, name: &str) {
    sim.annotate(
        "deletionrequests",
        EMEA,
        name,
        "clientele.dev/confirm-delete",
        Some(name),
    );
}

#[test]
fn a_crowd_of_deletions_waits_for_a_person() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        crowd(&sim, 6).await;
        for number in 0..6 {
            sim.delete("customers", EMEA, &format!("crowd-{number}"));
            sim.wait(seconds(5)).await;
        }
        sim.settle().await;
        assert_eq!(held(&sim).len(), 6);
        // Filed and shut, but nothing is stopped, let alone deleted.
        sim.wait(minutes(150)).await;
        for number in 0..6 {
            let tenant = sim.see("namespaces", "", &format!("emea--crowd-{number}"));
            assert_eq!(
                tenant["metadata"]["labels"]["clientele.dev/access"],
                "Locked"
            );
        }
        let first = held(&sim)[0].clone();
        confirm(&sim, &first);
        sim.settle().await;
        assert_eq!(
            (phase(&sim, &first).as_str(), held(&sim).len()),
            ("Completed", 5)
        );
        // Git is put right: everything is as it was.
        for number in 0..6 {
            let name = format!("crowd-{number}");
            sim.create(&customer(EMEA, &name));
        }
        sim.settle().await;
        assert_eq!((held(&sim).len(), phases(&sim, "Cancelled")), (0, 5));
        assert_eq!(sim.ready("customers", EMEA, "crowd-5"), "True Settled");
    });
}

#[test]
fn five_deletions_are_no_crowd_and_what_people_ask_for_one_by_one_never_is() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        crowd(&sim, 12).await;
        for number in 0..5 {
            sim.delete("customers", EMEA, &format!("crowd-{number}"));
        }
        for number in 5..12 {
            let mut asked = request(&format!("asked-{number}"));
            asked.spec.customer = Some(format!("crowd-{number}"));
            sim.create(&asked);
        }
        sim.wait(minutes(3)).await;
        assert_eq!((held(&sim).len(), phases(&sim, "Pending")), (0, 12));
    });
}

#[test]
fn one_customer_that_comes_and_goes_is_no_crowd() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        for _ in 0..8 {
            sim.delete("customers", EMEA, "globex");
            sim.wait(seconds(5)).await;
            sim.create(&customer(EMEA, "globex"));
            sim.wait(seconds(5)).await;
        }
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!((held(&sim).len(), phases(&sim, "Pending")), (0, 1));
    });
}
