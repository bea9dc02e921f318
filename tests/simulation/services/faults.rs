//! What is wrong with an offering is told there; it stops nobody, and heals by itself.

use serde_json::{Value, json};

use super::{
    asks, change, maps, offers, ready, replicas, service, services_ready, state, web, with_web,
};
use crate::people::{customer, map_manifest, offering};
use crate::scenes::{EMEA, GLOBEX, emea, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

fn offering_ready(sim: &Sim, name: &str) -> String {
    sim.ready("serviceofferings", "", name)
}

fn fault(sim: &Sim, name: &str) -> String {
    let faults = sim.see("serviceofferings", "", name)["status"]["faults"].clone();
    faults[0].as_str().unwrap_or_default().to_owned()
}

fn widget(name: &str) -> Value {
    json!({ "apiVersion": "example.org/v1", "kind": "Widget", "metadata": { "name": name }, "spec": { "size": 1 } })
}

fn widgets_crd() -> Value {
    json!({ "kind": "CustomResourceDefinition", "metadata": { "name": "widgets.example.org" } })
}

#[test]
fn an_offering_is_told_what_is_wrong_and_what_is_in_use_goes_on() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let broken = json!([{ "object": map_manifest("web", &json!({ "a": "${custmer.name}", "b": "${now()}" })) }]);
        change(&sim, "web", json!({ "manifests": broken }));
        sim.settle().await;
        assert_eq!(offering_ready(&sim, "web"), "False InvalidSpec");
        assert!(
            fault(&sim, "web").contains("there is no custmer"),
            "{}",
            fault(&sim, "web")
        );
        let misspelt = json!([{ "object": map_manifest("web", &json!({ "a": "${has(customer.nmae) && true}" })) }]);
        change(&sim, "web", json!({ "manifests": misspelt }));
        sim.settle().await;
        assert_eq!(offering_ready(&sim, "web"), "False InvalidSpec");
        let found = fault(&sim, "web");
        let wanted = "spec.manifests[0].object.data.a: has(customer.nmae) && true: there is no customer.nmae (customer.name?): there are attributes, ";
        assert!(found.starts_with(wanted), "{found}");
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Active", Some(2))
        );
        assert_eq!(
            (ready(&sim).as_str(), services_ready(&sim).as_str()),
            ("True Settled", "False OfferingNotReady")
        );
        // A restart forgets no fault, and takes nothing away.
        sim.restart();
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(2));
        // A withdrawal stops it all the same: that takes no offering.
        offers(&sim, "emea", "Only", &[]).await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Denied", Some(0))
        );
        offers(&sim, "emea", "All", &[]).await;
        change(
            &sim,
            "web",
            json!({ "manifests": web()["spec"]["manifests"] }),
        );
        sim.settle().await;
        assert_eq!(
            (offering_ready(&sim, "web").as_str(), replicas(&sim)),
            ("True Accepted", Some(2))
        );
    });
}

#[test]
fn kinds_of_the_cluster_and_kinds_that_are_not_there_are_refused() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&offering("disk", &[json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": "x" } })]));
        sim.create(&offering("gadget", &[widget("it")]));
        sim.settle().await;
        assert_eq!(offering_ready(&sim, "disk"), "False InvalidSpec");
        assert!(
            fault(&sim, "disk").contains("cluster-scoped"),
            "{}",
            fault(&sim, "disk")
        );
        assert_eq!(offering_ready(&sim, "gadget"), "False KindNotFound");
        sim.create(&widgets_crd());
        sim.wait(seconds(40)).await;
        assert_eq!(offering_ready(&sim, "gadget"), "True Accepted");
    });
}

#[test]
fn offerings_that_require_each_other_are_refused() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        for (name, required) in [("a", "b"), ("b", "a"), ("c", "nothing")] {
            let mut offering = offering(name, &[]);
            offering["spec"]["requires"] = json!([required]);
            sim.create(&offering);
        }
        sim.settle().await;
        assert_eq!(offering_ready(&sim, "a"), "False RequiresCycle");
        assert!(
            fault(&sim, "b").contains("b → a → b"),
            "{}",
            fault(&sim, "b")
        );
        assert_eq!(offering_ready(&sim, "c"), "False RequirementNotFound");
        change(&sim, "b", json!({ "requires": [] }));
        sim.settle().await;
        assert_eq!(
            (
                offering_ready(&sim, "a").as_str(),
                offering_ready(&sim, "b").as_str()
            ),
            ("True Accepted", "True Accepted")
        );
    });
}

