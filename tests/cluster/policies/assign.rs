//! `clientele-assign-customers`, `clientele-assign-partners` and `clientele-admin-role`: who may give plans and roles away.

use kube::Client;
use serde_json::{Value, json};

use super::{customer, given, let_in, partner};
use crate::attempt::{ALLOWED, Attempt, create, patch, try_all};
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant};

/// Somebody who may write everything in the partner's namespace, but gives away only the plans `starter` and `p0` to `p9`, and
/// only the role `acme-admin`.
async fn limited(world: &World, tenant: &Tenant) -> Client {
    limited_as("limited@staff.example", world, tenant).await
}

/// The same, under this name.
async fn limited_as(name: &str, world: &World, tenant: &Tenant) -> Client {
    let plans: Vec<String> = (0..10)
        .map(|i| format!("p{i}"))
        .chain(["starter".to_owned()])
        .collect();
    let rules = json!([
        {"apiGroups": ["clientele.dev"], "resources": ["customers", "partners"], "verbs": ["create", "update", "patch"]},
        {"apiGroups": ["clientele.dev"], "resources": ["serviceplans"], "resourceNames": plans, "verbs": ["assign"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": ["acme-admin", "admin"], "verbs": ["bind"]},
    ]);
    let metadata = json!({"name": "limited", "namespace": "{home}"});
    let api = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules});
    let binding = json!({"apiVersion": api, "kind": "RoleBinding", "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"},
        "subjects": [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]});
    given(&world.admin, tenant, role).await;
    given(&world.admin, tenant, binding).await;
    let limited = world.as_user(name, &[]).await;
    let_in(&limited, &tenant.home, "clientele.dev", "customers").await;
    limited
}

async fn as_limited(attempts: Vec<Attempt>) {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    try_all(&limited(&world, &tenant).await, &tenant, attempts).await;
}

fn on(plan: &str, name: &str) -> Value {
    let mut customer = customer(name);
    customer["spec"]["plan"] = plan.into();
    customer
}

