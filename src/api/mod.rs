//! The API a user writes: one file a kind, with spec, status, columns and rules, and no behaviour.
//!
//! The CRDs in `crds/` are generated from these types by [`crds`]; a test holds the two equal.

pub mod conditions;
pub mod customer;
pub mod customer_user;
pub mod meta;
pub mod partner;
pub mod postal_route;
pub mod service_plan;

pub use conditions::*;
pub use customer::*;
pub use customer_user::*;
pub use partner::*;
pub use postal_route::*;
pub use service_plan::*;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON,
};
use kube::CustomResourceExt;
use serde::Serialize as _;
use serde_json::json;

/// The CustomResourceDefinitions of all kinds, ready to be applied.
pub fn crds() -> Vec<CustomResourceDefinition> {
    [
        ServicePlan::crd(),
        Partner::crd(),
        PostalRoute::crd(),
        Customer::crd(),
        CustomerUser::crd(),
    ]
    .into_iter()
    .map(with_status_default)
    .collect()
}

/// All CRDs as one YAML stream.
pub fn crds_yaml() -> Result<String, serde_yaml::Error> {
    let mut stream = Vec::new();
    let mut serializer = serde_yaml::Serializer::new(&mut stream);
    for crd in crds() {
        crd.serialize(&mut serializer)?;
    }
    drop(serializer);
    Ok(String::from_utf8_lossy(&stream).into_owned())
}

/// Gives every new object the status `{observedGeneration: -1}`, so that whoever waits by kstatus never takes it
/// for a ready one before the operator has seen it. The derive has no attribute for this.
fn with_status_default(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let statuses = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
        .filter_map(|root| root.properties.as_mut()?.get_mut("status"));
    for status in statuses {
        status.default = Some(JSON(json!({"observedGeneration": -1})));
    }
    crd
}
