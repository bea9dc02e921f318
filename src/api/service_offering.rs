//! `ServiceOffering`: a service that can be offered, and what it puts into a tenant.
//!
//! Cluster-scoped and written by the platform team. An offering gives nothing to anybody by itself: partners narrow down
//! what is offered along their path; plans include services, customers ask for them. What is wrong between fields, such
//! as an expression that names what there is not, is found when the operator reconciles the offering.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::conditions::Condition;
use super::shape;

/// A service that can be offered, and what it puts into a tenant.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "ServiceOffering",
    status = "ServiceOfferingStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A ServiceOffering says what can be offered to customers and what it puts into a tenant. Partners narrow down what is offered, plans include services, customers ask for them.",
    shortname = "offering",
    category = "clientele",
    selectable = ".spec.visibility",
    selectable = ".spec.autoEnable",
    selectable = ".spec.onStop",
    printcolumn(name = "Title", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Visibility", type_ = "string", json_path = ".spec.visibility"),
    printcolumn(name = "Auto", type_ = "boolean", json_path = ".spec.autoEnable"),
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
    printcolumn(name = "Requires", type_ = "string", json_path = ".spec.requires", priority = 1),
    printcolumn(name = "On Stop", type_ = "string", json_path = ".spec.onStop", priority = 1),
    validation = shape::object_named("service offering", 63),
    validation = shape::requires_others()
)]
#[serde(rename_all = "camelCase")]
pub struct ServiceOfferingSpec {
    /// Name of the service for people; 1 to 128 characters.
    #[schemars(schema_with = "shape::title")]
    pub display_name: String,
    /// Whether front ends list the service by default: `Visible` or `Hidden`. Never a ceiling: what is hidden can be asked
    /// for by name.
    #[serde(default)]
    pub visibility: Visibility,
    /// Whether the service is on for every customer of every partner that offers it, unless the customer says otherwise.
    #[serde(default)]
    pub auto_enable: bool,
    /// Names of other offerings without which this one waits; at most 50, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::names")]
    pub requires: Vec<String>,
    /// What a customer can choose about the service. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<OfferingParameters>,
    /// What becomes of the objects while the service is paused, ended or no longer offered: `Scale` (rendered with 0
    /// replicas), `Delete` (but never PersistentVolumeClaims) or `Keep`.
    #[serde(default)]
    pub on_stop: OnStop,
    /// How long after a service was withdrawn or removed its objects are deleted, but for PersistentVolumeClaims: a
    /// duration such as `30d` or `36h`, a century at most. Absent or empty: never; they are kept, stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::duration_or_empty")]
    pub prune_after: Option<String>,
    /// Namespaced objects that the service puts into the tenant namespace; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub manifests: Vec<Manifest>,
}

/// Whether front ends list a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Visibility {
    /// Listed.
    #[default]
    Visible,
    /// Not listed.
    Hidden,
}

/// What becomes of the objects of a service that is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnStop {
    /// They stay, and run nothing.
    #[default]
    Scale,
    /// They go, but for PersistentVolumeClaims.
    Delete,
    /// They stay as they are.
    Keep,
}

/// What a customer can choose about a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferingParameters {
    /// OpenAPI v3 schema, of type object, that a customer's parameters must fit: structural as in a
    /// CustomResourceDefinition, without references.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "shape::free_object")]
    pub schema: Map<String, Value>,
    /// Parameters of customers that do not give them; they must fit the schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "shape::free_object")]
    pub defaults: Map<String, Value>,
}

/// An object that a service puts into the tenant namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// CEL expression that says whether the object is there, over `customer`, `partner`, `plan`, `namespace` and `params`;
    /// at most 1024 characters. Absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::expression")]
    pub when: Option<String>,
    /// The object, namespaced and without a namespace. `${…}` in a value is CEL over the same roots: alone it keeps its
    /// type, inside text it becomes a string; `$${` stands for `${` itself. Not in apiVersion, kind, or keys.
    #[schemars(schema_with = "shape::free_object")]
    pub object: Map<String, Value>,
}

/// What the operator last saw and made of the offering. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceOfferingStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// How many customers have the service, or still have objects of it other than PersistentVolumeClaims.
    #[serde(default)]
    pub customers: i64,
    /// Everything that is wrong with the offering, each with its place; the first 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_faults")]
    pub faults: Vec<String>,
    /// Ready, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}
