//! `Partner`: a provider or one of its resellers.
//!
//! A Partner owns the namespace `partner-<name>`, and where the object lives says whose partner it is: in
//! `clientele-partners` a provider, in `partner-X` a reseller of X.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::customer::OnEnd;
use super::sending::SharedSendLimits;
use super::service_offering::Visibility;
use super::shape;

/// A provider or a reseller: its staff, and what it offers.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "Partner",
    namespaced,
    status = "PartnerStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Partner is a provider (in the namespace clientele-partners) or a reseller of partner X (in partner-X). It owns the namespace partner-<name>, where its customers, mail routes and own resellers live.",
    shortname = "partn",
    category = "clientele",
    selectable = ".spec.domain",
    selectable = ".spec.adminRole",
    selectable = ".spec.customerDefaults.plan",
    selectable = ".status.namespace",
    selectable = ".status.domain",
    printcolumn(name = "Company", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Customers", type_ = "integer", json_path = ".status.customers"),
    printcolumn(name = "Partners", type_ = "integer", json_path = ".status.partners"),
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
    printcolumn(name = "Path", type_ = "string", json_path = ".status.path", priority = 1),
    printcolumn(name = "Domain", type_ = "string", json_path = ".status.domain", priority = 1),
    printcolumn(name = "Plans", type_ = "string", json_path = ".status.plans", priority = 1),
    printcolumn(
        name = "Routes",
        type_ = "string",
        json_path = ".status.postalRoutes",
        priority = 1
    ),
    validation = shape::tenant_part_named("partner", 30),
    validation = shape::partner_name_not_reserved()
)]
#[serde(rename_all = "camelCase")]
pub struct PartnerSpec {
    /// Name of the company for people; 1 to 128 characters.
    #[schemars(schema_with = "shape::title")]
    pub display_name: String,
    /// Domain under which customers that have none of their own get `<customer>.<domain>`: a DNS name in lower case
    /// (RFC 1123), at most 221 characters. Absent: that of the nearest partner above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::partner_domain")]
    pub domain: Option<String>,
    /// Which of the services that its parent offers it offers itself. Absent: all, now and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<NamePolicy>,
    /// Which of the plans that its parent offers it offers itself. Absent: all, now and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<NamePolicy>,
    /// Whether front ends list services to customers here and below that do not say so themselves; at most 30. It neither
    /// offers nor refuses a service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub visibility: Vec<ServiceVisibility>,
    /// Time zone of the calendar windows in which mail of its customers is counted: a name of the IANA database such as
    /// `Europe/Berlin`, at most 40 characters. Absent: that of the nearest partner above that has one, else UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time_zone")]
    pub time_zone: Option<String>,
    /// How many recipients all customers here and below together may write to. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_limits: Option<SharedSendLimits>,
    /// People and groups who work here, bound to roles by the operator; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub staff: Vec<Staff>,
    /// ClusterRole bound in each tenant as `<customer>-admin`. Absent: that of the nearest partner above, and at last
    /// `clientele-tenant-admin`. Another one needs the operator's right to `bind` it, and the writer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::cluster_role")]
    pub admin_role: Option<String>,
    /// How long DeletionRequests that are over are kept as history: a duration such as `400d`, a century at most. Absent: the next
    /// partner's above that has one, else `400d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::positive_duration")]
    pub history_retention: Option<String>,
    /// What holds for customers here and below that say nothing themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_defaults: Option<CustomerDefaults>,
}

/// A choice out of the names that the parent offers. It narrows; nothing below lifts it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.policy != 'All' || !has(self.names) || self.names.size() == 0")
    .message("policy All takes no names; use Only or Except with these, or remove them"))]
pub struct NamePolicy {
    /// `All` (what the parent offers, now and later), `Only` the names, or all `Except` the names.
    #[serde(default)]
    pub policy: PolicyKind,
    /// Names of plans or services; at most 50, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::names")]
    pub names: Vec<String>,
}

/// Whether front ends list one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceVisibility {
    /// Name of a ServiceOffering.
    #[schemars(schema_with = "shape::name")]
    pub name: String,
    /// `Visible` or `Hidden`.
    #[serde(default)]
    pub visibility: Visibility,
}

/// A service that customers use and the partner no longer offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawnService {
    /// Name of the ServiceOffering.
    #[schemars(schema_with = "shape::status_word")]
    pub service: String,
    /// How many customers here and below it is stopped for.
    pub customers: i64,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.group) != has(self.user)").message("give either group or user"))]
pub struct Staff {
    /// Group as the identity provider names it; at most 200 characters. Either this or `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::subject")]
    pub group: Option<String>,
    /// User as the identity provider names it, such as an e-mail address; at most 200 characters. Either this or `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::subject")]
    pub user: Option<String>,
    /// `Reseller` (partners and customers), `Seller` (customers) or `Support` (read).
    pub role: StaffRole,
    /// `Own`: in this partner's namespace. `Path`: also in those of all partners below.
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

/// What holds for customers that say nothing themselves. Live: a change counts at once. Once: taken when a customer is
/// first made, and kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerDefaults {
    /// Name of a ServicePlan that the partner offers. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::name")]
    pub plan: Option<String>,
    /// Language for people: a BCP 47 tag such as `de` or `de-AT`. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::locale")]
    pub locale: Option<String>,
    /// Currency that is billed: an ISO 4217 code such as `EUR`. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::currency")]
    pub currency: Option<String>,
    /// Names of PostalRoutes in order of preference, 1 to 16. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::preferred_names")]
    pub postal_routes: Option<Vec<String>>,
    /// Whether a customer starts active. Once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether a customer starts on hold. Once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold: Option<bool>,
    /// The trial with which a customer starts. Once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialDefault>,
    /// How long before its end a trial is announced by the condition and Event `TrialEnding`: at most 5 durations; `[]` for not
    /// at all. Absent: `[7d, 3d, 1d]`. Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::notices")]
    pub trial_notices: Option<Vec<String>>,
    /// How long a deletion can be taken back, at least: a duration such as `10d`. Absent: the next partner's above that has one,
    /// else `10d`. Live; in a request it is fixed when that is filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::positive_duration")]
    pub grace_period: Option<String>,
}

/// A trial with which customers start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialDefault {
    /// How long the trial lasts: a duration such as `14d`.
    #[schemars(schema_with = "shape::positive_duration")]
    pub period: String,
    /// What happens at its end: `Stop` (people out, nothing runs) or `Lock` (people out, workloads go on). Absent: `Stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_end: Option<OnEnd>,
}

/// What the operator last saw and made of the partner. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// The partner's own namespace, `partner-<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub namespace: Option<String>,
    /// Names of partners, from the provider down to this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_path")]
    pub path: Vec<String>,
    /// Domain in force: its own, else that of the nearest partner above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub domain: Option<String>,
    /// Names of the plans it offers; the first 32 in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_names")]
    pub plans: Vec<String>,
    /// Services that its customers can be given; the first 32 in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_names")]
    pub services: Vec<String>,
    /// Services that customers here and below use and this partner does not offer any more, with how many; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub withdrawn: Vec<WithdrawnService>,
    /// Names of the mail routes its customers can use; the first 32 in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_names")]
    pub postal_routes: Vec<String>,
    /// How many customers are in its own namespace and below.
    #[serde(default)]
    pub customers: i64,
    /// How many partners are below.
    #[serde(default)]
    pub partners: i64,
    /// How many tenants without a Customer are in its own namespace and below: kept, or waiting for their deletion.
    #[serde(default)]
    pub retained: i64,
    /// Ready, Accepted, NamespaceReady, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}
