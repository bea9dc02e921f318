//! Labels, annotations and selectors; and what the operator writes into every status.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::text::text_value;
use super::{
    List, MAX_FAULT, MAX_FAULTS, MAX_MESSAGE, MAX_PATH, MAX_STATUS_NAMES, Rule, described, list,
    map, string, with_rules,
};

/// The value of a label.
fn label_value() -> Schema {
    string(
        63,
        &[(
            "self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')",
            "must be the value of a label: letters, digits and - . _, with a letter or digit at either end",
        )],
    )
}

/// A key of a label or annotation, for use in a rule about all keys of a map.
macro_rules! qualified {
    ($key:literal) => {
        concat!(
            $key,
            ".size() <= 80 && ",
            $key,
            ".matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')"
        )
    };
}

const KEYS: Rule<'static> = (
    concat!("self.all(key, ", qualified!("key"), ")"),
    "keys must be like team.example/cost: an optional DNS name and a slash, then at most 63 letters, digits and - . _; at most 80 characters in all",
);

/// A plan must not reach what policies and isolation hang on.
const FOREIGN_KEYS: Rule<'static> = (
    "self.all(key, !key.contains('/') || !key.split('/')[0].matches('(^|[.])(clientele[.]dev|kubernetes[.]io|k8s[.]io)$'))",
    "keys under clientele.dev, kubernetes.io and k8s.io are not for plans: use a domain of your own, such as team.example/cost",
);

/// Labels a plan gives to tenant namespaces.
pub fn plan_labels(_: &mut SchemaGenerator) -> Schema {
    map(16, label_value(), &[KEYS, FOREIGN_KEYS])
}

/// Annotations a plan gives to tenant namespaces.
pub fn plan_annotations(_: &mut SchemaGenerator) -> Schema {
    map(8, text_value(), &[KEYS, FOREIGN_KEYS])
}

/// Free attributes. Keys are such that they can be keys of a ConfigMap.
pub fn attributes(_: &mut SchemaGenerator) -> Schema {
    map(
        32,
        text_value(),
        &[(
            "self.all(key, key.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
            "keys must be like segment: at most 63 letters, digits and - . _, with a letter or digit at either end",
        )],
    )
}

/// A label selector with bounds; otherwise as everywhere in Kubernetes.
pub fn label_selector(_: &mut SchemaGenerator) -> Schema {
    let key = string(
        80,
        &[(
            qualified!("self"),
            "must be the key of a label, such as app.kubernetes.io/name",
        )],
    );
    let values = list(List::Atomic, 5, label_value(), &[]);
    let requirement = with_rules(
        json_schema!({
            "type": "object",
            "required": ["key", "operator"],
            "properties": {
                "key": described(key, "Key of the label."),
                "operator": {
                    "description": "How the label's value relates to `values`: In and NotIn need some, Exists and DoesNotExist take none.",
                    "type": "string",
                    "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                },
                "values": described(values, "Values of the label; at most 5."),
            },
        }),
        &[(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need values, Exists and DoesNotExist take none",
        )],
    );
    let labels = map(3, label_value(), &[KEYS]);
    let expressions = list(List::Atomic, 1, requirement, &[]);
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": described(labels, "Labels that must all be there with these values; at most 3."),
            "matchExpressions": described(expressions, "A further requirement that must hold too; at most 1."),
        },
    })
}

/// A point in time: RFC 3339 in UTC between 2000 and 2200. Beyond that some readers fail, and with them every list
/// that contains the object.
pub fn time(_: &mut SchemaGenerator) -> Schema {
    with_rules(
        json_schema!({
            "type": "string",
            "format": "date-time",
            "maxLength": 30,
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z$",
        }),
        &[(
            "self >= timestamp('2000-01-01T00:00:00Z') && self < timestamp('2200-01-01T00:00:00Z')",
            "must be a time between 2000 and 2200",
        )],
    )
}

