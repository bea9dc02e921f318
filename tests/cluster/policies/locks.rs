//! `clientele-access`: whom a lock keeps out, and whom it does not.

use serde_json::json;

use super::{let_in, map, until_refused};
use crate::attempt::{ALLOWED, call, create, create_in_cluster, delete, post, try_all};
use crate::support::World;
use crate::tenancy::Tenant;

#[tokio::test]
async fn a_lock_keeps_people_out_and_lets_software_and_staff_go_on() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    // Somebody whom a lock does not reach by bindings: bound in the whole cluster, but no staff of this partner.
    let insider = format!("insider@{}.example", tenant.partner);
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": insider},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"kind": "User", "name": insider, "apiGroup": "rbac.authorization.k8s.io"}]});
    call(&world.admin, &create_in_cluster(binding))
        .await
        .expect("a binding");
    let insider = world.as_user(&insider, &[]).await;
    let_in(&insider, &tenant.namespace, "", "configmaps").await;
    let make = |name: &str| create(map("{ns}", name, &json!({})));
    try_all(
        &insider,
        &tenant,
        vec![("writes while it is open", make("a"), ALLOWED)],
    )
    .await;

    tenant.set_access(&world, "Locked").await;
    let refused = "This customer's access is locked";
    // Policies read namespaces from the API server's cache, which follows within milliseconds.
    let probe = make("probe").dry().about(&tenant);
    until_refused(&insider, &probe, refused).await;
    try_all(
        &insider,
        &tenant,
        vec![
            ("writes", make("b"), refused),
            (
                "deletes",
                delete("/api/v1/namespaces/{ns}/configmaps/a"),
                refused,
            ),
            (
                "gets into a pod",
                post(
                    "/api/v1/namespaces/{ns}/pods/app/exec?command=sh&container=a",
                    json!({}),
                ),
                refused,
            ),
        ],
    )
    .await;
    for (who, attempt) in [
        ("platform@staff.example", "b"),
        (
            &format!("system:serviceaccount:{}:app", tenant.namespace) as &str,
            "c",
        ),
        ("system:serviceaccount:flux-system:flux", "d"),
        (
            "system:serviceaccount:kube-system:replicaset-controller",
            "e",
        ),
    ] {
        let client = world.as_user(who, &["system:masters"]).await;
        try_all(&client, &tenant, vec![("writes", make(attempt), ALLOWED)]).await;
    }
}
