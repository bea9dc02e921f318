//! Mail routes: which one a customer gets, who uses it, credentials that come late or wrong, and relays that fail.

use clientele::plan::observed::routes::RelayFault;
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, route, route_with_secret, secret};
use crate::scenes::{EMEA, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

fn routes(sim: &Sim, namespace: &str, name: &str) -> (Value, String) {
    let usable = sim.see("customers", namespace, name)["status"]["postalRoutes"].clone();
    (
        usable,
        sim.condition("customers", namespace, name, "RoutesReady"),
    )
}

#[test]
fn a_route_whose_secret_comes_later_is_used_as_soon_as_that_is_seen() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&route_with_secret(EMEA, "relay"));
        let mut globex = customer(EMEA, "globex");
        globex.spec.postal_routes = Some(vec!["relay".into()]);
        sim.create(&globex);
        sim.wait(seconds(20)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False SecretNotFound"
        );
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False NoUsableRoute"
        );
        sim.create(&secret(EMEA, "relay"));
        sim.wait(seconds(61)).await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(
            routes(&sim, EMEA, "globex"),
            (json!(["relay"]), "True Settled".to_owned())
        );
        assert_eq!(sim.names("rolebindings", EMEA), ["clientele-secrets"]);
    });
}

#[test]
fn a_secret_that_is_wrong_says_what_is_wrong_with_it() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mut opaque = secret(EMEA, "opaque");
        opaque["type"] = json!("Opaque");
        let mut empty = secret(EMEA, "empty");
        empty["data"] = json!({ "username": "cmVsYXk=" });
        for (name, secret) in [("opaque", opaque), ("empty", empty)] {
            sim.create(&secret);
            sim.create(&route_with_secret(EMEA, name));
        }
        sim.wait(seconds(5)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "opaque"),
            "False SecretWrongType"
        );
        assert_eq!(
            sim.ready("postalroutes", EMEA, "empty"),
            "False SecretKeysMissing"
        );
        sim.wait(minutes(60)).await;
        let reads = sim
            .calls_since(0)
            .into_iter()
            .filter(|call| call.resource.kind == "Secret")
            .count();
        assert!(reads < 2 * 80, "{reads} reads of two Secrets in an hour");
    });
}

#[test]
fn a_secret_that_goes_is_noticed_by_the_periodic_check() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&secret(EMEA, "relay"));
        sim.create(&route_with_secret(EMEA, "relay"));
        sim.settle().await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
        sim.delete("secrets", EMEA, "relay");
        sim.wait(minutes(11)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False SecretNotFound"
        );
    });
}

#[test]
fn the_nearest_route_of_a_name_wins_and_says_which_one_it_hides() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&partner(EMEA, "dach"));
        let mut above = route(EMEA, "relay");
        above.spec.inheritable = true;
        sim.create(&above);
        sim.settle().await;
        let mut globex = customer("partner-dach", "globex");
        globex.spec.postal_routes = Some(vec!["relay".into()]);
        sim.create(&globex);
        sim.settle().await;
        let used = |namespace: &str| {
            sim.see("postalroutes", namespace, "relay")["status"]["customers"].clone()
        };
        assert_eq!(used(EMEA), 1);
        assert_eq!(routes(&sim, "partner-dach", "globex").0, json!(["relay"]));

        sim.create(&route("partner-dach", "relay"));
        sim.settle().await;
        assert_eq!((used(EMEA), used("partner-dach")), (json!(0), json!(1)));
        let shadows = sim.see("postalroutes", "partner-dach", "relay")["status"]["shadows"].clone();
        assert!(
            shadows
                .as_str()
                .is_some_and(|shadows| shadows.contains(EMEA)),
            "{shadows}"
        );

        sim.delete("postalroutes", "partner-dach", "relay");
        sim.settle().await;
        assert_eq!(used(EMEA), 1);
        sim.spec(
            "postalroutes",
            EMEA,
            "relay",
            json!({ "inheritable": false }),
        );
        sim.settle().await;
        // It stays in force where it is in use, also for an operator that has seen nothing of before ...
        for restart in [false, true] {
            if restart {
                sim.restart();
                sim.settle().await;
            }
            assert_eq!(used(EMEA), 1);
            assert_eq!(routes(&sim, "partner-dach", "globex").0, json!(["relay"]));
            assert_eq!(
                sim.condition("customers", "partner-dach", "globex", "RoutesReady"),
                "False RouteWithdrawn"
            );
            assert_eq!(
                sim.ready("customers", "partner-dach", "globex"),
                "True Settled"
            );
        }
        // ... and nowhere else.
        let mut initech = customer("partner-dach", "initech");
        initech.spec.postal_routes = Some(vec!["relay".into()]);
        sim.create(&initech);
        sim.settle().await;
        let no_route = "False NoUsableRoute";
        assert_eq!(sim.ready("customers", "partner-dach", "initech"), no_route);
        // Who lets go of it has lost it.
        for list in [json!(["other"]), json!(["relay"])] {
            sim.spec(
                "customers",
                "partner-dach",
                "globex",
                json!({ "postalRoutes": list }),
            );
            sim.settle().await;
            assert_eq!(sim.ready("customers", "partner-dach", "globex"), no_route);
        }
    });
}

