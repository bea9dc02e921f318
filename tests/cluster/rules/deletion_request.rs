//! DeletionRequests, and what a Customer says of its deletion.

use clientele::api::{Customer, DeletionRequest};
use serde_json::{Value, json};

use super::{check, check_changes, many, merged, refused, taken};

fn good() -> Value {
    json!({"spec": {"customer": "globex"}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

#[tokio::test]
async fn requests_are_checked() {
    const REASON: &str = "spec.reason";
    const GRACE: &str = "spec.gracePeriod";
    const NOTE: &str = "spec.cancel.note";
    let reason = |reason: &str| spec(json!({"reason": reason}));
    let grace = |grace: &str| spec(json!({"gracePeriod": grace}));
    let note = |note: &str| spec(json!({"cancel": {"note": note}}));
    let lines = many::<Vec<_>, _>(8, |i| format!("line {i}")).join("\n");
    let rows = vec![
        taken("a request", json!({})),
        taken("a request in a tenant", spec(json!({"customer": null}))),
        taken("a name of 63 characters", named(&"r".repeat(63))),
        refused("a name of 64 characters", named(&"r".repeat(64)), "metadata.name", "at most 63 characters"),
        refused("a name with a dot", named("globex.leaves"), "metadata.name", "the name of a deletion request must be"),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("an empty customer", spec(json!({"customer": ""})), "spec.customer", "must be the name of an object"),
        refused("a customer of another namespace", spec(json!({"customer": "emea/globex"})), "spec.customer", "must be the name of an object"),
        refused("a customer whose name is too long", spec(json!({"customer": "a".repeat(32)})), "spec.customer", "more than 31"),
        taken("a reason", reason("Vertrag beendet – «zum Quartal»")),
        refused("an empty reason", reason(""), REASON, "must not be empty"),
        refused("a reason of 513 characters", reason(&"ü".repeat(513)), REASON, "more than 512"),
        refused("a reason on two lines", reason("ended\nBcc: all"), REASON, "must be one line of text"),
        refused("a reason read backwards", reason("a\u{202e}b"), REASON, "must be one line of text"),
        taken("a grace period in days", grace("10d")),
        taken("a grace period in other units", grace("1h30m")),
        refused("no time at all", grace("0d"), GRACE, "must be longer than nothing"),
        refused("less than no time", grace("-10d"), GRACE, "must be a duration such as"),
        refused("a grace period in words", grace("two weeks"), GRACE, "must be a duration such as"),
        refused("a grace period in weeks", grace("2w"), GRACE, "must be a duration such as"),
        refused("a grace period as a number", spec(json!({"gracePeriod": 10})), GRACE, "must be of type string"),
        taken("at once", spec(json!({"mode": "Now"}))),
        refused("a mode that is none", spec(json!({"mode": "Later"})), "spec.mode", "supported values"),
        refused("a note that is none", spec(json!({"cancel": {}})), NOTE, "Required"),
        refused("an empty note", note(""), NOTE, "must not be empty"),
        taken("a note of several lines", note(&lines)),
        refused("a note of 513 characters", note(&"x".repeat(513)), NOTE, "more than 512"),
        refused("a note with an escape code", note("\u{1b}[2J"), NOTE, "must be text without control"),
        refused("at once and cancelled", spec(json!({"mode": "Now", "cancel": {"note": "no"}})), "spec.mode", "give either mode Now or cancel"),
    ];
    check::<DeletionRequest>(good(), rows).await;
}

#[tokio::test]
async fn what_is_filed_stays_as_it_is() {
    let kept = "as it was when the request was filed";
    let filled = json!({"customer": "globex", "reason": "ended", "gracePeriod": "10d"});
    for (field, other, at) in [
        ("customer", "initech", "spec.customer"),
        ("reason", "other", "spec.reason"),
        ("gracePeriod", "1d", "spec.gracePeriod"),
    ] {
        let mut without = filled.clone();
        without[field] = Value::Null;
        let without = spec(merged(json!({}), &without));
        let change = |value: Value| spec(json!({field: value}));
        let rows = vec![
            taken("the same", change(filled[field].clone())),
            refused("another", change(json!(other)), at, kept),
            refused("none", change(json!(null)), at, kept),
        ];
        check_changes::<DeletionRequest>(spec(filled.clone()), json!({}), None, rows).await;
        let rows = vec![refused("one after all", change(filled[field].clone()), at, kept)];
        check_changes::<DeletionRequest>(without, json!({}), None, rows).await;
    }
}

#[tokio::test]
async fn a_request_is_hurried_or_cancelled_once() {
    const MODE: &str = "spec.mode";
    const CANCEL: &str = "spec.cancel";
    let either = "give either mode Now or cancel";
    let cancel = json!({"note": "they stay"});
    let rows = vec![
        taken("at once after all", spec(json!({"mode": "Now"}))),
        taken("cancelled", spec(json!({"cancel": cancel}))),
        refused("both", spec(json!({"mode": "Now", "cancel": cancel})), MODE, either),
    ];
    check_changes::<DeletionRequest>(good(), json!({}), None, rows).await;

    let hurried = spec(json!({"customer": "globex", "mode": "Now"}));
    let rows = vec![
        refused("with time again", spec(json!({"mode": "AfterGrace"})), MODE, "mode Now cannot be taken back"),
        refused("with time by default", spec(json!({"mode": null})), MODE, "mode Now cannot be taken back"),
        taken("cancelled before it began", spec(json!({"cancel": cancel}))),
    ];
    check_changes::<DeletionRequest>(hurried, json!({}), None, rows).await;

    let cancelled = spec(json!({"customer": "globex", "cancel": cancel}));
    let stays = "a cancelled request stays cancelled";
    let rows = vec![
        refused("filed anew", spec(json!({"cancel": null})), CANCEL, stays),
        refused("another note", spec(json!({"cancel": {"note": "no"}})), CANCEL, stays),
        refused("at once", spec(json!({"mode": "Now"})), MODE, either),
        taken("a label", json!({"metadata": {"labels": {"a": "b"}}})),
    ];
    check_changes::<DeletionRequest>(cancelled, json!({}), None, rows).await;
}

#[tokio::test]
async fn a_history_is_bounded() {
    let event = |note: &str| json!({"at": "2026-11-22T00:00:00Z", "by": "jane", "what": "Requested", "note": note});
    let history = |events: Vec<Value>| json!({"status": {"history": events}});
    let rows = vec![
        taken("eight events", history(many(8, |_| event("")))),
        refused("nine events", history(many(9, |_| event(""))), "status.history", "at most 8 items"),
        refused("a long note", history(vec![event(&"x".repeat(513))]), "status.history[0].note", "more than 512"),
        refused("a step that is none", history(vec![json!({"at": "2026-11-22T00:00:00Z", "what": "Forgotten"})]), "status.history[0].what", "supported values"),
        refused("a time that some cannot read", history(vec![json!({"at": "9999-12-31T23:59:59Z", "what": "Requested"})]), "status.history[0].at", "between 2000 and 2200"),
        refused("a phase that is none", json!({"status": {"phase": "Gone"}}), "status.phase", "supported values"),
    ];
    check_changes::<DeletionRequest>(good(), json!({}), Some("status"), rows).await;
}

#[tokio::test]
async fn a_customer_says_whether_and_how_it_is_deleted() {
    let deletion = |deletion: Value| spec(json!({"deletion": deletion}));
    let rows = vec![
        taken("protected", deletion(json!({"protected": true}))),
        taken("with time", deletion(json!({"gracePeriod": "30d"}))),
        taken("to be deleted", deletion(json!({"requested": {"reason": "contract ended"}}))),
        taken("no longer protected, and to be deleted", deletion(json!({"protected": false, "requested": {"reason": "ended"}}))),
        refused("protected, and to be deleted", deletion(json!({"protected": true, "requested": {"reason": "ended"}})), "spec.deletion.requested", "set protected to false first"),
        refused("to be deleted for no reason", deletion(json!({"requested": {}})), "spec.deletion.requested.reason", "Required"),
        refused("to be deleted for an empty reason", deletion(json!({"requested": {"reason": ""}})), "spec.deletion.requested.reason", "must not be empty"),
        refused("without any time", deletion(json!({"gracePeriod": "0s"})), "spec.deletion.gracePeriod", "must be longer than nothing"),
        refused("with time in words", deletion(json!({"gracePeriod": "soon"})), "spec.deletion.gracePeriod", "must be a duration such as"),
    ];
    let globex = json!({"spec": {"displayName": "Globex GmbH", "contact": {"email": "ops@globex.example"}}});
    check::<Customer>(globex, rows).await;
}
