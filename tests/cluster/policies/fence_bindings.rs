//! The fence round the operator, for what it binds to whom (`clientele-fence-bindings`).

use serde_json::{Value, json};

use super::as_operator;
use crate::attempt::{ALLOWED, create, create_in_cluster, delete};

#[tokio::test]
async fn it_binds_only_clienteles_roles_to_people() {
    let roles = "The operator binds only Clientele's own roles";
    let people = "The operator binds people";
    let named = "In a partner namespace the operator writes only | The operator binds only Clientele's own roles";
    let roles_or_place =
        "The operator binds only Clientele's own roles | The operator writes only in namespaces";
    let user = |name: &str| json!([{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]);
    let group = |name: &str| json!([{"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]);
    let account = |name: &str| json!([{"kind": "ServiceAccount", "name": name, "namespace": "clientele-system"}]);
    let bind = |namespace: &str, name: &str, role: &str, subjects: Value| {
        create(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "clientele", "clientele.dev/customer-uid": "{uid}"}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}, "subjects": subjects}))
        .dry()
    };
    let everywhere = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "x"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-tenant-viewer"}, "subjects": user("a@b.example")});
    // The names are free: dry runs, after the bindings made with the tenant are gone.
    let gone = |role: &str| {
        delete(&format!(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/rolebindings/{{customer}}-{role}"
        ))
    };
    as_operator(vec![
        ("lets an admin go", gone("admin"), ALLOWED),
        ("lets a member go", gone("member"), ALLOWED),
        (
            "binds cluster-admin",
            bind(
                "{ns}",
                "{customer}-admin",
                "cluster-admin",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "binds the built-in admin",
            bind("{ns}", "{customer}-admin", "admin", user("a@b.example")),
            roles,
        ),
        (
            "binds a system role",
            bind(
                "{ns}",
                "{customer}-admin",
                "system:node",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "binds its own role",
            bind("{ns}", "{customer}-admin", "clientele", user("a@b.example")),
            roles,
        ),
        (
            "makes a member an admin",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-admin",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "binds under another name",
            bind("{ns}", "x", "clientele-tenant-viewer", user("a@b.example")),
            roles,
        ),
        (
            "binds a staff role in a tenant",
            bind(
                "{ns}",
                "clientele-staff-seller",
                "clientele-seller",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "lets staff approve lists",
            bind(
                "{ns}",
                "clientele-list-approvers",
                "clientele-list-approver",
                group("sales"),
            ),
            ALLOWED,
        ),
        (
            "lets everybody approve lists",
            bind(
                "{ns}",
                "clientele-list-approvers",
                "clientele-list-approver",
                group("system:authenticated"),
            ),
            people,
        ),
        (
            "lets a tenant's people approve lists",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-list-approver",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "gives staff more than lists",
            bind(
                "{ns}",
                "clientele-list-approvers",
                "clientele-tenant-admin",
                group("sales"),
            ),
            roles,
        ),
        (
            "reads lists in a Secret",
            bind(
                "{ns}",
                "clientele-contact-lists",
                "clientele-contact-lists",
                account("clientele"),
            ),
            ALLOWED,
        ),
        (
            "lets a person read lists in a Secret",
            bind(
                "{ns}",
                "clientele-contact-lists",
                "clientele-contact-lists",
                user("a@b.example"),
            ),
            people,
        ),
        (
            "reads a tenant's Secrets",
            bind(
                "{ns}",
                "clientele-secrets",
                "clientele-secrets",
                account("clientele"),
            ),
            roles,
        ),
        (
            "lets in everybody",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-member",
                group("system:authenticated"),
            ),
            people,
        ),
        (
            "lets in a group",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-member",
                group("sales"),
            ),
            people,
        ),
        (
            "lets in a system user",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-member",
                user("system:serviceaccount:a:b"),
            ),
            people,
        ),
        (
            "lets in itself",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-member",
                account("clientele"),
            ),
            people,
        ),
        (
            "lets everybody work for a partner",
            bind(
                "{home}",
                "clientele-staff-seller",
                "clientele-seller",
                group("system:authenticated"),
            ),
            people,
        ),
        (
            "makes a seller a reseller",
            bind(
                "{home}",
                "clientele-staff-seller",
                "clientele-reseller",
                group("sales"),
            ),
            roles,
        ),
        (
            "binds a tenant role in a partner's",
            bind("{home}", "x", "clientele-tenant-admin", user("a@b.example")),
            named,
        ),
        (
            "gives another the Secrets",
            bind(
                "{home}",
                "clientele-secrets",
                "clientele-secrets",
                account("other"),
            ),
            people,
        ),
        (
            "binds cluster-wide",
            create_in_cluster(everywhere),
            roles_or_place,
        ),
        (
            "binds an admin",
            bind(
                "{ns}",
                "{customer}-admin",
                "clientele-tenant-admin",
                user("a@b.example"),
            ),
            ALLOWED,
        ),
        (
            "binds a role of the partner's",
            bind(
                "{ns}",
                "{customer}-admin",
                "acme-customer-admin",
                user("a@b.example"),
            ),
            ALLOWED,
        ),
        (
            "leaves who asked for the deletion the request",
            bind(
                "{ns}",
                "clientele-deletion-requester",
                "clientele-tenant-requester",
                user("a@b.example"),
            ),
            ALLOWED,
        ),
        (
            "leaves them more",
            bind(
                "{ns}",
                "clientele-deletion-requester",
                "clientele-tenant-admin",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "leaves it under another name",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-requester",
                user("a@b.example"),
            ),
            roles,
        ),
        (
            "leaves it to software",
            bind(
                "{ns}",
                "clientele-deletion-requester",
                "clientele-tenant-requester",
                user("system:serviceaccount:{ns}:app"),
            ),
            people,
        ),
        (
            "binds a member",
            bind(
                "{ns}",
                "{customer}-member",
                "clientele-tenant-member",
                user("a@b.example"),
            ),
            ALLOWED,
        ),
        (
            "binds staff",
            bind(
                "{home}",
                "clientele-staff-seller",
                "clientele-seller",
                group("sales"),
            ),
            ALLOWED,
        ),
        (
            "reads a partner's Secrets",
            bind(
                "{home}",
                "clientele-secrets",
                "clientele-secrets",
                account("clientele"),
            ),
            ALLOWED,
        ),
    ])
    .await;
}
