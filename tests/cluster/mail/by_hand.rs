//! What the operator is to make for `clientele mail`, made by hand as long as it does not: rights, logins, and limits in force.

use std::path::PathBuf;
use std::sync::Once;

use clientele::api::{Customer, Partner};
use clientele::domain::credential::Credential;
use jiff::Timestamp;
use kube::Api;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::client::Login;
use crate::steps::{break_glass, change};
use crate::support::{World, home, namespace_of, tenant, unique};

/// The rights of `clientele mail`, apart from Secrets.
const RIGHTS: &str = r"
apiVersion: v1
kind: ServiceAccount
metadata: {name: mail-by-hand, namespace: clientele-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: mail-by-hand}
rules:
- {apiGroups: [clientele.dev], resources: [customers, partners, postalroutes], verbs: [get, list, watch]}
- {apiGroups: [clientele.dev], resources: [customers/status], verbs: [patch]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: mail-by-hand}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mail-by-hand}
subjects: [{kind: ServiceAccount, name: mail-by-hand, namespace: clientele-system}]
";

/// A kubeconfig of `clientele mail`.
pub fn kubeconfig(world: &World) -> PathBuf {
    // Tests that apply the same objects at the same moment meet.
    static MADE: Once = Once::new();
    MADE.call_once(|| apply(world, RIGHTS));
    let made = world
        .plane
        .service_account_kubeconfig("clientele-system", "mail-by-hand");
    made.expect("a kubeconfig")
}

/// Lets `clientele mail` read Secrets beside the routes and logins of a partner.
pub fn open_secrets(world: &World, of: &Partner) {
    let place = home(of);
    apply(
        world,
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "mail-by-hand", "namespace": place},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clientele-secrets"},
            "subjects": [{"kind": "ServiceAccount", "name": "mail-by-hand", "namespace": "clientele-system"}]})
        .to_string(),
    );
}

/// Gives a customer an SMTP login; another one each time.
pub async fn login(world: &World, customer: &Customer) -> Login {
    let password = unique("a-password-");
    let hash = Credential::of(&password, b"salt").to_string();
    let issued_at = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
    let (place, username) = (namespace_of(customer), tenant(customer));
    apply(
        world,
        &json!({"apiVersion": "v1", "kind": "Secret", "type": "clientele.dev/smtp-login",
            "metadata": {"name": format!("smtp-{}", customer.name_any()), "namespace": place},
            "stringData": {"hash": hash, "issued-at": issued_at.to_string()}})
        .to_string(),
    );
    let status = json!({"login": {"username": username, "issuedAt": issued_at.to_string()}});
    tell(world, customer, "login-by-hand", status).await;
    Login { username, password }
}

/// Sets the limits of a customer.
pub async fn limit(world: &World, customer: &Customer, limits: Value) -> Customer {
    let wish = json!({"spec": {"sending": {"limits": limits}}});
    let customer = change(world, customer, wish).await;
    tell(
        world,
        &customer,
        "limits-by-hand",
        json!({"limits": limits}),
    )
    .await;
    customer
}

async fn tell(world: &World, customer: &Customer, manager: &str, sending: Value) {
    let api: Api<Customer> = Api::namespaced(break_glass(world).await, &namespace_of(customer));
    let body = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "Customer",
        "metadata": {"name": customer.name_any()}, "status": {"sending": sending}});
    let parameters = PatchParams::apply(manager).force();
    api.patch_status(&customer.name_any(), &parameters, &Patch::Apply(&body))
        .await
        .expect("break-glass may");
}

fn apply(world: &World, objects: &str) {
    let applied = world.plane.kubectl_with_input(
        &[
            "--as=fire@staff.example",
            "--as-group=system:masters",
            "--as-group=clientele:break-glass",
            "apply",
            "-f",
            "-",
        ],
        objects,
    );
    applied.expect("break-glass may");
}
