//! The fence round the operator, for namespaces (`clientele-fence-namespaces`): what it cannot do even with every right.

use serde_json::{Value, json};

use super::{as_operator, given, map, platform};
use crate::attempt::{ALLOWED, call, create_in_cluster, delete, delete_with, get, patch, try_all};
use crate::support::{World, unique};
use crate::tenancy::{OPERATOR, Tenant};

const FORMS: &str =
    "The operator writes only clientele-partners, partner-<name> and <partner>--<customer>";

fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// The labels of a tenant namespace `{partner}--more`, less one.
fn tenant_labels_without(missing: &str) -> Value {
    let mut labels = json!({
        "clientele.dev/type": "tenant",
        "clientele.dev/partner": "{partner}",
        "clientele.dev/customer": "more",
        "clientele.dev/customer-uid": "u",
        "clientele.dev/access": "Open",
    });
    for mode in ["enforce", "audit", "warn"] {
        labels[format!("pod-security.kubernetes.io/{mode}")] = "restricted".into();
        labels[format!("pod-security.kubernetes.io/{mode}-version")] = "latest".into();
    }
    labels.as_object_mut().expect("labels").remove(missing);
    labels
}

#[tokio::test]
async fn it_makes_only_namespaces_of_clienteles_forms_and_isolated_from_the_start() {
    let mut attempts = vec![
        (
            "any namespace",
            create_in_cluster(namespace("kube-more", &json!({}))),
            FORMS,
        ),
        (
            "a partner's without labels",
            create_in_cluster(namespace("partner-{partner}more", &json!({}))),
            FORMS,
        ),
        (
            "a tenant's without labels",
            create_in_cluster(namespace("{partner}--more", &json!({}))),
            FORMS,
        ),
        (
            "a tenant's under another name",
            create_in_cluster(namespace("{partner}--less", &tenant_labels_without(""))),
            FORMS,
        ),
        (
            "a partner's under another name",
            create_in_cluster(namespace(
                "partner-{partner}more",
                &json!({"clientele.dev/type": "partner",
                "clientele.dev/partner": "{partner}", "clientele.dev/parent": "clientele-partners"}),
            )),
            FORMS,
        ),
    ];
    let all = tenant_labels_without("");
    for key in all.as_object().expect("labels").keys() {
        let labels = tenant_labels_without(key);
        attempts.push((
            "a tenant's with a label missing",
            create_in_cluster(namespace("{partner}--more", &labels)),
            FORMS,
        ));
    }
    let mut old = all.clone();
    old["pod-security.kubernetes.io/enforce-version"] = "v1.0".into();
    attempts.push((
        "a tenant's with an old Pod Security",
        create_in_cluster(namespace("{partner}--more", &old)),
        FORMS,
    ));
    attempts.push((
        "a good one",
        create_in_cluster(namespace("{partner}--more", &all)),
        ALLOWED,
    ));
    as_operator(attempts).await;
}

