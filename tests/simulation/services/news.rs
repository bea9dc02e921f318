//! Changes of services are told, each once, and counted.

use serde_json::{Value, json};

use super::{asks, change, offers, with_web};
use crate::people::{customer, map_manifest, offering};
use crate::scenes::{EMEA, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

/// Reasons of the Events on customers that begin with `Service`, as they were published.
fn told(sim: &Sim) -> Vec<String> {
    let state = sim.server.state();
    let events = state.calls.iter().filter(|call| call.is_event());
    let reasons = events.filter(|call| call.body["regarding"]["kind"] == "Customer");
    let reasons = reasons.filter_map(|call| call.body["reason"].as_str());
    let services = reasons.filter(|reason| reason.starts_with("Service"));
    services.map(ToOwned::to_owned).collect()
}

/// How often a reason was counted.
fn counted(sim: &Sim, reason: &str) -> Option<u64> {
    let page = sim.metrics.borrow().render().expect("renders");
    let line = format!("clientele_transitions_total{{kind=\"Customer\",reason=\"{reason}\"}} ");
    let mut lines = page.lines();
    lines.find_map(|it| it.strip_prefix(&line)?.parse().ok())
}

fn gauge(sim: &Sim, state: &str) -> Option<u64> {
    let page = sim.metrics.borrow().render().expect("renders");
    let line = format!("clientele_services{{state=\"{state}\"}} ");
    let mut lines = page.lines();
    lines.find_map(|it| it.strip_prefix(&line)?.parse().ok())
}

#[test]
fn each_change_of_a_service_is_told_once() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        change(&sim, "web", json!({ "pruneAfter": "1h" }));
        sim.settle().await;
        let mut known = told(&sim).len();
        let mut news = |sim: &Sim| {
            let all = told(sim);
            let new = all[known..].to_vec();
            known = all.len();
            new
        };
        asks(&sim, json!([{ "name": "web", "activation": "Paused" }]));
        sim.settle().await;
        assert_eq!(news(&sim), ["ServicePaused"]);
        let end = sim.server.now() + jiff::SignedDuration::from_mins(5);
        let end = jiff::Timestamp::from_second(end.as_second()).expect("a time");
        asks(
            &sim,
            json!([{ "name": "web", "activation": "Trial", "trialEndsAt": end.to_string() }]),
        );
        sim.settle().await;
        sim.wait(minutes(6)).await;
        assert_eq!(news(&sim)[..], ["ServiceActivated", "ServiceTrialEnded"]);
        offers(&sim, "emea", "Only", &[]).await;
        assert_eq!(news(&sim), ["ServiceWithdrawn"]);
        sim.restart();
        sim.wait(minutes(10)).await;
        assert_eq!(news(&sim), [""; 0], "a restart has nothing to tell");
        offers(&sim, "emea", "All", &[]).await;
        asks(&sim, Value::Null);
        sim.settle().await;
        assert_eq!(news(&sim), ["ServiceTrialEnded", "ServiceRemoved"]);
        sim.wait(minutes(61)).await;
        assert_eq!(news(&sim), ["ServicePruned"]);
        for reason in ["ServiceRemoved", "ServicePruned"] {
            assert_eq!(counted(&sim, reason), Some(1), "{reason}");
        }
    });
}

#[test]
fn a_new_customer_with_what_it_asks_for_is_no_news_and_is_counted() {
    story(Pacing::default(), |sim| async move {
        with_web(&sim).await;
        sim.create(&offering("dns", &[map_manifest("dns", &json!({}))]));
        sim.settle().await;
        let before = told(&sim).len();
        for (name, activation) in [
            ("initech", "Active"),
            ("hooli", "Paused"),
            ("acme", "Trial"),
        ] {
            let mut other = json!(customer(EMEA, name));
            other["spec"]["services"] =
                json!([{ "name": "web", "activation": activation }, { "name": "dns" }]);
            sim.create(&other);
        }
        sim.wait(seconds(30)).await;
        assert_eq!(told(&sim)[before..], [""; 0]);
        for (state, count) in [("Active", 5), ("Paused", 1), ("Trial", 1), ("Denied", 0)] {
            assert_eq!(gauge(&sim, state), Some(count), "{state}");
        }
    });
}
