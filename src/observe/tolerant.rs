//! Decoding that never fails a whole list because of one object.
//!
//! A typed LIST is all or nothing, and a time such as the year 9999 passes every schema and parses nowhere: one such
//! object would stop the operator for everybody, for as long as it exists. Tenants can write such a time too, into
//! `metadata.managedFields` of any object they may update. So here an object is decoded on its own: managed fields are
//! skipped unread, and one that still cannot be decoded becomes a value that says so, with as much of its metadata as
//! there is, so that it can be found, reported, and left alone.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use kube::{Resource, api::ObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// The longest reason kept: serde quotes the offending value, however long.
const REASON: usize = 300;

/// An object of kind `K` as it was watched: decoded, or the reason why not. Never has managed fields.
#[derive(Debug, Clone)]
pub enum Tolerant<K> {
    /// It could be decoded.
    Read(Arc<K>),
    /// It could not.
    Unreadable(Arc<Unreadable>),
}

/// An object that exists and cannot be decoded.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What could be read of its metadata, field by field: names, uid, versions, times, labels, annotations and
    /// finalizers.
    pub metadata: ObjectMeta,
    /// Why it could not be decoded.
    pub reason: String,
}

impl<K> Tolerant<K> {
    /// The object, or what is known of one that cannot be decoded.
    pub fn object(&self) -> Result<&Arc<K>, &Unreadable> {
        match self {
            Self::Read(object) => Ok(object),
            Self::Unreadable(unreadable) => Err(unreadable),
        }
    }
}

impl<K> Resource for Tolerant<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
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

    fn api_version((): &()) -> Cow<'_, str> {
        K::api_version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Read(object) => object.meta(),
            Self::Unreadable(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Read(object) => Arc::make_mut(object).meta_mut(),
            Self::Unreadable(unreadable) => &mut Arc::make_mut(unreadable).metadata,
        }
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Tolerant<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = without_managed_fields(deserializer)?;
        Ok(match serde_path_to_error::deserialize(&object) {
            Ok(object) => Self::Read(Arc::new(object)),
            Err(error) => Self::Unreadable(Arc::new(Unreadable {
                metadata: recover(&object["metadata"]),
                reason: shorten(&error.to_string()),
            })),
        })
    }
}

/// Reads an object as plain JSON, but for `metadata.managedFields`, which are walked over unread.
pub(super) fn without_managed_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Value, D::Error> {
    deserializer
        .deserialize_map(WithoutManagedFields)
        .map(Value::Object)
}

struct WithoutManagedFields;

impl<'de> Visitor<'de> for WithoutManagedFields {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = match name.as_str() {
                "metadata" => Value::Object(fields.next_value_seed(Metadata)?),
                _ => fields.next_value()?,
            };
            object.insert(name, value);
        }
        Ok(object)
    }
}

struct Metadata;

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object's metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut metadata = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name == "managedFields" {
                fields.next_value::<IgnoredAny>()?;
            } else {
                metadata.insert(name, fields.next_value()?);
            }
        }
        Ok(metadata)
    }
}

