//! Who may send, by which route, and what is said to who may not.

use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{World, customer, directory, partner, route, with};

fn globex(change: Value) -> Value {
    with(customer("globex"), change)
}

fn limits(limits: Value) -> Value {
    globex(json!({"status": {"sending": {"limits": limits}}}))
}

const LOGIN: &str = "emea--globex";

#[tokio::test]
async fn a_customer_in_order_sends_by_its_first_route() {
    let world = World::of(&[customer("globex")]).await;
    assert_eq!(world.send(LOGIN, 1).await, "send partner-emea/eu");
    assert_eq!(
        world.send("emea--globex+spare", 1).await,
        "send partner-top/spare"
    );
    assert_eq!(
        world.send("emea--globex+other", 1).await,
        "refuse emea--globex has no mail route of the name after the +"
    );
}

#[rstest]
#[case(json!({"metadata": {"deletionTimestamp": "2026-11-23T10:00:00Z"}}), "the customer is being deleted")]
#[case(json!({"spec": {"active": false}}), "the customer is not activated")]
#[case(json!({"spec": {"onHold": true}}), "the customer is on hold")]
#[case(json!({"status": {"access": "Stopped"}}), "the customer's access is not open")]
#[case(json!({"status": {"access": null}}), "the customer's access is not open")]
#[case(json!({"status": {"trialEndsAt": "2026-11-23T10:20:00Z"}}), "the trial is over")]
#[case(json!({"status": {"path": ["top", "gone", "emea"]}}), "the customer's partner is not known")]
// A status that speaks of another place is not about this customer.
#[case(json!({"status": {"namespace": "other--globex"}}), "the customer's access is not open")]
#[case(json!({"status": {"path": ["top"]}}), "the customer's access is not open")]
#[tokio::test]
async fn who_may_not_send_is_told_why(#[case] change: Value, #[case] why: &str) {
    let world = World::of(&[globex(change), customer("initech")]).await;
    assert_eq!(
        world.send(LOGIN, 1).await,
        format!("refuse emea--globex cannot send: {why}")
    );
    assert_eq!(
        world.send("emea--initech", 1).await,
        "send partner-emea/eu",
        "others go on"
    );
}

#[tokio::test]
async fn a_hold_stops_the_next_message_and_its_end_lets_it_through() {
    let world = World::of(&[customer("globex")]).await;
    assert!(world.send(LOGIN, 1).await.starts_with("send"));
    world.see(&globex(json!({"spec": {"onHold": true}})));
    assert!(world.send(LOGIN, 1).await.starts_with("refuse"));
    world.see(&customer("globex"));
    assert!(world.send(LOGIN, 1).await.starts_with("send"));
}

#[tokio::test]
async fn a_trial_ends_to_the_second_without_anybody_writing_it_down() {
    let world = World::of(&[globex(
        json!({"status": {"trialEndsAt": "2026-11-23T12:00:00Z"}}),
    )])
    .await;
    world.hands.set("2026-11-23T11:59:59Z");
    assert!(world.send(LOGIN, 1).await.starts_with("send"));
    world.hands.set("2026-11-23T12:00:00Z");
    assert_eq!(
        world.send(LOGIN, 1).await,
        "refuse emea--globex cannot send: the trial is over"
    );
}

#[tokio::test]
async fn strangers_are_refused_and_one_unreadable_customer_is_a_stranger() {
    let world = World::of(&[customer("globex"), customer("initech")]).await;
    for stranger in [
        "",
        "nobody",
        "emea--nobody",
        "EMEA--globex",
        "partner-emea/globex",
    ] {
        assert_eq!(
            world.send(stranger, 1).await,
            "refuse This login belongs to no customer"
        );
    }
    world.see(&globex(
        json!({"status": {"trialEndsAt": "9999-12-31T23:59:59Z"}}),
    ));
    assert_eq!(
        world.send(LOGIN, 1).await,
        "refuse This login belongs to no customer"
    );
    assert!(world.send("emea--initech", 1).await.starts_with("send"));
}

#[tokio::test]
async fn limits_are_told_with_the_time_when_it_opens_again() {
    let world = World::of(&[limits(json!({"hourly": 10, "recipientsPerMessage": 8}))]).await;
    assert!(world.send(LOGIN, 8).await.starts_with("send"));
    assert_eq!(
        world.send(LOGIN, 3).await,
        "later The hourly limit of 10 recipients is reached for emea--globex (8 used); sending opens again at 12:00 on 2026-11-23 (Europe/Berlin)"
    );
    assert_eq!(
        world.send(LOGIN, 9).await,
        "refuse This message has 9 recipients; emea--globex may write to 8 at a time"
    );
    world.hands.set("2026-11-23T10:59:59Z");
    assert!(world.send(LOGIN, 3).await.starts_with("later"));
    world.hands.set("2026-11-23T11:00:00Z");
    assert!(world.send(LOGIN, 3).await.starts_with("send"));
}

