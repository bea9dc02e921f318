//! Contact lists: they wait until somebody has approved their digest, and only then the customer's software is told of them.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::domain::contacts;
use serde_json::{Value, json};

use crate::people::ROOT;
use crate::scenes::{EMEA, GLOBEX, globex, minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::death_at_write;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};

const LISTS: &str = "contactlists";

/// A list of two people.
pub const TWO: &str = "ada@globex.example\nbob@globex.example\n";

pub fn digest(list: &str) -> String {
    contacts::checked(list.as_bytes()).sha256
}

pub fn list(name: &str, sha256: &str, spec: &Value) -> Value {
    let mut list = json!({
        "apiVersion": "clientele.dev/v1alpha1", "kind": "ContactList",
        "metadata": { "name": name, "namespace": GLOBEX },
        "spec": { "entries": 2, "sha256": sha256, "source": "sign-up form" },
    });
    let fields = list["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    list
}

/// A list that says it is in the ConfigMap `lists`, under its own name.
pub fn readable(name: &str, sha256: &str) -> Value {
    let at = json!({ "contents": { "configMap": { "name": "lists", "key": name } } });
    list(name, sha256, &at)
}

/// A list that says it is in the Secret `contact-lists`, under its own name.
pub fn hidden(name: &str, sha256: &str) -> Value {
    list(name, sha256, &json!({ "contents": { "secretKey": name } }))
}

/// The tenant's ConfigMap `lists`.
pub fn map(data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "lists", "namespace": GLOBEX }, "data": data })
}

/// The tenant's Secret `contact-lists`.
pub fn contents_secret(data: &Value) -> Value {
    let data = data.as_object().expect("data").iter();
    let data: serde_json::Map<_, _> = data
        .map(|(key, text)| {
            let text = STANDARD.encode(text.as_str().expect("text"));
            (key.clone(), json!(text))
        })
        .collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "contact-lists", "namespace": GLOBEX }, "data": data })
}

pub fn approve(sim: &Sim, name: &str, sha256: &str) {
    sim.spec(LISTS, GLOBEX, name, json!({ "approved": sha256 }));
}

/// Names of the lists that the customer's software is told of, with their digests.
fn told(sim: &Sim) -> Vec<(String, String)> {
    let card = sim.see("configmaps", GLOBEX, "customer")["data"].clone();
    let lists = card["contactLists"].as_str().unwrap_or("[]");
    let lists: Vec<Value> = serde_json::from_str(lists).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    lists
        .iter()
        .map(|list| (text(&list["name"]), text(&list["sha256"])))
        .collect()
}

fn state(sim: &Sim, name: &str) -> (String, Value) {
    let phase = sim.see(LISTS, GLOBEX, name)["status"]["phase"].clone();
    (sim.ready(LISTS, GLOBEX, name), phase)
}

fn is(sim: &Sim, name: &str, ready: &str, phase: &str) {
    assert_eq!(state(sim, name), (ready.to_owned(), json!(phase)), "{name}");
}

/// Reasons of the Events about lists, in order.
fn announced(sim: &Sim) -> Vec<String> {
    let state = sim.server.state();
    let events = state.calls.iter().filter(|call| call.is_event());
    let about = events.filter(|call| call.body["regarding"]["kind"] == "ContactList");
    about
        .map(|call| call.body["reason"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn reads(sim: &Sim, mark: usize) -> usize {
    let calls = sim.calls_since(mark);
    let maps = |call: &&crate::server::log::Call| call.resource.plural == "configmaps";
    calls
        .iter()
        .filter(maps)
        .filter(|call| call.verb == Verb::Get)
        .count()
}

#[test]
fn a_list_waits_until_its_digest_is_approved_and_another_digest_waits_again() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let (first, second) = (digest("first"), digest("second"));
        let mark = sim.mark();
        sim.create(&list("news", &first, &json!({})));
        sim.settle().await;
        is(&sim, "news", "True Pending", "Pending");
        assert_eq!(
            sim.condition(LISTS, GLOBEX, "news", "Approved"),
            "False Pending"
        );
        assert_eq!(told(&sim), []);
        let status = "Apply contactlists/status emea--globex/news".to_owned();
        assert_eq!(sim.tally(mark), [(status.clone(), 1)].into());

        let mark = sim.mark();
        approve(&sim, "news", &first);
        sim.settle().await;
        is(&sim, "news", "True Approved", "Approved");
        assert_eq!(told(&sim), [("news".to_owned(), first.clone())]);
        let card = "Apply configmaps emea--globex/customer".to_owned();
        let each_once = [(status, 1), (card, 1)];
        assert_eq!(sim.tally(mark), each_once.clone().into());

        let events = ["Pending", "Approved"];
        assert_eq!(announced(&sim), events);

        let mark = sim.mark();
        sim.wait(minutes(30)).await;
        sim.silent_since(mark);
        sim.restart();
        sim.settle().await;
        let writes = sim.writes_since(mark);
        assert!(writes.is_empty(), "{writes:?}");

        let mark = sim.mark();
        sim.spec(LISTS, GLOBEX, "news", json!({ "sha256": second }));
        sim.settle().await;
        is(&sim, "news", "True Pending", "Pending");
        assert_eq!(told(&sim), []);
        assert_eq!(sim.tally(mark), each_once.into());
        approve(&sim, "news", &second);
        sim.settle().await;
        assert_eq!(told(&sim), [("news".to_owned(), second)]);
        sim.delete(LISTS, GLOBEX, "news");
        sim.settle().await;
        assert_eq!(told(&sim), []);
    });
}

