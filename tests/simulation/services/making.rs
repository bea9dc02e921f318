//! Objects of services are made as rendered, put right, and pruned by what is written down.

use serde_json::{Value, json};

use super::{asks, change, maps, ready, replicas, service, services_ready, state, web, with_web};
use crate::people::{customer, deployment_manifest, map_manifest, offering};
use crate::scenes::{EMEA, GLOBEX, emea, minutes, seconds};
use crate::server::Pacing;
use crate::sim::story;

#[test]
fn a_service_is_put_in_as_its_parameters_say_and_then_all_is_quiet() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&web());
        sim.settle().await;
        assert_eq!(sim.ready("serviceofferings", "", "web"), "True Accepted");
        let mut globex = json!(customer(EMEA, "globex"));
        globex["spec"]["services"] = json!([{ "name": "web", "parameters": { "size": "M" } }]);
        let mark = sim.mark();
        sim.create(&globex);
        sim.settle().await;
        let tally = sim.tally(mark);
        for (what, times) in [
            ("Create namespaces emea--globex", 1),
            ("Apply configmaps emea--globex/web", 1),
            ("Apply deployments emea--globex/web", 1),
            ("Apply persistentvolumeclaims emea--globex/web", 1),
            // Their UIDs are written down together.
            ("Merge namespaces emea--globex", 1),
        ] {
            assert_eq!(tally.get(what), Some(&times), "{what}: {tally:?}");
        }
        let map = sim.see("configmaps", GLOBEX, "web");
        assert_eq!(map["data"], json!({ "size": "M", "who": "is globex" }));
        let labels = &map["metadata"]["labels"];
        let uid = &sim.see("customers", EMEA, "globex")["metadata"]["uid"];
        assert_eq!(
            (
                &labels["clientele.dev/service"],
                &labels["clientele.dev/customer-uid"]
            ),
            (&json!("web"), uid)
        );
        assert!(labels["app.kubernetes.io/managed-by"].is_null());
        let told = service(&sim, "web");
        assert_eq!(
            (
                &told["state"],
                &told["source"],
                &told["objects"],
                &told["health"]
            ),
            (
                &json!("Active"),
                &json!("Customer"),
                &json!(3),
                &json!("InProgress")
            )
        );
        assert_eq!(
            (ready(&sim).as_str(), services_ready(&sim).as_str()),
            ("True Settled", "False Progressing")
        );
        let card = sim.see("configmaps", GLOBEX, "customer")["data"].clone();
        assert_eq!(card["services"], "web");
        let about: Value =
            serde_json::from_str(card["service.web"].as_str().expect("a text")).expect("JSON");
        assert_eq!(about["parameters"], json!({ "size": "M" }));
        assert_eq!(
            sim.see("serviceofferings", "", "web")["status"]["customers"],
            1
        );

        let mark = sim.mark();
        sim.wait(minutes(120)).await;
        sim.silent_since(mark);
        sim.restart();
        let mark = sim.mark();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
    });
}

#[test]
fn what_others_change_of_it_is_put_right_and_what_they_add_is_left_alone() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let edit = |plural: &str, patch: Value| sim.edit(plural, GLOBEX, "web", patch);
        edit("configmaps", json!({ "data": { "size": "XXL" } }));
        edit(
            "deployments",
            json!({ "spec": { "replicas": 9 }, "metadata": { "labels": { "clientele.dev/service": "none" } } }),
        );
        sim.settle().await;
        assert_eq!(sim.see("configmaps", GLOBEX, "web")["data"]["size"], "S");
        let mark = sim.mark();
        edit(
            "configmaps",
            json!({ "metadata": { "annotations": { "theirs": "x" } }, "data": { "added": "y" } }),
        );
        sim.settle().await;
        sim.silent_since(mark);
        assert_eq!(sim.see("configmaps", GLOBEX, "web")["data"]["added"], "y");
        sim.delete("configmaps", GLOBEX, "web");
        sim.settle().await;
        assert_eq!(maps(&sim), ["web"]);
        // Whatever its UID is now, it can still be pruned.
        change(&sim, "web", json!({ "manifests": [] }));
        sim.settle().await;
        assert_eq!(maps(&sim), [""; 0]);
    });
}

#[test]
fn what_is_no_longer_rendered_goes_but_claims_to_storage_stay() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        // With the labels of a service, but nobody wrote it down.
        let labels = sim.see("configmaps", GLOBEX, "web")["metadata"]["labels"].clone();
        sim.create(&json!({ "kind": "ConfigMap", "metadata": { "name": "other", "namespace": GLOBEX, "labels": labels } }));
        let manifests = json!([{ "object": map_manifest("next", &json!({})) }]);
        change(&sim, "web", json!({ "manifests": manifests }));
        sim.settle().await;
        assert_eq!(maps(&sim), ["next", "other"]);
        assert_eq!(replicas(&sim), None);
        assert_eq!(sim.names("persistentvolumeclaims", GLOBEX), ["web"]);
        assert_eq!(service(&sim, "web")["objects"], 2);
    });
}

