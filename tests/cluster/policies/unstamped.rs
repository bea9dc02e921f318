//! `clientele-deletion-requests` where `clientele-deletion-stamps` is not in force: nobody is taken at their word.

use serde_json::{Value, json};

use super::deletion::{REQUESTS, forged_labels, request, staff};
use super::{given, platform};
use crate::attempt::{ALLOWED, call, create, delete, patch, try_all, until_refused};
use crate::support::{PATIENCE, Report as _, World, eventually};
use crate::tenancy::Tenant;

#[tokio::test]
async fn without_stamps_nothing_is_taken() {
    let world = World::alone().await;
    let tenant = Tenant::by_hand(&world).await;
    let person = platform(&world).await;
    given(&person, &tenant, request("before", json!({}))).await;
    let bindings = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings/clientele-deletion-stamps";
    call(&world.admin, &delete(bindings))
        .await
        .expect("unbound");
    let unstamped = create(request("a", json!({}))).dry().about(&tenant);
    let wrong = "Who asked for a deletion, who took it back and what it comes from";
    until_refused(&person, &unstamped, wrong).await;

    let me = "platform@staff.example";
    let stamped = |more: Value, spec: Value| {
        let mut request = request("a", spec);
        let mut stamps = json!({"clientele.dev/requested-by": me});
        if let (Some(stamps), Value::Object(more)) = (stamps.as_object_mut(), more) {
            stamps.extend(more);
        }
        request["metadata"]["annotations"] = stamps;
        create(request).dry()
    };
    let one =
        |key: &str, value: &str| stamped(json!({format!("clientele.dev/{key}"): value}), json!({}));
    let now = json!({"mode": "Now"});
    let mine = json!({"clientele.dev/purged-by": me});
    let change = |change: Value| patch(&format!("{REQUESTS}/before"), change).dry();
    let mark = |key: &str| {
        change(json!({"metadata": {"annotations": {format!("clientele.dev/{key}"): me}}}))
    };
    let cancel = json!({"cancel": {"note": "they stay"}});
    let mut attempts = vec![
        (
            "asks, as who they are",
            stamped(json!({}), json!({})),
            ALLOWED,
        ),
        ("asks as another", one("requested-by", "other"), wrong),
        ("may purge, as is true", one("may-purge", "true"), ALLOWED),
        ("may purge in other words", one("may-purge", "yes"), wrong),
        ("is snapshot", one("customer-snapshot", "{}"), wrong),
        ("is a form's", one("form-uid", "u"), wrong),
        ("is the operator's", one("source", "Spec"), wrong),
        ("was cancelled", one("cancelled-by", me), wrong),
        ("hurries nobody", one("purged-by", me), wrong),
        ("hurries unseen", stamped(json!({}), now.clone()), wrong),
        ("hurries", stamped(mine, now), ALLOWED),
        ("cancels unseen", change(json!({"spec": cancel})), wrong),
        (
            "cancels",
            change(
                json!({"spec": cancel, "metadata": {"annotations": {"clientele.dev/cancelled-by": me}}}),
            ),
            ALLOWED,
        ),
        (
            "labels",
            change(json!({"metadata": {"labels": {"a": "b"}}})),
            ALLOWED,
        ),
        (
            "takes the stamps off",
            change(json!({"metadata": {"annotations": null}})),
            wrong,
        ),
    ];
    for (key, value) in forged_labels().as_object().expect("labels") {
        let label = json!({"metadata": {"labels": {key: value}}});
        attempts.push(("labels it like the operator's", change(label), wrong));
    }
    let helm = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}});
    attempts.push(("manages it by Helm", change(helm), ALLOWED));
    for key in [
        "may-purge",
        "cancelled-by",
        "purged-by",
        "source",
        "form-uid",
        "customer-snapshot",
    ] {
        attempts.push(("marks it afterwards", mark(key), wrong));
    }
    try_all(&person, &tenant, attempts).await;
    // Nor is that right claimed by somebody who has it not.
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let mut claim = request("a", json!({}));
    claim["metadata"]["annotations"] = json!({"clientele.dev/may-purge": "true",
        "clientele.dev/requested-by": format!("clientele-seller@{}.example", tenant.partner)});
    try_all(
        &seller,
        &tenant,
        vec![("claims to purge", create(claim).dry(), wrong)],
    )
    .await;

    world.kubectl(&["apply", "-k", "deploy/"]);
    eventually("stamps are back", PATIENCE, async || {
        call(&person, &unstamped).await.map(drop).report()
    })
    .await;
}
