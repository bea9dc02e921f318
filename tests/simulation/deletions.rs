//! Deletions that are asked for: they wait, can be taken back, and then really clean up.

use clientele::api::{
    Customer, CustomerDefaults, CustomerDeletion, DeletionRequest, DeletionRequestSpec, Role,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::normal::{assert_same, less_history};
use crate::people::{ROOT, customer, partner, plan, user};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::{Fate, fate_at_write};
use crate::sim::{Sim, story};
use crate::trials::{access, pod, ready, status};

/// A partner whose deletions wait for two hours, with a customer, its admin and a pod.
pub async fn with_customer(sim: &Sim) {
    with_partner(sim).await;
    sim.create(&customer(EMEA, "globex"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    sim.settle().await;
    pod(sim, "web");
    assert_eq!(access(sim), "Open");
}

/// A partner whose deletions wait for two hours.
pub async fn with_partner(sim: &Sim) {
    sim.start();
    sim.wait(seconds(1)).await;
    sim.create(&plan("business"));
    let mut emea = partner(ROOT, "emea");
    emea.spec.customer_defaults = Some(CustomerDefaults {
        grace_period: Some("2h".into()),
        ..CustomerDefaults::default()
    });
    emea.spec.history_retention = Some("1d".into());
    sim.create(&emea);
    sim.settle().await;
}

/// A request as admission stamps one of a person who may not purge.
pub fn request(name: &str) -> DeletionRequest {
    let spec = DeletionRequestSpec {
        customer: Some("globex".into()),
        reason: Some("contract ended".into()),
        ..DeletionRequestSpec::default()
    };
    let mut request = DeletionRequest::new(name, spec);
    request.metadata.namespace = Some(EMEA.into());
    request.metadata.finalizers = Some(vec!["clientele.dev/deletion".into()]);
    request.metadata.annotations = Some(
        [(
            "clientele.dev/requested-by".to_owned(),
            "jane@emea.example".to_owned(),
        )]
        .into(),
    );
    request
}

pub fn told(sim: &Sim, name: &str) -> Value {
    sim.see("deletionrequests", EMEA, name)["status"].clone()
}

pub fn phase(sim: &Sim, name: &str) -> String {
    let phase = told(sim, name)["phase"].clone();
    phase.as_str().unwrap_or_default().to_owned()
}

/// What has happened to a request, by whom.
pub fn history(sim: &Sim, name: &str) -> Vec<String> {
    let history = told(sim, name)["history"].clone();
    let events = history.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    events
        .iter()
        .map(|event| format!("{} by {}", text(&event["what"]), text(&event["by"])))
        .collect()
}

/// The only request beside the customers.
pub fn filed(sim: &Sim) -> String {
    let names = sim.names("deletionrequests", EMEA);
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

pub fn is_stopped(sim: &Sim) {
    assert_eq!(access(sim), "Stopped");
    assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    assert_eq!(sim.names("pods", GLOBEX), [""; 0]);
}

#[test]
fn a_request_stops_the_tenant_at_once_and_deletes_it_when_its_grace_is_over() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.wait(seconds(5)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        sim.settle().await;
        is_stopped(&sim);
        assert_eq!(ready(&sim), "True DeletionPending");
        assert_eq!(status(&sim)["phase"], "PendingDeletion");
        assert_eq!(status(&sim)["deletion"]["request"], "leaves");
        let told_at_first = told(&sim, "leaves");
        assert_eq!(told_at_first["phase"], "Pending");
        assert_eq!(told_at_first["requestedBy"], "jane@emea.example");
        assert_eq!(
            status(&sim)["deletion"]["finalizeAt"],
            told_at_first["finalizeAt"]
        );
        let made =
            sim.see("deletionrequests", EMEA, "leaves")["metadata"]["creationTimestamp"].clone();
        let time = |value: &Value| -> jiff::Timestamp { value.as_str().unwrap().parse().unwrap() };
        let end = time(&told_at_first["finalizeAt"]);
        assert_eq!(
            end.duration_since(time(&made)),
            SignedDuration::from_hours(2)
        );

        let left = end.duration_since(sim.server.now()).unsigned_abs();
        sim.wait(left - seconds(1)).await;
        assert!(sim.find("namespaces", "", GLOBEX).is_some());
        sim.wait(seconds(10)).await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        sim.settle().await;
        assert_eq!(
            history(&sim, "leaves"),
            [
                "Requested by jane@emea.example",
                "Purging by -",
                "Completed by -"
            ]
        );
        assert_eq!(
            sim.ready("deletionrequests", EMEA, "leaves"),
            "True Deleted"
        );
        assert_eq!(
            (ready(&sim).as_str(), status(&sim)["phase"].as_str()),
            ("True Deleted", Some("Deleted"))
        );
        assert!(status(&sim)["namespace"].is_null());
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
        // Git still has it: it is not made anew.
        sim.restart();
        sim.wait(minutes(5)).await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
    });
}

#[test]
fn a_request_that_is_cancelled_gives_everything_back() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        let before = less_history(sim.cluster());
        sim.create(&request("leaves"));
        sim.settle().await;
        is_stopped(&sim);
        sim.edit(
            "deletionrequests",
            EMEA,
            "leaves",
            json!({
                "metadata": { "annotations": { "clientele.dev/cancelled-by": "max@emea.example" } },
                "spec": { "cancel": { "note": "they stay" } },
            }),
        );
        sim.settle().await;
        pod(&sim, "web");
        assert_same("before and after", &before, &less_history(sim.cluster()));
        assert_eq!(
            history(&sim, "leaves"),
            [
                "Requested by jane@emea.example",
                "Cancelled by max@emea.example"
            ]
        );
        let note = told(&sim, "leaves")["history"][1]["note"].clone();
        assert_eq!(note, "they stay");
        // The history goes in its time, also when that meets a conflict at first, and the customer does not.
        let conflict = Fate::Refused(409, "Conflict");
        sim.server.set_fault(fate_at_write(0, conflict, 1));
        sim.wait(minutes(25 * 60)).await;
        assert_eq!(sim.names("deletionrequests", EMEA), [""; 0]);
        assert_eq!(ready(&sim), "True Settled");
    });
}

