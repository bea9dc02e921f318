//! `clientele-namespaces` and `clientele-namespace-deletes`.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use serde_json::{Value, json};

use super::{as_platform, platform};
use crate::attempt::{ALLOWED, call, create_in_cluster, delete, get, patch, put, try_all};
use crate::support::{World, refused, until};
use crate::tenancy::Tenant;

const OURS: &str = "This namespace is Clientele's";
const TWO_LABELS: &str = "Of the clientele.dev/ keys a person sets only the labels";

fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

#[tokio::test]
async fn what_says_that_a_namespace_is_clienteles_is_the_operators() {
    let labels = |labels: Value| json!({"metadata": {"labels": labels}});
    let annotations = |annotations: Value| json!({"metadata": {"annotations": annotations}});
    let own = "/api/v1/namespaces/{ns}";
    let home = "/api/v1/namespaces/{home}";
    let owner = json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "u"}]}});
    as_platform(vec![
        ("opens", patch(own, labels(json!({"clientele.dev/access": "Locked"}))), OURS),
        ("lets go", patch(own, labels(json!({"clientele.dev/type": null}))), OURS),
        ("lets all go", patch(own, json!({"metadata": {"labels": null}})), OURS),
        ("gives away", patch(own, labels(json!({"clientele.dev/customer": "other"}))), OURS),
        ("adds a key", patch(own, labels(json!({"clientele.dev/more": "x"}))), OURS),
        ("relaxes Pod Security", patch(own, labels(json!({"pod-security.kubernetes.io/enforce": "privileged"}))), OURS),
        ("pins Pod Security", patch(own, labels(json!({"pod-security.kubernetes.io/enforce-version": "v1.0"}))), OURS),
        ("blinds the operator", patch(own, labels(json!({"app.kubernetes.io/managed-by": "me"}))), OURS),
        ("widens a plan", patch(own, annotations(json!({"clientele.dev/storage-classes": null}))), OURS),
        ("gives a number", patch(own, annotations(json!({"clientele.dev/customer-number": "1"}))), OURS),
        ("through the status", patch("/api/v1/namespaces/{ns}/status", labels(json!({"clientele.dev/access": "Locked"}))), OURS),
        ("moves a partner", patch(home, labels(json!({"clientele.dev/parent": "partner-other"}))), OURS),
        ("gives it an owner", patch(own, owner), "A namespace of Clientele has no owner"),
        ("sets a label of its own", patch(own, labels(json!({"team": "a"}))), ALLOWED),
        ("sets an annotation of its own", patch(own, annotations(json!({"team": "a"}))), ALLOWED),
        ("confirms a deletion", patch(own, annotations(json!({"clientele.dev/confirm-delete": "x"}))), ALLOWED),
        (
            "declares a partner's again",
            patch(home, labels(json!({"clientele.dev/partner": "{partner}", "clientele.dev/parent": "clientele-partners"}))),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn only_a_partners_namespace_is_declared_and_only_with_its_two_labels() {
    let both = |partner: &str| json!({"clientele.dev/partner": partner, "clientele.dev/parent": "clientele-partners"});
    let mut typed = both("{partner}a");
    typed["clientele.dev/type"] = "partner".into();
    let tenant = json!({"clientele.dev/type": "tenant", "clientele.dev/partner": "{partner}", "clientele.dev/customer": "a"});
    let mut annotated = namespace("partner-{partner}a", &both("{partner}a"));
    annotated["metadata"]["annotations"] = json!({"clientele.dev/partner-uid": "u"});
    let mut secured = both("{partner}b");
    secured["pod-security.kubernetes.io/enforce"] = "restricted".into();
    as_platform(vec![
        (
            "a tenant's",
            create_in_cluster(namespace("{partner}--a", &tenant)),
            TWO_LABELS,
        ),
        (
            "a partner's with all labels",
            create_in_cluster(namespace("partner-{partner}a", &typed)),
            TWO_LABELS,
        ),
        (
            "another partner's",
            create_in_cluster(namespace("partner-{partner}a", &both("other"))),
            TWO_LABELS,
        ),
        (
            "a partner's without its parent",
            create_in_cluster(namespace(
                "partner-{partner}a",
                &json!({"clientele.dev/partner": "{partner}a"}),
            )),
            TWO_LABELS,
        ),
        ("with a fact", create_in_cluster(annotated), TWO_LABELS),
        (
            "one of Kubernetes' own",
            patch(
                "/api/v1/namespaces/default",
                json!({"metadata": {"labels": {"clientele.dev/type": "tenant"}}}),
            ),
            TWO_LABELS,
        ),
        (
            "a partner's with both",
            create_in_cluster(namespace("partner-{partner}a", &both("{partner}a"))),
            ALLOWED,
        ),
        (
            "and Pod Security",
            create_in_cluster(namespace("partner-{partner}b", &secured)),
            ALLOWED,
        ),
        (
            "any other",
            create_in_cluster(namespace("{partner}-any", &json!({"team": "a"}))),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn no_namespace_of_clientele_is_finalized_by_hand() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let path = format!("/api/v1/namespaces/{}", tenant.namespace);
    let mut namespace = call(&world.admin, &get(&path))
        .await
        .expect("the namespace");
    namespace["spec"]["finalizers"] = json!([]);
    let finalized = put(&format!("{path}/finalize"), namespace);
    try_all(
        &platform(&world).await,
        &tenant,
        vec![(
            "finalizes it",
            finalized,
            "is finalized only by Kubernetes, once it is empty",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_namespace_of_clientele_is_deleted_only_when_confirmed() {
    let unconfirmed = "destroys everything in it, for good";
    let confirm = |namespace: &str, name: &str| {
        patch(
            &format!("/api/v1/namespaces/{namespace}"),
            json!({"metadata": {"annotations": {"clientele.dev/confirm-delete": name}}}),
        )
    };
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    try_all(
        &platform(&world).await,
        &tenant,
        vec![
            ("a tenant's", delete("/api/v1/namespaces/{ns}"), unconfirmed),
            (
                "a partner's",
                delete("/api/v1/namespaces/{home}"),
                unconfirmed,
            ),
            (
                "the operator's",
                delete("/api/v1/namespaces/clientele-system"),
                unconfirmed,
            ),
            (
                "the providers'",
                delete("/api/v1/namespaces/clientele-partners"),
                unconfirmed,
            ),
            (
                "confirms with a wrong name",
                confirm("{ns}", "{home}"),
                ALLOWED,
            ),
            (
                "a tenant's, confirmed with a wrong name",
                delete("/api/v1/namespaces/{ns}"),
                unconfirmed,
            ),
            ("confirms", confirm("{ns}", "{ns}"), ALLOWED),
            (
                "a tenant's, confirmed",
                delete("/api/v1/namespaces/{ns}"),
                ALLOWED,
            ),
        ],
    )
    .await;
    // Kubernetes then empties it, past everything that protects what is in it.
    let namespaces: Api<Namespace> = Api::all(world.admin.clone());
    until(namespaces, &tenant.namespace, "gone", |found| {
        found.is_none()
    })
    .await;
    let message = call(
        &platform(&world).await,
        &delete(&format!("/api/v1/namespaces/{}", tenant.home)),
    )
    .await;
    let command = format!(
        "kubectl annotate namespace {0} clientele.dev/confirm-delete={0}",
        tenant.home
    );
    refused(message, &command);
}

#[tokio::test]
async fn break_glass_opens_all_of_it() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let firefighter = world
        .as_user(
            "firefighter@staff.example",
            &["system:masters", "clientele:break-glass"],
        )
        .await;
    try_all(
        &firefighter,
        &tenant,
        vec![
            (
                "labels",
                patch(
                    "/api/v1/namespaces/{ns}",
                    json!({"metadata": {"labels": {"clientele.dev/access": "Locked"}}}),
                ),
                ALLOWED,
            ),
            (
                "writes",
                patch(
                    "/api/v1/namespaces/{ns}/configmaps/customer",
                    json!({"data": {"a": "b"}}),
                ),
                ALLOWED,
            ),
            ("deletes", delete("/api/v1/namespaces/{ns}"), ALLOWED),
        ],
    )
    .await;
}
