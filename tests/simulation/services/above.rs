//! What comes from above: offered along three levels, withdrawn and given back, included, on for everybody, shown or hidden.

use serde_json::{Value, json};

use super::{
    asks, change, maps, offers, phase, ready, replicas, replicas_in, service, services_message,
    services_ready, state, web, with_web,
};
use crate::people::{ROOT, customer, map_manifest, offering, partner};
use crate::scenes::{EMEA, GLOBEX, emea, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

const DACH: &str = "partner-dach";

fn withdrawn(sim: &Sim, above: &str, name: &str) -> Value {
    sim.see("partners", above, name)["status"]["withdrawn"].clone()
}

/// `emea`, `dach` below it, and a customer with `web` in each.
async fn two_levels(sim: &Sim) {
    with_web(sim).await;
    sim.create(&partner(EMEA, "dach"));
    sim.settle().await;
    let mut initech = json!(customer(DACH, "initech"));
    initech["spec"]["services"] = json!([{ "name": "web" }]);
    sim.create(&initech);
    sim.settle().await;
}

#[test]
fn a_withdrawal_stops_and_keeps_and_shows_and_its_return_starts_again() {
    story(Pacing::default(), |sim| async move {
        two_levels(&sim).await;
        offers(&sim, "emea", "Except", &["web"]).await;
        for tenant in [GLOBEX, "dach--initech"] {
            assert_eq!(replicas_in(&sim, tenant), Some(0), "{tenant}");
            assert_eq!(sim.names("persistentvolumeclaims", tenant), ["web"]);
            assert!(sim.find("configmaps", tenant, "web").is_some(), "{tenant}");
        }
        let told = service(&sim, "web");
        assert_eq!(
            (
                &told["state"],
                &told["blockedBy"],
                &told["objects"],
                &told["withdrawn"]
            ),
            (&json!("Denied"), &json!("emea"), &json!(3), &json!(true))
        );
        assert_eq!(
            (ready(&sim).as_str(), services_ready(&sim).as_str()),
            ("True Settled", "False ServiceWithdrawn")
        );
        assert_eq!(phase(&sim), "TrialEnd");
        let both = json!([{ "service": "web", "customers": 2 }]);
        assert_eq!(withdrawn(&sim, ROOT, "emea"), both);
        assert_eq!(
            withdrawn(&sim, EMEA, "dach"),
            json!([{ "service": "web", "customers": 1 }])
        );
        let card = sim.see("configmaps", DACH, "partner")["data"].clone();
        assert_eq!(
            (&card["services"], &card["servicesRefused"]),
            (&json!(""), &json!("web: not offered by partner emea\n"))
        );
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);

        offers(&sim, "emea", "All", &[]).await;
        assert_eq!(
            (replicas(&sim), state(&sim, "web").as_str()),
            (Some(2), "Active")
        );
        assert_eq!(replicas_in(&sim, "dach--initech"), Some(2));
        assert_eq!(
            (withdrawn(&sim, ROOT, "emea"), phase(&sim).as_str()),
            (Value::Null, "Active")
        );
        assert_eq!(
            sim.see("partners", EMEA, "dach")["status"]["services"],
            json!(["web"])
        );
    });
}

#[test]
fn nothing_below_lifts_a_ceiling() {
    story(Pacing::default(), |sim| async move {
        two_levels(&sim).await;
        offers(&sim, "emea", "Only", &["dns"]).await;
        offers(&sim, "dach", "Only", &["web"]).await;
        let status = sim.see("customers", DACH, "initech")["status"].clone();
        assert_eq!(
            (
                &status["services"][0]["state"],
                &status["services"][0]["blockedBy"]
            ),
            (&json!("Denied"), &json!("emea"))
        );
        offers(&sim, "emea", "All", &[]).await;
        offers(&sim, "dach", "Except", &["web"]).await;
        assert_eq!(replicas_in(&sim, "dach--initech"), Some(0));
        assert_eq!(replicas(&sim), Some(2), "beside it nothing happens");
        assert_eq!(
            withdrawn(&sim, ROOT, "emea"),
            Value::Null,
            "emea still offers it"
        );
    });
}

