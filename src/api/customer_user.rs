//! `CustomerUser`: a person who works with a customer's tenant.
//!
//! It lives beside its Customer and names it, or in the tenant namespace, where the customer is implied. One
//! person may have such an object under several customers; nobody sees the others.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::shape;

/// A person who works with a customer's tenant.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "CustomerUser",
    namespaced,
    status = "CustomerUserStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A CustomerUser is a person who works with a customer's tenant. It lives beside its Customer and names it, or in the tenant namespace, where the customer is implied.",
    shortname = "cuser",
    category = "clientele",
    selectable = ".spec.customer",
    selectable = ".spec.email",
    selectable = ".spec.role",
    selectable = ".spec.enabled",
    selectable = ".status.customer",
    printcolumn(name = "Customer", type_ = "string", json_path = ".status.customer"),
    printcolumn(name = "E-Mail", type_ = "string", json_path = ".spec.email"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role"),
    printcolumn(name = "Enabled", type_ = "boolean", json_path = ".spec.enabled"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Given Name",
        type_ = "string",
        json_path = ".spec.givenName",
        priority = 1
    ),
    printcolumn(
        name = "Family Name",
        type_ = "string",
        json_path = ".spec.familyName",
        priority = 1
    ),
    printcolumn(name = "Locale", type_ = "string", json_path = ".spec.locale", priority = 1),
    validation = shape::person_named()
)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUserSpec {
    /// Name of the Customer in the same namespace. Absent in a tenant namespace, whose customer is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::customer_name")]
    pub customer: Option<String>,
    /// E-mail address in lower case (RFC 5321, domain in ASCII), at most 254 characters; one user of a customer each.
    /// It is also the user name that the identity provider gives and that bindings are made for.
    #[schemars(schema_with = "shape::email")]
    pub email: String,
    /// Given name; at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::line")]
    pub given_name: Option<String>,
    /// Family name; at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::line")]
    pub family_name: Option<String>,
    /// Language: a BCP 47 tag such as `de` or `de-AT`. Absent: the customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::locale")]
    pub locale: Option<String>,
    /// What the person may do in the tenant: `Admin` (all that a tenant can do, its users included), `Member`
    /// (workloads, but no Secrets and no users) or `Viewer` (read, but no Secrets).
    #[serde(default)]
    pub role: Role,
    /// Whether the person gets in. False takes the bindings away at once.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// A user is enabled unless it says otherwise.
const fn enabled() -> bool {
    true
}

impl Default for CustomerUserSpec {
    fn default() -> Self {
        Self {
            customer: None,
            email: String::new(),
            given_name: None,
            family_name: None,
            locale: None,
            role: Role::default(),
            enabled: enabled(),
        }
    }
}

/// What a person may do in a tenant.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum Role {
    /// Everything a tenant can do, its users included.
    Admin,
    /// Workloads, but no Secrets and no users.
    #[default]
    Member,
    /// Read, but no Secrets.
    Viewer,
}

/// What the operator last saw and made of the user. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUserStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// The customer the user belongs to, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_reference")]
    pub customer: Option<String>,
    /// Ready, Accepted, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}