/// A point in time that a person writes, bounded like [`time`]. Without the format, so that a rule can say what is wrong with it: CEL
/// is given a time that the format has read, whatever its zone.
pub fn moment(_: &mut SchemaGenerator) -> Schema {
    with_rules(
        json_schema!({"type": "string", "maxLength": 30}),
        &[
            (
                "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z$')",
                "must be a time in UTC such as 2026-12-31T00:00:00Z",
            ),
            (
                "!self.endsWith('Z') || (timestamp(self) >= timestamp('2000-01-01T00:00:00Z') && timestamp(self) < timestamp('2200-01-01T00:00:00Z'))",
                "must be a time between 2000 and 2200",
            ),
        ],
    )
}

/// A duration longer than nothing: Go's units plus `d`, such as `10d`, `36h` or `1h30m`. CEL knows no days, so how long it is, is
/// compared in the operator.
pub fn positive_duration(_: &mut SchemaGenerator) -> Schema {
    with_rules(
        json_schema!({"type": "string", "maxLength": 32}),
        &[
            (
                "self.matches('^([0-9]+([.][0-9]+)?(d|h|m|s|ms|us|ns))+$')",
                "must be a duration such as 14d, 36h or 1h30m",
            ),
            (
                "self.matches('[1-9]') || !self.matches('[0-9]')",
                "must be longer than nothing",
            ),
        ],
    )
}

/// Durations before an event at which it is announced.
pub fn notices(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 5, positive_duration(generator), &[])
}

/// A CamelCase name.
fn camel_case() -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z]+$"})
}

/// Conditions as in all of Kubernetes, one of each type.
pub fn conditions(generator: &mut SchemaGenerator) -> Schema {
    conditions_up_to(8, generator)
}

/// Conditions of a kind of which several writers tell something.
pub fn many_conditions(generator: &mut SchemaGenerator) -> Schema {
    conditions_up_to(9, generator)
}

/// Conditions of a kind that has few, so that there is room for a history in its status.
pub fn few_conditions(generator: &mut SchemaGenerator) -> Schema {
    conditions_up_to(4, generator)
}

fn conditions_up_to(max: usize, generator: &mut SchemaGenerator) -> Schema {
    let condition = json_schema!({
        "type": "object",
        "required": ["type", "status", "reason", "message", "lastTransitionTime"],
        "properties": {
            "type": described(camel_case(), "What the condition is about, such as Ready."),
            "status": {
                "description": "Whether it holds.",
                "type": "string",
                "enum": ["True", "False", "Unknown"],
            },
            "reason": described(camel_case(), "Why, as one word that stays the same from version to version."),
            "message": {
                "description": "Why, and what to do, in a sentence. May change from version to version.",
                "type": "string",
                "maxLength": MAX_MESSAGE,
            },
            "lastTransitionTime": described(time(generator), "When `status` last changed."),
            "observedGeneration": {
                "description": "Generation of the object that the condition speaks of.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
            },
        },
    });
    list(List::Map("type"), max, condition, &[])
}

/// Something the operator writes that is as long as an object's name.
pub fn status_name(_: &mut SchemaGenerator) -> Schema {
    string(253, &[])
}

/// An object in a namespace, as `namespace/name`.
pub fn status_reference(_: &mut SchemaGenerator) -> Schema {
    string(317, &[])
}

/// What somebody said, as the operator repeats it.
pub fn status_note(_: &mut SchemaGenerator) -> Schema {
    string(512, &[])
}

/// A word the operator writes.
pub fn status_word(_: &mut SchemaGenerator) -> Schema {
    string(64, &[])
}

/// Names of objects that the operator writes.
pub fn status_names(_: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, MAX_STATUS_NAMES, string(63, &[]), &[])
}

/// Names in order of preference that the operator writes: as many as a person can give.
pub fn status_preferred_names(_: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, 16, string(63, &[]), &[])
}

/// What is wrong with an object, each with its place.
pub fn status_faults(_: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, MAX_FAULTS, string(MAX_FAULT, &[]), &[])
}

/// A few objects in namespaces, as `namespace/name`.
pub fn status_references(_: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, 8, string(127, &[]), &[])
}

/// Names of partners from the top down.
pub fn status_path(_: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, MAX_PATH, string(30, &[]), &[])
}
