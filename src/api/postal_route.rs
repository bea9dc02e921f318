//! `PostalRoute`: an SMTP relay through which a partner's customers send mail.
//!
//! It lives in a partner namespace, its credentials in a Secret beside it. The nearest partner's route of a
//! name wins over one further up.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::sending::SharedSendLimits;
use super::shape;

/// An SMTP relay for customers' mail.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "PostalRoute",
    namespaced,
    status = "PostalRouteStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A PostalRoute is an SMTP relay through which the customers of a partner send mail. It lives in the partner's namespace, its credentials in a Secret beside it.",
    shortname = "proute",
    category = "clientele",
    selectable = ".spec.host",
    selectable = ".spec.tls",
    selectable = ".spec.inheritable",
    selectable = ".spec.credentialsSecret.name",
    printcolumn(name = "Host", type_ = "string", json_path = ".spec.host"),
    printcolumn(name = "Port", type_ = "integer", json_path = ".spec.port"),
    printcolumn(name = "TLS", type_ = "string", json_path = ".spec.tls"),
    printcolumn(name = "Inheritable", type_ = "boolean", json_path = ".spec.inheritable"),
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
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".spec.credentialsSecret.name",
        priority = 1
    ),
    printcolumn(name = "Shadows", type_ = "string", json_path = ".status.shadows", priority = 1),
    printcolumn(name = "Used By", type_ = "string", json_path = ".status.usedBy", priority = 1),
    validation = shape::object_named("mail route", 63)
)]
#[serde(rename_all = "camelCase")]
pub struct PostalRouteSpec {
    /// Relay to connect to: a DNS name in lower case (RFC 1123) or an IP address, at most 253 characters.
    #[schemars(schema_with = "shape::host")]
    pub host: String,
    /// TCP port of the relay, 1 to 65535; usually 587 with `StartTLS`, 465 with `Implicit`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// How the connection is encrypted: not at all (`None`), by the command STARTTLS, which must succeed (`StartTLS`,
    /// RFC 3207), or from the first byte (`Implicit`, RFC 8314).
    #[serde(default)]
    pub tls: RouteTls,
    /// Secret of type `clientele.dev/relay` in the same namespace, with the keys `username` and `password`. Absent: the
    /// relay is used without authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret: Option<SecretRef>,
    /// Whether the customers of partners below can use the route too.
    #[serde(default)]
    pub inheritable: bool,
    /// How many recipients all customers together may write to through the route. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_limits: Option<SharedSendLimits>,
}

/// How the connection to a relay is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RouteTls {
    /// Not at all.
    None,
    /// By the command STARTTLS, which must succeed.
    #[default]
    #[serde(rename = "StartTLS")]
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret (RFC 1123 subdomain), at most 253 characters.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
}

/// What the operator last saw and made of the route. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostalRouteStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// How many customers use the route.
    #[serde(default)]
    pub customers: i64,
    /// How many of these customers have no other route. While there are any, the route cannot be deleted.
    #[serde(default)]
    pub only_route_of: i64,
    /// A few of them, as `namespace/name`; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_references")]
    pub used_by: Vec<String>,
    /// The inheritable route of the same name further up that this one hides, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_reference")]
    pub shadows: Option<String>,
    /// Ready, Accepted, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,
}