#[test]
fn what_was_never_granted_is_told_and_the_rest_stands() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.create(&offering("dns", &[map_manifest("dns", &json!({}))]));
        offers(&sim, "emea", "Only", &["web"]).await;
        asks(
            &sim,
            json!([{ "name": "web" }, { "name": "dns" }, { "name": "nothing" }]),
        );
        sim.settle().await;
        assert_eq!(ready(&sim), "False ServiceNotOffered");
        assert_eq!(
            (state(&sim, "dns").as_str(), maps(&sim)),
            ("Denied", vec!["web".to_owned()])
        );
        assert_eq!(replicas(&sim), Some(2));
        assert_eq!(withdrawn(&sim, ROOT, "emea"), Value::Null);
        offers(&sim, "emea", "All", &[]).await;
        assert_eq!(
            (ready(&sim).as_str(), maps(&sim)),
            (
                "False ServiceNotFound",
                vec!["dns".to_owned(), "web".to_owned()]
            )
        );
    });
}

#[test]
fn after_a_withdrawal_objects_are_pruned_when_the_offering_says_so_and_not_before() {
    story(Pacing::default(), |sim| async move {
        two_levels(&sim).await;
        change(&sim, "web", json!({ "pruneAfter": "2h" }));
        let begun = sim.server.now();
        offers(&sim, "emea", "Except", &["web"]).await;
        let told = service(&sim, "web")["removeAt"].clone();
        let at: jiff::Timestamp = told.as_str().expect("a time").parse().expect("a time");
        assert!(
            (at.duration_since(begun).as_secs() - 7200).abs() <= 2,
            "{at}"
        );
        let told = services_message(&sim);
        assert!(told.contains(&format!("is deleted at {at}")), "{told}");
        let left = at.duration_since(sim.server.now()).unsigned_abs();
        sim.restart();
        sim.wait(left - seconds(2)).await;
        assert_eq!(maps(&sim), ["web"]);
        sim.wait(seconds(3)).await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
        sim.settle().await;
        assert_eq!(sim.names("persistentvolumeclaims", GLOBEX), ["web"]);
        let told = services_message(&sim);
        assert!(
            told.contains("claims to storage are all that is left of it"),
            "{told}"
        );
        assert_eq!(
            (
                &service(&sim, "web")["objects"],
                &service(&sim, "web")["removeAt"]
            ),
            (&json!(1), &Value::Null)
        );
        assert_eq!(
            sim.see("serviceofferings", "", "web")["status"]["customers"],
            0
        );
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
        offers(&sim, "emea", "All", &[]).await;
        assert_eq!(
            (maps(&sim), replicas(&sim)),
            (vec!["web".to_owned()], Some(2))
        );
    });
}

#[test]
fn plans_include_and_offerings_are_on_for_everybody() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&web());
        let mut dns = offering(
            "dns",
            &[map_manifest("dns", &json!({ "plan": "${plan.name}" }))],
        );
        dns["spec"]["autoEnable"] = json!(true);
        sim.create(&dns);
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "services": ["web"] }),
        );
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        let source = |name: &str| service(&sim, name)["source"].clone();
        assert_eq!(
            (source("web"), source("dns")),
            (json!("Plan"), json!("AutoEnable"))
        );
        assert_eq!(
            sim.see("configmaps", GLOBEX, "dns")["data"]["plan"],
            "business"
        );
        asks(&sim, json!([{ "name": "dns", "activation": "Inactive" }]));
        sim.settle().await;
        assert_eq!(
            (state(&sim, "dns").as_str(), replicas(&sim)),
            ("Deleted", Some(2))
        );
        // The plan's object goes, which is nobody's wish.
        sim.delete("serviceplans", "", "business");
        sim.settle().await;
        assert_eq!(
            (state(&sim, "web").as_str(), replicas(&sim)),
            ("Active", Some(2))
        );
    });
}

#[test]
fn what_is_shown_comes_from_the_nearest_who_says_so() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        let shown = |sim: &Sim| {
            service(sim, "web")["visibility"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(shown(&sim), "Visible");
        change(&sim, "web", json!({ "visibility": "Hidden" }));
        sim.settle().await;
        assert_eq!(shown(&sim), "Hidden");
        sim.spec(
            "partners",
            ROOT,
            "emea",
            json!({ "visibility": [{ "name": "web", "visibility": "Visible" }] }),
        );
        sim.settle().await;
        assert_eq!(shown(&sim), "Visible");
        asks(&sim, json!([{ "name": "web", "visibility": "Hidden" }]));
        sim.settle().await;
        sim.spec("partners", ROOT, "emea", json!({ "visibility": [] }));
        change(&sim, "web", json!({ "visibility": "Visible" }));
        sim.settle().await;
        assert_eq!((shown(&sim).as_str(), replicas(&sim)), ("Hidden", Some(2)));
    });
}
