//! What may become of an object that is there: numbers that stay, and statuses that do not harm their readers.

use clientele::api::Customer;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use super::{Row, check_changes, merged, refused, taken};
use crate::support::World;

/// A customer that is there, with this number in its spec and this status, and what may become of it.
async fn changes(spec: Value, status: Value, subresource: Option<&str>, rows: Vec<Row>) {
    let good = json!({"displayName": "Globex", "contact": {"email": "ops@globex.example"}});
    let object = json!({"spec": merged(good, &spec)});
    check_changes::<Customer>(object, status, subresource, rows).await;
}

const NUMBER: &str = "spec.customerNumber";
const KEPT: &str = "cannot be changed or removed once it is given";

fn number(number: Value) -> Value {
    json!({"spec": {"customerNumber": number}})
}

fn stalled(reason: &str) -> Value {
    json!({"conditions": [{
        "type": "Stalled", "status": "True", "reason": reason, "message": "",
        "lastTransitionTime": "2026-11-22T00:00:00Z",
    }]})
}

#[tokio::test]
async fn a_number_that_is_given_stays() {
    let rows = vec![
        taken("the same number", number(json!("C-1"))),
        taken(
            "another change",
            json!({"spec": {"displayName": "Globex AG"}}),
        ),
        refused("another number", number(json!("C-2")), NUMBER, KEPT),
        refused("no number", number(json!(null)), NUMBER, KEPT),
    ];
    changes(json!({"customerNumber": "C-1"}), json!({}), None, rows).await;
}

#[tokio::test]
async fn a_number_in_force_stays_too() {
    let status = json!({"customerNumber": "C-1"});
    let rows = vec![
        refused("another number", number(json!("C-2")), NUMBER, KEPT),
        refused("no number", number(json!(null)), NUMBER, KEPT),
    ];
    changes(json!({"customerNumber": "C-1"}), status.clone(), None, rows).await;

    let rows = vec![
        taken("the number that was generated", number(json!("C-1"))),
        refused(
            "another than was generated",
            number(json!("C-2")),
            NUMBER,
            "has a number already",
        ),
    ];
    changes(json!({}), status, None, rows).await;
}

#[tokio::test]
async fn a_number_that_is_missing_can_be_given() {
    let rows = vec![taken("a number", number(json!("C-1")))];
    changes(json!({}), json!({}), None, rows).await;
}

#[tokio::test]
async fn a_number_that_somebody_else_has_can_be_corrected() {
    let given = json!({"customerNumber": "C-1"});
    let rows = vec![
        taken("another number", number(json!("C-2"))),
        taken("no number", number(json!(null))),
    ];
    changes(given.clone(), stalled("NumberTaken"), None, rows).await;

    let rows = vec![refused(
        "another number",
        number(json!("C-2")),
        NUMBER,
        KEPT,
    )];
    changes(given.clone(), stalled("PlanNotFound"), None, rows).await;

    let in_force = merged(stalled("NumberTaken"), &json!({"customerNumber": "C-1"}));
    let rows = vec![refused(
        "another number",
        number(json!("C-2")),
        NUMBER,
        KEPT,
    )];
    changes(given, in_force, None, rows).await;
}

#[tokio::test]
async fn a_status_is_written_whatever_number_the_spec_has() {
    // Between the operator's reading and writing, somebody may have given a number of their own.
    let rows = vec![taken(
        "the generated number",
        json!({"status": {"customerNumber": "C-1"}}),
    )];
    changes(
        json!({"customerNumber": "C-2"}),
        json!({}),
        Some("status"),
        rows,
    )
    .await;
}

#[tokio::test]
async fn a_status_cannot_harm_its_readers() {
    const SINCE: &str = "status.customerSince";
    const BETWEEN: &str = "must be a time between 2000 and 2200";
    let since = |time: &str| json!({"status": {"customerSince": time}});
    let mut long = stalled("NumberTaken");
    long["conditions"][0]["message"] = json!("x".repeat(1025));
    let mut twins = stalled("NumberTaken");
    let twin = twins["conditions"][0].clone();
    if let Some(conditions) = twins["conditions"].as_array_mut() {
        conditions.push(twin);
    }
    let mut late = stalled("NumberTaken");
    late["conditions"][0]["lastTransitionTime"] = json!("9999-12-31T23:59:59Z");
    let rows = vec![
        taken("a time", since("2026-11-22T00:00:00Z")),
        taken(
            "a time with a fraction",
            since("2026-11-22T00:00:00.123456789Z"),
        ),
        taken("the first time", since("2000-01-01T00:00:00Z")),
        refused(
            "a time before 2000",
            since("1999-12-31T23:59:59Z"),
            SINCE,
            BETWEEN,
        ),
        refused(
            "a time after 2199",
            since("2200-01-01T00:00:00Z"),
            SINCE,
            BETWEEN,
        ),
        refused(
            "the last time there is",
            since("9999-12-31T23:59:59Z"),
            SINCE,
            BETWEEN,
        ),
        refused(
            "a time elsewhere",
            since("2026-11-22T00:00:00+01:00"),
            SINCE,
            "should match",
        ),
        refused(
            "a time with a fraction too fine",
            since("2026-11-22T00:00:00.1234567890Z"),
            SINCE,
            "more than 30",
        ),
        refused(
            "a time too late, in a condition",
            json!({"status": late}),
            "status.conditions[0].lastTransitionTime",
            BETWEEN,
        ),
        refused(
            "a message too long",
            json!({"status": long}),
            "status.conditions[0].message",
            "more than 512",
        ),
        refused(
            "two conditions of a type",
            json!({"status": twins}),
            "status.conditions[1]",
            "Duplicate",
        ),
        refused(
            "a phase that is none",
            json!({"status": {"phase": "Gone"}}),
            "status.phase",
            "supported values",
        ),
    ];
    changes(json!({}), json!({}), Some("status"), rows).await;
}

#[tokio::test]
async fn a_new_object_says_that_nobody_has_seen_it() {
    let world = World::without_operator().await;
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let spec = clientele::api::CustomerSpec {
        display_name: "Globex".to_owned(),
        contact: clientele::api::Contact {
            email: "ops@globex.example".to_owned(),
            ..Default::default()
        },
        ..Default::default()
    };
    let api: Api<Customer> = world.api("default");
    let made = api
        .create(&dry_run, &Customer::new("new", spec))
        .await
        .unwrap();
    let status = made.status.expect("a status by default");
    assert_eq!(status.observed_generation, -1);
}
