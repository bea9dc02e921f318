//! `ServicePlan`: how much a tenant gets, and how it is shut off from others.
//!
//! Cluster-scoped and written by the platform team. A plan gives nothing to anybody by itself: partners offer
//! plans, customers use one.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::sending::SendLimits;
use super::shape;

/// How much a tenant gets, and how it is shut off from others.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "ServicePlan",
    status = "ServicePlanStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A ServicePlan says how much a tenant gets and how it is shut off from others. Partners offer plans, each customer uses one.",
    shortname = "splan",
    category = "clientele",
    selectable = ".spec.podSecurity",
    selectable = ".spec.ingressDomains",
    printcolumn(name = "Title", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Pod Security", type_ = "string", json_path = ".spec.podSecurity"),
    printcolumn(name = "Customers", type_ = "integer", json_path = ".status.customers"),
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
    printcolumn(name = "Pods", type_ = "string", json_path = ".spec.quota.pods", priority = 1),
    printcolumn(
        name = "Max Users",
        type_ = "integer",
        json_path = ".spec.maxUsers",
        priority = 1
    ),
    printcolumn(
        name = "Ingress Domains",
        type_ = "string",
        json_path = ".spec.ingressDomains",
        priority = 1
    ),
    validation = shape::object_named("plan", 63)
)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanSpec {
    /// Name of the plan for people; 1 to 128 characters.
    #[schemars(schema_with = "shape::title")]
    pub display_name: String,
    /// Names of the services that are on for its customers without being asked for; at most 32, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::service_names")]
    pub services: Vec<String>,
    /// `hard` of the tenant's ResourceQuota: Kubernetes quantities by resource name, at most 32.
    /// `services.nodeports` and `services.loadbalancers` are 0 unless given here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::quota")]
    pub quota: BTreeMap<String, Quantity>,
    /// Limits and requests of containers that give none themselves, as a LimitRange in the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_defaults: Option<ContainerDefaults>,
    /// Pod Security Standard enforced in the tenant: `restricted`, `baseline` or `privileged`.
    #[serde(default)]
    pub pod_security: PodSecurity,
    /// Traffic allowed beyond the default, which is: the tenant namespace itself and DNS, nothing else in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<PlanNetwork>,
    /// Labels and annotations for the tenant namespace, such as those that other operators look for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_metadata: Option<NamespaceMetadata>,
    /// Names of Secrets in the tenant namespace that its default ServiceAccount pulls images with; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::secret_names")]
    pub image_pull_secrets: Vec<String>,
    /// Names of the StorageClasses that the tenant may use, at most 16. Absent: any; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::storage_class_names")]
    pub storage_classes: Option<Vec<String>>,
    /// Which hosts the tenant's ingresses may use: those under the customer's domain (`Customer`), `Any`, or `None`.
    #[serde(default)]
    pub ingress_domains: IngressDomains,
    /// How many enabled users a customer may have, 0 to 100000. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100000))]
    pub max_users: Option<i32>,
    /// How many recipients each of its customers may write to. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_limits: Option<SendLimits>,
}

/// Limits and requests of containers that give none themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "!has(self.limits) || !has(self.requests) || self.requests.all(name, !(name in self.limits) || \
     !isQuantity(string(self.requests[name])) || !isQuantity(string(self.limits[name])) || \
     quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)"
).message("a request must not be greater than the limit of the same resource"))]
pub struct ContainerDefaults {
    /// Default limits: Kubernetes quantities by resource name (`cpu`, `memory`, `ephemeral-storage`, …), at most 8.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::container_resources")]
    pub limits: BTreeMap<String, Quantity>,
    /// Default requests: Kubernetes quantities by resource name, at most 8; none greater than its limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::container_resources")]
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
    /// Who may reach the tenant's pods; at most 8 entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub allow_from: Vec<NetworkPeer>,
    /// Whom the tenant's pods may reach; at most 8 entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub allow_to: Vec<NetworkPeer>,
}

/// Some pods or some addresses, and ports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.cidr) != (has(self.namespaceSelector) || has(self.podSelector))")
        .message("give either cidr, or namespaceSelector and podSelector or one of them"),
    validation = Rule::new(
        "!has(self.except) || self.except.size() == 0 || has(self.cidr) && (!isCIDR(self.cidr) || \
         self.except.all(part, !isCIDR(part) || cidr(self.cidr).containsCIDR(part) && \
         cidr(part).prefixLength() > cidr(self.cidr).prefixLength()))"
    ).message("except needs cidr, and every part must lie inside it and be smaller"),
)]
pub struct NetworkPeer {
    /// Namespaces by label; the empty selector means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Pods by label: in the namespaces selected, or in the tenant's own if none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::label_selector")]
    pub pod_selector: Option<LabelSelector>,
    /// Addresses in CIDR notation (`10.0.0.0/8`, `2001:db8::/32`), instead of selectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::cidr")]
    pub cidr: Option<String>,
    /// Parts of `cidr` that are not meant, in CIDR notation; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::cidrs")]
    pub except: Vec<String>,
    /// Port numbers, 1 to 65535, TCP; at most 16. None: all ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::ports")]
    pub ports: Vec<i32>,
}

/// Labels and annotations for the tenant namespace. Keys of Clientele (`clientele.dev`) and of Kubernetes itself
/// (`kubernetes.io`, `k8s.io`) are refused, because isolation hangs on them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceMetadata {
    /// Labels; at most 16, keys of at most 80 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::plan_labels")]
    pub labels: BTreeMap<String, String>,
    /// Annotations; at most 8, keys of at most 80 and values of at most 128 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::plan_annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// What the operator last saw and made of the plan. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// How many customers use the plan.
    #[serde(default)]
    pub customers: i64,
    /// Ready, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}