#[test]
fn a_missing_right_is_named_with_its_rule_and_healed_when_it_is_given() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&widgets_crd());
        sim.server.state().denied.insert("create widgets");
        sim.create(&offering("gadget", &[widget("it")]));
        sim.create(&customer(EMEA, "globex"));
        asks(&sim, json!([{ "name": "gadget" }]));
        sim.wait(seconds(20)).await;
        assert_eq!(offering_ready(&sim, "gadget"), "False RightsMissing");
        assert!(
            fault(&sim, "gadget")
                .ends_with("{apiGroups: [\"example.org\"], resources: [widgets], verbs: [create]}"),
            "{}",
            fault(&sim, "gadget")
        );
        assert_eq!(
            (state(&sim, "gadget").as_str(), ready(&sim).as_str()),
            ("Waiting", "True Settled")
        );
        sim.server.state().denied.clear();
        sim.wait(seconds(40)).await;
        assert_eq!(offering_ready(&sim, "gadget"), "True Accepted");
        assert_eq!(sim.names("widgets", GLOBEX), ["it"]);
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
    });
}

#[test]
fn what_other_operators_make_of_it_is_told() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&widgets_crd());
        sim.create(&offering("gadget", &[widget("it")]));
        sim.create(&customer(EMEA, "globex"));
        asks(&sim, json!([{ "name": "gadget" }]));
        sim.settle().await;
        assert_eq!(
            (
                &service(&sim, "gadget")["health"],
                services_ready(&sim).as_str()
            ),
            (&json!("Current"), "True Settled")
        );
        let says = |kind: &str, status: &str| {
            let status =
                json!({ "conditions": [{ "type": kind, "status": status, "message": "because" }] });
            sim.edit_as(
                "widgets-operator",
                "widgets",
                GLOBEX,
                "it",
                &json!({ "status": status }),
            );
        };
        for (kind, status, health, told) in [
            ("Ready", "False", "InProgress", "False Progressing"),
            ("Stalled", "True", "Failed", "False ServiceUnhealthy"),
            ("Ready", "True", "Current", "True Settled"),
        ] {
            says(kind, status);
            sim.settle().await;
            assert_eq!(
                (
                    &service(&sim, "gadget")["health"],
                    services_ready(&sim).as_str()
                ),
                (&json!(health), told)
            );
        }
        assert_eq!(ready(&sim), "True Settled");
    });
}

#[test]
fn a_kind_that_goes_takes_nothing_else_along() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.create(&widgets_crd());
        sim.create(&offering("gadget", &[widget("it")]));
        asks(&sim, json!([{ "name": "gadget" }, { "name": "web" }]));
        sim.settle().await;
        assert_eq!(sim.names("widgets", GLOBEX), ["it"]);
        sim.delete("customresourcedefinitions", "", "widgets.example.org");
        sim.wait(minutes(10)).await;
        assert_eq!(offering_ready(&sim, "gadget"), "False KindNotFound");
        assert_eq!(services_ready(&sim), "False OfferingNotReady");
        sim.edit(
            "configmaps",
            GLOBEX,
            "web",
            json!({ "data": { "size": "XXL" } }),
        );
        sim.create(&customer(EMEA, "initech"));
        sim.wait(minutes(1)).await;
        assert_eq!(sim.see("configmaps", GLOBEX, "web")["data"]["size"], "S");
        assert_eq!(sim.ready("customers", EMEA, "initech"), "True Settled");
        // Another operator process begins without it.
        sim.restart();
        sim.wait(minutes(2)).await;
        assert!(sim.health.borrow().ready().0);
        sim.create(&widgets_crd());
        sim.wait(minutes(12)).await;
        assert_eq!(
            (
                offering_ready(&sim, "gadget").as_str(),
                sim.names("widgets", GLOBEX)
            ),
            ("True Accepted", vec!["it".to_owned()])
        );
    });
}

#[test]
fn facts_that_were_removed_lose_no_service() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.annotate("namespaces", "", GLOBEX, "clientele.dev/services", None);
        sim.settle().await;
        change(&sim, "web", json!({ "manifests": [] }));
        sim.settle().await;
        assert_eq!(
            (maps(&sim), replicas(&sim)),
            (Vec::new(), None),
            "written down again, and pruned"
        );
        assert_eq!(state(&sim, "web"), "Active");
    });
}

#[test]
fn facts_that_were_removed_are_read_from_what_people_were_told() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        asks(&sim, Value::Null);
        sim.settle().await;
        assert_eq!(state(&sim, "web"), "Deleted");
        sim.annotate("namespaces", "", GLOBEX, "clientele.dev/services", None);
        sim.settle().await;
        sim.restart();
        sim.settle().await;
        assert_eq!(state(&sim, "web"), "Deleted", "once used, for ever listed");
    });
}
