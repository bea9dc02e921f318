//! `CustomerUser`: a person who works with a customer's tenant.
//!
//! It lives beside its Customer and names it, or in the tenant namespace, where the customer is implied. One
//! person may have such an object under several customers; nobody sees the others.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;

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
    shortname = "cuser",
    category = "clientele"
)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUserSpec {
    /// Name of the Customer beside it; absent in a tenant namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// E-mail address, which is also the user name bindings are made for.
    pub email: String,
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What the person may do in the tenant.
    #[serde(default)]
    pub role: Role,
    /// Whether the person gets in at all.
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

/// What the operator last saw and made of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerUserStatus {
    /// Generation this status speaks of; -1 before the first one.
    #[serde(default)]
    pub observed_generation: i64,
    /// The customer, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// `Ready` and its kin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
