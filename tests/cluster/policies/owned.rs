//! `clientele-owned-objects` and `clientele-tenant-objects`, against people who have every right, and against Kubernetes'
//! own controllers, which must get on with their work.

use serde_json::json;

use super::{as_platform, map, platform};
use crate::attempt::{ALLOWED, create, delete, patch, post, put, try_all};
use crate::support::World;
use crate::tenancy::Tenant;

#[tokio::test]
async fn what_the_operator_made_is_not_even_an_administrators() {
    let owned = "is written only by the operator";
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/{customer}-admin";
    let managed = json!({"app.kubernetes.io/managed-by": "clientele"});
    as_platform(vec![
        (
            "the quota",
            patch(
                "/api/v1/namespaces/{ns}/resourcequotas/clientele",
                json!({"spec": {"hard": null}}),
            ),
            owned,
        ),
        (
            "what is used of it",
            patch(
                "/api/v1/namespaces/{ns}/resourcequotas/clientele/status",
                json!({"status": {"used": {"pods": "0"}}}),
            ),
            owned,
        ),
        (
            "the limits",
            delete("/api/v1/namespaces/{ns}/limitranges/clientele"),
            owned,
        ),
        (
            "the network",
            delete("/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/clientele"),
            owned,
        ),
        ("the bindings", delete(rbac), owned),
        (
            "the bindings, in bulk",
            delete("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings"),
            owned,
        ),
        (
            "forges one in a tenant",
            create(map("{ns}", "x", &managed)),
            owned,
        ),
        (
            "forges one in a partner's",
            create(map("{home}", "x", &managed)),
            owned,
        ),
        (
            "forges one anywhere",
            create(map("default", "forged", &managed)),
            owned,
        ),
        (
            "makes one of another manager",
            create(map(
                "{ns}",
                "x",
                &json!({"app.kubernetes.io/managed-by": "helm"}),
            )),
            ALLOWED,
        ),
        (
            "gives it to the operator then",
            patch(
                "/api/v1/namespaces/{ns}/configmaps/x",
                json!({"metadata": {"labels": managed}}),
            ),
            owned,
        ),
    ])
    .await;
}

#[tokio::test]
async fn kubernetes_gets_on_with_its_work() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let status = json!({"metadata": {"finalizers": ["example.com/theirs"]}});
    let quota = patch(
        "/api/v1/namespaces/{ns}/resourcequotas/clientele/status",
        json!({"status": {"used": {"pods": "1"}}}),
    );
    let theirs = patch("/api/v1/namespaces/{ns}/configmaps/theirs", status);
    for (who, tries) in [
        (
            "system:serviceaccount:kube-system:resourcequota-controller",
            vec![
                ("counts", quota.clone(), ALLOWED),
                (
                    "lifts the quota",
                    patch(
                        "/api/v1/namespaces/{ns}/resourcequotas/clientele",
                        json!({"spec": {"hard": null}}),
                    ),
                    "is written only by the operator",
                ),
            ],
        ),
        ("system:apiserver", vec![("counts", quota, ALLOWED)]),
        (
            "system:serviceaccount:flux-system:flux",
            vec![(
                "makes an object",
                create(map("{ns}", "theirs", &json!({}))),
                ALLOWED,
            )],
        ),
        (
            "system:serviceaccount:operators:database",
            vec![("sets its finalizer on it", theirs.clone(), ALLOWED)],
        ),
        (
            "system:serviceaccount:kube-system:namespace-controller",
            vec![(
                "empties the namespace",
                delete("/api/v1/namespaces/{ns}/limitranges/clientele"),
                ALLOWED,
            )],
        ),
    ] {
        let client = world.as_user(who, &["system:masters"]).await;
        try_all(&client, &tenant, tries).await;
    }
    // A person who changes something else leaves a controller's finalizer alone, and may.
    let again = patch(
        "/api/v1/namespaces/{ns}/configmaps/theirs",
        json!({"data": {"a": "b"}}),
    );
    let more = patch(
        "/api/v1/namespaces/{ns}/configmaps/theirs",
        json!({"metadata": {"finalizers": ["example.com/theirs", "example.com/mine"]}}),
    );
    let account = format!("system:serviceaccount:{}:default", tenant.namespace);
    for who in ["platform@staff.example", &account] {
        let client = world.as_user(who, &["system:masters"]).await;
        let tries = vec![
            ("changes it", again.clone(), ALLOWED),
            ("blocks it", more.clone(), "A finalizer of your own"),
        ];
        try_all(&client, &tenant, tries).await;
    }
}

#[tokio::test]
async fn names_that_the_operator_uses_are_kept_for_it() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let kept = "belongs to Clientele";
    // As if somebody had taken the mark off.
    let unmarked = put(
        "/api/v1/namespaces/{ns}/serviceaccounts/default",
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "{ns}"}}),
    );
    let firefighter = world
        .as_user(
            "firefighter@staff.example",
            &["system:masters", "clientele:break-glass"],
        )
        .await;
    try_all(
        &firefighter,
        &tenant,
        vec![("takes the mark off", unmarked, ALLOWED)],
    )
    .await;
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    try_all(&platform(&world).await, &tenant, vec![
        ("changes it", patch("/api/v1/namespaces/{ns}/serviceaccounts/default", json!({"automountServiceAccountToken": true})), kept),
        ("deletes it", delete("/api/v1/namespaces/{ns}/serviceaccounts/default"), kept),
        (
            "makes the quota of that name",
            create(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "clientele"}, "spec": {}})),
            kept,
        ),
        ("makes another", create(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "more"}, "spec": {}})), ALLOWED),
    ])
    .await;
    let node = world.as_user("system:node:one", &["system:masters"]).await;
    let asked = post(
        "/api/v1/namespaces/{ns}/serviceaccounts/default/token",
        token,
    );
    try_all(
        &node,
        &tenant,
        vec![("fetches a pod's token", asked, ALLOWED)],
    )
    .await;
}
