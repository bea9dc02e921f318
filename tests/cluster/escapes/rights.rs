//! Rights: more of them, for others, in others' names, or for longer.

use serde_json::{Value, json};

use super::workloads::pod;
use super::{as_admin, as_admin_among_people};
use crate::attempt::{create, get, patch, post, try_all};
use crate::support::World;
use crate::tenancy::Tenant;

const ACCOUNTS: &str = "/api/v1/namespaces/{ns}/serviceaccounts";

fn binding(role: &str, subjects: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}, "subjects": subjects})
}

fn account(name: &str, namespace: &str) -> Value {
    json!([{"kind": "ServiceAccount", "name": name, "namespace": namespace}])
}

fn group(name: &str) -> Value {
    json!([{"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}])
}

#[tokio::test]
async fn no_binding_reaches_further_than_its_own_service_accounts() {
    let roles = "only the ClusterRoles clientele-tenant-admin";
    let subjects = "only its own ServiceAccounts";
    let user = json!([{"kind": "User", "name": "friend@other.example", "apiGroup": "rbac.authorization.k8s.io"}]);
    as_admin(vec![
        (
            "lets in everybody who can log in",
            create(binding("clientele-tenant-admin", group("system:authenticated"))),
            subjects,
        ),
        (
            "lets in all ServiceAccounts of another tenant",
            create(binding("clientele-tenant-admin", group("system:serviceaccounts:other--tenant"))),
            subjects,
        ),
        (
            "lets in a ServiceAccount of another tenant",
            create(binding("clientele-tenant-viewer", account("app", "other--tenant"))),
            subjects,
        ),
        ("lets in a person past the holds", create(binding("clientele-tenant-member", user)), subjects),
        (
            "lets in its own ServiceAccount",
            create(binding("clientele-tenant-member", account("app", "{ns}"))),
            "",
        ),
        (
            "lets another in beside it",
            patch("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings/more", json!({"subjects": group("system:authenticated")})),
            subjects,
        ),
        ("binds the built-in admin", create(binding("admin", account("app", "{ns}"))), "forbidden"),
        ("binds cluster-admin", create(binding("cluster-admin", account("app", "{ns}"))), "forbidden"),
        ("binds view, which it covers", create(binding("system:public-info-viewer", account("app", "{ns}"))), roles),
        (
            "makes a role of its own",
            create(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "mine"},
                "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]})),
            "cannot create resource \"roles\"",
        ),
    ])
    .await;
}

#[tokio::test]
async fn no_token_outlasts_its_pod() {
    let request = |seconds: u64| json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["api"], "expirationSeconds": seconds}});
    let token = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "default"}},
            "type": "kubernetes.io/service-account-token"})
    };
    let volume = json!({"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 315_360_000}}]}});
    let mounted = pod("long", json!({"volumes": [volume]}));
    as_admin(vec![
        (
            "asks for a token of ten years",
            post(&format!("{ACCOUNTS}/default/token"), request(315_360_000)),
            "cannot create resource \"serviceaccounts/token\"",
        ),
        (
            "asks for a token of the operator",
            post(
                "/api/v1/namespaces/clientele-system/serviceaccounts/clientele/token",
                request(600),
            ),
            "cannot create resource \"serviceaccounts/token\"",
        ),
        (
            "has a Secret filled with a token",
            create(token("token")),
            "Tokens of ServiceAccounts are not kept in Secrets",
        ),
        (
            "has a token of ten years mounted",
            create(mounted),
            "lasts at most a day",
        ),
    ])
    .await;
}

#[tokio::test]
async fn nobody_is_impersonated() {
    let world = World::shared().await;
    let tenant = Tenant::of_operator(&world).await;
    // Impersonation cannot be nested: who impersonates is asked of the API server instead.
    let admin = tenant.admin(&world).await;
    for (group, resource, name) in [
        ("", "serviceaccounts", "default"),
        ("", "users", "admin"),
        ("", "groups", "clientele:break-glass"),
        ("", "groups", "system:masters"),
        ("authentication.k8s.io", "userextras", "scopes"),
    ] {
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {
            "verb": "impersonate", "group": group, "resource": resource, "name": name, "namespace": tenant.namespace}}});
        let asked = post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            review,
        );
        let answer = crate::attempt::call(&admin, &asked)
            .await
            .expect("an answer");
        assert_eq!(
            answer["status"]["allowed"], false,
            "impersonates {resource} {name}"
        );
    }
}

