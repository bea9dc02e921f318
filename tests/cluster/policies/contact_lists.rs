//! Who may approve contact lists: `clientele-contact-lists`, as people of a tenant and of its partner with the rights that are shipped
//! for them.

use kube::Client;
use serde_json::{Value, json};

use super::{given, let_in};
use crate::attempt::{ALLOWED, Call, create, delete, patch, put, try_all};
use crate::support::World;
use crate::tenancy::Tenant;

const LISTS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{ns}/contactlists";
const NOT_YOURS: &str = "You may not approve contact lists, nor take that back";
const OTHER_WORDS: &str = "you may not approve it with other words";

fn digest(of: char) -> String {
    of.to_string().repeat(64)
}

fn list(name: &str, spec: &Value) -> Value {
    let mut list = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ContactList", "metadata": {"name": name},
        "spec": {"entries": 2, "sha256": digest('a'), "source": "sign-up form"}});
    let fields = list["spec"].as_object_mut().expect("a spec");
    fields.extend(spec.as_object().expect("fields").clone());
    list
}

fn spec(name: &str, spec: Value) -> Call {
    patch(&format!("{LISTS}/{name}"), json!({"spec": spec}))
}

/// Somebody of the partner's staff, bound in the tenant as the operator binds them.
async fn approver(world: &World, tenant: &Tenant) -> Client {
    let name = format!("approver@{}.example", tenant.partner);
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "clientele-list-approvers", "namespace": "{ns}", "labels": tenant.labels()},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-list-approver"},
        "subjects": [{"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]});
    let operator = world.as_user(crate::tenancy::OPERATOR, &[]).await;
    given(&operator, tenant, binding).await;
    world.as_user("approver@staff.example", &[&name]).await
}

#[tokio::test]
async fn a_tenant_registers_lists_and_cannot_approve_them_by_any_way() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let approver = approver(&world, &tenant).await;
    let approved = json!({"approved": digest('a')});
    for person in ["admin", "member"] {
        let client = tenant.person(&world, person).await;
        let_in(&client, &tenant.namespace, "clientele.dev", "contactlists").await;
        try_all(
            &client,
            &tenant,
            vec![
                ("registers one", create(list("a", &json!({}))), ALLOWED),
                (
                    "registers one as approved",
                    create(list("b", &approved)),
                    NOT_YOURS,
                ),
                ("approves it", spec("a", approved.clone()), NOT_YOURS),
                (
                    "approves another digest beforehand",
                    spec("a", json!({"approved": digest('b')})),
                    NOT_YOURS,
                ),
                (
                    "approves it by replacing it",
                    put(&format!("{LISTS}/a"), list("a", &approved)),
                    "resourceVersion | You may not approve",
                ),
                (
                    "approves it by apply",
                    Call::apply(&format!("{LISTS}/c"), list("c", &approved)),
                    NOT_YOURS,
                ),
                (
                    "tells its status",
                    patch(
                        &format!("{LISTS}/a/status"),
                        json!({"status": {"approved": digest('a')}}),
                    ),
                    "cannot patch",
                ),
            ],
        )
        .await;
        try_all(
            &approver,
            &tenant,
            vec![("approves it", spec("a", approved.clone()), ALLOWED)],
        )
        .await;
        try_all(
            &client,
            &tenant,
            vec![
                (
                    "labels it",
                    patch(
                        &format!("{LISTS}/a"),
                        json!({"metadata": {"labels": {"a": "b"}}}),
                    ),
                    ALLOWED,
                ),
                ("applies it unchanged", spec("a", approved.clone()), ALLOWED),
                (
                    "says where it can be read",
                    spec(
                        "a",
                        json!({"contents": {"configMap": {"name": "a", "key": "a"}}}),
                    ),
                    ALLOWED,
                ),
                (
                    "says it is larger",
                    spec("a", json!({"entries": 9})),
                    OTHER_WORDS,
                ),
                (
                    "says it is from elsewhere",
                    spec("a", json!({"source": "bought"})),
                    OTHER_WORDS,
                ),
                (
                    "takes approval back",
                    spec("a", json!({"approved": null})),
                    NOT_YOURS,
                ),
                (
                    "puts another list in its place and keeps approval for it",
                    spec("a", json!({"sha256": digest('b'), "approved": digest('b')})),
                    NOT_YOURS,
                ),
                (
                    "puts another list in its place",
                    spec(
                        "a",
                        json!({"sha256": digest('b'), "entries": 9, "source": "bought"}),
                    ),
                    ALLOWED,
                ),
                (
                    "comes back to the one that was approved, with other words",
                    spec("a", json!({"sha256": digest('a')})),
                    OTHER_WORDS,
                ),
                ("deletes it", delete(&format!("{LISTS}/a")), ALLOWED),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn viewers_read_and_the_partners_staff_approve_only_where_they_are_bound() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let approver = approver(&world, &tenant).await;
    given(&world.admin, &tenant, list("a", &json!({}))).await;
    let viewer = tenant.person(&world, "viewer").await;
    try_all(
        &viewer,
        &tenant,
        vec![
            (
                "reads it",
                crate::attempt::get(&format!("{LISTS}/a")),
                ALLOWED,
            ),
            (
                "registers one",
                create(list("b", &json!({}))),
                "cannot create",
            ),
            (
                "changes one",
                spec("a", json!({"entries": 3})),
                "cannot patch",
            ),
        ],
    )
    .await;
    let other = Tenant::by_hand(&world).await;
    given(&world.admin, &other, list("a", &json!({}))).await;
    let approve = spec("a", json!({"approved": digest('a')}));
    try_all(
        &approver,
        &tenant,
        vec![
            ("approves", approve.clone(), ALLOWED),
            (
                "takes it back",
                spec("a", json!({"approved": null})),
                ALLOWED,
            ),
            (
                "registers one",
                create(list("b", &json!({}))),
                "cannot create",
            ),
            (
                "reads the tenant's Secrets",
                crate::attempt::get("/api/v1/namespaces/{ns}/secrets"),
                "cannot list",
            ),
        ],
    )
    .await;
    try_all(
        &approver,
        &other,
        vec![("approves elsewhere", approve, "cannot patch")],
    )
    .await;
}

#[tokio::test]
async fn lists_are_only_in_tenants() {
    let mut stray = list("a", &json!({}));
    stray["metadata"]["namespace"] = "{home}".into();
    let away = create(stray);
    super::as_platform(vec![
        ("in a tenant", create(list("a", &json!({}))), ALLOWED),
        ("in a partner's namespace", away, "is no customer's tenant"),
        // Who holds every verb holds this one too.
        (
            "approves it",
            spec("a", json!({"approved": digest('a')})),
            ALLOWED,
        ),
    ])
    .await;
}
