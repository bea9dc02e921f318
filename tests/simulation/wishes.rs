//! `spec.deletion.requested`: a deletion that Git asks for, and takes back.

use serde_json::{Value, json};

use crate::deletions::{filed, history, is_stopped, phase, told, with_customer, with_partner};
use crate::people::customer;
use crate::scenes::{EMEA, GLOBEX, minutes};
use crate::server::Pacing;
use crate::sim::{Sim, story};
use crate::trials::{access, ready, status};
use crate::workloads::cancel;

fn wants(reason: Option<&str>) -> Value {
    json!({ "deletion": { "requested": reason.map(|reason| json!({ "reason": reason })) } })
}

#[test]
fn what_git_asks_for_is_filed_once_and_taken_back_by_removing_it() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.spec("customers", EMEA, "globex", wants(Some("contract ended")));
        sim.settle().await;
        let first = filed(&sim);
        is_stopped(&sim);
        assert_eq!(phase(&sim, &first), "Pending");
        // Another change of the spec does not file another one, nor does a restart.
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "description": "leaves" }),
        );
        sim.restart();
        sim.settle().await;
        assert_eq!(filed(&sim), first);

        sim.spec("customers", EMEA, "globex", wants(None));
        sim.settle().await;
        assert_eq!(history(&sim, &first), ["Requested by -", "Withdrawn by -"]);
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
        // The next wish is another one.
        sim.spec("customers", EMEA, "globex", wants(Some("contract ended")));
        sim.settle().await;
        assert_eq!(sim.names("deletionrequests", EMEA).len(), 2);
        is_stopped(&sim);
    });
}

#[test]
fn a_person_who_cancels_what_git_asks_for_is_not_asked_again() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.spec("customers", EMEA, "globex", wants(Some("contract ended")));
        sim.settle().await;
        let first = filed(&sim);
        sim.spec(
            "deletionrequests",
            EMEA,
            &first,
            json!({ "cancel": { "note": "no" } }),
        );
        sim.settle().await;
        sim.restart();
        sim.settle().await;
        // Also when its history is over: as long as Git asks, the answer is needed.
        sim.wait(minutes(26 * 60)).await;
        assert_eq!((filed(&sim), access(&sim).as_str()), (first, "Open"));
        // Removed and set again it counts anew.
        sim.spec("customers", EMEA, "globex", wants(None));
        sim.settle().await;
        sim.spec("customers", EMEA, "globex", wants(Some("now really")));
        sim.settle().await;
        is_stopped(&sim);
    });
}

#[test]
fn a_customer_that_asks_to_go_from_its_first_moment_gets_no_tenant() {
    story(Pacing::default(), |sim| async move {
        with_partner(&sim).await;
        let mut globex = serde_json::to_value(customer(EMEA, "globex")).unwrap();
        globex["spec"]["deletion"] = wants(Some("never wanted"))["deletion"].clone();
        sim.create(&globex);
        sim.settle().await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        assert_eq!(
            (ready(&sim).as_str(), status(&sim)["phase"].as_str()),
            ("True DeletionPending", Some("PendingDeletion"))
        );
        // A person who cancels it has it made after all.
        sim.spec(
            "deletionrequests",
            EMEA,
            &filed(&sim),
            json!({ "cancel": { "note": "yes" } }),
        );
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

#[test]
fn a_customer_that_asks_to_go_is_not_opened_on_the_way() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.spec("customers", EMEA, "globex", wants(Some("over")));
        sim.settle().await;
        is_stopped(&sim);
        // Git applies it again as it is: the object is another one, and so is the wish.
        let globex = sim.see("customers", EMEA, "globex");
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        let mark = sim.mark();
        sim.create(&json!({ "kind": "Customer", "metadata": { "name": "globex", "namespace": EMEA }, "spec": globex["spec"] }));
        sim.settle().await;
        is_stopped(&sim);
        let bound = sim
            .writes_since(mark)
            .into_iter()
            .filter(|call| call.resource.kind == "RoleBinding");
        assert_eq!(bound.count(), 0);
    });
}

#[test]
fn after_completion_removing_the_wish_makes_a_new_tenant() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        let old = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
        sim.spec("customers", EMEA, "globex", wants(Some("contract ended")));
        sim.wait(minutes(125)).await;
        assert_eq!(status(&sim)["phase"], "Deleted");
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        sim.spec("customers", EMEA, "globex", wants(None));
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
        assert_ne!(sim.see("namespaces", "", GLOBEX)["metadata"]["uid"], old);
        // And it can be deleted again.
        sim.spec("customers", EMEA, "globex", wants(Some("again")));
        sim.wait(minutes(125)).await;
        assert_eq!(status(&sim)["phase"], "Deleted");
    });
}

const JANE: &str = "jane@emea.example";
const JOE: &str = "joe@emea.example";

/// A change of the wish as admission stamps it.
fn stamped(sim: &Sim, reason: Option<&str>) {
    let (asked, withdrawn) = match reason {
        Some(_) => (json!(JANE), Value::Null),
        None => (Value::Null, json!(JOE)),
    };
    let stamps = json!({
        "clientele.dev/deletion-requested-by": asked,
        "clientele.dev/deletion-withdrawn-by": withdrawn,
    });
    let change = json!({ "metadata": { "annotations": stamps }, "spec": wants(reason) });
    sim.edit("customers", EMEA, "globex", change);
}

#[test]
fn who_asks_in_the_spec_and_who_takes_that_back_is_told_by_the_request() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        stamped(&sim, Some("contract ended"));
        sim.settle().await;
        let first = filed(&sim);
        assert_eq!(told(&sim, &first)["requestedBy"], JANE);
        stamped(&sim, None);
        sim.settle().await;
        let by = [
            format!("Requested by {JANE}"),
            format!("Withdrawn by {JOE}"),
        ];
        assert_eq!(history(&sim, &first), by);

        // Also when a person has cancelled it before.
        stamped(&sim, Some("now really"));
        sim.settle().await;
        let names = sim.names("deletionrequests", EMEA);
        let second = names.into_iter().find(|name| *name != first);
        let second = second.expect("another request");
        cancel(&sim, &second);
        sim.settle().await;
        stamped(&sim, None);
        sim.settle().await;
        let by = [
            format!("Requested by {JANE}"),
            "Cancelled by -".to_owned(),
            format!("Withdrawn by {JOE}"),
        ];
        assert_eq!(history(&sim, &second), by);
    });
}

#[test]
fn who_asked_before_is_not_told_of_a_customer_that_is_made_again() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        stamped(&sim, Some("contract ended"));
        sim.settle().await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        cancel(&sim, &filed(&sim));
        sim.settle().await;
        assert_eq!(ready(&sim), "True Settled");
        let annotations = sim.see("customers", EMEA, "globex")["metadata"]["annotations"].clone();
        assert!(!annotations.to_string().contains(JANE), "{annotations}");
    });
}
