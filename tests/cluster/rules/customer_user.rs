//! CustomerUsers.

use clientele::api::CustomerUser;
use serde_json::{Value, json};

use super::{check, refused, taken};

fn good() -> Value {
    json!({"spec": {"customer": "globex", "email": "bob@globex.example"}})
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

#[tokio::test]
async fn users_are_checked() {
    let rows = vec![
        taken("a user", json!({})),
        taken("a name like an e-mail's", named("bob.stone")),
        taken("a name of 63 characters", named(&"b".repeat(63))),
        refused("a name of 64 characters", named(&"b".repeat(64)), "metadata.name", "at most 63 characters"),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("no e-mail", spec(json!({"email": null})), "spec.email", "Required"),
        refused("an e-mail in upper case", spec(json!({"email": "Bob@globex.example"})), "spec.email", "must be in lower case"),
        refused("an e-mail that is none", spec(json!({"email": "bob"})), "spec.email", "must be one e-mail address"),
        refused("a service account for an e-mail", spec(json!({"email": "system:serviceaccount:a:b"})), "spec.email", "must be one e-mail address"),
        refused("a customer of another namespace", spec(json!({"customer": "emea/globex"})), "spec.customer", "must be the name of an object"),
        refused("an empty customer", spec(json!({"customer": ""})), "spec.customer", "must be the name of an object"),
        refused("a customer whose name is too long", spec(json!({"customer": "a".repeat(32)})), "spec.customer", "more than 31"),
        refused("a role that is none", spec(json!({"role": "Owner"})), "spec.role", "supported values"),
        refused("a language that is none", spec(json!({"locale": "deutsch"})), "spec.locale", "must be a BCP 47 language tag"),
        refused("a region that is none", spec(json!({"locale": "en-UK"})), "spec.locale", "must name the region"),
        refused("a language that nobody speaks", spec(json!({"locale": "xx"})), "spec.locale", "must begin with an ISO 639-1"),
        refused("a family name with a control character", spec(json!({"familyName": "a\u{7f}"})), "spec.familyName", "must be one line of text"),
        refused("a name with bidirectional characters", spec(json!({"givenName": "\u{202e}boB"})), "spec.givenName", "must be one line of text"),
    ];
    check::<CustomerUser>(good(), rows).await;
}
