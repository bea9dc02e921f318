//! `ServicePlan`: how much a tenant gets, and how it is shut off from others.
//!
//! Cluster-scoped and written by the platform team. A plan gives nothing to anybody by itself: partners offer
//! plans, customers use one.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;

/// What a tenant of this plan gets and how it is shut off from others.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "ServicePlan",
    status = "ServicePlanStatus",
    derive = "PartialEq",
    derive = "Default",
    shortname = "splan",
    category = "clientele"
)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanSpec {
    /// Name for people.
    pub display_name: String,
    /// `hard` of the tenant's ResourceQuota.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quota: BTreeMap<String, Quantity>,
    /// Defaults of the tenant's LimitRange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_defaults: Option<ContainerDefaults>,
    /// Pod Security Standard that is enforced.
    #[serde(default)]
    pub pod_security: PodSecurity,
    /// Traffic allowed beyond the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<PlanNetwork>,
    /// Labels and annotations for the tenant namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_metadata: Option<NamespaceMetadata>,
    /// Names of Secrets that the tenant's default ServiceAccount pulls images with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<String>,
    /// StorageClasses the tenant may use; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_classes: Option<Vec<String>>,
    /// Which hosts the tenant's ingresses may use.
    #[serde(default)]
    pub ingress_domains: IngressDomains,
    /// How many enabled users a customer may have; absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_users: Option<i32>,
}

/// Defaults for containers that say nothing themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDefaults {
    /// Default limits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
    /// Default requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
}

/// A Pod Security Standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurity {
    /// Hardened: what an isolated tenant runs under.
    #[default]
    Restricted,
    /// Known privilege escalations are refused.
    Baseline,
    /// Nothing is refused.
    Privileged,
}

/// Which hosts a tenant's ingresses may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IngressDomains {
    /// Hosts under the customer's domain.
    #[default]
    Customer,
    /// Any host.
    Any,
    /// No ingress at all.
    None,
}

/// Traffic allowed beyond the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanNetwork {
    /// Who may reach the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_from: Vec<NetworkPeer>,
    /// Whom the tenant may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_to: Vec<NetworkPeer>,
}

/// Some pods or some addresses, and ports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPeer {
    /// Namespaces by label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Pods by label, in the namespaces selected or else in the tenant's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    /// Addresses, instead of selectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
    /// Parts of `cidr` that are not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// TCP and UDP ports; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<i32>,
}

/// Labels and annotations for the tenant namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceMetadata {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What the operator last saw and made of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanStatus {
    /// Generation this status speaks of; -1 before the first one.
    #[serde(default)]
    pub observed_generation: i64,
    /// How many customers use the plan.
    #[serde(default)]
    pub customers: i64,
    /// `Ready` and its kin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
