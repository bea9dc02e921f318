//! One object of a service, a piece, whatever its kind: what of it is ours, and whether it is as it was applied.
//!
//! Of a kind that nobody has heard of before, the API server may fill in defaults, and other controllers may add what is theirs.
//! What counts is only what the service's own field manager owns, which `metadata.managedFields` tells: these fields, with their
//! values, are compared with what was rendered. A value that the API server spells differently (a quantity, a list in another
//! order) would be taken for drift for ever; so what it made of our fields is written onto the object, in an annotation, beside
//! what was rendered.

use serde_json::{Map, Value};

use super::fingerprint;
use crate::api::meta;

/// Which object of a tenant: the version of its API does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceId {
    /// The API group, or empty.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// A kind as it is watched and written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceKind {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
}

impl PieceKind {
    /// Of these names.
    pub fn new(api_version: &str, kind: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// Its API group, or nothing.
    pub fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// The object of this kind and name.
    pub fn id(&self, name: &str) -> PieceId {
        PieceId {
            group: self.group().to_owned(),
            kind: self.kind.clone(),
            name: name.to_owned(),
        }
    }

    /// Whether it is that of claims to storage.
    pub fn is_claim(&self) -> bool {
        self.api_version == "v1" && self.kind == "PersistentVolumeClaim"
    }

    /// Whether text in its leaves may be a quantity. In a ConfigMap or a Secret it is what it is.
    fn has_quantities(&self) -> bool {
        !(self.api_version == "v1" && matches!(&*self.kind, "ConfigMap" | "Secret"))
    }
}

/// The group of an apiVersion.
pub fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The field manager of a service.
pub fn manager(service: &str) -> String {
    format!("{}{service}", meta::SERVICE_MANAGER_PREFIX)
}

/// What a rendered object is, and what it is expected to be once stored: `<exactly>:<as stored>`, in hexadecimal.
pub fn seal(kind: &PieceKind, body: &Value) -> String {
    let stored = of_governed(kind, &governed(body));
    sealed(fingerprint::of_text(&body.to_string()), stored)
}

/// The same with what the API server really made of it.
pub fn resealed(seal: &str, stored: u64) -> String {
    let (exact, _) = seal.split_once(':').unwrap_or((seal, ""));
    format!("{exact}:{stored:016x}")
}

fn sealed(exact: u64, stored: u64) -> String {
    format!("{exact:016x}:{stored:016x}")
}

/// Whether a seal speaks of the same rendered object as another one.
pub fn same_rendering(one: &str, other: &str) -> bool {
    one.split(':').next() == other.split(':').next()
}

/// Whether the object is as its seal says.
pub fn is_intact(seal: &str, stored: u64) -> bool {
    seal.ends_with(&format!(":{stored:016x}"))
}

/// The fingerprint of what a field manager has applied to an object; what is not applied by it does not count.
pub fn owned_by(kind: &PieceKind, object: &Value, manager: &str) -> u64 {
    let projected = applied_by(object, manager)
        .map(|fields| project(fields, object))
        .unwrap_or_default();
    of_governed(kind, &governed(&projected))
}

/// Whether a field manager has applied anything.
pub fn has_applied(object: &Value, manager: &str) -> bool {
    let fields = applied_by(object, manager).and_then(Value::as_object);
    fields.is_some_and(|fields| fields.keys().any(|field| field != "f:metadata"))
}

fn applied_by<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let mut entries = entries.iter();
    let entry = entries.find(|entry| {
        entry["manager"] == manager
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    })?;
    entry.get("fieldsV1")
}

fn of_governed(kind: &PieceKind, value: &Value) -> u64 {
    fingerprint::of_leaves(value, kind.has_quantities())
}

/// An object without what says which it is, and without the seal itself.
fn governed(object: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    let mut governed: Map<String, Value> = fields
        .filter(|(field, _)| !matches!(field.as_str(), "apiVersion" | "kind" | "metadata"))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let metadata = object.get("metadata").and_then(Value::as_object);
    for field in ["labels", "annotations", "finalizers"] {
        let Some(mut value) = metadata.and_then(|metadata| metadata.get(field)).cloned() else {
            continue;
        };
        if let Some(entries) = value.as_object_mut() {
            entries.remove(meta::ANNOTATION_SEAL);
        }
        if !value.as_object().is_some_and(Map::is_empty) {
            governed.insert(field.to_owned(), value);
        }
    }
    Value::Object(governed)
}

