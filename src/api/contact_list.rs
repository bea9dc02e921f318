//! `ContactList`: a list of mail addresses that a customer wants to send to, and whether it may.
//!
//! It lives in the tenant namespace and is a register entry: the list itself is where the customer's software keeps it. A digest
//! says which list is meant, byte for byte, and it is a digest that is approved: another list is another digest.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::shape;

/// A list of mail addresses.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "ContactList",
    namespaced,
    status = "ContactListStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A ContactList registers a list of mail addresses that a customer has uploaded to its software. It lives in the tenant namespace and waits there until the partner's staff have approved it.",
    shortname = "clist",
    category = "clientele",
    selectable = ".spec.sha256",
    selectable = ".status.phase",
    printcolumn(name = "Entries", type_ = "integer", json_path = ".spec.entries"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
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
    printcolumn(name = "Source", type_ = "string", json_path = ".spec.source"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "SHA-256", type_ = "string", json_path = ".spec.sha256", priority = 1),
    printcolumn(
        name = "Duplicates",
        type_ = "integer",
        json_path = ".status.checked.duplicates",
        priority = 1
    ),
    printcolumn(
        name = "Role Accounts",
        type_ = "integer",
        json_path = ".status.checked.roleAccounts",
        priority = 1
    ),
    validation = shape::object_named("contact list", 63)
)]
#[serde(rename_all = "camelCase")]
pub struct ContactListSpec {
    /// How many entries the list has, 1 to 1000000000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub entries: i64,
    /// SHA-256 of the list as it was uploaded, byte for byte: 64 digits in lower case, as `sha256sum` prints them.
    #[schemars(schema_with = "shape::sha256")]
    pub sha256: String,
    /// Where the list came from and why its people may be written to, on one line of at most 512 characters.
    #[schemars(schema_with = "shape::reason")]
    pub source: String,
    /// Where a small list is to be read, so that its entries are checked. Absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<ListContents>,
    /// The digest that is approved: set by whoever has the verb `approve` on contactlists, and by nobody else. The list is approved
    /// while it equals `sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::sha256")]
    pub approved: Option<String>,
}

/// Where a list is to be read: one entry a line. Of a line with commas, semicolons or tabs the first field is the address. Empty lines do
/// not count, nor does a first line whose first field is `email` or `e-mail`. Either `configMap` or `secretKey` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.secretKey)").message("give either configMap or secretKey"))]
#[serde(rename_all = "camelCase")]
pub struct ListContents {
    /// A key of a ConfigMap in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
    /// A key of the Secret `contact-lists` in the same namespace, which is the only Secret that is read for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::data_key")]
    pub secret_key: Option<String>,
}

/// A key of a ConfigMap in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKey {
    /// Name of the ConfigMap (RFC 1123 subdomain), at most 253 characters.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
    /// The key in its `data` or `binaryData`.
    #[schemars(schema_with = "shape::data_key")]
    pub key: String,
}

/// What the operator last saw and made of the list. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactListStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// Whether it may be sent to: `Approved`, `Pending` (it waits for the partner's staff) or `Invalid` (it is not as it says it is).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<ListPhase>,
    /// The digest that is approved, as the ConfigMap `customer` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub approved: Option<String>,
    /// What was found in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<ListChecked>,
    /// Ready, Approved, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}

/// Whether a list may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ListPhase {
    /// It waits for the partner's staff.
    Pending,
    /// It may.
    Approved,
    /// It is not as it says it is, or has entries that are no mail addresses.
    Invalid,
}

/// What was found in a list of this digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListChecked {
    /// SHA-256 of what was read.
    #[schemars(schema_with = "shape::status_word")]
    pub sha256: String,
    /// How many entries there are.
    #[serde(default)]
    pub entries: i64,
    /// How many of them are no mail addresses.
    #[serde(default)]
    pub invalid: i64,
    /// The first lines on which they stand, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub invalid_lines: Vec<i64>,
    /// How many name an address that an entry before them names, in whatever case.
    #[serde(default)]
    pub duplicates: i64,
    /// How many are addresses of a role rather than a person, such as `info@` or `abuse@` (RFC 2142).
    #[serde(default)]
    pub role_accounts: i64,
}