#[test]
fn deleting_a_request_that_waits_takes_it_back() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        sim.delete("deletionrequests", EMEA, "leaves");
        sim.settle().await;
        assert_eq!(sim.names("deletionrequests", EMEA), [""; 0]);
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

#[test]
fn whoever_may_purge_ends_the_wait() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        // Without the stamp of admission the word does not count.
        sim.spec("deletionrequests", EMEA, "leaves", json!({ "mode": "Now" }));
        sim.settle().await;
        assert_eq!(phase(&sim, "leaves"), "Pending");
        sim.annotate(
            "deletionrequests",
            EMEA,
            "leaves",
            "clientele.dev/purged-by",
            Some("root@emea.example"),
        );
        sim.settle().await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        assert_eq!(history(&sim, "leaves")[1], "Purging by root@emea.example");
    });
}

#[test]
fn a_grace_below_the_partners_needs_the_stamp_and_a_longer_one_does_not() {
    for (asked, stamped, seconds) in [
        ("60s", false, 7_200),
        ("60s", true, 60),
        ("3h", false, 10_800),
    ] {
        story(Pacing::default(), |sim| async move {
            with_customer(&sim).await;
            let mut leaves = request("leaves");
            leaves.spec.grace_period = Some(asked.into());
            if stamped {
                let annotations = leaves.metadata.annotations.as_mut().unwrap();
                annotations.insert("clientele.dev/may-purge".into(), "true".into());
            }
            sim.create(&leaves);
            sim.wait(crate::scenes::seconds(5)).await;
            let told = told(&sim, "leaves");
            let time =
                |value: &Value| -> jiff::Timestamp { value.as_str().unwrap().parse().unwrap() };
            let made = sim.see("deletionrequests", EMEA, "leaves")["metadata"]["creationTimestamp"]
                .clone();
            let waits = time(&told["finalizeAt"]).duration_since(time(&made));
            assert_eq!(waits.as_secs(), seconds, "{asked} {stamped}");
            // What the partner says later changes nothing.
            sim.spec(
                "partners",
                ROOT,
                "emea",
                json!({ "customerDefaults": { "gracePeriod": "1s" } }),
            );
            sim.wait(crate::scenes::seconds(30)).await;
            assert!(sim.find("namespaces", "", GLOBEX).is_some());
        });
    }
}

