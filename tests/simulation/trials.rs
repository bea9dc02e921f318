//! Trials end to the second, whoever is looking, and only once.

use clientele::api::{CustomerDefaults, Role, TrialDefault, TrialSpec};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, plan, user};
use crate::scenes::{EMEA, GLOBEX, emea, minutes, seconds};
use crate::server::Pacing;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

/// A partner whose customers start with a trial of two days.
pub async fn with_default(sim: &Sim) {
    sim.start();
    sim.wait(seconds(1)).await;
    sim.create(&plan("business"));
    let mut emea = partner(ROOT, "emea");
    let defaults = emea.spec.customer_defaults.take();
    emea.spec.customer_defaults = Some(CustomerDefaults {
        trial: Some(TrialDefault {
            period: "2d".into(),
            on_end: None,
        }),
        trial_notices: Some(["12h", "36h", "24h"].map(Into::into).into()),
        ..defaults.unwrap_or_default()
    });
    sim.create(&emea);
    sim.settle().await;
}

/// A customer with an admin and a pod, on the default's trial.
pub async fn on_trial(sim: &Sim) {
    with_default(sim).await;
    sim.create(&customer(EMEA, "globex"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    sim.settle().await;
    pod(sim, "web");
    assert_eq!(access(sim), "Open");
}

pub fn pod(sim: &Sim, name: &str) {
    sim.create(&json!({ "kind": "Pod", "metadata": { "name": name, "namespace": GLOBEX } }));
}

pub fn access(sim: &Sim) -> String {
    let labels = sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone();
    labels["clientele.dev/access"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub fn status(sim: &Sim) -> Value {
    sim.see("customers", EMEA, "globex")["status"].clone()
}

fn ends_at(sim: &Sim) -> Timestamp {
    let told = status(sim)["trialEndsAt"].clone();
    told.as_str().expect("an end").parse().expect("a time")
}

/// Until just before the end, and then just after it.
pub async fn until_the_end(sim: &Sim) {
    let left = ends_at(sim).duration_since(sim.server.now());
    sim.wait(left.unsigned_abs() - seconds(1)).await;
    assert_eq!(access(sim), "Open", "a second before the end");
    sim.wait(seconds(2)).await;
}

pub fn ready(sim: &Sim) -> String {
    sim.ready("customers", EMEA, "globex")
}

pub fn is_stopped(sim: &Sim) {
    assert_eq!(access(sim), "Stopped");
    assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    assert_eq!(sim.names("pods", GLOBEX), [""; 0]);
    assert_eq!(
        sim.see("resourcequotas", GLOBEX, "clientele-stopped")["spec"]["hard"],
        json!({ "pods": "0" })
    );
    let network = sim.see("networkpolicies", GLOBEX, "clientele")["spec"].clone();
    assert!(
        network["ingress"].as_array().is_none_or(Vec::is_empty),
        "{network}"
    );
    assert!(
        network["egress"].as_array().is_none_or(Vec::is_empty),
        "{network}"
    );
    assert_eq!(
        (ready(sim).as_str(), status(sim)["phase"].as_str()),
        ("True TrialEnded", Some("TrialEnd"))
    );
    assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True AccessClosed");
    assert_eq!(
        sim.see("configmaps", GLOBEX, "customer")["data"]["access"],
        "Stopped"
    );
}

#[test]
fn a_trial_ends_to_the_second_and_everything_stops() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        let made = sim.see("customers", EMEA, "globex")["metadata"]["creationTimestamp"].clone();
        let made: Timestamp = made.as_str().expect("a time").parse().expect("a time");
        assert_eq!(ends_at(&sim), made + SignedDuration::from_hours(48));
        until_the_end(&sim).await;
        assert_eq!(access(&sim), "Stopped", "a second after the end");
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        sim.wait(seconds(30)).await;
        is_stopped(&sim);
        sim.settle().await;
        let mark = sim.mark();
        sim.wait(minutes(DAY)).await;
        sim.silent_since(mark);
        sim.restart();
        let mark = sim.mark();
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
        is_stopped(&sim);
    });
}

#[test]
fn an_end_that_passes_while_nobody_looks_is_made_up_for() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        sim.kill();
        sim.wait(minutes(3 * DAY)).await;
        assert_eq!(access(&sim), "Open");
        sim.start();
        sim.wait(seconds(30)).await;
        is_stopped(&sim);
    });
}

#[test]
fn there_is_no_second_trial() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        let first = ends_at(&sim);
        let again = |sim: &Sim| sim.create(&customer(EMEA, "globex"));
        sim.wait(minutes(6 * HOUR)).await;
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        again(&sim);
        sim.settle().await;
        assert_eq!(ends_at(&sim), first, "deleted and applied again");
        // Asked for, taken away and asked for again.
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "mode": "None" } }),
        );
        sim.settle().await;
        assert_eq!(status(&sim)["trialEndsAt"], Value::Null);
        sim.wait(minutes(HOUR)).await;
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "mode": null, "period": "2d" } }),
        );
        sim.settle().await;
        assert_eq!(ends_at(&sim), first);
        // With the namespace all facts are lost, but people were told an end.
        sim.delete("namespaces", "", GLOBEX);
        sim.settle().await;
        assert_eq!(ends_at(&sim), first, "the namespace was removed");
        until_the_end(&sim).await;
        assert_eq!(access(&sim), "Stopped");
        sim.delete("customers", EMEA, "globex");
        sim.settle().await;
        assert_eq!(access(&sim), "Stopped", "kept as it was");
        again(&sim);
        sim.settle().await;
        assert_eq!(ready(&sim), "True TrialEnded");
    });
}

