//! One object: its identity, and what the server sees to on every write.

use jiff::Timestamp;
use serde_json::Value;

use super::refusal::Refusal;
use super::resources::Resource;

/// Which object: its resource's plural, namespace (or empty) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub plural: &'static str,
    pub namespace: String,
    pub name: String,
}

impl Id {
    pub fn new(resource: &Resource, namespace: &str, name: &str) -> Self {
        Self {
            plural: resource.plural,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// The uid and resourceVersion that a body names must be the object's.
pub fn preconditions(id: &Id, object: &Value, body: &Value) -> Result<(), Refusal> {
    for field in ["uid", "resourceVersion"] {
        let named = &body["metadata"][field];
        if !named.is_null() && *named != object["metadata"][field] {
            return Err(Refusal::conflict(id, field));
        }
    }
    Ok(())
}

/// Of our own kinds the status changes only through its subresource, and nothing else does there.
pub fn kept_apart(resource: &Resource, status: bool, old: &Value, new: Value) -> Value {
    if !resource.is_own() {
        return new;
    }
    let (mut object, other) = if status {
        (old.clone(), new)
    } else {
        (new, old.clone())
    };
    object["status"] = other["status"].clone();
    object
}

pub fn next_generation(object: &mut Value) {
    let next = object["metadata"]["generation"]
        .as_i64()
        .unwrap_or_default()
        + 1;
    object["metadata"]["generation"] = next.into();
}

/// Whether an object is being deleted.
pub fn going(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub fn finalizers(object: &Value) -> usize {
    object["metadata"]["finalizers"]
        .as_array()
        .map_or(0, Vec::len)
}

/// A time as Kubernetes stores it.
pub fn seconds(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second())
        .expect("a time near now")
        .to_string()
}

pub fn uid(id: &Id, birth: u64) -> String {
    let half = |salt: u64| {
        let text = format!("{id:?}/{birth}/{salt}");
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let (a, b) = (half(1), half(2));
    let (c, d, e) = (b >> 48, (a >> 16) & 0xffff, a & 0xffff);
    format!(
        "{:08x}-{d:04x}-{e:04x}-{c:04x}-{:012x}",
        a >> 32,
        b & 0xffff_ffff_ffff
    )
}
