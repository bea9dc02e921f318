//! The part of an object that Clientele governs, as one number.
//!
//! What we want and what the API server stores are compared by fingerprint, so that a cache of thousands of objects holds a
//! few words for each instead of the objects. Defaults, quantities in another spelling, managed fields, foreign labels and
//! status do not count; everything that could open or close a tenant does.

use serde_json::{Map, Value};

use super::quantity;
use crate::api::meta;

/// Kinds of objects that the operator puts into namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildKind {
    /// `v1` ResourceQuota.
    ResourceQuota,
    /// `v1` LimitRange.
    LimitRange,
    /// `networking.k8s.io/v1` NetworkPolicy.
    NetworkPolicy,
    /// `v1` ServiceAccount.
    ServiceAccount,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `rbac.authorization.k8s.io/v1` RoleBinding.
    RoleBinding,
    /// `v1` Service.
    Service,
}

impl ChildKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ResourceQuota,
        Self::LimitRange,
        Self::NetworkPolicy,
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::RoleBinding,
        Self::Service,
    ];

    /// Top-level fields that count.
    const fn governed(self) -> &'static [&'static str] {
        match self {
            Self::ResourceQuota | Self::LimitRange | Self::NetworkPolicy | Self::Service => {
                &["spec"]
            }
            Self::ServiceAccount => &["automountServiceAccountToken", "imagePullSecrets"],
            Self::ConfigMap => &["data", "binaryData"],
            Self::RoleBinding => &["roleRef", "subjects"],
        }
    }

    /// Whether its owner counts: what goes with its owner must not go with another's.
    const fn has_owner(self) -> bool {
        matches!(self, Self::Service)
    }

    /// Whether the leaves below the governed fields are quantities.
    const fn has_quantities(self) -> bool {
        matches!(self, Self::ResourceQuota | Self::LimitRange)
    }
}

