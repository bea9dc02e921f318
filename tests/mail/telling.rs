//! What is written into a customer's status, and when.

use clientele::mail::tell::Teller;
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::ApiServer;
use crate::world::{World, customer, with};

const STATUS: &str = "/apis/clientele.dev/v1alpha1/namespaces/partner-emea/customers/globex/status";

struct Scene {
    world: World,
    api: ApiServer,
    teller: Teller,
    customer: Value,
}

async fn scene() -> Scene {
    let customer = with(
        customer("globex"),
        json!({"status": {"sending": {"limits": {"hourly": 100}}}}),
    );
    let (world, api) = (
        World::of(std::slice::from_ref(&customer)).await,
        ApiServer::default(),
    );
    let teller = Teller::new(world.decider.clone(), api.client(), "test");
    Scene {
        world,
        api,
        teller,
        customer,
    }
}

impl Scene {
    /// Sends, looks, and has the directory see what was written; returns the statuses written and the reasons of Events.
    async fn send(&mut self, recipients: u64) -> (Vec<Value>, Vec<String>) {
        self.world.send("emea--globex", recipients).await;
        self.look().await
    }

    async fn look(&mut self) -> (Vec<Value>, Vec<String>) {
        self.teller.round().await;
        let writes = std::mem::take(&mut self.api.state().writes);
        let (mut statuses, mut events) = (Vec::new(), Vec::new());
        for (path, body) in writes {
            if path == STATUS {
                let mut status = json!({"status": {"conditions": null}});
                status = with(status, json!({"status": body["status"]}));
                self.customer = with(self.customer.clone(), status);
                self.world.see(&self.customer);
                statuses.push(body["status"].clone());
            } else {
                events.push(body["reason"].as_str().unwrap_or(&path).to_owned());
            }
        }
        (statuses, events)
    }
}

fn kinds(status: &Value) -> Vec<&str> {
    let all = status["conditions"].as_array().into_iter().flatten();
    all.filter_map(|condition| condition["type"].as_str())
        .collect()
}

#[tokio::test]
async fn a_tenth_is_told_at_once_and_less_after_a_quarter_of_an_hour() {
    let mut scene = scene().await;
    let (statuses, _) = scene.send(10).await;
    assert_eq!(
        statuses[0]["sending"],
        json!({"used": {"hourly": 10, "daily": 10, "monthly": 10}})
    );
    scene.world.hands.set("2026-11-23T10:21:00Z");
    assert_eq!(scene.send(9).await, (vec![], vec![]), "not a tenth more");
    scene.world.hands.set("2026-11-23T10:22:00Z");
    assert_eq!(scene.send(1).await.0[0]["sending"]["used"]["hourly"], 20);
    assert_eq!(scene.send(5).await, (vec![], vec![]), "not a tenth more");
    scene.world.hands.set("2026-11-23T10:36:59Z");
    assert_eq!(scene.look().await, (vec![], vec![]));
    scene.world.hands.set("2026-11-23T10:37:00Z");
    assert_eq!(scene.look().await.0[0]["sending"]["used"]["hourly"], 25);
    assert_eq!(scene.look().await, (vec![], vec![]), "nothing new");
}

#[tokio::test]
async fn conditions_come_with_an_event_and_go_with_the_window() {
    let mut scene = scene().await;
    let (statuses, events) = scene.send(80).await;
    assert_eq!(
        (kinds(&statuses[0]), events),
        (vec!["SendLimitNear"], vec!["LimitNear".to_owned()])
    );
    scene.world.hands.set("2026-11-23T10:25:00Z");
    let (statuses, events) = scene.send(20).await;
    assert_eq!(kinds(&statuses[0]), ["SendLimited"]);
    assert_eq!(events, ["LimitReached"]);
    let message = statuses[0]["conditions"][0]["message"]
        .as_str()
        .expect("text");
    assert_eq!(
        message,
        "The hourly limit of 100 recipients is reached, and mail waits: 100 used. The window ends at 12:00 on 2026-11-23 (Europe/Berlin)."
    );
    scene.world.hands.set("2026-11-23T11:00:00Z");
    let (statuses, events) = scene.look().await;
    assert_eq!((kinds(&statuses[0]), events.len()), (vec![], 0));
    assert_eq!(
        statuses[0]["sending"]["used"],
        json!({"hourly": 0, "daily": 100, "monthly": 100})
    );
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    for code in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::CONFLICT] {
        let mut scene = scene().await;
        scene.api.state().refuses = Some(code);
        assert_eq!(scene.send(50).await, (vec![], vec![]));
        scene.api.state().refuses = None;
        scene.world.hands.set("2026-11-23T10:20:10Z");
        assert_eq!(scene.look().await.0.len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_start_is_no_storm() {
    let one = |number: u32| {
        with(
            customer(&format!("globex-{number}")),
            json!({"status": {"sending": {"limits": {"hourly": 1000}}}}),
        )
    };
    let world = World::of(&(0..20).map(one).collect::<Vec<_>>()).await;
    let api = ApiServer::default();
    let mut teller = Teller::new(world.decider.clone(), api.client(), "test");
    teller.begin();
    teller.round().await;
    world.hands.set("2026-11-23T10:20:10Z");
    for number in 0..20 {
        world.send(&format!("emea--globex-{number}"), 1).await;
    }
    // What matters does not wait.
    world.send("emea--globex-7", 100).await;
    let told = async |teller: &mut Teller| {
        teller.round().await;
        let writes = std::mem::take(&mut api.state().writes);
        writes
            .iter()
            .filter(|(path, _)| path.ends_with("/status"))
            .count()
    };
    assert_eq!(told(&mut teller).await, 1);
    world.hands.set("2026-11-23T10:34:50Z");
    let some = told(&mut teller).await;
    assert!((5..15).contains(&some), "{some} at once");
    world.hands.set("2026-11-23T10:35:10Z");
    assert_eq!(told(&mut teller).await, 19 - some);
}