#[test]
fn where_lists_are_not_validated_they_are_approved_at_once_and_no_longer_where_they_are() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let validate = |validates: Value| {
            let sends = json!({ "sending": { "validateLists": validates } });
            sim.spec("customers", EMEA, "globex", sends);
        };
        let (plain, approved) = (digest("plain"), digest("approved"));
        validate(json!(false));
        sim.create(&list("plain", &plain, &json!({})));
        sim.create(&list("other", &approved, &json!({ "approved": approved })));
        sim.settle().await;
        is(&sim, "plain", "True Approved", "Approved");
        let both = [
            ("other".to_owned(), approved.clone()),
            ("plain".to_owned(), plain),
        ];
        assert_eq!(told(&sim), both);
        for validates in [json!(true), Value::Null] {
            validate(json!(false));
            sim.settle().await;
            assert_eq!(told(&sim), both);
            validate(validates);
            sim.settle().await;
            is(&sim, "plain", "True Pending", "Pending");
            assert_eq!(told(&sim), both[..1]);
        }
    });
}

#[test]
fn a_list_that_can_be_read_is_looked_through_once() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let wrong = "ada@globex.example\nnobody\n";
        let mixed = "info@globex.example\nINFO@globex.example\nada@globex.example\n";
        sim.create(&readable("news", &digest(TWO)));
        sim.wait(seconds(10)).await;
        is(&sim, "news", "False ContentsNotFound", "Invalid");
        sim.create(&map(
            &json!({ "news": "something else", "wrong": wrong, "mixed": mixed }),
        ));
        sim.wait(seconds(60)).await;
        is(&sim, "news", "False DigestMismatch", "Invalid");
        sim.edit(
            "configmaps",
            GLOBEX,
            "lists",
            json!({ "data": { "news": TWO } }),
        );
        sim.wait(minutes(3)).await;
        is(&sim, "news", "True Pending", "Pending");

        sim.create(&readable("wrong", &digest(wrong)));
        let mut other = readable("mixed", &digest(mixed));
        other["spec"]["entries"] = json!(4);
        sim.create(&other);
        sim.settle().await;
        is(&sim, "wrong", "False ListInvalid", "Invalid");
        is(&sim, "mixed", "False EntriesMismatch", "Invalid");
        sim.spec(LISTS, GLOBEX, "mixed", json!({ "entries": 3 }));
        sim.settle().await;
        is(&sim, "mixed", "True Pending", "Pending");
        let checked = sim.see(LISTS, GLOBEX, "mixed")["status"]["checked"].clone();
        let counts =
            ["entries", "invalid", "duplicates", "roleAccounts"].map(|key| checked[key].clone());
        assert_eq!(counts, [3, 0, 1, 2].map(|count| json!(count)));
        // Approval is no way round that.
        approve(&sim, "wrong", &digest(wrong));
        approve(&sim, "news", &digest(TWO));
        sim.settle().await;
        is(&sim, "wrong", "False ListInvalid", "Invalid");
        assert_eq!(told(&sim), [("news".to_owned(), digest(TWO))]);

        // What a digest says stays true: nothing is read again, and what becomes of the ConfigMap is nothing to the list.
        let mark = sim.mark();
        sim.delete("configmaps", GLOBEX, "lists");
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
        sim.restart();
        sim.spec(LISTS, GLOBEX, "news", json!({ "source": "another form" }));
        sim.settle().await;
        assert_eq!(reads(&sim, mark), 0);
        is(&sim, "news", "True Approved", "Approved");
    });
}

#[test]
fn what_is_missing_is_looked_for_less_and_less_often_and_when_a_person_says_so() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&readable("news", &digest(TWO)));
        sim.wait(minutes(120)).await;
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        assert_eq!((reads(&sim, mark), sim.writes_since(mark).len()), (4, 0));
        sim.create(&map(&json!({ "news": TWO })));
        sim.annotate(
            LISTS,
            GLOBEX,
            "news",
            "clientele.dev/reconcile-at",
            Some("now"),
        );
        sim.wait(seconds(5)).await;
        is(&sim, "news", "True Pending", "Pending");
    });
}