#[tokio::test]
async fn it_changes_only_namespaces_that_are_clienteles() {
    let ours = "The operator changes only namespaces that carry Clientele's labels";
    let partner = json!({"clientele.dev/type": "partner", "clientele.dev/partner": "{partner}", "clientele.dev/parent": "clientele-partners"});
    let change = |labels: Value| json!({"metadata": {"labels": labels}});
    let own = "/api/v1/namespaces/{ns}";
    as_operator(vec![
        (
            "labels the system's",
            patch("/api/v1/namespaces/kube-system", change(json!({"a": "b"}))),
            FORMS,
        ),
        (
            "makes the system's a partner's",
            patch("/api/v1/namespaces/kube-system", change(partner)),
            FORMS,
        ),
        (
            "gives a tenant to another customer",
            patch(own, change(json!({"clientele.dev/customer": "x"}))),
            FORMS,
        ),
        (
            "makes a tenant a partner's",
            patch(own, change(json!({"clientele.dev/type": "partner"}))),
            FORMS,
        ),
        (
            "lets go of a tenant",
            patch(own, change(json!({"clientele.dev/type": null}))),
            FORMS,
        ),
        (
            "moves a partner below another",
            patch(
                "/api/v1/namespaces/{home}",
                change(json!({"clientele.dev/parent": "partner-other"})),
            ),
            ours,
        ),
        (
            "weakens Pod Security",
            patch(
                own,
                change(json!({"pod-security.kubernetes.io/enforce-version": "v1.0"})),
            ),
            FORMS,
        ),
        (
            "writes a status",
            patch("/api/v1/namespaces/{ns}/status", change(json!({"a": "b"}))),
            "writes no status",
        ),
        (
            "deletes a tenant",
            delete(own),
            "The operator deletes only tenant namespaces marked | destroys everything in it",
        ),
        (
            "deletes any namespace",
            delete("/api/v1/namespaces/kube-node-lease").dry(),
            "The operator deletes only tenant namespaces marked",
        ),
        (
            "locks a tenant",
            patch(own, change(json!({"clientele.dev/access": "Locked"}))),
            ALLOWED,
        ),
        (
            "gives a retained tenant to the same customer, made again",
            patch(
                own,
                change(json!({"clientele.dev/customer-uid": "another"})),
            ),
            ALLOWED,
        ),
        (
            "relaxes Pod Security for a plan",
            patch(
                own,
                change(json!({"pod-security.kubernetes.io/enforce": "baseline"})),
            ),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn it_adopts_only_what_says_whose_it_is() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let platform = platform(&world).await;
    let (plain, declared) = (unique("plain-"), unique("declared-"));
    let labels = |of: &str| json!({"clientele.dev/partner": of, "clientele.dev/parent": "clientele-partners"});
    for (name, labels) in [(&plain, json!({})), (&declared, labels(&declared))] {
        let object = namespace(&format!("partner-{name}"), &labels);
        call(&platform, &create_in_cluster(object))
            .await
            .expect("a namespace");
    }
    let adopt = |name: &str| {
        let mut labels = labels(name);
        labels["clientele.dev/type"] = "partner".into();
        patch(
            &format!("/api/v1/namespaces/partner-{name}"),
            json!({"metadata": {"labels": labels}}),
        )
    };
    let taken = map(&format!("partner-{declared}"), "partner", &json!({}));
    given(&platform, &tenant, taken).await;
    let mine = map(
        &format!("partner-{declared}"),
        "partner",
        &json!({"app.kubernetes.io/managed-by": "clientele"}),
    );
    try_all(
        &operator,
        &tenant,
        vec![
            (
                "adopts one that says nothing",
                adopt(&plain),
                "The operator changes only namespaces",
            ),
            ("adopts one that was declared", adopt(&declared), ALLOWED),
            (
                "takes over a ConfigMap in it",
                tenant.apply(mine),
                "never takes over another's",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn it_deletes_only_a_tenant_that_is_marked_and_only_as_it_was_read() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let platform = platform(&world).await;
    let marked = "The operator deletes only tenant namespaces marked with clientele.dev/purge, and at the resourceVersion";
    let unmarked = "The operator deletes only tenant namespaces marked | destroys everything in it";
    let read = async |name: &str| {
        let namespace = get(&tenant.fill(&format!("/api/v1/namespaces/{name}")));
        call(&operator, &namespace).await.expect("a namespace")["metadata"].take()
    };
    let exactly = async |name: &str, keys: &[&str]| {
        let read = read(name).await;
        let mut preconditions = json!({});
        for &key in keys {
            preconditions[key] = read[key].clone();
        }
        let options =
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions});
        delete_with(&format!("/api/v1/namespaces/{name}"), options)
    };
    let both: &[&str] = &["uid", "resourceVersion"];
    let mark = |name: &str, value: Value| {
        patch(
            &format!("/api/v1/namespaces/{name}"),
            json!({"metadata": {"annotations": {"clientele.dev/purge": value}}}),
        )
    };
    // A person cannot mark it, so what is marked was marked by the operator.
    try_all(
        &platform,
        &tenant,
        vec![(
            "a person marks a tenant",
            mark("{ns}", json!("u")),
            "only the operator changes",
        )],
    )
    .await;
    let read = exactly("{ns}", both).await;
    try_all(
        &operator,
        &tenant,
        vec![
            ("deletes a tenant without a mark", read, unmarked),
            ("marks a tenant", mark("{ns}", json!("u")), ALLOWED),
            ("marks a partner's", mark("{home}", json!("u")), ALLOWED),
        ],
    )
    .await;
    let attempts = vec![
        ("deletes a partner's", exactly("{home}", both).await, marked),
        (
            "deletes a tenant, whichever it is",
            delete("/api/v1/namespaces/{ns}"),
            marked,
        ),
        (
            "deletes a tenant, whatever it says now",
            exactly("{ns}", &["uid"]).await,
            marked,
        ),
        ("takes the mark off", mark("{ns}", json!(null)), ALLOWED),
    ];
    try_all(&operator, &tenant, attempts).await;
    // Nor when a person has confirmed the deletion: that is for the person.
    let confirmed = json!({"metadata": {"annotations": {"clientele.dev/confirm-delete": "{ns}"}}});
    let confirm = patch("/api/v1/namespaces/{ns}", confirmed);
    try_all(
        &platform,
        &tenant,
        vec![("a person confirms", confirm, ALLOWED)],
    )
    .await;
    let read = exactly("{ns}", both).await;
    try_all(
        &operator,
        &tenant,
        vec![("deletes what a person confirmed", read, marked)],
    )
    .await;
    let unconfirmed = json!({"metadata": {"annotations": {"clientele.dev/confirm-delete": null}}});
    let unconfirm = patch("/api/v1/namespaces/{ns}", unconfirmed);
    try_all(
        &platform,
        &tenant,
        vec![("thinks better of it", unconfirm, ALLOWED)],
    )
    .await;
    let read = exactly("{ns}", both).await;
    let attempts = vec![
        ("deletes a tenant without a mark", read, unmarked),
        ("marks it", mark("{ns}", json!("u")), ALLOWED),
    ];
    try_all(&operator, &tenant, attempts).await;
    // The mark is no confirmation for others.
    let purge = exactly("{ns}", both).await;
    try_all(
        &platform,
        &tenant,
        vec![(
            "a person deletes it",
            purge.clone().dry(),
            "destroys everything in it",
        )],
    )
    .await;
    try_all(&operator, &tenant, vec![("deletes it", purge, ALLOWED)]).await;
}
