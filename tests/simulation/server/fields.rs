//! Who owns which field of an object, and the two kinds of patch that depend on it or do not.
//!
//! A small server-side apply: leaves (scalars, whole lists, empty maps) belong to managers; what a manager applied before and leaves
//! out now goes, unless another one owns it too; a forced apply takes what it sets. As on the real server, what a manager wrote by
//! POST, PUT or merge patch is another set than what it applied, and stays when an apply leaves it out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// From the root of an object to a field; `[name=x]` is an item of a list that is a map.
pub type Path = Vec<String>;

/// Lists that are maps, by field, with the key of their items.
const KEYED: [(&str, &str); 3] = [
    ("imagePullSecrets", "name"),
    ("secrets", "name"),
    ("conditions", "type"),
];

/// Fields of `metadata` that the server sets.
const SERVERS: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
];

/// How a field was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Applied,
    Updated,
}

/// The fields of an object by the manager that owns them.
#[derive(Clone, Debug, Default)]
pub struct Owners(BTreeMap<(String, How), BTreeSet<Path>>);

impl Owners {
    /// Server-side apply of `body` onto `old` (null for an object that is new), forced.
    pub fn apply(&mut self, old: &Value, body: &Value, manager: &str) -> Value {
        let me = (manager.to_owned(), How::Applied);
        let mine = leaves(body);
        let before = self.0.remove(&me).unwrap_or_default();
        let mut new = old.clone();
        for path in before.difference(&mine) {
            if !self.0.values().any(|owned| owned.contains(path)) {
                remove(&mut new, path);
            }
        }
        merge_applied(&mut new, body, None);
        for path in &mine {
            if value_at(old, path) != value_at(&new, path) {
                self.disown(path);
            }
        }
        self.0.insert(me, mine);
        new
    }

    /// Notes that `manager` has turned `old` into `new` by POST, PUT or merge patch.
    pub fn updated(&mut self, old: &Value, new: &Value, manager: &str) {
        let (before, after) = (leaves(old), leaves(new));
        for gone in before.difference(&after) {
            self.disown(gone);
        }
        let changed: Vec<Path> = after
            .into_iter()
            .filter(|path| value_at(old, path) != value_at(new, path))
            .collect();
        for path in &changed {
            self.disown(path);
        }
        self.0
            .entry((manager.to_owned(), How::Updated))
            .or_default()
            .extend(changed);
    }

    /// Writes into the metadata of a service's object who owns what, as the operator reads it.
    pub fn tell(&self, object: &mut Value) {
        if object["metadata"]["labels"]["clientele.dev/service"].is_null() {
            return;
        }
        let entries = self.0.iter().filter(|(_, paths)| !paths.is_empty());
        let entries: Vec<_> = entries
            .map(|((manager, how), paths)| {
                let mut fields = json!({});
                for path in paths {
                    let mut at = &mut fields;
                    for segment in path {
                        let name = match item_key(segment) {
                            Some((key, name)) => format!("k:{}", json!({ key: name })),
                            None => format!("f:{segment}"),
                        };
                        if !at.is_object() {
                            *at = json!({});
                        }
                        at = &mut at[name];
                    }
                    if at.is_null() {
                        *at = json!({});
                    }
                }
                let operation = if *how == How::Applied {
                    "Apply"
                } else {
                    "Update"
                };
                json!({ "manager": manager, "operation": operation, "fieldsV1": fields })
            })
            .collect();
        object["metadata"]["managedFields"] = entries.into();
    }

    fn disown(&mut self, path: &Path) {
        for owned in self.0.values_mut() {
            owned.remove(path);
        }
    }
}

/// The fields of an object that somebody can own.
fn leaves(object: &Value) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    for (field, value) in object.as_object().into_iter().flatten() {
        match field.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let fields = value.as_object().into_iter().flatten();
                for (name, value) in fields.filter(|(name, _)| !SERVERS.contains(&name.as_str())) {
                    collect(
                        value,
                        &mut vec!["metadata".to_owned(), name.clone()],
                        &mut found,
                    );
                }
            }
            _ => collect(value, &mut vec![field.clone()], &mut found),
        }
    }
    found
}

fn collect(value: &Value, at: &mut Path, found: &mut BTreeSet<Path>) {
    let mut inside = |name: String, value: &Value| {
        at.push(name);
        collect(value, at, found);
        at.pop();
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields
                .iter()
                .for_each(|(name, value)| inside(name.clone(), value));
        }
        Value::Array(items) if key_of(at.last()).is_some() => {
            let key = key_of(at.last()).expect("just looked at");
            for item in items {
                let name = format!("[{key}={}]", item[key].as_str().unwrap_or_default());
                at.push(name);
                collect(item, at, found);
                at.pop();
            }
        }
        _ => drop(found.insert(at.clone())),
    }
}

fn key_of(field: Option<&String>) -> Option<&'static str> {
    let field = field?;
    KEYED
        .iter()
        .find(|(name, _)| name == field)
        .map(|(_, key)| *key)
}

fn item_key(segment: &str) -> Option<(&str, &str)> {
    segment
        .strip_prefix('[')?
        .strip_suffix(']')?
        .split_once('=')
}

fn value_at<'a>(object: &'a Value, path: &Path) -> Option<&'a Value> {
    path.iter()
        .try_fold(object, |value, segment| match item_key(segment) {
            Some((key, name)) => value.as_array()?.iter().find(|item| item[key] == name),
            None => value.get(segment),
        })
}

/// Removes a field, and what is left empty above it.
fn remove(object: &mut Value, path: &[String]) {
    let [first, rest @ ..] = path else { return };
    if let Some((key, name)) = item_key(first) {
        let Some(items) = object.as_array_mut() else {
            return;
        };
        // An item goes with the key it is found by.
        if rest == [key.to_owned()] {
            items.retain(|item| item[key] != name);
        } else if let Some(item) = items.iter_mut().find(|item| item[key] == name) {
            remove(item, rest);
        }
        return;
    }
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    if rest.is_empty() {
        fields.remove(first);
    } else if let Some(inner) = fields.get_mut(first) {
        remove(inner, rest);
        let empty = inner.as_object().is_some_and(Map::is_empty)
            || inner.as_array().is_some_and(Vec::is_empty);
        if empty {
            fields.remove(first);
        }
    }
}

fn merge_applied(into: &mut Value, from: &Value, field: Option<&String>) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) if !from.is_empty() => {
            for (name, value) in from {
                merge_applied(into.entry(name).or_insert(Value::Null), value, Some(name));
            }
        }
        (Value::Array(into), Value::Array(from)) if key_of(field).is_some() => {
            let key = key_of(field).expect("just looked at");
            // In the order of what is applied; what others have there follows.
            let mut before = std::mem::take(into);
            for item in from {
                let there = before.iter().position(|there| there[key] == item[key]);
                let mut merged = there.map_or(Value::Null, |at| before.remove(at));
                merge_applied(&mut merged, item, None);
                into.push(merged);
            }
            into.append(&mut before);
        }
        (into, Value::Object(from)) if !from.is_empty() => {
            *into = Value::Object(Map::new());
            for (name, value) in from {
                merge_applied(&mut into[name], value, Some(name));
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// JSON merge patch (RFC 7396).
pub fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if value.is_null() {
            into.as_object_mut().expect("made one").remove(name);
        } else {
            merge(&mut into[name], value);
        }
    }
}
