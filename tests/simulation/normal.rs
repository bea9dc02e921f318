//! A cluster as two runs of one story can be compared: everything but versions and times.
//!
//! UIDs stay: the server derives them from name and number of births, so that they are the same where the same happened.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::server::object::Id;
use crate::sim::Sim;

/// Objects by `plural namespace/name`, masked.
pub type Cluster = BTreeMap<String, Value>;

/// How often each object was made, and how often it went.
pub type Births = BTreeMap<String, (usize, usize)>;

const TIMES: [&str; 5] = [
    "creationTimestamp",
    "deletionTimestamp",
    "lastTransitionTime",
    "customerSince",
    "clientele.dev/customer-since",
];

fn named(id: &Id) -> String {
    format!("{} {}/{}", id.plural, id.namespace, id.name)
}

impl Sim {
    /// The cluster as it is.
    pub fn cluster(&self) -> Cluster {
        let state = self.server.state();
        let shown = state
            .store
            .all()
            .filter(|(id, _)| !id.plural.starts_with("validating"));
        shown
            .map(|(id, object)| {
                let mut object = Value::clone(object);
                mask(&mut object);
                (named(id), object)
            })
            .collect()
    }

    /// What has come and gone since the story began.
    pub fn births(&self) -> Births {
        let mut births = Births::new();
        for event in &self.server.state().store.log {
            let (made, gone) = births.entry(named(&event.id)).or_default();
            match (&event.old, &event.new) {
                (None, Some(_)) => *made += 1,
                (Some(_), None) => *gone += 1,
                _ => {}
            }
        }
        births.retain(|_, count| *count != (0, 0));
        births
    }
}

/// A cluster less how it came to be: UIDs and generated numbers stand for whose they are, generations for what is current. For stories
/// in which the same was made or changed a different number of times.
pub fn less_history(mut cluster: Cluster) -> Cluster {
    let mut whose = HashMap::new();
    for (id, object) in &cluster {
        let texts = [
            ("uid", &object["metadata"]["uid"]),
            ("number", &object["status"]["customerNumber"]),
        ];
        for (what, text) in texts {
            let given = object["spec"]["customerNumber"] == *text;
            if let Some(text) = text.as_str().filter(|_| !given) {
                whose.insert(text.to_owned(), format!("<{what} of {id}>"));
            }
        }
    }
    for object in cluster.values_mut() {
        let generation = object["metadata"]["generation"].clone();
        if !generation.is_null() {
            object["metadata"]["generation"] = "<current>".into();
        }
        forget(object, &whose, &generation);
    }
    cluster
}

fn forget(value: &mut Value, whose: &HashMap<String, String>, generation: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "observedGeneration" && value == generation {
                    *value = "<current>".into();
                } else {
                    forget(value, whose, generation);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                forget(item, whose, generation);
            }
        }
        Value::String(text) => {
            if let Some(name) = whose.get(text) {
                text.clone_from(name);
            }
        }
        _ => {}
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("resourceVersion");
            for (name, value) in fields {
                if TIMES.contains(&name.as_str()) && !value.is_null() {
                    *value = "<time>".into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// What differs between two clusters, for a person; empty when nothing does.
pub fn difference(left: &Cluster, right: &Cluster) -> String {
    let mut told = String::new();
    let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for key in keys {
        match (left.get(key), right.get(key)) {
            (Some(a), Some(b)) => differ(key, a, b, &mut told),
            (Some(_), None) => told.push_str(&format!("{key}: only left\n")),
            (None, Some(_)) => told.push_str(&format!("{key}: only right\n")),
            (None, None) => {}
        }
    }
    told
}

fn differ(at: &str, left: &Value, right: &Value, told: &mut String) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let side = |fields: &serde_json::Map<String, Value>| {
                    fields.get(key).cloned().unwrap_or_default()
                };
                differ(&format!("{at} .{key}"), &side(a), &side(b), told);
            }
        }
        (a, b) if a != b => told.push_str(&format!("{at}:\n    left  {a}\n    right {b}\n")),
        _ => {}
    }
}

/// Fails, naming what differs, unless two clusters are the same.
#[track_caller]
pub fn assert_same(what: &str, left: &Cluster, right: &Cluster) {
    let difference = difference(left, right);
    assert!(difference.is_empty(), "{what}:\n{difference}");
}
