//! Clusters as two runs of one story can be compared: everything but versions, times, and how it came to be.
//!
//! On the real API server and in simulation alike; who reads the cluster is somebody else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

/// Objects by `plural namespace/name`, masked.
pub type Cluster = BTreeMap<String, Value>;

const TIMES: [&str; 8] = [
    "outSince",
    "creationTimestamp",
    "deletionTimestamp",
    "lastTransitionTime",
    "finalizeAt",
    "at",
    "customerSince",
    "clientele.dev/customer-since",
];

/// A cluster less how it came to be: UIDs and generated numbers stand for whose they are, generations for what is current. For stories
/// in which the same was made or changed a different number of times.
pub fn less_history(mut cluster: Cluster) -> Cluster {
    // Requests that are over are nothing but history.
    cluster.retain(|id, object| {
        let phase = &object["status"]["phase"];
        !id.starts_with("deletionrequests") || (phase != "Cancelled" && phase != "Completed")
    });
    let (mut whose, mut requests) = (HashMap::new(), Vec::new());
    for (id, object) in &cluster {
        let name = object["metadata"]["name"].as_str();
        if let (true, Some(name)) = (id.starts_with("deletionrequests"), name) {
            let about = format!("<request about {}>", object["spec"]["customer"]);
            requests.push((name.to_owned(), about));
        }
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
    let renamed = |id: String| match requests.iter().find(|(name, _)| id.ends_with(name)) {
        Some((name, about)) => id.replace(name, about),
        None => id,
    };
    let mut cluster: Cluster = cluster
        .into_iter()
        .map(|(id, object)| (renamed(id), object))
        .collect();
    for object in cluster.values_mut() {
        let generation = object["metadata"]["generation"].clone();
        if !generation.is_null() {
            object["metadata"]["generation"] = "<current>".into();
        }
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            // Made again by taking a deletion back.
            annotations.remove("clientele.dev/adopt-retained");
            // Made with the first route, if the tenant is not stopped by then, and kept.
            annotations.remove("clientele.dev/smtp-login");
            // There was a wish to be deleted, and there is none now.
            annotations.remove("clientele.dev/deletion-withdrawn-by");
            // The UID of the customer goes into it; what else does is compared itself.
            annotations.remove("clientele.dev/seal");
            // Customers of before, whose objects were taken over.
            let services = annotations.get_mut("clientele.dev/services");
            services
                .and_then(Value::as_object_mut)
                .map(|records| records.remove("former"));
        }
        if let Some(sending) = object["status"]["sending"].as_object_mut() {
            sending.remove("login");
        }
        // A customer that was made again may have none where it had an empty map.
        for map in ["labels", "annotations"] {
            if object["metadata"][map]
                .as_object()
                .is_some_and(Map::is_empty)
            {
                object["metadata"][map] = Value::Null;
            }
        }
        forget(object, &whose, &generation);
        speak(object, &requests);
    }
    cluster
}

/// Texts that speak of requests: of whom these are about, and without when.
fn speak(value: &mut Value, requests: &[(String, String)]) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| speak(value, requests)),
        Value::Array(items) => items.iter_mut().for_each(|item| speak(item, requests)),
        Value::String(text) => {
            // Alone it is a field, and those that matter are known.
            if text.contains(' ') {
                let words = text.split(' ').map(|word| {
                    let time: Result<jiff::Timestamp, _> = word.trim_end_matches('.').parse();
                    if time.is_ok() { "<time>" } else { word }
                });
                *text = words.collect::<Vec<_>>().join(" ");
            }
            if let Some((name, about)) = requests.iter().find(|(name, _)| text.contains(name)) {
                *text = text.replace(name, about);
            }
        }
        _ => {}
    }
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

/// Takes versions and times off.
pub fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("resourceVersion");
            for (name, value) in fields {
                if TIMES.contains(&name.as_str()) && !value.is_null() {
                    *value = "<time>".into();
                } else if name == "clientele.dev/services" {
                    *value = masked_json(value);
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
    let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
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
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let side =
                    |fields: &Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
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

/// JSON in a text, masked.
fn masked_json(text: &Value) -> Value {
    let read = text
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let mut json: Value = read.unwrap_or_default();
    mask(&mut json);
    json
}
