//! What a person may ask for by annotation: change nothing, and do it now.

use clientele::api::Role;
use serde_json::json;

use crate::people::{ROOT, customer, plan, route_with_secret, secret, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::server::resources::Verb;
use crate::sim::story;

const PAUSED: &str = "clientele.dev/paused";

#[test]
fn a_paused_customer_is_left_as_it_is_and_caught_up_with_afterwards() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.annotate("customers", EMEA, "globex", PAUSED, Some("true"));
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Paused");
        let mark = sim.mark();
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "20" } }),
        );
        sim.create(&user(EMEA, "globex", "bob", Role::Viewer));
        sim.delete("configmaps", GLOBEX, "customer");
        sim.settle().await;
        assert!(
            sim.writes_since(mark)
                .iter()
                .all(|call| call.subresource == "status"),
            "{:?}",
            sim.tally(mark)
        );
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False Paused",
            "the hold is not made true"
        );
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        sim.restart();
        let mark = sim.mark();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty());

        sim.annotate("customers", EMEA, "globex", PAUSED, None);
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.names("configmaps", GLOBEX), ["customer"]);
        assert_eq!(
            sim.see("resourcequotas", GLOBEX, "clientele")["spec"]["hard"]["pods"],
            "20"
        );
    });
}

#[test]
fn only_the_word_true_pauses() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        for word in ["false", "yes", ""] {
            sim.annotate("customers", EMEA, "globex", PAUSED, Some(word));
            sim.settle().await;
            assert_eq!(
                sim.ready("customers", EMEA, "globex"),
                "True Settled",
                "{word:?}"
            );
        }
    });
}

#[test]
fn a_customer_that_is_paused_from_its_first_moment_makes_nothing() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mut globex = customer(EMEA, "globex");
        globex.metadata.annotations = Some([(PAUSED.to_owned(), "true".to_owned())].into());
        sim.create(&globex);
        sim.settle().await;
        assert_eq!(sim.find("namespaces", "", GLOBEX), None);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False Paused");
        sim.annotate("customers", EMEA, "globex", PAUSED, None);
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn a_paused_partner_is_left_as_it_is() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.annotate("partners", ROOT, "emea", PAUSED, Some("true"));
        sim.settle().await;
        let mark = sim.mark();
        sim.delete("configmaps", EMEA, "partner");
        sim.create(&plan("other"));
        sim.settle().await;
        assert_eq!(sim.names("configmaps", EMEA), [""; 0]);
        let own = sim
            .writes_since(mark)
            .into_iter()
            .filter(|call| call.resource.kind != "ServicePlan");
        assert_eq!(own.count(), 0);
        sim.annotate("partners", ROOT, "emea", PAUSED, None);
        sim.settle().await;
        assert_eq!(
            sim.see("configmaps", EMEA, "partner")["data"]["plans"],
            "business\nother"
        );
    });
}

#[test]
fn a_paused_customer_that_is_deleted_waits_for_the_pause_to_end() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.annotate("customers", EMEA, "globex", PAUSED, Some("true"));
        sim.settle().await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        assert!(sim.find("customers", EMEA, "globex").is_some());
        sim.annotate("customers", EMEA, "globex", PAUSED, None);
        sim.settle().await;
        assert_eq!(sim.find("customers", EMEA, "globex"), None);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    });
}

#[test]
fn do_it_now_looks_for_a_secret_at_once_and_writes_nothing_where_all_is_well() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&secret(EMEA, "relay"));
        sim.create(&route_with_secret(EMEA, "relay"));
        sim.settle().await;
        let mark = sim.mark();
        sim.annotate(
            "customers",
            EMEA,
            "globex",
            "clientele.dev/reconcile-at",
            Some("now"),
        );
        sim.wait(seconds(2)).await;
        sim.silent_since(mark);

        sim.delete("secrets", EMEA, "relay");
        sim.annotate(
            "postalroutes",
            EMEA,
            "relay",
            "clientele.dev/reconcile-at",
            Some("1"),
        );
        sim.wait(seconds(1)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False SecretNotFound"
        );
        sim.wait(minutes(3)).await;
        sim.create(&secret(EMEA, "relay"));
        sim.annotate(
            "postalroutes",
            EMEA,
            "relay",
            "clientele.dev/reconcile-at",
            Some("2"),
        );
        sim.wait(seconds(1)).await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        let reads = sim
            .calls_since(mark)
            .into_iter()
            .filter(|call| call.verb == Verb::Get);
        assert!(reads.count() < 12);
    });
}

#[test]
fn a_pause_holds_up_a_deletion_but_not_the_end_of_the_namespace_around_it() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.annotate("customers", EMEA, "globex", PAUSED, Some("true"));
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False Paused");
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        let tenant = sim.see("namespaces", "", GLOBEX);
        sim.delete("namespaces", "", EMEA);
        sim.wait(minutes(2)).await;
        assert_eq!(sim.find("customers", EMEA, "globex"), None);
        assert_eq!(
            sim.see("namespaces", "", GLOBEX),
            tenant,
            "nobody wished it away"
        );
    });
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.annotate("customers", EMEA, "globex", PAUSED, Some("true"));
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        sim.annotate("customers", EMEA, "globex", PAUSED, None);
        sim.settle().await;
        assert_eq!(sim.find("customers", EMEA, "globex"), None);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    });
}