/// The fingerprint of an object of this kind.
pub fn of(kind: ChildKind, object: &Value) -> u64 {
    let mut hash = Fnv::new();
    if let Some(labels) = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
    {
        let ours: Map<String, Value> = labels
            .iter()
            .filter(|(key, _)| is_ours(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        hash_value(&mut hash, &Value::Object(ours), false);
    }
    if kind.has_owner()
        && let Some(owners) = object.pointer("/metadata/ownerReferences")
    {
        hash_value(&mut hash, owners, false);
    }
    for field in kind.governed() {
        hash.write(field.as_bytes());
        if let Some(value) = object.get(field) {
            hash_value(&mut hash, value, kind.has_quantities());
        }
    }
    hash.0
}

/// The stored object with what counts put as it is wanted, and all else (foreign labels, annotations, finalizers) as it was stored.
pub fn put_right(kind: ChildKind, stored: &Value, wanted: &Value) -> Value {
    let mut object = stored.clone();
    for field in kind.governed() {
        match wanted.get(field) {
            Some(value) => object[*field] = value.clone(),
            None => drop(object.as_object_mut().map(|object| object.remove(*field))),
        }
    }
    let ours = wanted.pointer("/metadata/labels").cloned();
    let owners = wanted.pointer("/metadata/ownerReferences").cloned();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        // Who owns which field is the API server's to work out.
        metadata.remove("managedFields");
        let mut labels = match metadata.remove("labels") {
            Some(Value::Object(labels)) => labels,
            _ => Map::new(),
        };
        labels.retain(|key, _| !is_ours(key));
        if let Some(Value::Object(ours)) = ours {
            labels.extend(ours);
        }
        metadata.insert("labels".to_owned(), Value::Object(labels));
        if let Some(owners) = owners.filter(|_| kind.has_owner()) {
            metadata.insert("ownerReferences".to_owned(), owners);
        }
    }
    object
}

/// The fingerprint of a piece of JSON whose leaves may be quantities.
pub fn of_quantities(value: Option<&Value>) -> u64 {
    of_leaves(value.unwrap_or(&Value::Null), true)
}

/// The fingerprint of a piece of JSON; of quantities in its leaves only the amount counts.
pub fn of_leaves(value: &Value, quantities: bool) -> u64 {
    let mut hash = Fnv::new();
    hash_value(&mut hash, value, quantities);
    hash.0
}

/// The fingerprint of a text.
pub fn of_text(text: &str) -> u64 {
    let mut hash = Fnv::new();
    hash.write(text.as_bytes());
    hash.0
}

/// Whether a label or annotation key is Clientele's.
pub fn is_ours(key: &str) -> bool {
    key == meta::LABEL_MANAGED_BY
        || key
            .strip_prefix(meta::GROUP)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// 64-bit FNV-1a (Fowler, Noll, Vo): the input is not an attacker's (policies keep tenants off these objects), so speed counts.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// An absent list and an empty one mean the same everywhere here. An empty object does not: `podSelector: {}` is every pod of a
/// namespace, `namespaceSelector: {}` every namespace of the cluster.
fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn hash_value(hash: &mut Fnv, value: &Value, quantities: bool) {
    match value {
        Value::Null => hash.write(b"null"),
        Value::Bool(bool) => hash.write(if *bool { b"true" } else { b"false" }),
        Value::Number(number) => hash_number(hash, &number.to_string(), quantities),
        Value::String(text) => hash_number(hash, text, quantities),
        Value::Array(items) => {
            hash.write(b"[");
            items
                .iter()
                .for_each(|item| hash_value(hash, item, quantities));
            hash.write(b"]");
        }
        Value::Object(fields) => {
            hash.write(b"{");
            let mut keys: Vec<_> = fields
                .iter()
                .filter(|(_, value)| !is_absent(value))
                .collect();
            keys.sort_unstable_by_key(|(key, _)| *key);
            for (key, value) in keys {
                hash.write(key.as_bytes());
                hash_value(hash, value, quantities);
            }
            hash.write(b"}");
        }
    }
}

fn hash_number(hash: &mut Fnv, text: &str, quantities: bool) {
    match quantities.then(|| quantity::nanos(text)).flatten() {
        Some(nanos) => hash.write(&nanos.to_le_bytes()),
        None => hash.write(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spelling_status_and_foreign_labels_do_not_count() {
        let wanted = json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "spec": {"hard": {"limits.memory": "1024Mi"}}});
        let stored = json!({
            "metadata": {"labels": {"clientele.dev/partner": "emea", "team": "x"}, "uid": "1", "annotations": {"a": "b"}},
            "spec": {"hard": {"limits.memory": "1Gi"}, "scopes": []},
            "status": {"hard": {"limits.memory": "1Gi"}},
        });
        assert_eq!(
            of(ChildKind::ResourceQuota, &wanted),
            of(ChildKind::ResourceQuota, &stored)
        );
    }

    #[test]
    fn an_own_label_and_any_governed_field_count() {
        let base =
            json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "data": {"a": "1"}});
        for other in [
            json!({"metadata": {"labels": {"clientele.dev/partner": "apac"}}, "data": {"a": "1"}}),
            json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "data": {"a": "1", "b": "2"}}),
            json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "data": {"a": "1.0"}}),
            json!({"metadata": {}, "data": {"a": "1"}}),
            json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "data": {"a": "1"}, "binaryData": {"x": "eA=="}}),
        ] {
            assert_ne!(
                of(ChildKind::ConfigMap, &base),
                of(ChildKind::ConfigMap, &other),
                "{other}"
            );
        }
    }

    #[test]
    fn what_is_put_right_counts_as_wanted_and_keeps_what_others_put_there() {
        let wanted =
            json!({"metadata": {"labels": {"clientele.dev/partner": "emea"}}, "data": {"a": "1"}});
        let stored = json!({
            "metadata": {
                "labels": {"clientele.dev/partner": "apac", "clientele.dev/theirs": "x", "team": "x"},
                "annotations": {"note": "y"},
                "uid": "1",
                "resourceVersion": "7",
                "managedFields": [],
            },
            "data": {"a": "2", "b": "3"},
            "binaryData": {"c": "eA=="},
        });
        let right = put_right(ChildKind::ConfigMap, &stored, &wanted);
        let expected = json!({
            "metadata": {
                "labels": {"clientele.dev/partner": "emea", "team": "x"},
                "annotations": {"note": "y"},
                "uid": "1",
                "resourceVersion": "7",
            },
            "data": {"a": "1"},
        });
        assert_eq!(right, expected);
    }

    #[test]
    fn whose_a_service_is_counts_and_is_put_right_and_of_other_kinds_it_does_not() {
        let owned = |uid: &str| json!({"metadata": {"ownerReferences": [{"kind": "PostalRoute", "name": "relay", "uid": uid}]}});
        let (wanted, stored) = (owned("1"), owned("2"));
        let of_both = |kind| (of(kind, &wanted), of(kind, &stored));
        let (mine, theirs) = of_both(ChildKind::Service);
        assert_ne!(mine, theirs);
        let (mine, theirs) = of_both(ChildKind::ConfigMap);
        assert_eq!(mine, theirs);
        let right = |kind| put_right(kind, &stored, &wanted)["metadata"]["ownerReferences"].clone();
        let uid = |owners: Value| owners[0]["uid"].clone();
        assert_eq!(uid(right(ChildKind::Service)), "1");
        assert_eq!(uid(right(ChildKind::ConfigMap)), "2");
    }

    #[test]
    fn an_empty_selector_is_not_nothing() {
        let with = |peer: Value| json!({"spec": {"ingress": [{"from": [peer]}], "egress": []}});
        let pods = of(ChildKind::NetworkPolicy, &with(json!({"podSelector": {}})));
        assert_ne!(
            pods,
            of(
                ChildKind::NetworkPolicy,
                &with(json!({"namespaceSelector": {}}))
            )
        );
        assert_eq!(
            pods,
            of(
                ChildKind::NetworkPolicy,
                &json!({"spec": {"ingress": [{"from": [{"podSelector": {}}]}]}})
            )
        );
    }

    #[test]
    fn what_lies_next_to_each_other_is_not_confused() {
        let one = json!({"data": {"ab": "c"}});
        let two = json!({"data": {"a": "bc"}});
        assert_ne!(
            of(ChildKind::ConfigMap, &one),
            of(ChildKind::ConfigMap, &two)
        );
    }
}