#[test]
fn a_route_that_is_one_of_two_can_go_with_a_word_about_it() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&route(EMEA, "one"));
        sim.create(&route(EMEA, "two"));
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "postalRoutes": ["one", "two"] }),
        );
        sim.settle().await;
        assert_eq!(routes(&sim, EMEA, "globex").0, json!(["one", "two"]));
        let only =
            |name: &str| sim.see("postalroutes", EMEA, name)["status"]["onlyRouteOf"].clone();
        assert_eq!((only("one"), only("two")), (json!(0), json!(0)));
        sim.delete("postalroutes", EMEA, "one");
        sim.settle().await;
        assert_eq!(
            routes(&sim, EMEA, "globex"),
            (json!(["two"]), "False RouteNotFound".to_owned())
        );
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(only("two"), 1);
    });
}

#[test]
fn the_partners_default_routes_are_live() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&route(EMEA, "one"));
        sim.create(&route(EMEA, "two"));
        for (defaults, expected) in [
            (json!(["one"]), json!(["one"])),
            (json!(["two", "one"]), json!(["two", "one"])),
            (Value::Null, Value::Null),
        ] {
            sim.spec(
                "partners",
                ROOT,
                "emea",
                json!({ "customerDefaults": { "postalRoutes": defaults } }),
            );
            sim.settle().await;
            assert_eq!(routes(&sim, EMEA, "globex").0, expected);
        }
    });
}

#[test]
fn a_relay_that_fails_is_tried_again_less_and_less_often_until_it_works() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let host = "smtp.relay.example";
        sim.relays
            .fail(host, RelayFault::Refused("connection refused".into()));
        sim.create(&route(EMEA, "relay"));
        sim.wait(minutes(30)).await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False RelayRefused"
        );
        let tried = sim.relays.tried().len();
        assert!((6..=12).contains(&tried), "tried {tried} times");
        // Customers have it on their list all the same: which one takes mail just now is for whoever sends.
        let accepted = sim.condition("postalroutes", EMEA, "relay", "Accepted");
        assert_eq!(accepted, "True Accepted");
        let mark = sim.mark();
        sim.wait(minutes(30)).await;
        sim.silent_since(mark);

        sim.relays.mend(host);
        sim.wait(minutes(16)).await;
        assert_eq!(sim.ready("postalroutes", EMEA, "relay"), "True RelayWorks");
    });
}

#[test]
fn a_relay_that_works_is_tried_again_every_few_hours_and_when_something_changes() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&secret(EMEA, "relay"));
        sim.create(&route_with_secret(EMEA, "relay"));
        sim.settle().await;
        let tried = || sim.relays.tried().len();
        assert_eq!(tried(), 1);
        sim.wait(minutes(3 * 60)).await;
        assert_eq!(tried(), 1);
        sim.wait(minutes(61)).await;
        assert_eq!(tried(), 2);
        // Another password is tried as soon as it is read.
        let mut other = secret(EMEA, "relay");
        other["data"]["password"] = json!("b3RoZXI=");
        sim.edit("secrets", EMEA, "relay", other);
        sim.wait(minutes(11)).await;
        let all = sim.relays.tried();
        let password = |at: usize| all[at].login.as_ref().map(|login| login.password.clone());
        assert_eq!((all.len(), password(2)), (3, Some("other".to_owned())));
        assert_ne!(password(1), password(2));
        // Another port at once, and so does a person's wish.
        sim.spec("postalroutes", EMEA, "relay", json!({ "port": 2525 }));
        sim.wait(seconds(2)).await;
        assert_eq!(
            sim.relays.tried().last().map(|relay| relay.port),
            Some(2525)
        );
        sim.annotate(
            "postalroutes",
            EMEA,
            "relay",
            "clientele.dev/reconcile-at",
            Some("now"),
        );
        sim.wait(seconds(2)).await;
        assert_eq!(tried(), 5);
    });
}

#[test]
fn an_operator_that_starts_tries_relays_anew_and_stops_no_mail_meanwhile() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&route(EMEA, "relay"));
        sim.settle().await;
        let mark = sim.mark();
        sim.restart();
        sim.settle().await;
        assert_eq!(sim.relays.tried().len(), 2);
        assert!(sim.writes_since(mark).is_empty());

        let tls = RelayFault::Tls("certificate expired".into());
        sim.relays.fail("smtp.relay.example", tls);
        sim.restart();
        sim.settle().await;
        assert_eq!(
            sim.ready("postalroutes", EMEA, "relay"),
            "False RelayTLSFailed"
        );
    });
}
