//! What is kept of objects that are not Clientele's own kinds: a fingerprint and a few words, read straight from the wire.
//!
//! Decoding goes through plain JSON and never fails: a tenant can write a time that nobody can parse into metadata, and one object
//! must not stop a watch (TESTING: "One object can stop the operator for everybody").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Namespace, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Resource;
use kube::api::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::table::{Entry, Id};
use super::tolerant::{recover, without_managed_fields};
use crate::domain::fingerprint::{self, ChildKind};
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
    RoleBinding
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
pub fn child(kind: ChildKind, object: &Value) -> Child {
    let metadata = recover(&object["metadata"]);
    let role = object
        .pointer("/roleRef/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let subjects = object["subjects"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let hard = object.pointer("/spec/hard");
    let seen = ChildSeen {
        fingerprint: fingerprint::of(kind, object),
        hard_in_force: kind == ChildKind::ResourceQuota
            && hard.is_some()
            && fingerprint::of_quantities(hard)
                == fingerprint::of_quantities(object.pointer("/status/hard")),
        role,
        subjects: subjects
            .iter()
            .filter_map(|subject| Some(subject["name"].as_str()?.to_owned()))
            .collect(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
    };
    Child {
        kind,
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        seen,
    }
}

/// What is kept of a namespace, from its JSON.
pub fn namespace(object: &Value) -> NamespaceSeen {
    let metadata = recover(&object["metadata"]);
    NamespaceSeen {
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        annotations: metadata.annotations.unwrap_or_default(),
        // A time that cannot be parsed is a time all the same.
        deleting: !object
            .pointer("/metadata/deletionTimestamp")
            .unwrap_or(&Value::Null)
            .is_null(),
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
            kept: namespace(&object),
            kind: PhantomData,
        })
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

    fn quota(status: &Value) -> Child {
        let object = json!({
            "metadata": {"name": "clientele", "namespace": "ns", "uid": "u", "resourceVersion": "1"},
            "spec": {"hard": {"requests.memory": "1Gi", "pods": "5"}},
            "status": {"hard": status},
        });
        child(ChildKind::ResourceQuota, &object)
    }

    #[test]
    fn a_quota_is_in_force_when_its_status_says_so_in_any_spelling() {
        assert!(
            quota(&json!({"requests.memory": "1024Mi", "pods": "5"}))
                .seen
                .hard_in_force
        );
        assert!(!quota(&json!({"requests.memory": "1Gi"})).seen.hard_in_force);
        assert!(!quota(&Value::Null).seen.hard_in_force);
    }

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

    #[test]
    fn a_namespace_with_a_deletion_time_that_nobody_can_parse_is_going() {
        let seen =
            namespace(&json!({"metadata": {"name": "n", "deletionTimestamp": "9999-99-99"}}));
        assert!(seen.deleting);
        assert!(!namespace(&json!({"metadata": {"name": "n"}})).deleting);
    }
}