/// Of a value, what is in a `fieldsV1` (KEP-555): `f:` a field, `k:` an item of a list by its keys, `v:` one by its value, `i:` one
/// by its place; what has nothing below is owned whole.
fn project(fields: &Value, value: &Value) -> Value {
    let below: Vec<(&str, &Value)> = fields
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.as_str() != ".")
        .map(|(name, below)| (name.as_str(), below))
        .collect();
    if below.is_empty() {
        return value.clone();
    }
    match value {
        Value::Object(all) => {
            let owned = below.iter().filter_map(|(name, below)| {
                let name = name.strip_prefix("f:")?;
                Some((name.to_owned(), project(below, all.get(name)?)))
            });
            Value::Object(owned.collect())
        }
        Value::Array(items) => {
            let owned = items.iter().enumerate().filter_map(|(place, item)| {
                let (_, below) = below.iter().find(|(name, _)| is_item(name, place, item))?;
                Some(project(below, item))
            });
            Value::Array(owned.collect())
        }
        other => other.clone(),
    }
}

fn is_item(name: &str, place: usize, item: &Value) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match name.split_at_checked(2) {
        Some(("k:", keys)) => {
            let keys = json(keys);
            let mut keys = keys.as_object().into_iter().flatten().peekable();
            // A key that has its default need not be there (`protocol: TCP`).
            keys.peek().is_some()
                && keys.all(|(key, value)| item.get(key).is_none_or(|is| is == value))
        }
        Some(("v:", value)) => json(value) == *item,
        Some(("i:", at)) => at.parse() == Ok(place),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> PieceKind {
        PieceKind::new("apps/v1", "Deployment")
    }

    fn body() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"team": "x"}, "annotations": {}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "a", "image": "a:1", "ports": [{"containerPort": 80}], "resources": {"requests": {"cpu": "1000m"}}}
            ]}}},
        })
    }

    /// As the API server stores it: defaults filled in, a sidecar of somebody else's.
    fn stored() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "uid": "u", "labels": {"team": "x", "theirs": "y"}, "annotations": {"deployment.kubernetes.io/revision": "1"},
                "managedFields": [
                    {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                    {"manager": "clientele-service-web", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
                    {"manager": "clientele-service-web", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:team": {}}},
                        "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                            "k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:image": {}, "f:resources": {"f:requests": {"f:cpu": {}}},
                                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}
                        }}}},
                    }},
                ],
            },
            "spec": {"paused": true, "replicas": 2, "template": {"spec": {"restartPolicy": "Always", "containers": [
                {"name": "sidecar", "image": "b"},
                {"name": "a", "image": "a:1", "imagePullPolicy": "Always", "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "1"}}},
            ]}}},
            "status": {"replicas": 2},
        })
    }

    fn as_stored(object: &Value) -> u64 {
        owned_by(&deployment(), object, &manager("web"))
    }

    #[test]
    fn defaults_and_what_others_put_there_are_no_drift() {
        let seal = seal(&deployment(), &body());
        assert!(is_intact(&seal, as_stored(&stored())), "{seal}");
    }

    #[test]
    fn what_is_ours_and_changed_is_drift() {
        let seal = seal(&deployment(), &body());
        for (path, value) in [
            ("/spec/replicas", json!(5)),
            ("/spec/template/spec/containers/1/image", json!("evil")),
            ("/metadata/labels/team", json!("z")),
        ] {
            let mut object = stored();
            *object.pointer_mut(path).unwrap() = value;
            assert!(!is_intact(&seal, as_stored(&object)), "{path}");
        }
        let mut taken_over = stored();
        let fields = &mut taken_over["metadata"]["managedFields"][2]["fieldsV1"]["f:spec"];
        fields.as_object_mut().unwrap().remove("f:replicas");
        assert!(
            !is_intact(&seal, as_stored(&taken_over)),
            "another manager owns it now"
        );
        let mut wiped = stored();
        wiped["metadata"]["managedFields"] = json!([]);
        assert!(!is_intact(&seal, as_stored(&wiped)));
    }

    #[test]
    fn what_the_server_spells_otherwise_is_sealed_as_it_is() {
        let seal = seal(&deployment(), &body());
        let mut other = stored();
        other["spec"]["template"]["spec"]["containers"][1]["image"] = json!("mirror/a:1");
        let stored = as_stored(&other);
        let resealed = resealed(&seal, stored);
        assert!(is_intact(&resealed, stored) && same_rendering(&seal, &resealed));
    }

    #[test]
    fn in_a_config_map_one_is_not_one_point_nought() {
        let map = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": value}});
        let kind = PieceKind::new("v1", "ConfigMap");
        assert_ne!(
            of_governed(&kind, &governed(&map("1"))),
            of_governed(&kind, &governed(&map("1.0")))
        );
        assert!(!same_rendering(
            &seal(&deployment(), &map("1")),
            &seal(&deployment(), &map("1.0"))
        ));
    }
}
