//! A service's own life: tried, paused, removed, waiting for another; and what that makes of the customer.

use serde_json::{Value, json};

use super::{
    asks, change, maps, offers, phase, ready, replicas, service, services_ready, state, web,
    with_web,
};
use crate::people::{customer, map_manifest, offering};
use crate::scenes::{EMEA, GLOBEX, emea, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

fn in_an_hour(sim: &Sim) -> String {
    let at = sim.server.now() + jiff::SignedDuration::from_hours(1);
    jiff::Timestamp::from_second(at.as_second())
        .expect("a time")
        .to_string()
}

#[test]
fn a_services_trial_ends_to_the_second_and_stops_only_that_service() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.create(&offering("dns", &[map_manifest("dns", &json!({}))]));
        let end = in_an_hour(&sim);
        let trial = json!([{ "name": "web", "activation": "Trial", "trialEndsAt": end }, { "name": "dns" }]);
        asks(&sim, trial);
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), phase(&sim).as_str()),
            ("Trial", "Active")
        );
        let end: jiff::Timestamp = end.parse().expect("a time");
        sim.wait(end.duration_since(sim.server.now()).unsigned_abs() - seconds(1))
            .await;
        assert_eq!(replicas(&sim), Some(2), "a second before the end");
        sim.wait(seconds(2)).await;
        assert_eq!(replicas(&sim), Some(0), "a second after the end");
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), state(&sim, "dns").as_str()),
            ("TrialEnd", "Active")
        );
        assert_eq!(ready(&sim), "True Settled");
        let mark = sim.mark();
        sim.wait(minutes(600)).await;
        sim.silent_since(mark);
        asks(&sim, json!([{ "name": "web" }, { "name": "dns" }]));
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Active", Some(2))
        );
    });
}

#[test]
fn the_phase_follows_from_the_services() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&web());
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        assert_eq!(
            (phase(&sim).as_str(), services_ready(&sim).as_str()),
            ("Preparation", "True NoServices")
        );
        for (activation, wanted) in [
            ("Inactive", "Preparation"),
            ("Trial", "Trial"),
            ("Active", "Active"),
            ("Paused", "TrialEnd"),
            ("Active", "Active"),
            ("Inactive", "TrialEnd"),
        ] {
            asks(&sim, json!([{ "name": "web", "activation": activation }]));
            sim.settle().await;
            assert_eq!(phase(&sim), wanted, "{activation}");
        }
        assert_eq!(state(&sim, "web"), "Deleted");
    });
}

#[test]
fn a_pause_stops_what_runs_and_its_end_starts_it_again() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let mark = sim.mark();
        asks(&sim, json!([{ "name": "web", "activation": "Paused" }]));
        sim.settle().await;
        assert_eq!(
            (replicas(&sim), maps(&sim)),
            (Some(0), vec!["web".to_owned()])
        );
        assert_eq!(
            sim.tally(mark).get("Apply deployments emea--globex/web"),
            Some(&1)
        );
        // Nobody starts it past the pause.
        sim.edit(
            "deployments",
            GLOBEX,
            "web",
            json!({ "spec": { "replicas": 3 } }),
        );
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(0));
        let mark = sim.mark();
        asks(&sim, json!([{ "name": "web" }]));
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(2));
        assert_eq!(
            sim.tally(mark).get("Apply deployments emea--globex/web"),
            Some(&1)
        );
    });
}

#[test]
fn what_an_autoscaler_governs_is_given_back_to_it() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let mut manifests = web()["spec"]["manifests"].clone();
        manifests[1]["object"]["spec"]
            .as_object_mut()
            .expect("a spec")
            .remove("replicas");
        change(&sim, "web", json!({ "manifests": manifests }));
        sim.settle().await;
        sim.edit_as(
            "autoscaler",
            "deployments",
            GLOBEX,
            "web",
            &json!({ "spec": { "replicas": 7 } }),
        );
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(7), "not ours");
        asks(&sim, json!([{ "name": "web", "activation": "Paused" }]));
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(0));
        asks(&sim, json!([{ "name": "web" }]));
        sim.settle().await;
        assert_eq!(replicas(&sim), None, "the API server fills in 1");
        let mark = sim.mark();
        sim.wait(minutes(10)).await;
        sim.silent_since(mark);
    });
}