/// What can be read of an object's metadata, each field on its own.
pub(super) fn recover(metadata: &Value) -> ObjectMeta {
    ObjectMeta {
        name: read(&metadata["name"]),
        namespace: read(&metadata["namespace"]),
        uid: read(&metadata["uid"]),
        resource_version: read(&metadata["resourceVersion"]),
        generation: read(&metadata["generation"]),
        creation_timestamp: read(&metadata["creationTimestamp"]),
        deletion_timestamp: read(&metadata["deletionTimestamp"]),
        labels: strings(&metadata["labels"]),
        annotations: strings(&metadata["annotations"]),
        finalizers: read(&metadata["finalizers"]),
        ..ObjectMeta::default()
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// The entries that are strings.
fn strings(map: &Value) -> Option<BTreeMap<String, String>> {
    let entries = map.as_object()?.iter();
    Some(
        entries
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    )
}

fn shorten(reason: &str) -> String {
    match reason.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{
        api::{coordination::v1::Lease, core::v1::ConfigMap},
        apimachinery::pkg::apis::meta::v1::Time,
    };
    use kube::{ResourceExt, core::ObjectList, core::WatchEvent};
    use serde_json::json;

    use super::*;

    /// Passes `format: date-time`, is past what can be represented.
    const NEVER: &str = "9999-12-31T23:59:59Z";

    fn decode<K: DeserializeOwned>(object: &Value) -> Tolerant<K> {
        serde_json::from_str(&object.to_string()).expect("decoding never fails")
    }

    fn unreadable<K: DeserializeOwned>(object: &Value) -> Unreadable {
        decode::<K>(object)
            .object()
            .map(|_| ())
            .expect_err("unreadable")
            .clone()
    }

    fn lease(name: &str, renewed: &str) -> Value {
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
            "spec": {"holderIdentity": "h", "renewTime": renewed},
        })
    }

    #[test]
    fn a_time_nobody_can_parse_in_managed_fields_is_never_looked_at() {
        let mut object = lease("ours", "2026-01-01T00:00:00.000000Z");
        object["metadata"]["managedFields"] = json!([{"manager": "tenant", "time": NEVER}]);
        let decoded = decode::<Lease>(&object);
        assert!(decoded.object().is_ok(), "{decoded:?}");
        assert!(decoded.managed_fields().is_empty());
    }

    #[test]
    fn a_time_nobody_can_parse_in_the_spec_makes_one_object_unreadable() {
        let list = json!({
            "apiVersion": "v1",
            "kind": "LeaseList",
            "metadata": {"resourceVersion": "9"},
            "items": [lease("bad", NEVER), lease("good", "2026-01-01T00:00:00.000000Z")],
        });
        let list: ObjectList<Tolerant<Lease>> =
            serde_json::from_str(&list.to_string()).expect("a list");
        let [bad, good] = list.items.as_slice() else {
            panic!("two items")
        };
        let reason = &bad.object().expect_err("year 9999").reason;
        assert!(reason.starts_with("spec.renewTime: "), "{reason}");
        assert_eq!(good.object().expect("readable").name_any(), "good");
    }

    #[test]
    fn what_cannot_be_decoded_can_still_be_found() {
        let mut object = lease("bad", NEVER);
        object["metadata"]["creationTimestamp"] = json!(NEVER);
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["finalizers"] = json!(["clientele.dev/tenant"]);
        object["metadata"]["annotations"] = json!({"right": "x", "wrong": 1});
        let metadata = unreadable::<Lease>(&object).metadata;
        assert_eq!(metadata.name.as_deref(), Some("bad"));
        assert_eq!(metadata.namespace.as_deref(), Some("n"));
        assert_eq!(metadata.uid.as_deref(), Some("u"));
        assert_eq!(metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(metadata.creation_timestamp, None, "a bad time is no time");
        assert_eq!(
            metadata.deletion_timestamp,
            Some(Time("2026-01-01T00:00:00Z".parse().expect("a time")))
        );
        assert_eq!(
            metadata.finalizers,
            Some(vec!["clientele.dev/tenant".to_owned()])
        );
        assert_eq!(
            metadata.labels,
            Some(BTreeMap::from([("a".to_owned(), "b".to_owned())]))
        );
        assert_eq!(
            metadata.annotations,
            Some(BTreeMap::from([("right".to_owned(), "x".to_owned())]))
        );
    }

    #[test]
    fn wrong_types_and_missing_parts_are_reasons_not_failures() {
        let meta = json!({"name": "x", "namespace": "n"});
        for object in [
            json!({"metadata": meta, "spec": "a string"}),
            json!({"metadata": meta}),
            json!({"metadata": meta, "spec": {}}),
            json!({"spec": {}}),
        ] {
            let reason = unreadable::<crate::api::Customer>(&object).reason;
            assert!(!reason.is_empty(), "{object}");
        }
    }

    #[test]
    fn a_reason_does_not_carry_the_whole_offence() {
        let object = json!({"metadata": {"name": "x"}, "data": "ö".repeat(1 << 20)});
        assert_eq!(
            unreadable::<ConfigMap>(&object).reason.chars().count(),
            REASON + 1
        );
    }

    #[test]
    fn watch_events_of_every_kind_are_read() {
        let read = |event: Value| -> WatchEvent<Tolerant<Lease>> {
            serde_json::from_str(&event.to_string()).expect("an event")
        };
        let event = read(json!({"type": "ADDED", "object": lease("bad", NEVER)}));
        assert!(matches!(event, WatchEvent::Added(object) if object.object().is_err()));
        let event = read(json!({"type": "DELETED", "object": lease("bad", NEVER)}));
        assert!(matches!(event, WatchEvent::Deleted(object) if object.name_any() == "bad"));
        let bookmark =
            json!({"kind": "Lease", "apiVersion": "v1", "metadata": {"resourceVersion": "8"}});
        let event = read(json!({"type": "BOOKMARK", "object": bookmark}));
        assert!(
            matches!(event, WatchEvent::Bookmark(mark) if mark.metadata.resource_version == "8")
        );
    }

    #[test]
    fn it_stands_for_its_kind() {
        assert_eq!(
            Tolerant::<Lease>::url_path(&(), Some("n")),
            Lease::url_path(&(), Some("n"))
        );
        assert_eq!(Tolerant::<Lease>::kind(&()), "Lease");
    }
}