#[test]
fn no_default_ends_a_customer_that_had_no_trial() {
    story(Pacing::default(), |sim| async move {
        crate::scenes::globex(&sim).await;
        let trial = json!({ "customerDefaults": { "trial": { "period": "1h" } } });
        sim.spec("partners", ROOT, "emea", trial);
        sim.settle().await;
        sim.restart();
        sim.wait(minutes(2 * HOUR)).await;
        assert_eq!(
            (ready(&sim).as_str(), access(&sim).as_str()),
            ("True Settled", "Open")
        );
        sim.delete("namespaces", "", GLOBEX);
        sim.wait(minutes(2 * HOUR)).await;
        assert_eq!(
            (ready(&sim).as_str(), access(&sim).as_str()),
            ("True Settled", "Open")
        );
    });
}

#[test]
fn a_trial_asked_for_later_begins_then() {
    story(Pacing::default(), |sim| async move {
        crate::scenes::globex(&sim).await;
        sim.wait(minutes(3 * DAY)).await;
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "period": "2d" } }),
        );
        sim.settle().await;
        let left = ends_at(&sim).duration_since(sim.server.now());
        assert!(
            left > SignedDuration::from_hours(47) && left <= SignedDuration::from_hours(48),
            "{left}"
        );
    });
}

#[test]
fn its_end_is_announced_three_times_and_once_each() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        let announced = |sim: &Sim| {
            let state = sim.server.state();
            let events = state.calls.iter().filter(|call| call.is_event());
            events
                .filter(|call| call.body["reason"] == "TrialEnding")
                .count()
        };
        let condition = |sim: &Sim| sim.condition("customers", EMEA, "globex", "TrialEnding");
        for (hours, events, told) in [
            (11, 0, ""),
            (2, 1, "True TrialEnding"),
            (12, 2, "True TrialEnding"),
            (12, 3, "True TrialEnding"),
            (12, 3, ""),
        ] {
            sim.wait(minutes(hours * HOUR)).await;
            assert_eq!(
                (announced(&sim), condition(&sim).as_str()),
                (events, told),
                "after {hours} more hours"
            );
        }
        assert_eq!(access(&sim), "Stopped");
    });
}

#[test]
fn trials_that_end_together_all_end_on_time() {
    story(Pacing::default(), |sim| async move {
        with_default(&sim).await;
        let names: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
        for name in &names {
            sim.create(&customer(EMEA, name));
        }
        sim.settle().await;
        let end = names.iter().map(|name| {
            let told = sim.see("customers", EMEA, name)["status"]["trialEndsAt"].clone();
            told.as_str()
                .expect("an end")
                .parse::<Timestamp>()
                .expect("a time")
        });
        let end = end.max().expect("a trial");
        sim.wait(end.duration_since(sim.server.now()).unsigned_abs())
            .await;
        sim.wait(seconds(1)).await;
        let open = names.iter().filter(|name| {
            let labels =
                sim.see("namespaces", "", &format!("emea--{name}"))["metadata"]["labels"].clone();
            labels["clientele.dev/access"] != "Stopped"
        });
        assert_eq!(open.count(), 0, "a second after the end");
    });
}

#[test]
fn when_trials_end_in_the_same_moment_everybody_is_out_before_anything_else_is_done() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let end = sim.server.now() + seconds(120);
        for number in 0..100 {
            let name = format!("c{number}");
            let mut leaving = customer(EMEA, &name);
            leaving.spec.trial = Some(TrialSpec {
                ends_at: Some(Time(end)),
                ..TrialSpec::default()
            });
            sim.create(&leaving);
            sim.create(&user(EMEA, &name, &format!("{name}-ada"), Role::Admin));
        }
        sim.settle().await;
        let mark = sim.mark();
        sim.wait(seconds(240)).await;
        let writes = sim.writes_since(mark);
        let of = |verb, kind: &str| {
            let places = writes.iter().enumerate();
            places
                .filter(|(_, call)| call.verb == verb && call.resource.kind == kind)
                .map(|(place, _)| place)
                .collect::<Vec<_>>()
        };
        let (out, closed) = (
            of(Verb::Delete, "RoleBinding"),
            of(Verb::Merge, "Namespace"),
        );
        assert_eq!(out.len(), 100);
        assert!(closed.len() >= 100);
        // As many as are worked on at once may have got further while the last were let out.
        assert!(out.last() < closed.get(32), "{out:?}, {closed:?}");
    });
}