#[test]
fn on_stop_deletes_or_keeps_where_the_offering_says_so() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        change(&sim, "web", json!({ "onStop": "Keep" }));
        sim.settle().await;
        asks(&sim, json!([{ "name": "web", "activation": "Paused" }]));
        sim.settle().await;
        assert_eq!(
            (replicas(&sim), maps(&sim)),
            (Some(2), vec!["web".to_owned()])
        );
        asks(&sim, json!([{ "name": "web" }]));
        offers(&sim, "emea", "Except", &["web"]).await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Denied", Some(2)),
            "a withdrawal takes no more than a pause"
        );
        offers(&sim, "emea", "All", &[]).await;
        asks(&sim, json!([{ "name": "web", "activation": "Paused" }]));
        change(&sim, "web", json!({ "onStop": "Delete" }));
        sim.settle().await;
        assert_eq!((replicas(&sim), maps(&sim)), (None, Vec::new()));
        assert_eq!(sim.names("persistentvolumeclaims", GLOBEX), ["web"]);
        asks(&sim, json!([{ "name": "web" }]));
        sim.settle().await;
        assert_eq!(
            (replicas(&sim), maps(&sim)),
            (Some(2), vec!["web".to_owned()])
        );
    });
}

#[test]
fn a_service_waits_for_what_it_requires_and_comes_after_it() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let mut wiki = offering("wiki", &[map_manifest("wiki", &json!({}))]);
        wiki["spec"]["requires"] = json!(["dns"]);
        sim.create(&offering("dns", &[map_manifest("dns", &json!({}))]));
        sim.create(&wiki);
        asks(&sim, json!([{ "name": "wiki" }]));
        sim.settle().await;
        assert_eq!(
            (
                state(&sim, "wiki").as_str(),
                &service(&sim, "wiki")["blockedBy"]
            ),
            ("Waiting", &json!("dns"))
        );
        assert_eq!(services_ready(&sim), "False ServiceWaiting");
        let mark = sim.mark();
        asks(&sim, json!([{ "name": "dns" }, { "name": "wiki" }]));
        sim.settle().await;
        let writes = sim.writes_since(mark);
        let at = |name: &str| {
            writes
                .iter()
                .position(|call| call.name == name && call.resource.plural == "configmaps")
        };
        assert!(at("dns").expect("made") < at("wiki").expect("made"));
        assert_eq!(
            (state(&sim, "wiki").as_str(), ready(&sim).as_str()),
            ("Active", "True Settled")
        );
    });
}

#[test]
fn a_service_removed_after_use_stays_listed_and_another_customer_of_the_name_gets_it_back() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        asks(&sim, Value::Null);
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Deleted", Some(0))
        );
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        let mut again = json!(customer(EMEA, "globex"));
        again["spec"]["services"] = json!([{ "name": "web" }]);
        sim.create(&again);
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Active", Some(2))
        );
        let uid = sim.see("customers", EMEA, "globex")["metadata"]["uid"].clone();
        for plural in ["configmaps", "deployments", "persistentvolumeclaims"] {
            let labels = sim.see(plural, GLOBEX, "web")["metadata"]["labels"].clone();
            assert_eq!(labels["clientele.dev/customer-uid"], uid, "{plural}");
        }
        change(&sim, "web", json!({ "manifests": [] }));
        sim.settle().await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
    });
}

