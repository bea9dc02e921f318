//! The shapes of values: each says in one place what a kind of string, list or map may be, as schema and CEL rules.
//!
//! A shape is a function that `#[schemars(schema_with = …)]` names on a field. Every shape has a bound, so that no
//! object grows without limit and the API server can tell beforehand what a rule costs. Rules rather than patterns,
//! because a rule has a message that says what to do. What must hold between several fields stands on the struct.
//!
//! Nothing here runs in the operator: the shapes end up in the CRDs, and the API server checks them.

mod codes;
mod metadata;
mod object;
mod quantity;
mod text;

pub(super) use metadata::*;
pub(super) use object::*;
pub(super) use quantity::*;
pub(super) use text::*;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Most bytes in the message of a condition; the operator shortens what is longer.
pub const MAX_MESSAGE: usize = 512;
/// Most names in a list in a status; the operator leaves out the rest.
pub const MAX_STATUS_NAMES: usize = 32;
/// Most services in the status of a customer; the operator leaves out the rest.
pub const MAX_STATUS_SERVICES: usize = 16;
/// Most faults in the status of an offering; the operator leaves out the rest.
pub const MAX_FAULTS: usize = 16;
/// Most bytes of a fault in a status; the operator shortens what is longer.
pub const MAX_FAULT: usize = 512;
/// Most partners on the way from a provider down to a customer.
pub const MAX_PATH: usize = 16;

/// A CEL rule and what it tells whoever breaks it.
type Rule<'a> = (&'a str, &'a str);

/// A string of at most `max` characters that keeps the rules.
fn string(max: usize, rules: &[Rule<'_>]) -> Schema {
    with_rules(json_schema!({"type": "string", "maxLength": max}), rules)
}

/// How several writers' lists are merged by server-side apply, and whether an entry may be there twice.
enum List {
    /// In order, and of one writer.
    Atomic,
    /// Without order, each entry once.
    Set,
    /// Objects without order, known by this field.
    Map(&'static str),
}

/// A list of at most `max` items.
fn list(kind: List, max: usize, items: Schema, rules: &[Rule<'_>]) -> Schema {
    let mut schema = json_schema!({"type": "array", "maxItems": max, "items": items});
    let (kind, key) = match kind {
        List::Atomic => ("atomic", None),
        List::Set => ("set", None),
        List::Map(key) => ("map", Some(key)),
    };
    schema.insert("x-kubernetes-list-type".into(), json!(kind));
    if let Some(key) = key {
        schema.insert("x-kubernetes-list-map-keys".into(), json!([key]));
    }
    with_rules(schema, rules)
}

/// A map of at most `max` entries. Keys have no schema of their own in a CRD, so their rules stand on the map.
fn map(max: usize, values: Schema, rules: &[Rule<'_>]) -> Schema {
    with_rules(
        json_schema!({"type": "object", "maxProperties": max, "additionalProperties": values}),
        rules,
    )
}

/// An object of any fields. What it may hold is checked, and bounded, by the operator: the API server cannot.
pub(super) fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Adds rules to a schema.
fn with_rules(mut schema: Schema, rules: &[Rule<'_>]) -> Schema {
    if !rules.is_empty() {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(rule, message)| json!({"rule": rule, "message": message}))
            .collect();
        schema.insert("x-kubernetes-validations".into(), Value::Array(rules));
    }
    schema
}

/// Adds a description to a schema that no field's doc comment describes.
fn described(mut schema: Schema, description: &str) -> Schema {
    schema.insert("description".into(), json!(description));
    schema
}