#[test]
fn a_change_of_an_offering_is_one_write_for_each_object_it_changes() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&web());
        let names: Vec<String> = (0..20).map(|number| format!("c{number}")).collect();
        for name in &names {
            let mut customer = json!(customer(EMEA, name));
            customer["spec"]["services"] = json!([{ "name": "web" }]);
            sim.create(&customer);
        }
        sim.settle().await;
        let mark = sim.mark();
        let mut manifests = web()["spec"]["manifests"].clone();
        manifests[0]["object"]["data"]["motto"] = json!("new");
        change(&sim, "web", json!({ "manifests": manifests }));
        sim.settle().await;
        for name in &names {
            assert_eq!(
                sim.see("configmaps", &format!("emea--{name}"), "web")["data"]["motto"],
                "new"
            );
        }
        let mut writes = sim.writes_since(mark);
        writes.retain(|call| call.resource.plural != "serviceofferings");
        assert_eq!(writes.len(), names.len(), "{:?}", sim.tally(mark));
    });
}

#[test]
fn an_object_that_is_somebody_elses_is_left_alone_and_told() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        let theirs = json!({ "kind": "ConfigMap", "metadata": { "name": "web", "namespace": GLOBEX }, "data": { "theirs": "x" } });
        sim.create(&theirs);
        sim.create(&web());
        asks(&sim, json!([{ "name": "web" }]));
        sim.wait(minutes(5)).await;
        assert_eq!(
            sim.see("configmaps", GLOBEX, "web")["data"],
            json!({ "theirs": "x" })
        );
        assert_eq!(replicas(&sim), Some(2), "the rest stands");
        assert_eq!(
            (ready(&sim).as_str(), services_ready(&sim).as_str()),
            ("False ServiceConflict", "False ServiceConflict")
        );
        assert_eq!(service(&sim, "web")["health"], "Refused");
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        let tries = sim.writes_since(mark).len();
        assert!(tries < 10, "{tries} tries in an hour");
        sim.delete("configmaps", GLOBEX, "web");
        sim.annotate(
            "customers",
            EMEA,
            "globex",
            "clientele.dev/reconcile-at",
            Some("now"),
        );
        sim.settle().await;
        assert_eq!(
            sim.see("configmaps", GLOBEX, "web")["data"]["who"],
            "is globex"
        );
        assert_eq!(ready(&sim), "True Settled");
    });
}

#[test]
fn two_services_do_not_fight_over_a_name() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.create(&offering(
            "wiki",
            &[
                map_manifest("web", &json!({ "of": "wiki" })),
                map_manifest("wiki", &json!({})),
            ],
        ));
        asks(&sim, json!([{ "name": "web" }, { "name": "wiki" }]));
        sim.settle().await;
        assert_eq!(
            sim.see("configmaps", GLOBEX, "web")["data"]["who"],
            "is globex"
        );
        assert_eq!(maps(&sim), ["web", "wiki"]);
        assert_eq!(services_ready(&sim), "False ServiceConflict");
        asks(&sim, json!([{ "name": "wiki" }]));
        change(&sim, "web", json!({ "onStop": "Delete" }));
        sim.settle().await;
        assert_eq!(
            sim.see("configmaps", GLOBEX, "web")["data"],
            json!({ "of": "wiki" })
        );
        assert_eq!(
            (ready(&sim).as_str(), state(&sim, "web").as_str()),
            ("True Settled", "Deleted")
        );
    });
}

#[test]
fn parameters_that_do_not_fit_are_told_and_what_there_is_stays() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let mark = sim.mark();
        asks(
            &sim,
            json!([{ "name": "web", "parameters": { "size": "XXL" } }]),
        );
        sim.settle().await;
        assert_eq!(ready(&sim), "False ServiceParametersInvalid");
        assert!(
            sim.writes_since(mark)
                .iter()
                .all(|call| call.resource.plural != "deployments")
        );
        assert_eq!(replicas(&sim), Some(2));
        asks(
            &sim,
            json!([{ "name": "web", "parameters": { "size": "L" } }]),
        );
        sim.settle().await;
        assert_eq!(
            (
                ready(&sim).as_str(),
                &sim.see("configmaps", GLOBEX, "web")["data"]["size"]
            ),
            ("True Settled", &json!("L"))
        );
    });
}

#[test]
fn what_the_server_spells_otherwise_is_no_drift() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let mut deployment = deployment_manifest("web", 2);
        // An empty map is dropped where it is stored.
        deployment["metadata"]["annotations"] = json!({});
        deployment["spec"]["strategy"] = Value::Null;
        change(
            &sim,
            "web",
            json!({ "manifests": [{ "object": deployment }] }),
        );
        sim.settle().await;
        let mark = sim.mark();
        sim.wait(seconds(900)).await;
        sim.silent_since(mark);
        sim.restart();
        let mark = sim.mark();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
    });
}