#[test]
fn what_is_to_be_pruned_of_a_customer_made_again_is_pruned() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        change(&sim, "web", json!({ "manifests": [] }));
        sim.settle().await;
        assert_eq!(maps(&sim), ["web"], "nobody's customer is left alone");
        let mut again = json!(customer(EMEA, "globex"));
        again["spec"]["services"] = json!([{ "name": "web" }]);
        sim.create(&again);
        sim.settle().await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
    });
}

#[test]
fn what_is_out_of_use_of_a_customer_made_again_is_still_its_own_to_prune() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        asks(&sim, Value::Null);
        sim.settle().await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        assert_eq!(state(&sim, "web"), "Deleted");
        assert_eq!(maps(&sim), ["web"]);
        // A restart, so that only what is written down tells whose it was.
        sim.restart();
        sim.settle().await;
        change(&sim, "web", json!({ "pruneAfter": "1s" }));
        sim.wait(seconds(10)).await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
    });
}

#[test]
fn what_a_stopped_service_keeps_is_no_other_services_to_take() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let map = map_manifest("web", &json!({ "of": "wiki" }));
        sim.create(&offering("wiki", &[map]));
        for on_stop in ["Scale", "Keep"] {
            change(&sim, "web", json!({ "onStop": on_stop }));
            asks(
                &sim,
                json!([{ "name": "web", "activation": "Paused" }, { "name": "wiki" }]),
            );
            sim.settle().await;
            let map = sim.see("configmaps", GLOBEX, "web");
            assert_eq!(map["data"]["who"], "is globex", "{on_stop}");
            assert_eq!(ready(&sim), "False ServiceConflict", "{on_stop}");
            asks(&sim, json!([{ "name": "web" }]));
            sim.settle().await;
            assert_eq!(ready(&sim), "True Settled", "{on_stop}");
        }
        // Nor what stays because its parameters do not fit any more.
        asks(
            &sim,
            json!([{ "name": "web", "parameters": { "size": "XXL" } }, { "name": "wiki" }]),
        );
        sim.settle().await;
        let map = sim.see("configmaps", GLOBEX, "web");
        assert_eq!(map["data"]["who"], "is globex");
    });
}

#[test]
fn a_pod_on_its_own_goes_when_its_service_stops_and_comes_back_with_it() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "shell" },
            "spec": { "containers": [{ "name": "a", "image": "example/a" }] } });
        let map = map_manifest("shell", &json!({}));
        sim.create(&offering("shell", &[pod, map]));
        sim.create(&customer(EMEA, "globex"));
        for (activation, pods) in [("Active", 1), ("Paused", 0), ("Active", 1)] {
            asks(&sim, json!([{ "name": "shell", "activation": activation }]));
            sim.settle().await;
            assert_eq!(sim.names("pods", GLOBEX).len(), pods, "{activation}");
            assert_eq!(maps(&sim), ["shell"]);
        }
    });
}

#[test]
fn while_a_customer_is_stopped_its_services_start_nothing_and_are_not_called_unwell() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "shell" },
            "spec": { "containers": [{ "name": "a", "image": "example/a" }] } });
        sim.create(&offering("shell", &[pod]));
        asks(&sim, json!([{ "name": "web" }, { "name": "shell" }]));
        sim.settle().await;
        assert_eq!(sim.names("pods", GLOBEX), ["shell"]);
        let trial = |trial| sim.spec("customers", EMEA, "globex", json!({ "trial": trial }));
        trial(json!({ "endsAt": "2026-01-01T00:00:00Z" }));
        sim.settle().await;
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
        assert_eq!(sim.names("pods", GLOBEX), [""; 0]);
        assert_eq!(replicas(&sim), Some(2), "specs are left alone");
        assert_eq!(
            (ready(&sim).as_str(), services_ready(&sim).as_str()),
            ("True TrialEnded", "True Settled")
        );
        trial(json!({ "endsAt": null, "mode": "None" }));
        sim.settle().await;
        assert_eq!(sim.names("pods", GLOBEX), ["shell"]);
        assert_eq!(services_ready(&sim), "False Progressing");
    });
}
