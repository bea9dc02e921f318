//! `clientele-access`: whom a lock and a stop keep out, and whom they do not; and what the operator may then do.

use serde_json::{Value, json};

use super::deletion::request;
use super::{given, let_in, map};
use crate::attempt::{
    ALLOWED, call, create, create_in_cluster, delete, get, patch, post, try_all, until_refused,
};
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
                "writes only objects that carry the customer's UID",
            ),
            ("deletes a pod", delete(&running), ALLOWED),
        ],
    )
    .await;
}

/// A request in the tenant, of its own.
fn form(name: &str) -> Value {
    let mut form = request(name, json!({}));
    form["metadata"]["namespace"] = "{ns}".into();
    form["spec"] = json!({});
    form
}

#[tokio::test]
async fn whoever_asked_for_the_deletion_of_a_stopped_tenant_can_take_it_back_and_nothing_else() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let forms = "/apis/clientele.dev/v1alpha1/namespaces/{ns}/deletionrequests";
    let own = format!("{forms}/mine");
    let cancel = patch(&own, json!({"spec": {"cancel": {"note": "we stay"}}})).dry();
    let admin = tenant.admin(&world).await;
    let software = format!("system:serviceaccount:{}:app", tenant.namespace);
    let account = json!([{"kind": "ServiceAccount", "name": "app", "namespace": "{ns}"}]);
    let role = |name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name});
    let for_software = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "software"},
        "roleRef": role("clientele-tenant-admin"), "subjects": account});
    try_all(
        &admin,
        &tenant,
        vec![
            ("asks for the deletion", create(form("mine")), ALLOWED),
            ("lets its software in", create(for_software), ALLOWED),
        ],
    )
    .await;
    let mut theirs = form("theirs");
    theirs["metadata"]["name"] = "theirs".into();
    given(&world.admin, &tenant, theirs).await;

    tenant.set_access(&world, "Stopped").await;
    let closed = "This customer's access is closed";
    until_refused(&admin, &create(form("probe")).dry().about(&tenant), closed).await;
    let theirs = format!("{forms}/theirs");
    let attempts = vec![
        ("asks once more", create(form("more")), closed),
        (
            "takes another's back",
            patch(&theirs, json!({"spec": {"cancel": {"note": "no"}}})),
            closed,
        ),
        ("deletes another's", delete(&theirs), closed),
        (
            "writes anything else",
            create(map("{ns}", "a", &json!({}))),
            closed,
        ),
        ("takes its own back", cancel.clone(), ALLOWED),
    ];
    try_all(&admin, &tenant, attempts).await;
    let software = world.as_user(&software, &[]).await;
    let stopped = "This tenant is stopped";
    let attempts = vec![
        ("software takes it back", cancel.clone(), stopped),
        ("software deletes it", delete(&own), stopped),
    ];
    try_all(&software, &tenant, attempts).await;

    // As the operator does it: everybody out, and this one right bound to one person.
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let mut requester = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "clientele-deletion-requester", "labels": tenant.labels()}, "roleRef": role("clientele-tenant-requester")});
    requester["subjects"] = json!([{"kind": "User", "name": "admin@{partner}.example", "apiGroup": "rbac.authorization.k8s.io"}]);
    let out =
        delete("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/{customer}-admin");
    let attempts = vec![
        ("everybody out", out, ALLOWED),
        ("but for this", create(requester), ALLOWED),
    ];
    try_all(&operator, &tenant, attempts).await;
    let maps = get(&tenant.fill("/api/v1/namespaces/{ns}/configmaps"));
    until_refused(&admin, &maps, "cannot list resource").await;
    let asked_again = "cannot create resource \"deletionrequests\"";
    let attempts = vec![
        ("sees it", get(&own), ALLOWED),
        (
            "lists them, as kubectl does while it waits",
            get(forms),
            ALLOWED,
        ),
        ("asks once more", create(form("more")), asked_again),
        ("takes its own back", cancel, ALLOWED),
        ("deletes its own", delete(&own), ALLOWED),
    ];
    try_all(&admin, &tenant, attempts).await;
}
