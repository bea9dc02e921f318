//! Objects as they should be: pure builders, one file a room of the tenant.
//!
//! Every object is written out with the defaults the API server would fill in, so that its fingerprint equals that of what is
//! stored and a settled world stays silent.

pub mod bindings;
pub mod namespace;
pub mod network;
pub mod next_hop;
pub mod partner;
pub mod tenant;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::step::Child;
use crate::api::meta;
use crate::domain::fingerprint::{self, ChildKind};

/// Whose an object in a namespace is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The partner.
    pub partner: String,
    /// The customer and its UID, in a tenant namespace.
    pub customer: Option<(String, String)>,
}

impl Owner {
    /// The labels that say so.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            (
                meta::LABEL_MANAGED_BY.to_owned(),
                meta::MANAGED_BY.to_owned(),
            ),
            (meta::LABEL_PARTNER.to_owned(), self.partner.clone()),
        ]);
        if let Some((customer, uid)) = &self.customer {
            labels.insert(meta::LABEL_CUSTOMER.to_owned(), customer.clone());
            labels.insert(meta::LABEL_CUSTOMER_UID.to_owned(), uid.clone());
        }
        labels
    }

    /// Metadata for an object of this owner.
    pub fn metadata(&self, namespace: &str, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }
}

/// An object as JSON with its fingerprint.
fn child(kind: ChildKind, namespace: &str, name: &str, object: &impl Serialize) -> Child {
    // A typed Kubernetes object always serializes; an empty body would be refused by the API server and reported.
    let body = serde_json::to_value(object).unwrap_or_default();
    let fingerprint = fingerprint::of(kind, &body);
    Child {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        body,
        fingerprint,
    }
}
