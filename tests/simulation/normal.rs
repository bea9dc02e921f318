//! A cluster as two runs of one story can be compared: everything but versions and times.
//!
//! UIDs stay: the server derives them from name and number of births, so that they are the same where the same happened.

use std::collections::BTreeMap;

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
