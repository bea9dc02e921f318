//! Requests that a customer's own admin writes in the tenant namespace.

use clientele::api::{DeletionRequest, DeletionRequestSpec};
use clientele::domain::deletion::TAKEN_BACK_KEPT;
use serde_json::{Value, json};

use crate::deletions::{filed, history, phase, request, with_customer};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};
use crate::trials::{access, ready};

const ADA: &str = "ada@globex.example";

/// A form as admission stamps it.
pub fn form(by: &str) -> DeletionRequest {
    let spec = DeletionRequestSpec {
        reason: Some("we close".into()),
        grace_period: Some("3h".into()),
        ..DeletionRequestSpec::default()
    };
    let mut form = DeletionRequest::new("leave", spec);
    form.metadata.namespace = Some(GLOBEX.into());
    let stamp = ("clientele.dev/requested-by".to_owned(), by.to_owned());
    form.metadata.annotations = Some([stamp].into());
    form
}

async fn asked_for_by(sim: &Sim, who: &str) {
    with_customer(sim).await;
    sim.create(&form(who));
    sim.settle().await;
}

fn form_status(sim: &Sim) -> Value {
    sim.see("deletionrequests", GLOBEX, "leave")["status"].clone()
}

#[test]
fn what_its_admin_asks_for_in_the_tenant_counts_beside_the_customer_and_stays_as_history() {
    story(Pacing::default(), |sim| async move {
        asked_for_by(&sim, ADA).await;
        let name = filed(&sim);
        let filed = sim.see("deletionrequests", EMEA, &name);
        assert_eq!(
            (
                filed["spec"]["customer"].as_str(),
                filed["spec"]["reason"].as_str()
            ),
            (Some("globex"), Some("we close"))
        );
        assert_eq!(filed["status"]["gracePeriod"], "3h");
        assert_eq!(
            form_status(&sim)["finalizeAt"],
            filed["status"]["finalizeAt"]
        );
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Stopped", "True DeletionPending")
        );
        // Just the right to take it back is left.
        assert_eq!(
            sim.names("rolebindings", GLOBEX),
            ["clientele-deletion-requester"]
        );
        let binding = sim.see("rolebindings", GLOBEX, "clientele-deletion-requester");
        assert_eq!(
            (
                binding["subjects"][0]["name"].as_str(),
                binding["roleRef"]["name"].as_str()
            ),
            (Some(ADA), Some("clientele-tenant-requester"))
        );
        let mark = sim.mark();
        sim.wait(minutes(10)).await;
        sim.silent_since(mark);
        sim.wait(minutes(175)).await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        assert_eq!(
            history(&sim, &name),
            [
                format!("Requested by {ADA}"),
                "Purging by -".into(),
                "Completed by -".into()
            ]
        );
    });
}

#[test]
fn whoever_asked_takes_it_back_by_cancelling_or_deleting_the_form() {
    for by_deleting in [false, true] {
        story(Pacing::default(), |sim| async move {
            asked_for_by(&sim, ADA).await;
            let name = filed(&sim);
            if by_deleting {
                sim.delete("deletionrequests", GLOBEX, "leave");
            } else {
                let stamp = json!({ "clientele.dev/cancelled-by": ADA });
                let cancel = json!({ "cancel": { "note": "we stay" } });
                sim.edit(
                    "deletionrequests",
                    GLOBEX,
                    "leave",
                    json!({ "metadata": { "annotations": stamp }, "spec": cancel }),
                );
            }
            sim.settle().await;
            assert_eq!(
                (access(&sim).as_str(), ready(&sim).as_str()),
                ("Open", "True Settled")
            );
            assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
            let by = if by_deleting { "-" } else { ADA };
            assert_eq!(history(&sim, &name)[1], format!("Cancelled by {by}"));
            if !by_deleting {
                assert_eq!(form_status(&sim)["phase"], "Cancelled");
            }
            let mark = sim.mark();
            sim.restart();
            sim.wait(minutes(10)).await;
            assert!(sim.writes_since(mark).is_empty());
        });
    }
}

#[test]
fn what_the_staff_cancels_the_form_says_too() {
    story(Pacing::default(), |sim| async move {
        asked_for_by(&sim, ADA).await;
        sim.spec(
            "deletionrequests",
            EMEA,
            &filed(&sim),
            json!({ "cancel": { "note": "we spoke" } }),
        );
        sim.settle().await;
        assert_eq!(
            (form_status(&sim)["phase"].as_str(), access(&sim).as_str()),
            (Some("Cancelled"), "Open")
        );
    });
}

#[test]
fn a_form_does_not_touch_what_the_staff_has_asked_for() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&form(ADA));
        sim.wait(seconds(1)).await;
        // The older one counts.
        sim.create(&request("staff"));
        sim.settle().await;
        assert_eq!(phase(&sim, "staff"), "Cancelled");
        sim.delete("deletionrequests", GLOBEX, "leave");
        sim.settle().await;
        assert_eq!(access(&sim), "Open");
        sim.create(&request("staff-again"));
        sim.settle().await;
        sim.create(&form(ADA));
        sim.settle().await;
        sim.delete("deletionrequests", GLOBEX, "leave");
        sim.settle().await;
        assert_eq!(
            (phase(&sim, "staff-again").as_str(), access(&sim).as_str()),
            ("Pending", "Stopped")
        );
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    });
}

#[test]
fn nothing_is_bound_to_what_is_no_person() {
    story(Pacing::default(), |sim| async move {
        asked_for_by(&sim, "system:serviceaccount:emea--globex:default").await;
        assert_eq!(
            (
                access(&sim).as_str(),
                sim.names("rolebindings", GLOBEX).len()
            ),
            ("Stopped", 0)
        );
    });
}

#[test]
fn who_asks_and_takes_it_back_all_day_does_not_fill_the_cluster() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        for _ in 0..TAKEN_BACK_KEPT + 3 {
            sim.create(&form(ADA));
            sim.wait(seconds(2)).await;
            sim.delete("deletionrequests", GLOBEX, "leave");
            sim.wait(seconds(2)).await;
        }
        sim.settle().await;
        assert_eq!(sim.names("deletionrequests", EMEA).len(), TAKEN_BACK_KEPT);
        assert_eq!(access(&sim), "Open");
        let first = sim.names("deletionrequests", EMEA);
        sim.create(&request("staff"));
        sim.settle().await;
        assert_eq!(
            (phase(&sim, "staff").as_str(), access(&sim).as_str()),
            ("Pending", "Stopped")
        );
        assert_eq!(
            sim.names("deletionrequests", EMEA).len(),
            first.len() + 1,
            "one that waits takes nobody's place"
        );
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
    });
}
