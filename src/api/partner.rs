//! `Partner`: a provider or one of its resellers.
//!
//! A Partner owns the namespace `partner-<name>`, and where the object lives says whose partner it is: in
//! `clientele-partners` a provider, in `partner-X` a reseller of X.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;

/// A provider or a reseller, its staff and what it offers.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "Partner",
    namespaced,
    status = "PartnerStatus",
    derive = "PartialEq",
    derive = "Default",
    shortname = "partn",
    category = "clientele"
)]
#[serde(rename_all = "camelCase")]
pub struct PartnerSpec {
    /// Name for people.
    pub display_name: String,
    /// Domain of customers that have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which of the parent's plans it offers; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<NamePolicy>,
    /// People who work here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staff: Vec<Staff>,
    /// ClusterRole bound in each tenant to its admins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_role: Option<String>,
    /// What holds for customers that say nothing themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_defaults: Option<CustomerDefaults>,
}

/// A choice of names out of those that the parent offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamePolicy {
    /// How `names` is meant.
    #[serde(default)]
    pub policy: PolicyKind,
    /// The names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// How a list of names is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// What the parent offers, now and later.
    #[default]
    All,
    /// The named ones, as far as the parent offers them.
    Only,
    /// All but the named ones.
    Except,
}

/// One person or group of a partner's staff.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staff {
    /// Group of the identity provider; either this or `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// User of the identity provider; either this or `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What they may do.
    pub role: StaffRole,
    /// Where they may do it.
    #[serde(default)]
    pub scope: StaffScope,
}

/// What a partner's staff may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StaffRole {
    /// Partners and customers.
    Reseller,
    /// Customers.
    Seller,
    /// Read.
    #[default]
    Support,
}

/// Where a partner's staff may do it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StaffScope {
    /// In the partner's own namespace.
    #[default]
    Own,
    /// Also in those of all partners below.
    Path,
}

/// What holds for customers that say nothing themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerDefaults {
    /// Plan; live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Language of people; live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Currency billed; live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Mail routes in order of preference; live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_routes: Option<Vec<String>>,
    /// Whether a customer starts active; taken once, when it is first made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether a customer starts on hold; taken once, when it is first made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold: Option<bool>,
}

/// What the operator last saw and made of a partner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerStatus {
    /// Generation this status speaks of; -1 before the first one.
    #[serde(default)]
    pub observed_generation: i64,
    /// The partner's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Partner names from the provider down to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Domain in force: its own, else the nearest one above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Plans it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<String>,
    /// Mail routes its customers can use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postal_routes: Vec<String>,
    /// Customers in its own namespace and below.
    #[serde(default)]
    pub customers: i64,
    /// Partners below.
    #[serde(default)]
    pub partners: i64,
    /// `Ready` and its kin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
