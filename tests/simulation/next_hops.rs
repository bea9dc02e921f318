//! The name of its own that each route has in the cluster's DNS, and relays given by address, which have none.

use serde_json::{Value, json};

use crate::people::route;
use crate::scenes::{EMEA, emea, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

/// A route to a relay at an address.
fn route_to(sim: &Sim, name: &str, host: &str) {
    let mut route = route(EMEA, name);
    route.spec.host = host.to_owned();
    sim.create(&route);
}

fn next_hop(sim: &Sim) -> Value {
    sim.see("services", EMEA, "relay")
}

#[test]
fn a_route_has_a_next_hop_of_its_own_for_one_write_and_stays_silent() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mark = sim.mark();
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        let service = next_hop(&sim);
        assert_eq!(
            service["spec"],
            json!({ "type": "ExternalName", "externalName": "smtp.relay.example", "sessionAffinity": "None" })
        );
        let labels = &service["metadata"]["labels"];
        assert_eq!(labels["clientele.dev/route"], "relay");
        assert_eq!(labels["clientele.dev/partner"], "emea");
        let written = |mark| {
            let all = sim.writes_since(mark).into_iter();
            all.filter(|call| call.resource.kind == "Service").count()
        };
        assert_eq!(written(mark), 1, "{:?}", sim.tally(mark));
        let mark = sim.mark();
        sim.restart();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
        // The host is the route's.
        sim.spec(
            "postalroutes",
            EMEA,
            "relay",
            json!({ "host": "other.relay.example" }),
        );
        sim.settle().await;
        assert_eq!(
            next_hop(&sim)["spec"]["externalName"],
            "other.relay.example"
        );
        assert_eq!(written(mark), 1, "{:?}", sim.tally(mark));
    });
}

#[test]
fn a_next_hop_that_somebody_changes_is_put_right() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        let parts = |service: Value| {
            let metadata = &service["metadata"];
            (
                service["spec"].clone(),
                metadata["labels"].clone(),
                metadata["ownerReferences"].clone(),
            )
        };
        let before = parts(next_hop(&sim));
        let another = json!([{ "apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": sim.see("namespaces", "", "default")["metadata"]["uid"] }]);
        for patch in [
            json!({ "spec": { "externalName": "relay.mallory.example" } }),
            json!({ "spec": { "type": "ClusterIP" } }),
            json!({ "spec": { "ports": [{ "port": 25 }] } }),
            json!({ "metadata": { "labels": { "clientele.dev/route": "other" } } }),
            json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": null } } }),
            json!({ "metadata": { "ownerReferences": null } }),
            json!({ "metadata": { "ownerReferences": another } }),
        ] {
            sim.edit("services", EMEA, "relay", patch.clone());
            sim.settle().await;
            assert_eq!(parts(next_hop(&sim)), before, "{patch}");
        }
        sim.delete("services", EMEA, "relay");
        sim.settle().await;
        assert_eq!(parts(next_hop(&sim)), before);
    });
}

#[test]
fn a_next_hop_goes_with_its_route_and_when_that_gets_an_address() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        let owner = |sim: &Sim| next_hop(sim)["metadata"]["ownerReferences"][0]["uid"].clone();
        let mark = sim.mark();
        sim.delete("postalroutes", EMEA, "relay");
        sim.settle().await;
        assert!(sim.names("services", EMEA).is_empty());
        let written = sim.writes_since(mark);
        assert!(
            written.iter().all(|call| call.resource.kind != "Service"),
            "{:?}",
            sim.tally(mark)
        );
        // Also one that is made anew before the old one's is gone.
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        sim.delete("postalroutes", EMEA, "relay");
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        let route = sim.see("postalroutes", EMEA, "relay");
        assert_eq!(owner(&sim), route["metadata"]["uid"]);

        sim.spec(
            "postalroutes",
            EMEA,
            "relay",
            json!({ "host": "203.0.113.25" }),
        );
        sim.settle().await;
        assert!(sim.names("services", EMEA).is_empty());
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        sim.spec(
            "postalroutes",
            EMEA,
            "relay",
            json!({ "host": "smtp.relay.example" }),
        );
        sim.settle().await;
        assert_eq!(sim.names("services", EMEA), ["relay"]);
    });
}

#[test]
fn a_service_of_somebody_elses_is_never_taken_over_and_the_route_says_what_to_do() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let theirs = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "relay", "namespace": EMEA },
            "spec": { "type": "ClusterIP", "selector": { "app": "relay" } },
        });
        sim.create(&theirs);
        let before = next_hop(&sim);
        sim.create(&route(EMEA, "relay"));
        sim.wait(minutes(1)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False NextHopTaken"
        );
        assert_eq!(
            sim.condition("postalroutes", EMEA, "relay", "Stalled"),
            "True NextHopTaken"
        );
        assert_eq!(next_hop(&sim), before);
        // One that lasts is no reason to call all the time.
        sim.wait(minutes(20)).await;
        let mark = sim.mark();
        sim.wait(minutes(30)).await;
        let tries = sim.calls_since(mark).len();
        assert!((1..=8).contains(&tries), "{tries} tries in half an hour");
        sim.delete("services", EMEA, "relay");
        sim.wait(minutes(6)).await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        assert_eq!(next_hop(&sim)["spec"]["type"], "ExternalName");
    });
}

#[test]
fn of_two_routes_to_one_address_only_the_older_is_used() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        route_to(&sim, "older", "203.0.113.25");
        sim.wait(seconds(2)).await;
        route_to(&sim, "newer", "203.0.113.25");
        let mut elsewhere = route(EMEA, "elsewhere");
        elsewhere.spec.host = "203.0.113.25".to_owned();
        elsewhere.spec.port = 2525;
        sim.create(&elsewhere);
        sim.settle().await;
        let ready = |name: &str| sim.ready("postalroutes", EMEA, name);
        assert_eq!(ready("older"), "True RelayWorks");
        assert_eq!(ready("elsewhere"), "True RelayWorks");
        assert_eq!(ready("newer"), "False AddressShared");
        assert_eq!(
            sim.condition("postalroutes", EMEA, "newer", "Accepted"),
            "False AddressShared"
        );
        assert!(sim.names("services", EMEA).is_empty());

        sim.spec("postalroutes", EMEA, "older", json!({ "port": 465 }));
        sim.settle().await;
        assert_eq!(
            (ready("older"), ready("newer")),
            ("True RelayWorks".into(), "True RelayWorks".into())
        );
        // Back again it is still the older one.
        sim.spec("postalroutes", EMEA, "older", json!({ "port": 587 }));
        sim.settle().await;
        assert_eq!(
            (ready("older"), ready("newer")),
            ("True RelayWorks".into(), "False AddressShared".into())
        );
        sim.restart();
        sim.settle().await;
        assert_eq!(ready("newer"), "False AddressShared");
        sim.delete("postalroutes", EMEA, "older");
        sim.settle().await;
        assert_eq!(ready("newer"), "True RelayWorks");
    });
}
