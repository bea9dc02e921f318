//! What is kept of objects that are not Clientele's own kinds: a fingerprint and a few words, read straight from the wire.
//!
//! Decoding goes through plain JSON and never fails: a tenant can write a time that nobody can parse into metadata, and one object
//! must not stop a watch (TESTING: "One object can stop the operator for everybody").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, ResourceQuota, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::pieces::Piece;
use super::table::{Entry, Id};
use super::tolerant::{recover, without_managed_fields};
use crate::domain::fingerprint::ChildKind;
use crate::domain::pieces::PieceKind;
use crate::plan::observed::services::PieceSeen;
use crate::plan::observed::{ChildSeen, NamespaceSeen};

/// A Kubernetes kind of which objects are made in namespaces.
pub trait Governed: Resource<DynamicType = ()> + 'static {
    /// Which one.
    const KIND: ChildKind;
}

macro_rules! governed {
    ($($kind:ident),+) => {$(
        impl Governed for $kind {
            const KIND: ChildKind = ChildKind::$kind;
        }
    )+};
}

governed!(
    ResourceQuota,
    LimitRange,
    NetworkPolicy,
    ServiceAccount,
    ConfigMap,
    RoleBinding,
    Service
);

/// An object in a namespace, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its kind.
    pub kind: ChildKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is kept of it.
    pub seen: ChildSeen,
}

impl Entry for Child {
    fn id(&self) -> Id {
        (self.namespace.clone(), self.name.clone())
    }

    fn uid(&self) -> &str {
        &self.seen.uid
    }

    fn version(&self) -> &str {
        &self.seen.resource_version
    }
}

impl Entry for NamespaceSeen {
    fn id(&self) -> Id {
        (String::new(), self.name.clone())
    }

    fn uid(&self) -> &str {
        &self.uid
    }

    fn version(&self) -> &str {
        &self.resource_version
    }
}

/// What is kept of a child, from its JSON.
fn child(kind: ChildKind, object: &Value) -> Child {
    let text = |field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Child {
        kind,
        namespace: text("namespace"),
        name: text("name"),
        seen: ChildSeen::read(kind, object),
    }
}

/// What a watch on kind `K` hands out: its metadata for the watcher, and `V`, which is kept.
pub struct Seen<K, V> {
    metadata: ObjectMeta,
    /// What is kept.
    pub kept: V,
    kind: PhantomData<fn() -> K>,
}

impl<K, V: Clone> Clone for Seen<K, V> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            kept: self.kept.clone(),
            kind: PhantomData,
        }
    }
}

impl<K, V: fmt::Debug> fmt::Debug for Seen<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kept.fmt(f)
    }
}

impl<'de, K: Governed> Deserialize<'de> for Seen<K, Child> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = without_managed_fields(deserializer)?;
        Ok(Self {
            metadata: versions(&object),
            kept: child(K::KIND, &object),
            kind: PhantomData,
        })
    }
}

impl<'de> Deserialize<'de> for Seen<Namespace, NamespaceSeen> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = without_managed_fields(deserializer)?;
        Ok(Self {
            metadata: versions(&object),
            kept: NamespaceSeen::read(&object),
            kind: PhantomData,
        })
    }
}

/// The values of a ConfigMap, whatever they are.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    data: Value,
    binary: Value,
}

impl Contents {
    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        if let Some(text) = self.data[key].as_str() {
            return Some(text.as_bytes().to_vec());
        }
        STANDARD.decode(self.binary[key].as_str()?).ok()
    }
}

impl<'de> Deserialize<'de> for Seen<ConfigMap, Contents> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = without_managed_fields(deserializer)?;
        let kept = Contents {
            data: object["data"].take(),
            binary: object["binaryData"].take(),
        };
        Ok(Self {
            metadata: versions(&object),
            kept,
            kind: PhantomData,
        })
    }
}

/// What a watch on objects of services hands out, whatever their kind.
#[derive(Clone, Debug)]
pub struct SeenPiece {
    metadata: ObjectMeta,
    /// What is kept.
    pub kept: Piece,
}

impl<'de> Deserialize<'de> for SeenPiece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Managed fields are read as plain JSON here, so a time that nobody can parse does no harm.
        let object = Value::deserialize(deserializer)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = PieceKind::new(&text(&object["apiVersion"]), &text(&object["kind"]));
        Ok(Self {
            metadata: versions(&object),
            kept: Piece {
                namespace: text(&object["metadata"]["namespace"]),
                name: text(&object["metadata"]["name"]),
                seen: PieceSeen::read(&kind, &object),
            },
        })
    }
}

impl Resource for SeenPiece {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(names: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&names.kind)
    }

    fn group(names: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&names.group)
    }

    fn version(names: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&names.version)
    }

    fn plural(names: &ApiResource) -> Cow<'_, str> {
        Cow::Borrowed(&names.plural)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What the watcher itself looks at.
fn versions(object: &Value) -> ObjectMeta {
    let metadata = recover(&object["metadata"]);
    ObjectMeta {
        labels: None::<BTreeMap<_, _>>,
        annotations: None,
        finalizers: None,
        ..metadata
    }
}

impl<K: Resource<DynamicType = ()>, V> Resource for Seen<K, V> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_child_with_times_that_nobody_can_parse_is_seen() {
        let text = json!({
            "metadata": {
                "name": "customer", "namespace": "ns", "uid": "u", "resourceVersion": "4",
                "creationTimestamp": "9999-99-99T00:00:00Z",
                "managedFields": [{"time": "9999-12-31T23:59:59Z"}],
            },
            "data": {"a": "b"},
        })
        .to_string();
        let seen: Seen<ConfigMap, Child> = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (seen.kept.name.as_str(), seen.kept.seen.uid.as_str()),
            ("customer", "u")
        );
        assert_eq!(seen.meta().resource_version.as_deref(), Some("4"));
    }
}