#[test]
fn whatever_a_tenant_writes_it_is_told_in_a_few_words() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let bytes: Vec<u8> = (0..=255).cycle().take(700_000).collect();
        let many = "\u{202e}x\u{0}\n".repeat(150_000);
        let mut maps = map(&json!({ "many": many }));
        maps["binaryData"] = json!({ "bytes": STANDARD.encode(&bytes), "broken": "%%" });
        maps["metadata"]["managedFields"] = json!([{ "time": "9999-99-99" }]);
        sim.plant(&maps);
        sim.create(&readable("many", &digest(&many)));
        sim.create(&readable("bytes", &contacts::checked(&bytes).sha256));
        sim.create(&readable("broken", &digest("")));
        for (name, entries) in [
            ("many", 150_000),
            ("bytes", contacts::checked(&bytes).entries),
        ] {
            sim.spec(LISTS, GLOBEX, name, json!({ "entries": entries }));
        }
        sim.wait(minutes(1)).await;
        is(&sim, "many", "False ListInvalid", "Invalid");
        is(&sim, "bytes", "False ListInvalid", "Invalid");
        is(&sim, "broken", "False ContentsNotFound", "Invalid");
        for name in ["many", "bytes", "broken"] {
            let status = sim.see(LISTS, GLOBEX, name)["status"].to_string();
            assert!(status.len() < 3_000 && status.is_ascii(), "{status}");
        }
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn the_staff_that_answers_for_customers_is_let_in_while_there_are_lists() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let staff = json!([
            { "group": "sales", "role": "Seller" },
            { "user": "boss@emea.example", "role": "Reseller" },
            { "group": "desk", "role": "Support" },
        ]);
        sim.spec("partners", ROOT, "emea", json!({ "staff": staff }));
        sim.settle().await;
        let binding = || sim.find("rolebindings", GLOBEX, "clientele-list-approvers");
        assert_eq!(binding(), None);
        sim.create(&list("news", &digest("a"), &json!({})));
        sim.settle().await;
        let subjects = || {
            let binding = binding().expect("a binding");
            assert_eq!(binding["roleRef"]["name"], "clientele-list-approver");
            let subjects = binding["subjects"].as_array().expect("subjects").clone();
            let names = subjects
                .iter()
                .map(|subject| subject["name"].as_str().expect("a name").to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(subjects(), ["sales", "boss@emea.example"]);
        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        let fewer = json!({ "staff": [{ "group": "sales", "role": "Seller" }] });
        sim.spec("partners", ROOT, "emea", fewer);
        sim.settle().await;
        assert_eq!(subjects(), ["sales"]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True OnHold");
        sim.delete(LISTS, GLOBEX, "news");
        sim.settle().await;
        assert_eq!(binding(), None);
    });
}

#[test]
fn in_another_namespace_it_is_told_where_lists_belong_and_nothing_is_read() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mut stray = readable("news", &digest(TWO));
        stray["metadata"]["namespace"] = json!(EMEA);
        let mark = sim.mark();
        sim.create(&stray);
        sim.settle().await;
        assert_eq!(sim.ready(LISTS, EMEA, "news"), "False NotATenantNamespace");
        assert_eq!(reads(&sim, mark), 0);
    });
}

#[test]
fn whenever_it_dies_the_software_is_told_of_what_is_approved_and_no_more() {
    for at in 0..=1 {
        for before in [true, false] {
            story(Pacing::default(), |sim: Rc<Sim>| async move {
                globex(&sim).await;
                let (first, second) = (digest("first"), digest("second"));
                sim.create(&list("news", &first, &json!({ "approved": first })));
                sim.settle().await;
                assert_eq!(told(&sim).len(), 1);
                for (sha256, named) in [(&second, 0), (&first, 1)] {
                    sim.server.set_fault(death_at_write(at, before));
                    sim.spec(LISTS, GLOBEX, "news", json!({ "sha256": sha256 }));
                    sim.wait(seconds(10)).await;
                    assert!(!sim.server.is_alive(), "{at} {before}");
                    sim.server.mend();
                    sim.wake();
                    sim.settle().await;
                    assert_eq!(told(&sim).len(), named, "{at} {before}");
                }
            });
        }
    }
}

#[test]
fn a_list_is_read_in_the_secret_for_lists_by_a_right_that_goes_with_it() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let binding = || sim.find("rolebindings", GLOBEX, "clientele-contact-lists");
        sim.create(&hidden("news", &digest(TWO)));
        sim.settle().await;
        is(&sim, "news", "False ContentsNotFound", "Invalid");
        let subjects = binding().expect("a binding")["subjects"].clone();
        assert_eq!(subjects[0]["name"], "clientele");
        sim.create(&contents_secret(&json!({ "news": TWO })));
        sim.wait(minutes(1)).await;
        is(&sim, "news", "True Pending", "Pending");
        sim.delete(LISTS, GLOBEX, "news");
        sim.settle().await;
        assert_eq!(binding(), None);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}