#[tokio::test]
async fn what_can_never_pass_does_not_wait_for_ever() {
    let world = World::of(&[limits(json!({"daily": 5}))]).await;
    assert_eq!(
        world.send(LOGIN, 6).await,
        "refuse This message has 6 recipients; emea--globex may write to 5 at most, its daily limit"
    );
    world.see(&limits(json!({"monthly": 0})));
    assert_eq!(
        world.send(LOGIN, 1).await,
        "refuse emea--globex may send nothing: its monthly limit is 0"
    );
    assert_eq!(
        world.send(LOGIN, 0).await,
        "later The number of recipients is not known"
    );
}

#[tokio::test]
async fn a_partners_limit_is_shared_by_all_below_and_its_numbers_stay_its_own() {
    let world = World::of(&[customer("globex"), customer("initech")]).await;
    world.see(&with(
        partner("clientele-partners", "top"),
        json!({"spec": {"sendLimits": {"daily": 5}}}),
    ));
    assert!(world.send(LOGIN, 3).await.starts_with("send"));
    assert!(world.send("emea--initech", 2).await.starts_with("send"));
    // The top partner's day is in UTC.
    let full = "later A daily limit that emea--globex shares with other customers is reached; sending opens again at 00:00 on 2026-11-24 (UTC)";
    assert_eq!(world.send(LOGIN, 1).await, full);
}

#[tokio::test]
async fn a_route_that_is_full_or_not_ready_is_passed_over_unless_it_was_asked_for() {
    let world = World::of(&[customer("globex")]).await;
    world.see(&with(
        route("partner-emea", "eu"),
        json!({"spec": {"sendLimits": {"hourly": 2}}}),
    ));
    assert_eq!(world.send(LOGIN, 2).await, "send partner-emea/eu");
    assert_eq!(world.send(LOGIN, 2).await, "send partner-top/spare");
    assert!(
        world.send("emea--globex+eu", 1).await.starts_with(
            "later The hourly limit of mail route eu, which customers share, is reached"
        )
    );
    let not_ready = json!({"status": {"conditions": []}});
    world.see(&with(route("partner-top", "spare"), not_ready.clone()));
    assert!(
        world
            .send(LOGIN, 1)
            .await
            .starts_with("later The hourly limit of mail route eu")
    );
    world.see(&with(route("partner-emea", "eu"), not_ready));
    assert_eq!(
        world.send(LOGIN, 1).await,
        "later No mail route of emea--globex is ready; the message waits and is tried again"
    );
}

#[tokio::test]
async fn a_route_of_no_partner_on_the_path_is_never_used() {
    let stray = globex(json!({"status": {"postalRoutes": ["stray"]}}));
    let world = World::of(&[stray]).await;
    world.see(&partner("partner-top", "rival"));
    world.see(&route("partner-rival", "stray"));
    assert_eq!(
        world.send(LOGIN, 1).await,
        "later emea--globex has no mail route; its partner has to give it one"
    );
}

#[tokio::test]
async fn the_nearest_partners_route_of_a_name_is_meant() {
    let world = World::of(&[customer("globex")]).await;
    world.see(&route("partner-top", "eu"));
    // One's own need not be inheritable.
    world.see(&with(
        route("partner-emea", "eu"),
        json!({"spec": {"inheritable": false}}),
    ));
    assert_eq!(world.send(LOGIN, 1).await, "send partner-emea/eu");
    // No longer inheritable, but in force: the operator says so.
    world.see(&with(
        route("partner-top", "spare"),
        json!({"spec": {"inheritable": false}}),
    ));
    assert_eq!(
        world.send("emea--globex+spare", 1).await,
        "send partner-top/spare"
    );
}

#[tokio::test]
async fn an_address_belongs_to_the_oldest_route_that_names_it() {
    let world = World::of(&[customer("globex")]).await;
    let address = json!({"spec": {"host": "192.0.2.1"}});
    world.see(&with(
        with(route("partner-top", "spare"), address.clone()),
        json!({"metadata": {"creationTimestamp": "2025-01-01T00:00:00Z"}}),
    ));
    world.see(&with(route("partner-emea", "eu"), address));
    assert_eq!(
        world.send(LOGIN, 1).await,
        "send partner-top/spare",
        "the younger one has no credentials of its own there"
    );
}

#[tokio::test]
async fn until_everything_was_seen_messages_wait() {
    let fresh = clientele::mail::directory::Directory::default();
    let now = crate::world::BEGIN.parse().expect("a time");
    assert!(matches!(
        fresh.look(LOGIN, now),
        Err(clientele::mail::directory::Unknown::NotYet)
    ));
    let known = directory(&[customer("globex")]);
    assert!(known.look(LOGIN, now).is_ok());
    // What a new list does not name is gone.
    crate::world::listed(&known);
    assert!(known.look(LOGIN, now).is_err());
}
