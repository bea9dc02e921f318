//! `clientele-access`: whom a lock and a stop keep out, and whom they do not; and what the operator may then do.

use serde_json::{Value, json};

use super::{given, let_in, map, until_refused};
use crate::attempt::{ALLOWED, call, create, create_in_cluster, delete, post, try_all};
use crate::steps::pod;
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant};

#[tokio::test]
async fn a_lock_keeps_people_out_and_lets_software_and_staff_go_on() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let insider = format!("insider@{}.example", tenant.partner);
    let staff = format!("staff@{}.example", tenant.partner);
    let software = format!("system:serviceaccount:{}:app", tenant.namespace);
    let pipeline = format!("system:serviceaccount:flux-system:{}", tenant.partner);
    // They have a way in that a lock does not take away: a binding in the whole cluster. One of them is staff besides.
    let user =
        |name: &str| json!({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"});
    let role = |name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name});
    let api = "rbac.authorization.k8s.io/v1";
    let everyone: Vec<Value> = [&insider, &staff, &software, &pipeline]
        .map(|name| user(name))
        .into();
    let binding = json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": tenant.partner},
        "roleRef": role("edit"), "subjects": everyone});
    call(&world.admin, &create_in_cluster(binding))
        .await
        .expect("a binding");
    let binding = json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": "staff", "namespace": "{home}"},
        "roleRef": role("clientele-seller"), "subjects": [user(&staff)]});
    given(&world.admin, &tenant, binding).await;

    let insider = world.as_user(&insider, &[]).await;
    let make = |name: &str| create(map("{ns}", name, &json!({})));
    let_in(&insider, &tenant.namespace, "", "configmaps").await;
    try_all(
        &insider,
        &tenant,
        vec![("writes while it is open", make("a"), ALLOWED)],
    )
    .await;

    tenant.set_access(&world, "Locked").await;
    let refused = "This customer's access is closed";
    until_refused(&insider, &make("probe").dry().about(&tenant), refused).await;
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
    let staff = world.as_user(&staff, &[]).await;
    let_in(&staff, &tenant.home, "clientele.dev", "customers").await;
    try_all(&staff, &tenant, vec![("staff writes", make("c"), ALLOWED)]).await;
    for (account, name) in [(&software, "d"), (&pipeline, "e")] {
        let account = world.as_user(account, &[]).await;
        try_all(
            &account,
            &tenant,
            vec![("software writes", make(name), ALLOWED)],
        )
        .await;
    }

    let running = format!("/api/v1/namespaces/{}/pods/app", tenant.namespace);
    given(&world.admin, &tenant, pod("app", "{ns}")).await;
    let operator = world.as_user(OPERATOR, &[]).await;
    let marked = "the operator writes only objects that carry the customer's UID";
    try_all(
        &operator,
        &tenant,
        vec![("deletes a pod", delete(&running), marked)],
    )
    .await;

    tenant.set_access(&world, "Stopped").await;
    until_refused(&insider, &make("probe").dry().about(&tenant), refused).await;
    let software = world.as_user(&software, &[]).await;
    let stopped = "This tenant is stopped";
    until_refused(&software, &make("probe").dry().about(&tenant), stopped).await;
    try_all(
        &software,
        &tenant,
        vec![
            ("software writes", make("f"), stopped),
            (
                "software deletes",
                delete("/api/v1/namespaces/{ns}/configmaps/a"),
                stopped,
            ),
        ],
    )
    .await;
    try_all(&staff, &tenant, vec![("staff writes", make("g"), ALLOWED)]).await;
    let pipeline = world.as_user(&pipeline, &[]).await;
    try_all(
        &pipeline,
        &tenant,
        vec![("a pipeline writes", make("h"), ALLOWED)],
    )
    .await;
    let configmap = "/api/v1/namespaces/{ns}/configmaps/a";
    try_all(
        &operator,
        &tenant,
        vec![
            (
                "deletes what is no pod",
                delete(configmap),
                "cannot delete resource",
            ),
            ("deletes a pod", delete(&running), ALLOWED),
        ],
    )
    .await;
}
