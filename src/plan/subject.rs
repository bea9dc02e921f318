//! Which object a plan is about.

use std::{fmt, sync::Arc};

use kube::{Resource, ResourceExt};

/// The kinds of Clientele's own resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`crate::api::ServiceOffering`]
    ServiceOffering,
    /// [`crate::api::ServicePlan`]
    ServicePlan,
    /// [`crate::api::Partner`]
    Partner,
    /// [`crate::api::PostalRoute`]
    PostalRoute,
    /// [`crate::api::Customer`]
    Customer,
    /// [`crate::api::CustomerUser`]
    CustomerUser,
    /// [`crate::api::DeletionRequest`]
    DeletionRequest,
    /// [`crate::api::ContactList`]
    ContactList,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ServiceOffering,
        Self::ServicePlan,
        Self::Partner,
        Self::PostalRoute,
        Self::Customer,
        Self::CustomerUser,
        Self::DeletionRequest,
        Self::ContactList,
    ];

    /// The name used in logs, metrics and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceOffering => "ServiceOffering",
            Self::ServicePlan => "ServicePlan",
            Self::Partner => "Partner",
            Self::PostalRoute => "PostalRoute",
            Self::Customer => "Customer",
            Self::CustomerUser => "CustomerUser",
            Self::DeletionRequest => "DeletionRequest",
            Self::ContactList => "ContactList",
        }
    }
}

/// An object by kind, namespace (empty for cluster-scoped kinds) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind.
    pub kind: Kind,
    /// The namespace, or empty.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl Key {
    /// A key of these parts.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// `namespace/name`, or `name` alone for cluster-scoped kinds.
    pub fn id(&self) -> String {
        if self.namespace.is_empty() {
            self.name.to_string()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.id())
    }
}

/// One version of one object: what a write must refer to, so that it never hits another of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Kind, namespace and name.
    pub key: Key,
    /// UID.
    pub uid: String,
    /// Generation of the spec that was looked at.
    pub generation: i64,
    /// Resource version that was looked at.
    pub resource_version: String,
}

impl Subject {
    /// The subject of this object.
    pub fn of<K: Resource<DynamicType = ()>>(kind: Kind, object: &K) -> Self {
        Self {
            key: Key::new(
                kind,
                &object.namespace().unwrap_or_default(),
                &object.name_any(),
            ),
            uid: object.uid().unwrap_or_default(),
            generation: object.meta().generation.unwrap_or_default(),
            resource_version: object.resource_version().unwrap_or_default(),
        }
    }
}
