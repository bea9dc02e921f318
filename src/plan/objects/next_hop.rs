//! What a mail server connects to for a route: a name of the route's own in the cluster's DNS, which stands for its relay.
//!
//! Postfix looks up credentials by the next hop, and partners often share a relay with credentials of their own each. An address
//! has no such second name: DNS cannot say that a name stands for an address of somebody else's without a Service that routes to it.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::{Owner, child};
use crate::api::{PostalRoute, meta};
use crate::domain::fingerprint::ChildKind;
use crate::plan::step::Child;

/// The Service of a route, under the route's own name beside it; none if its host is an address. It belongs to the route, and
/// Kubernetes takes it away with it.
pub fn service(owner: &Owner, namespace: &str, route: &PostalRoute) -> Option<Child> {
    let host = &route.spec.host;
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = route.name_any();
    let metadata = owner.metadata(namespace, &name);
    let mut labels = metadata.labels.unwrap_or_default();
    labels.insert(meta::LABEL_ROUTE.to_owned(), name.clone());
    let service = Service {
        metadata: ObjectMeta {
            labels: Some(labels),
            owner_references: route.owner_ref(&()).map(|route| vec![route]),
            ..metadata
        },
        spec: Some(ServiceSpec {
            type_: Some("ExternalName".to_owned()),
            external_name: Some(host.clone()),
            session_affinity: Some("None".to_owned()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    Some(child(ChildKind::Service, namespace, &name, &service))
}
