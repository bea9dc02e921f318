//! `PostalRoute`: an SMTP relay through which a partner's customers send mail.
//!
//! It lives in a partner namespace, its credentials in a Secret beside it. The nearest partner's route of a
//! name wins over one further up.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;

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
    shortname = "proute",
    category = "clientele"
)]
#[serde(rename_all = "camelCase")]
pub struct PostalRouteSpec {
    /// Host name or address of the relay.
    pub host: String,
    /// TCP port of the relay.
    pub port: i32,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: RouteTls,
    /// Secret of type `clientele.dev/relay` in the same namespace; absent: no authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret: Option<SecretRef>,
    /// Whether customers of partners below can use it too.
    #[serde(default)]
    pub inheritable: bool,
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
    /// Its name.
    pub name: String,
}

/// What the operator last saw and made of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostalRouteStatus {
    /// Generation this status speaks of; -1 before the first one.
    #[serde(default)]
    pub observed_generation: i64,
    /// How many customers use the route.
    #[serde(default)]
    pub customers: i64,
    /// How many of these customers have no other route; while any has not, the route cannot be deleted.
    #[serde(default)]
    pub only_route_of: i64,
    /// A few of them, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
    /// The route of the same name further up that this one hides, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadows: Option<String>,
    /// `Ready` and its kin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