#[tokio::test]
async fn the_kinds_of_clientele_say_nothing_of_others() {
    let user = |spec: Value| json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "CustomerUser", "metadata": {"name": "eve"}, "spec": spec});
    as_admin_among_people(vec![
        (
            "makes a user of another customer",
            create(user(json!({"email": "eve@{partner}.example", "customer": "other"}))),
            "Leave spec.customer out",
        ),
        (
            "makes a user beside the Customer",
            create({
                let mut user = user(json!({"email": "eve@{partner}.example", "customer": "{customer}"}));
                user["metadata"]["namespace"] = "{home}".into();
                user
            }),
            "cannot create resource \"customerusers\"",
        ),
        ("makes a user of its own", create(user(json!({"email": "eve@{partner}.example"}))), ""),
        (
            "moves it to another customer",
            patch("/apis/clientele.dev/v1alpha1/namespaces/{ns}/customerusers/eve", json!({"spec": {"customer": "other"}})),
            "Leave spec.customer out",
        ),
        (
            "forges its status",
            patch("/apis/clientele.dev/v1alpha1/namespaces/{ns}/customerusers/eve/status", json!({"status": {"customer": "other/other"}})),
            "cannot patch resource \"customerusers/status\"",
        ),
        (
            "makes a Customer in its tenant",
            create(json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer", "metadata": {"name": "mine"},
                "spec": {"displayName": "Mine", "contact": {"email": "a@b.example"}}})),
            "cannot create resource \"customers\"",
        ),
        (
            "becomes a partner in its tenant",
            create(json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Partner", "metadata": {"name": "mine"}, "spec": {"displayName": "Mine"}})),
            "cannot create resource \"partners\"",
        ),
        ("reads what plans there are", get("/apis/clientele.dev/v1alpha1/serviceplans"), "cannot list resource \"serviceplans\""),
    ])
    .await;
}

#[tokio::test]
async fn members_run_software_and_viewers_look_on() {
    let world = World::shared().await;
    let tenant = Tenant::of_operator(&world).await;
    let secrets = "cannot list resource \"secrets\"";
    let map =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let more = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "more"}});
    let person = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "CustomerUser", "metadata": {"name": "eve"},
        "spec": {"email": "eve@{partner}.example", "role": "Admin"}});
    let to_itself = account("default", "{ns}");
    for (role, makes, reads) in [
        ("member", "", secrets),
        ("viewer", "cannot create resource \"configmaps\"", secrets),
    ] {
        let attempts = vec![
            ("makes a ConfigMap", create(map(role)), makes),
            (
                "reads Secrets",
                get("/api/v1/namespaces/{ns}/secrets"),
                reads,
            ),
            (
                "makes a ServiceAccount",
                create(more.clone()),
                "cannot create resource \"serviceaccounts\"",
            ),
            (
                "makes an admin",
                create(person.clone()),
                "cannot create resource \"customerusers\"",
            ),
            (
                "binds",
                create(binding("clientele-tenant-admin", to_itself.clone())),
                "cannot create resource \"rolebindings\"",
            ),
            (
                "asks for the end of the customer",
                create(
                    json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "DeletionRequest",
                    "metadata": {"name": "end"}, "spec": {}}),
                ),
                "cannot create resource \"deletionrequests\"",
            ),
            (
                "reads whether somebody has",
                get("/apis/clientele.dev/v1alpha1/namespaces/{ns}/deletionrequests"),
                "",
            ),
            (
                "reads who is there",
                get("/apis/clientele.dev/v1alpha1/namespaces/{ns}/customerusers"),
                "",
            ),
        ];
        try_all(&tenant.person(&world, role).await, &tenant, attempts).await;
    }
}
