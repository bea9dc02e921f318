//! What a customer may send, as its status and its ConfigMap tell; and the mail service, which writes into the same status.

use serde_json::{Value, json};

use crate::people::{ROOT, route};
use crate::scenes::{EMEA, GLOBEX, globex, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story};

/// A customer with a route of its partner.
async fn sender(sim: &Sim) {
    globex(sim).await;
    routed(sim).await;
}

fn sending(sim: &Sim) -> Value {
    sim.see("customers", EMEA, "globex")["status"]["sending"].clone()
}

fn card(sim: &Sim) -> Value {
    sim.see("configmaps", GLOBEX, "customer")["data"].clone()
}

fn limited(sim: &Sim, plan: &Value, customer: &Value) {
    sim.spec(
        "serviceplans",
        "",
        "business",
        json!({ "sendLimits": plan }),
    );
    let own = json!({ "sending": { "limits": customer } });
    sim.spec("customers", EMEA, "globex", own);
}

#[test]
fn of_the_limits_of_plan_and_customer_the_smaller_ones_are_told() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        assert_eq!(sending(&sim), json!({ "allowed": true }));
        let plan = json!({ "hourly": 1000, "daily": 50, "recipientsPerMessage": 10 });
        limited(&sim, &plan, &json!({ "hourly": 100, "daily": 500 }));
        sim.settle().await;
        assert_eq!(
            sending(&sim)["limits"],
            json!({ "hourly": 100, "daily": 50, "recipientsPerMessage": 10 })
        );
        let told = card(&sim);
        assert_eq!(told["sendLimits.hourly"], "100");
        assert_eq!(told["sendLimits.daily"], "50");
        assert_eq!(told["sendLimits.monthly"], Value::Null);

        // A plan that is gone limits no less.
        sim.delete("serviceplans", "", "business");
        sim.settle().await;
        assert_eq!(
            sending(&sim)["limits"],
            json!({ "hourly": 100, "daily": 50, "recipientsPerMessage": 10 })
        );
    });
}

#[test]
fn mail_is_taken_only_while_access_is_open_and_there_is_a_route() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        assert_eq!(sending(&sim), json!({ "allowed": false }));
        routed(&sim).await;
        assert_eq!(sending(&sim)["allowed"], true);
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.settle().await;
        assert_eq!(sending(&sim), json!({ "allowed": false }));
    });
}

async fn routed(sim: &Sim) {
    sim.create(&route(EMEA, "relay"));
    let routes = json!({ "postalRoutes": ["relay"] });
    sim.spec("customers", EMEA, "globex", routes);
    sim.settle().await;
}

#[test]
fn in_which_order_it_sends_and_whether_lists_are_looked_at_reaches_its_software() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let told = || ["funnelOrder", "validateLists"].map(|key| card(&sim)[key].clone());
        assert_eq!(told(), [Value::Null, json!("true")]);
        for (order, validates) in [("FIFO", false), ("LIFO", true), ("RoundRobin", false)] {
            let mark = sim.mark();
            let sends = json!({ "funnelOrder": order, "validateLists": validates });
            sim.spec("customers", EMEA, "globex", json!({ "sending": sends }));
            sim.settle().await;
            assert_eq!(told(), [json!(order), json!(validates.to_string())]);
            let once = [
                ("Apply configmaps emea--globex/customer", 1),
                ("Apply customers/status partner-emea/globex", 1),
            ];
            let tally = sim.tally(mark);
            assert_eq!(tally, once.map(|(what, n)| (what.to_owned(), n)).into());
        }
        sim.spec("customers", EMEA, "globex", json!({ "sending": null }));
        sim.settle().await;
        assert_eq!(told(), [Value::Null, json!("true")]);
    });
}

#[test]
fn what_the_mail_service_tells_stays_and_causes_no_write() {
    story(Pacing::default(), |sim| async move {
        sender(&sim).await;
        let mark = sim.mark();
        let used = json!({ "hourly": 7, "daily": 9, "monthly": 80 });
        let near = json!({
            "type": "SendLimitNear", "status": "True", "reason": "LimitNear", "message": "80 of 100",
            "lastTransitionTime": "2026-11-23T00:00:00Z",
        });
        let told = json!({ "sending": { "used": used }, "conditions": [near] });
        sim.tell_status("clientele-mail", "customers", EMEA, "globex", &told);
        sim.wait(minutes(1)).await;
        sim.silent_since(mark);

        // What the operator has to tell leaves it alone, also while nothing else is changed.
        limited(&sim, &json!({ "hourly": 100 }), &json!({ "daily": 9 }));
        sim.settle().await;
        sim.annotate(
            "customers",
            EMEA,
            "globex",
            "clientele.dev/paused",
            Some("true"),
        );
        sim.wait(seconds(5)).await;
        sim.restart();
        sim.settle().await;
        assert_eq!(sending(&sim)["used"], used);
        assert_eq!(sending(&sim)["limits"]["hourly"], 100);
        assert_eq!(
            sim.condition("customers", EMEA, "globex", "SendLimitNear"),
            "True LimitNear"
        );
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Paused");

        // And what it takes back goes.
        let less = json!({ "sending": { "used": used } });
        sim.tell_status("clientele-mail", "customers", EMEA, "globex", &less);
        sim.settle().await;
        assert_eq!(
            sim.condition("customers", EMEA, "globex", "SendLimitNear"),
            ""
        );
    });
}

#[test]
fn a_time_zone_that_there_is_not_is_told_and_nothing_else_suffers() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let zone = |name: &str| json!({ "timeZone": name });
        sim.spec("partners", ROOT, "emea", zone("Europe/Atlantis"));
        sim.settle().await;
        assert_eq!(sim.ready("partners", ROOT, "emea"), "False TimeZoneUnknown");
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        sim.spec("partners", ROOT, "emea", zone("Europe/Berlin"));
        sim.settle().await;
        assert_eq!(sim.ready("partners", ROOT, "emea"), "True Settled");
    });
}
