//! Services of one customer: what its spec says of each, and where each stands.
//!
//! Parts of [`super::Customer`]; which state follows from what is the domain's to say.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::service_offering::Visibility;
use super::shape;

/// What a customer says about one service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.trialEndsAt) || self.activation == 'Trial'")
    .message("trialEndsAt is for activation Trial; remove it, or set the activation to Trial"))]
pub struct CustomerService {
    /// Name of a ServiceOffering.
    #[schemars(schema_with = "shape::name")]
    pub name: String,
    /// `Inactive` (not used), `Trial` (used, until `trialEndsAt` if given), `Active` (used) or `Paused` (stopped).
    #[serde(default)]
    pub activation: Activation,
    /// Parameters of the service, as the offering's schema has them. What is absent is as the offering's defaults say.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "shape::free_object")]
    pub parameters: Map<String, Value>,
    /// When the trial of this service ends (RFC 3339, UTC). Absent: with the customer's own trial, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::moment")]
    pub trial_ends_at: Option<Time>,
    /// Whether front ends list it: `Visible`, `Hidden`, or `Inherit` what partners and offering say.
    #[serde(default)]
    pub visibility: VisibilityChoice,
}

/// How a customer uses a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Activation {
    /// Not used.
    Inactive,
    /// Used for a time.
    Trial,
    /// Used.
    #[default]
    Active,
    /// Stopped for a time.
    Paused,
}

/// Whether front ends list a service to one customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VisibilityChoice {
    /// As the nearest partner that says so, else as the offering.
    #[default]
    Inherit,
    /// Listed, whatever changes above.
    Visible,
    /// Not listed, whatever changes above.
    Hidden,
}

/// Where one service of a customer stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Name of the ServiceOffering.
    #[schemars(schema_with = "shape::status_word")]
    pub name: String,
    /// Where it stands. `Denied`: the partner path does not offer it. `Waiting`: for another service, or for the offering
    /// to be in order. `Deleted`: once used, and no longer asked for.
    pub state: ServiceState,
    /// Why the customer has it: it asked for it, its plan includes it, or it is on for everybody.
    pub source: ServiceSource,
    /// The partner that refuses it, or the service it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub blocked_by: Option<String>,
    /// Whether it was in use and is not offered any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// When its objects are deleted (RFC 3339, UTC). Absent: they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub remove_at: Option<Time>,
    /// Whether front ends list it.
    #[serde(default)]
    pub visibility: Visibility,
    /// How many objects of it are in the tenant namespace.
    #[serde(default)]
    pub objects: i64,
    /// How its objects are, while it is in use. `Current`: as they should be. `InProgress`: on the way there. `Failed`: they
    /// say themselves that they cannot. `Refused`: some could not be made. `ServicesReady` says which and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<ServiceHealth>,
}

/// How the objects of a service are.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ServiceHealth {
    /// As they should be.
    #[default]
    Current,
    /// On the way there.
    InProgress,
    /// They say themselves that they cannot get there.
    Failed,
    /// Some could not be made.
    Refused,
}

/// Where a service of a customer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceState {
    /// Inactive, and never used.
    #[default]
    Preparation,
    /// Used for a time.
    Trial,
    /// Used.
    Active,
    /// Stopped for a time.
    Paused,
    /// Stopped: its trial is over.
    TrialEnd,
    /// Not offered along the partner path, or no longer.
    Denied,
    /// Not to be made yet.
    Waiting,
    /// Once used, and no longer asked for.
    Deleted,
}

impl ServiceState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Preparation,
        Self::Trial,
        Self::Active,
        Self::Paused,
        Self::TrialEnd,
        Self::Denied,
        Self::Waiting,
        Self::Deleted,
    ];

    /// The name as it stands in status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparation => "Preparation",
            Self::Trial => "Trial",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::TrialEnd => "TrialEnd",
            Self::Denied => "Denied",
            Self::Waiting => "Waiting",
            Self::Deleted => "Deleted",
        }
    }
}

/// Why a customer has a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceSource {
    /// It is listed in the customer's spec.
    #[default]
    Customer,
    /// Its plan includes it.
    Plan,
    /// It is on for every customer.
    AutoEnable,
}
