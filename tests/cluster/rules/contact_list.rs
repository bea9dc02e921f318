//! ContactLists.

use clientele::api::ContactList;
use serde_json::{Value, json};

use super::{check, refused, taken};

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn good() -> Value {
    json!({"spec": {"entries": 2, "sha256": DIGEST, "source": "sign-up form"}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

fn at(name: &str, key: &str) -> Value {
    spec(json!({"contents": {"configMap": {"name": name, "key": key}}}))
}

#[tokio::test]
async fn lists_are_checked() {
    const HEX: &str = "must be a SHA-256 digest as sha256sum prints it";
    let rows = vec![
        taken("a list", json!({})),
        taken("a list that is approved", spec(json!({"approved": DIGEST}))),
        taken("a list that can be read", at("lists", "news.csv")),
        refused("a name with a dot", json!({"metadata": {"name": "news.csv"}}), "metadata.name", "at most 63 characters long"),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("no number of entries", spec(json!({"entries": null})), "spec.entries", "Required"),
        refused("no entries", spec(json!({"entries": 0})), "spec.entries", "greater than or equal to 1"),
        refused("fewer than none", spec(json!({"entries": -5})), "spec.entries", "greater than or equal to 1"),
        refused("more than there are people", spec(json!({"entries": 10_000_000_000_i64})), "spec.entries", "less than or equal to 1000000000"),
        refused("half an entry", spec(json!({"entries": 1.5})), "spec.entries", "must be of type int64"),
        refused("no digest", spec(json!({"sha256": null})), "spec.sha256", "Required"),
        refused("a digest in upper case", spec(json!({"sha256": DIGEST.to_uppercase()})), "spec.sha256", HEX),
        refused("a digest that is too short", spec(json!({"sha256": &DIGEST[1..]})), "spec.sha256", HEX),
        refused("a digest that is too long", spec(json!({"sha256": format!("{DIGEST}0")})), "spec.sha256", "more than 64"),
        refused("a digest of another kind", spec(json!({"sha256": "sha256:ba7816bf"})), "spec.sha256", HEX),
        refused("approval in words", spec(json!({"approved": "true"})), "spec.approved", HEX),
        refused("no source", spec(json!({"source": null})), "spec.source", "Required"),
        refused("an empty source", spec(json!({"source": ""})), "spec.source", "must not be empty"),
        refused("a source on two lines", spec(json!({"source": "a\nb"})), "spec.source", "must be one line of text"),
        refused("a source that reads backwards", spec(json!({"source": "\u{202e}a"})), "spec.source", "must be one line of text"),
        refused("a source of 513 characters", spec(json!({"source": "x".repeat(513)})), "spec.source", "more than 512"),
        taken("a list in the Secret", spec(json!({"contents": {"secretKey": "news.csv"}}))),
        refused("contents nowhere", spec(json!({"contents": {}})), "spec.contents", "give either configMap or secretKey"),
        refused("contents twice", spec(json!({"contents": {"configMap": {"name": "lists", "key": "news"}, "secretKey": "news"}})), "spec.contents", "give either configMap or secretKey"),
        refused("a key of a Secret with a slash", spec(json!({"contents": {"secretKey": "../news"}})), "spec.contents.secretKey", "must be a key of a ConfigMap"),
        refused("contents in another namespace", at("other/lists", "news"), "spec.contents.configMap.name", "must be the name of an object"),
        refused("a key with a slash", at("lists", "../news"), "spec.contents.configMap.key", "must be a key of a ConfigMap"),
        refused("an empty key", at("lists", ""), "spec.contents.configMap.key", "must be a key of a ConfigMap"),
    ];
    check::<ContactList>(good(), rows).await;
}