#[tokio::test]
async fn a_customers_plan_needs_assign_on_it() {
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/a";
    let refused = "that needs the verb assign on serviceplans.clientele.dev/business there";
    let plan = |plan: Value| patch(path, json!({"spec": {"plan": plan}}));
    as_limited(vec![
        (
            "makes a customer with another plan",
            create(on("business", "a")),
            refused,
        ),
        (
            "makes a customer with its plan",
            create(on("starter", "a")),
            ALLOWED,
        ),
        ("changes to another plan", plan("business".into()), refused),
        ("changes to one of its own", plan("p0".into()), ALLOWED),
        (
            "changes something else",
            patch(path, json!({"spec": {"description": "x"}})),
            ALLOWED,
        ),
        ("takes the plan away", plan(Value::Null), ALLOWED),
        ("sets another plan again", plan("business".into()), refused),
        (
            "makes a customer without a plan",
            create(customer("b")),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_somebody_else_gave_stays_when_another_edits_beside_it() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, on("business", "a")).await;
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/a";
    let edit = patch(path, json!({"spec": {"description": "x"}}));
    let attempts = vec![("edits beside the plan", edit, ALLOWED)];
    try_all(&limited(&world, &tenant).await, &tenant, attempts).await;
}

/// Whoever had made it first was asked; the operator has no plan to give away, and holds no such right.
#[tokio::test]
async fn a_customer_is_made_anew_with_the_plan_it_had() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = limited_as(OPERATOR, &world, &tenant).await;
    let attempts = vec![("makes it anew", create(on("business", "a")), ALLOWED)];
    try_all(&operator, &tenant, attempts).await;
}

#[tokio::test]
async fn a_partners_plans_need_assign_on_each_or_on_all() {
    let all = "offer all plans: that needs the verb assign on all serviceplans.clientele.dev there";
    let each = "that needs the verb assign on every one of these serviceplans.clientele.dev there";
    let default = "the default plan of a partner";
    let only = |names: &[&str]| json!({"plans": {"policy": "Only", "names": names}});
    let with_default = |plan: &str| {
        let mut spec = only(&["starter"]);
        spec["customerDefaults"] = json!({"plan": plan});
        spec
    };
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/partners/b";
    let eight = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"];
    let mut last = eight;
    last[7] = "business";
    let mut nine = eight.to_vec();
    nine.push("p8");
    as_limited(vec![
        (
            "lets it offer whatever comes",
            create(partner("a", &json!({}))),
            all,
        ),
        (
            "lets it offer all",
            create(partner("a", &json!({"plans": {"policy": "All"}}))),
            all,
        ),
        (
            "lets it offer all but one",
            create(partner(
                "a",
                &json!({"plans": {"policy": "Except", "names": ["business"]}}),
            )),
            all,
        ),
        (
            "lets it offer another plan",
            create(partner("a", &only(&["starter", "business"]))),
            each,
        ),
        (
            "lets it offer another plan last",
            create(partner("a", &only(&last))),
            each,
        ),
        (
            "lets it offer too many at once",
            create(partner("a", &only(&nine))),
            "At most eight plans can be added",
        ),
        (
            "lets it have another default",
            create(partner("a", &with_default("business"))),
            default,
        ),
        (
            "lets it offer its own",
            create(partner("b", &only(&eight))),
            ALLOWED,
        ),
        (
            "adds more",
            patch(path, json!({"spec": only(&nine)})),
            ALLOWED,
        ),
        (
            "adds another",
            patch(path, json!({"spec": only(&["p0", "business"])})),
            each,
        ),
        (
            "narrows",
            patch(path, json!({"spec": only(&["p0"])})),
            ALLOWED,
        ),
        (
            "widens to all",
            patch(path, json!({"spec": {"plans": null}})),
            all,
        ),
        (
            "sets another default",
            patch(
                path,
                json!({"spec": {"customerDefaults": {"plan": "business"}}}),
            ),
            default,
        ),
        (
            "sets its own default",
            patch(
                path,
                json!({"spec": {"customerDefaults": {"plan": "starter"}}}),
            ),
            ALLOWED,
        ),
        (
            "changes something else",
            patch(path, json!({"spec": {"displayName": "x"}})),
            ALLOWED,
        ),
    ])
    .await;
}

#[tokio::test]
async fn sellers_and_resellers_give_plans_in_their_own_namespace_only() {
    let world = World::without_operator().await;
    let (tenant, other) = (Tenant::by_hand(&world).await, Tenant::by_hand(&world).await);
    for role in ["seller", "reseller", "support"] {
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role, "namespace": "{home}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("clientele-{role}")},
            "subjects": [{"kind": "Group", "name": format!("{role}-{}", tenant.partner), "apiGroup": "rbac.authorization.k8s.io"}]});
        given(&world.admin, &tenant, binding).await;
    }
    let refused = "cannot create resource \"customers\"";
    for (role, here, below) in [
        ("seller", ALLOWED, "cannot create resource \"partners\""),
        ("reseller", ALLOWED, ALLOWED),
        ("support", refused, "cannot create resource \"partners\""),
    ] {
        let group = format!("{role}-{}", tenant.partner);
        let person = world.as_user("jane@staff.example", &[&group]).await;
        if role != "support" {
            let_in(&person, &tenant.home, "clientele.dev", "customers").await;
        }
        let mut attempts = vec![
            ("gives any plan", create(on("business", role)), here),
            (
                "lets a partner offer all",
                create(partner(role, &json!({}))),
                below,
            ),
        ];
        if role == "reseller" {
            attempts.push((
                "names the tenants' own role",
                create(partner(
                    "c",
                    &json!({"adminRole": "clientele-tenant-admin"}),
                )),
                ALLOWED,
            ));
            attempts.push((
                "names another role",
                create(partner("d", &json!({"adminRole": "acme-admin"}))),
                "that needs your own verb bind",
            ));
        }
        try_all(&person, &tenant, attempts).await;
        try_all(
            &person,
            &other,
            vec![(
                "gives a plan elsewhere",
                create(on("business", role)),
                refused,
            )],
        )
        .await;
    }
}

#[tokio::test]
async fn an_admin_role_needs_bind_on_it_and_is_never_one_that_lets_tenants_out() {
    let bind = "that needs your own verb bind";
    let out = "would let a tenant out of its namespace";
    let with = |name: &str, role: &str| {
        create(partner(
            name,
            &json!({"plans": {"policy": "Only", "names": ["starter"]}, "adminRole": role}),
        ))
    };
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/partners/b";
    as_limited(vec![
        (
            "sets a role that is not its to bind",
            with("a", "other-admin"),
            bind,
        ),
        (
            "sets Clientele's own",
            with("a", "clientele-tenant-admin"),
            bind,
        ),
        (
            "sets the built-in admin, which it may bind",
            with("a", "admin"),
            out,
        ),
        ("sets its role", with("b", "acme-admin"), ALLOWED),
        (
            "changes it",
            patch(path, json!({"spec": {"adminRole": "other-admin"}})),
            bind,
        ),
        (
            "changes something else",
            patch(path, json!({"spec": {"displayName": "x"}})),
            ALLOWED,
        ),
    ])
    .await;
}
