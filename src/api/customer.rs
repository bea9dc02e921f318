//! `Customer`: one customer of a partner, and with it one tenant namespace.
//!
//! It lives in the partner's namespace. Facts that must outlive the object (number, first made, defaults taken)
//! are kept on the tenant namespace; the status here is always rebuilt from them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::customer_service::{CustomerService, ServiceStatus};
use super::deletion_request::{CustomerDeletion, DeletionStanding};
use super::phase::Phase;
use super::sending::{CustomerSending, SendingStatus};
use super::shape;

/// One customer of a partner.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "Customer",
    namespaced,
    status = "CustomerStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Customer is one customer of a partner. It lives in the partner's namespace and has the tenant namespace <partner>--<customer>.",
    shortname = "cust",
    category = "clientele",
    selectable = ".spec.plan",
    selectable = ".spec.seller",
    selectable = ".spec.sector",
    selectable = ".spec.testAccount",
    selectable = ".status.customerNumber",
    selectable = ".status.plan",
    selectable = ".status.phase",
    selectable = ".status.access",
    printcolumn(name = "Company", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Number", type_ = "string", json_path = ".status.customerNumber"),
    printcolumn(name = "Plan", type_ = "string", json_path = ".status.plan"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Access", type_ = "string", json_path = ".status.access"),
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
    printcolumn(name = "Tenant", type_ = "string", json_path = ".status.namespace", priority = 1),
    printcolumn(name = "Domain", type_ = "string", json_path = ".status.domain", priority = 1),
    printcolumn(
        name = "Routes",
        type_ = "string",
        json_path = ".status.postalRoutes",
        priority = 1
    ),
    printcolumn(name = "Users", type_ = "integer", json_path = ".status.users", priority = 1),
    printcolumn(
        name = "Trial ends",
        type_ = "string",
        json_path = ".status.trialEndsAt",
        priority = 1
    ),
    printcolumn(name = "Seller", type_ = "string", json_path = ".spec.seller", priority = 1),
    printcolumn(name = "Test", type_ = "boolean", json_path = ".spec.testAccount", priority = 1),
    printcolumn(
        name = "Since",
        type_ = "date",
        json_path = ".status.customerSince",
        priority = 1
    ),
    validation = shape::tenant_part_named("customer", 31),
    validation = shape::customer_name_not_reserved(),
    validation = shape::customer_number_kept(),
    validation = shape::customer_number_in_force_kept()
)]
#[x_kube(validation = Rule::new(
    "!has(self.addresses) || self.addresses.filter(address, has(address.default) && address.default).size() <= 1"
).message("at most one address can be the default").field_path(".addresses"))]
#[serde(rename_all = "camelCase")]
pub struct CustomerSpec {
    /// Company name; 1 to 128 characters.
    #[schemars(schema_with = "shape::title")]
    pub display_name: String,
    /// Customer number, unique under the provider: letters, digits and `- . _ /`, at most 63 characters. Generated when
    /// absent; it cannot be changed once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::customer_number")]
    pub customer_number: Option<String>,
    /// The partner's own number for this customer, in whatever form; at most 128 characters.
    #[serde(
        default,
        rename = "externalID",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "shape::line")]
    pub external_id: Option<String>,
    /// Notes for people; at most 1000 characters, several lines allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::notes")]
    pub description: Option<String>,
    /// Whom to write to.
    pub contact: Contact,
    /// How the customer is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Postal addresses by name; at most 8, and at most one of them the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub addresses: Vec<Address>,
    /// The customer's own domain: a DNS name in lower case (RFC 1123; IDN as punycode), at most 253 characters. It must
    /// not equal, contain or be part of another customer's. Absent: `<customer>.<partner's domain>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::domain")]
    pub domain: Option<String>,
    /// `Private` or `Public` sector, for licence reports.
    #[serde(default)]
    pub sector: Sector,
    /// Whether this is a test account, for reports; nothing else depends on it.
    #[serde(default)]
    pub test_account: bool,
    /// E-mail address of the seller who looks after the customer, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::email")]
    pub seller: Option<String>,
    /// Free attributes, passed on to the tenant; at most 32, keys of at most 63 letters, digits and `- . _`, values of at
    /// most 128 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::attributes")]
    pub attributes: BTreeMap<String, String>,
    /// Name of a ServicePlan that the partner offers. Absent: the partner's default; if there is none either, no pods
    /// are admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::name")]
    pub plan: Option<String>,
    /// Services that are asked for, or for which something is said; at most 32, each once. Those that the plan includes or
    /// that are on for everybody need not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Vec<CustomerService>,
    /// Names of PostalRoutes in order of preference, 1 to 16. Absent: the partner's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::preferred_names")]
    pub postal_routes: Option<Vec<String>>,
    /// Whether the customer is activated: false locks its people out. Absent: as first taken from the partner's default,
    /// else true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether the customer is on hold: true locks its people out, workloads go on. Absent: as first taken from the
    /// partner's default, else false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold: Option<bool>,
    /// How the customer sends mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<CustomerSending>,
    /// The customer's trial. Absent: as first taken from the partner's default, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialSpec>,
    /// Whether and how the customer may be deleted, and the wish that it be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<CustomerDeletion>,
}

