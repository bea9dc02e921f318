//! RoleBindings: who may do what, in a tenant and in a partner's namespace.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};

use super::{Owner, child};
use crate::api::{Role, StaffRole, meta};
use crate::domain::fingerprint::ChildKind;
use crate::domain::lineage::Lineage;
use crate::plan::step::Child;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The binding that lets the operator read Secrets beside the routes of a partner; also the ClusterRole's name.
pub const SECRETS: &str = "clientele-secrets";

/// The binding that lets the operator keep, in the namespace of a partner, what SMTP logins of its customers are checked against; also
/// the ClusterRole's name.
pub const LOGINS: &str = meta::SMTP_LOGINS_ROLE;

/// The binding that lets the operator write the Secret `smtp` in a tenant; also the ClusterRole's name.
pub const LOGIN: &str = meta::SMTP_ROLE;

/// Name of the ServiceAccount the operator runs as.
pub const OPERATOR: &str = "clientele";

/// The ClusterRole for users of this role; a partner may name another one for admins.
pub fn tenant_role(role: Role, admin_role: Option<&str>) -> String {
    match role {
        Role::Admin => admin_role.unwrap_or("clientele-tenant-admin"),
        Role::Member => "clientele-tenant-member",
        Role::Viewer => "clientele-tenant-viewer",
    }
    .to_owned()
}

/// The binding that leaves whoever asked in the tenant for its deletion just the right to take that back.
pub const REQUESTER: &str = "clientele-deletion-requester";

/// Leaves a person the right to take back the deletion that it asked for.
pub fn requester(owner: &Owner, namespace: &str, person: &str) -> Child {
    let subjects = [("User", person.to_owned())];
    people(
        owner,
        namespace,
        REQUESTER,
        "clientele-tenant-requester",
        subjects,
    )
}

/// The binding that lets the operator read the Secret with contact lists in a tenant; also the ClusterRole's name.
pub const LISTS: &str = meta::LISTS_ROLE;

/// The binding by which staff approve contact lists in a tenant.
pub const LIST_APPROVERS: &str = meta::LIST_APPROVERS;

/// Lets the staff who answer for customers approve their contact lists; none if there is no such staff.
pub fn list_approvers(owner: &Owner, namespace: &str, lineage: &Lineage) -> Option<Child> {
    let roles = [StaffRole::Reseller, StaffRole::Seller];
    let staff: BTreeSet<_> = roles
        .into_iter()
        .flat_map(|role| lineage.staff(role))
        .collect();
    (!staff.is_empty()).then(|| {
        people(
            owner,
            namespace,
            LIST_APPROVERS,
            "clientele-list-approver",
            staff,
        )
    })
}

/// Name of the binding for staff of this role, in a partner's namespace.
pub const fn staff_binding(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Reseller => "clientele-staff-reseller",
        StaffRole::Seller => "clientele-staff-seller",
        StaffRole::Support => "clientele-staff-support",
    }
}

/// The ClusterRole for staff of this role.
pub const fn staff_role(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Reseller => "clientele-reseller",
        StaffRole::Seller => "clientele-seller",
        StaffRole::Support => "clientele-support",
    }
}

/// Binds a ClusterRole to users or groups: (`User` or `Group`, name).
pub fn people<'a>(
    owner: &Owner,
    namespace: &str,
    name: &str,
    role: &str,
    subjects: impl IntoIterator<Item = (&'a str, String)>,
) -> Child {
    let subjects = subjects
        .into_iter()
        .map(|(kind, name)| Subject {
            api_group: Some(RBAC.to_owned()),
            kind: kind.to_owned(),
            name,
            namespace: None,
        })
        .collect();
    binding(owner, namespace, name, role, subjects)
}

/// Gives the operator itself a role in a namespace, under the role's own name.
pub fn own(owner: &Owner, namespace: &str, role: &str, operator_namespace: &str) -> Child {
    let operator = account(OPERATOR, operator_namespace);
    binding(owner, namespace, role, role, vec![operator])
}

/// Lets `clientele mail` read Secrets in a partner's namespace.
pub fn mail(owner: &Owner, namespace: &str, operator_namespace: &str) -> Child {
    let name = meta::MAIL_MANAGER;
    let mail = account(name, operator_namespace);
    binding(owner, namespace, name, meta::MAIL_SECRETS_ROLE, vec![mail])
}

fn account(name: &str, namespace: &str) -> Subject {
    Subject {
        api_group: None,
        kind: "ServiceAccount".to_owned(),
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
    }
}

fn binding(
    owner: &Owner,
    namespace: &str,
    name: &str,
    role: &str,
    subjects: Vec<Subject>,
) -> Child {
    let object = RoleBinding {
        metadata: owner.metadata(namespace, name),
        role_ref: RoleRef {
            api_group: Some(RBAC.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(subjects),
    };
    child(ChildKind::RoleBinding, namespace, name, &object)
}