#[test]
fn a_protected_customer_is_not_deleted() {
    story(Pacing::default(), |sim| async move {
        with_partner(&sim).await;
        let mut globex: Customer = customer(EMEA, "globex");
        globex.spec.deletion = Some(CustomerDeletion {
            protected: true,
            ..CustomerDeletion::default()
        });
        sim.create(&globex);
        sim.settle().await;
        sim.create(&request("leaves"));
        sim.settle().await;
        assert_eq!(
            (phase(&sim, "leaves").as_str(), access(&sim).as_str()),
            ("Cancelled", "Open")
        );
        // One that waits already is taken back.
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "deletion": { "protected": false } }),
        );
        sim.create(&request("leaves-again"));
        sim.settle().await;
        assert_eq!(access(&sim), "Stopped");
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "deletion": { "protected": true } }),
        );
        sim.settle().await;
        assert_eq!(
            (phase(&sim, "leaves-again").as_str(), access(&sim).as_str()),
            ("Cancelled", "Open")
        );
    });
}

#[test]
fn a_second_request_is_refused_and_the_first_one_stands() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("first"));
        sim.wait(seconds(2)).await;
        sim.create(&request("second"));
        sim.settle().await;
        assert_eq!(
            (
                phase(&sim, "first").as_str(),
                phase(&sim, "second").as_str()
            ),
            ("Pending", "Cancelled")
        );
        is_stopped(&sim);
    });
}

#[test]
fn a_request_for_nobody_says_so_and_waits_for_nobody() {
    story(Pacing::default(), |sim| async move {
        with_partner(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        assert_eq!(
            sim.ready("deletionrequests", EMEA, "leaves"),
            "False CustomerNotFound"
        );
        sim.delete("deletionrequests", EMEA, "leaves");
        sim.settle().await;
        assert_eq!(sim.names("deletionrequests", EMEA), [""; 0]);
    });
}

#[test]
fn nothing_is_destroyed_while_the_clocks_disagree() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        sim.server.state().operator_ahead = SignedDuration::from_hours(3);
        sim.restart();
        sim.wait(minutes(5)).await;
        assert_eq!(phase(&sim, "leaves"), "Pending");
        assert_eq!(
            sim.ready("deletionrequests", EMEA, "leaves"),
            "False ClockSkew"
        );
        sim.server.state().operator_ahead = SignedDuration::ZERO;
        sim.wait(minutes(5)).await;
        assert_eq!(
            sim.ready("deletionrequests", EMEA, "leaves"),
            "True DeletionPending"
        );
        assert!(sim.find("namespaces", "", GLOBEX).is_some());
    });
}

#[test]
fn what_holds_the_namespace_is_named() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&json!({ "kind": "ConfigMap", "metadata": { "name": "kept", "namespace": GLOBEX, "finalizers": ["example.com/keep"] } }));
        sim.create(&request("leaves"));
        sim.wait(minutes(121)).await;
        assert_eq!(phase(&sim, "leaves"), "Purging");
        let message = "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances";
        let conditions = json!([{ "type": "NamespaceFinalizersRemaining", "status": "True", "message": message }]);
        sim.edit(
            "namespaces",
            "",
            GLOBEX,
            json!({ "status": { "conditions": conditions } }),
        );
        sim.settle().await;
        assert_eq!(told(&sim, "leaves")["blockedBy"], json!([message]));
        sim.edit(
            "configmaps",
            GLOBEX,
            "kept",
            json!({ "metadata": { "finalizers": null } }),
        );
        sim.settle().await;
        assert_eq!(phase(&sim, "leaves"), "Completed");
        assert!(told(&sim, "leaves")["blockedBy"].is_null());
    });
}