/// A trial: until when, and what then. One of `period`, `endsAt` and `mode` at most; none of them: the default's period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "[has(self.period), has(self.endsAt), has(self.mode)].filter(given, given).size() <= 1"
).message("give only one of period, endsAt and mode"))]
pub struct TrialSpec {
    /// How long the trial lasts, from when the customer was first made or first had a trial: a duration such as `14d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::positive_duration")]
    pub period: Option<String>,
    /// When the trial ends (RFC 3339, UTC, 2000 to 2200).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::moment")]
    pub ends_at: Option<Time>,
    /// `None`: no trial, as for a paying customer, whatever the default was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TrialMode>,
    /// What happens at the end: `Stop` (people out, nothing runs) or `Lock` (people out, workloads go on). Absent: as first
    /// taken from the partner's default, else `Stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_end: Option<OnEnd>,
}

/// How a trial is meant that has neither period nor end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TrialMode {
    /// There is no trial.
    None,
}

/// What happens at the end of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnEnd {
    /// People are out and nothing runs; all data is kept.
    #[default]
    Stop,
    /// People are out; workloads go on.
    Lock,
}

/// Whom to write to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// E-mail address in lower case (RFC 5321, domain in ASCII); at most 254 characters.
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
    /// Telephone number, such as `+49 30 1234567`; at most 40 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::phone")]
    pub phone: Option<String>,
    /// Language: a BCP 47 tag such as `de` or `de-AT`. Absent: the partner's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::locale")]
    pub locale: Option<String>,
}

/// How a customer is billed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Billing {
    /// Currency: an ISO 4217 code such as `EUR`. Required unless the partner has a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::currency")]
    pub currency: Option<String>,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Name of the address among this customer's, such as `head-office`: lower-case letters, digits and dashes, at most
    /// 63 characters.
    #[schemars(schema_with = "shape::name")]
    pub name: String,
    /// Whether it is the one to use where none is named.
    #[serde(default)]
    pub default: bool,
    /// Street, building and the like; at most 6 lines of at most 128 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::address_lines")]
    pub lines: Vec<String>,
    /// City; at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::line")]
    pub city: Option<String>,
    /// Postal code: letters, digits, spaces and dashes, at most 16 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::postal_code")]
    pub postal_code: Option<String>,
    /// Country: an ISO 3166-1 alpha-2 code such as `DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::country")]
    pub country: Option<String>,
}

/// Sector, for licence reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sector {
    /// Companies and people.
    #[default]
    Private,
    /// Public bodies.
    Public,
}

/// What the operator last saw and made of the customer. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// The tenant namespace, `<partner>--<customer>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub namespace: Option<String>,
    /// Names of partners, from the provider down to the one the customer belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_path")]
    pub path: Vec<String>,
    /// Customer number in force, given or generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub customer_number: Option<String>,
    /// When the customer was first made (RFC 3339, UTC); a customer that comes back keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub customer_since: Option<Time>,
    /// Where the customer is in its life, by its services and its trial; computed, never set. `Preparation`: no service is in use
    /// yet. `TrialEnd`: its trial is over, or no service is in use any more. `PendingDeletion`: its deletion is asked for and can be
    /// taken back. `Deleted`: it has no tenant any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whether its people get in: `Open`, `Locked` (no bindings; workloads go on) or `Stopped` (as Locked, and nothing runs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Why access is as it is: `Active`, `NotActivated`, `OnHold`, `TrialEnded` or `DeletionPending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub access_reason: Option<String>,
    /// When the trial in force ends, or ended (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub trial_ends_at: Option<Time>,
    /// Domain in force: the customer's own, else that of the nearest partner that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub domain: Option<String>,
    /// Domain under which its ingress hosts may be: its own, else `<customer>.<partner's domain>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub ingress_domain: Option<String>,
    /// Name of the plan in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub plan: Option<String>,
    /// Names of the mail routes it can use, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_preferred_names")]
    pub postal_routes: Vec<String>,
    /// Its services, and those it once used; the first 16 in alphabetical order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub services: Vec<ServiceStatus>,
    /// What it may send, and has sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<SendingStatus>,
    /// How many users it has that are accepted.
    #[serde(default)]
    pub users: i64,
    /// The deletion that waits or is done, if one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<DeletionStanding>,
    /// Ready, AccessOpen, NamespaceReady, RoutesReady, ServicesReady, and while true Reconciling or Stalled, PlanWithdrawn,
    /// TrialEnding, DeletionPending, SendLimitNear and SendLimited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::many_conditions")]
    pub conditions: Vec<Condition>,
}

/// Whether a tenant's people get in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Access {
    /// Bindings exist.
    Open,
    /// People are out; workloads go on.
    #[default]
    Locked,
    /// People are out, no pod runs, the network is shut, and the tenant's own ServiceAccounts may write nothing.
    Stopped,
}

impl Access {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Open, Self::Locked, Self::Stopped];

    /// The name as it stands in status and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Locked => "Locked",
            Self::Stopped => "Stopped",
        }
    }
}
