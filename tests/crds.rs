//! The CRDs in crds/ are those of the types in src/api, and keep what every kind promises: descriptions, bounds,
//! columns that show something, fields that can be selected.
//!
//! After a change in src/api: `make crds`, which is `cargo test --test crds -- --ignored regenerate`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clientele::api::{
    ContactListStatus, CustomerStatus, CustomerUserStatus, DeletionRequestStatus, PartnerStatus,
    PostalRouteStatus, ServiceOfferingStatus, ServicePlanStatus, crds, crds_yaml,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Largest object that a person can write, and largest status that the operator can, in bytes.
const LARGEST_SPEC: u64 = 64 << 10;
const LARGEST_STATUS: u64 = 16 << 10;

/// What takes any field: no schema is known beforehand, and the operator bounds it.
const OPEN: &[&str] = &[
    "ServiceOffering.spec.parameters.schema",
    "ServiceOffering.spec.parameters.defaults",
    "ServiceOffering.spec.manifests[].object",
    "Customer.spec.services[].parameters",
];

/// Every file that belongs into crds/, with its contents.
fn files() -> BTreeMap<PathBuf, String> {
    crds()
        .iter()
        .map(|crd| {
            let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
            let yaml = serde_yaml::to_string(crd).expect("a CRD is YAML");
            let text = format!("# Generated from src/api by `make crds`; do not edit.\n{yaml}");
            (directory().join(name), text)
        })
        .collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crds")
}

#[test]
#[ignore = "writes the files that the test below compares: make crds"]
fn regenerate() {
    for (path, text) in files() {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn the_committed_files_are_those_of_the_types() {
    for (path, text) in files() {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{} is not what src/api says: run `make crds` and commit what changes",
            path.display()
        );
    }
}

#[test]
fn every_file_is_installed_and_no_other() {
    let kustomization = fs::read_to_string(directory().join("kustomization.yaml")).unwrap();
    let kustomization: Value = serde_yaml::from_str(&kustomization).unwrap();
    let installed: BTreeSet<String> = strings(&kustomization["resources"]);
    let generated: BTreeSet<String> = files()
        .keys()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(installed, generated);
}

#[test]
fn the_printed_stream_has_one_document_a_kind() {
    let stream = crds_yaml().unwrap();
    let printed: Vec<Value> = serde_yaml::Deserializer::from_str(&stream)
        .map(|document| Value::deserialize(document).unwrap())
        .collect();
    assert_eq!(printed, kinds());
}

#[test]
fn every_kind_is_found_under_the_category_and_a_short_name_of_its_own() {
    let mut seen = BTreeSet::new();
    for kind in kinds() {
        let names = &kind["spec"]["names"];
        assert_eq!(names["categories"], json!(["clientele"]), "{names}");
        for name in strings(&names["shortNames"]) {
            assert!(seen.insert(name), "{names}");
        }
    }
    assert_eq!(seen.len(), 8);
}

#[test]
fn every_field_has_a_description() {
    for_each_schema(|path, schema| {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let described = field["description"]
                .as_str()
                .is_some_and(|it| !it.is_empty());
            // The API server lets a CRD say nothing of metadata itself.
            assert!(
                described || name == "metadata",
                "{path}.{name} has no description"
            );
        }
    });
}

#[test]
fn every_value_is_of_a_known_type_and_has_a_bound() {
    for_each_schema(|path, schema| {
        let bound = match schema["type"].as_str() {
            Some("string") => schema["enum"].is_array() || schema["maxLength"].is_u64(),
            Some("array") => schema["maxItems"].is_u64(),
            Some("object") if schema["additionalProperties"].is_object() => {
                schema["maxProperties"].is_u64()
            }
            Some("object") => schema["properties"].is_object() || OPEN.contains(&path),
            Some("integer" | "boolean") => true,
            Some(other) => panic!("{path} is of type {other}"),
            // A quantity.
            None => {
                schema["x-kubernetes-int-or-string"] == json!(true) && schema["maxLength"].is_u64()
            }
        };
        assert!(bound, "{path} has no bound");
        let open = schema["x-kubernetes-preserve-unknown-fields"] == json!(true);
        assert_eq!(open, OPEN.contains(&path), "{path} takes anything");
        assert!(schema["nullable"].is_null(), "{path} can be null");
    });
}

#[test]
fn the_largest_object_is_small() {
    for kind in kinds() {
        let root = &schema_of(&kind)["properties"];
        let (spec, status) = (largest(&root["spec"]), largest(&root["status"]));
        let kind = &kind["spec"]["names"]["kind"];
        println!("{kind}: spec {spec}, status {status}");
        assert!(
            spec <= LARGEST_SPEC,
            "the spec of a {kind} can have {spec} bytes"
        );
        assert!(
            status <= LARGEST_STATUS,
            "the status of a {kind} can have {status} bytes"
        );
    }
}

#[test]
fn every_rule_says_what_to_do() {
    let mut rules = 0;
    for_each_schema(|path, schema| {
        for rule in schema["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let message = rule["message"].as_str().unwrap_or_default();
            assert!(
                message.starts_with("must") || message.len() > 20,
                "{path}: {rule}"
            );
            rules += 1;
        }
    });
    assert!(rules > 100, "only {rules} rules");
}

#[test]
fn a_pattern_stands_only_where_no_person_writes() {
    // What people write has rules instead, whose messages say what to do.
    for_each_schema(|path, schema| {
        let pattern = &schema["pattern"];
        assert!(
            pattern.is_null() || path.contains(".status"),
            "{path}: {pattern}"
        );
    });
}

#[test]
fn columns_and_selectable_fields_exist() {
    for kind in kinds() {
        let version = &kind["spec"]["versions"][0];
        let columns = version["additionalPrinterColumns"].as_array().unwrap();
        for column in columns {
            let path = column["jsonPath"].as_str().unwrap();
            let path = path.split('[').next().unwrap();
            if !path.starts_with(".metadata") {
                assert!(field(&kind, path).is_some(), "{column}");
            }
        }
        let wide = columns.iter().filter(|column| column["priority"] == 1);
        assert!(wide.count() > 0, "no wide columns: {columns:?}");

        let selectable = version["selectableFields"].as_array().unwrap();
        assert!((1..=8).contains(&selectable.len()), "{selectable:?}");
        for selectable in selectable {
            let field = field(&kind, selectable["jsonPath"].as_str().unwrap()).unwrap();
            let kind = field["type"].as_str().unwrap();
            assert!(matches!(kind, "string" | "boolean"), "{selectable}");
            // An absent field is not selected, neither by true nor by false.
            let defaulted = kind == "string" || !field["default"].is_null();
            assert!(defaulted, "{selectable} has no default");
        }
    }
}

#[test]
fn what_customers_are_sorted_by_can_be_selected() {
    let customer = kinds()
        .into_iter()
        .find(|kind| kind["spec"]["names"]["kind"] == "Customer")
        .unwrap();
    let selectable: BTreeSet<String> = customer["spec"]["versions"][0]["selectableFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["jsonPath"].as_str().unwrap().to_owned())
        .collect();
    let wanted = [
        ".spec.plan",
        ".spec.sector",
        ".spec.seller",
        ".spec.testAccount",
        ".status.access",
        ".status.customerNumber",
        ".status.phase",
        ".status.plan",
    ];
    assert_eq!(selectable, wanted.map(ToOwned::to_owned).into());
}

#[test]
fn a_new_object_has_a_status_that_says_nothing_was_observed() {
    for kind in kinds() {
        let default = &schema_of(&kind)["properties"]["status"]["default"];
        assert_eq!(default, &json!({"observedGeneration": -1}));
        reads::<ServiceOfferingStatus>(default);
        reads::<ServicePlanStatus>(default);
        reads::<PartnerStatus>(default);
        reads::<PostalRouteStatus>(default);
        reads::<CustomerStatus>(default);
        reads::<CustomerUserStatus>(default);
        reads::<DeletionRequestStatus>(default);
        reads::<ContactListStatus>(default);
    }
    for_each_schema(|path, schema| {
        let default = &schema["default"];
        assert!(
            default.is_null() || !path.contains(".status."),
            "{path}: {default}"
        );
    });
}

/// The operator can read such a status.
fn reads<T: DeserializeOwned>(status: &Value) {
    serde_json::from_value::<T>(status.clone()).unwrap();
}

fn kinds() -> Vec<Value> {
    crds()
        .iter()
        .map(|crd| serde_json::to_value(crd).unwrap())
        .collect()
}

fn schema_of(kind: &Value) -> &Value {
    &kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// The schema of a field, by its JSONPath.
fn field(kind: &Value, path: &str) -> Option<Value> {
    let mut schema = schema_of(kind);
    for name in path.split('.').skip(1) {
        schema = match &schema["additionalProperties"] {
            Value::Null => schema["properties"].get(name)?,
            values => values,
        };
    }
    Some(schema.clone())
}

/// Shows every schema of every kind, with the path to it.
fn for_each_schema(mut look: impl FnMut(&str, &Value)) {
    for kind in kinds() {
        let name = kind["spec"]["names"]["kind"].as_str().unwrap();
        visit(name, schema_of(&kind), &mut look);
    }
}

fn visit(path: &str, schema: &Value, look: &mut impl FnMut(&str, &Value)) {
    look(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        visit(&format!("{path}.{name}"), field, look);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            visit(&format!("{path}[]"), &schema[inner], look);
        }
    }
}

/// Bytes of the largest JSON that a schema admits.
fn largest(schema: &Value) -> u64 {
    let bound = |name: &str| schema[name].as_u64().unwrap_or_default();
    match schema["type"].as_str() {
        Some("string") if schema["enum"].is_array() => strings(&schema["enum"])
            .iter()
            .map(|value| value.len() as u64 + 2)
            .max()
            .unwrap_or_default(),
        Some("string") => 2 + bound("maxLength") * bytes_per_character(schema),
        Some("array") => 2 + bound("maxItems") * (1 + largest(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            let entry = longest_key(schema) + largest(&schema["additionalProperties"]) + 4;
            2 + bound("maxProperties") * entry
        }
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.map(|(name, field)| name.len() as u64 + 4 + largest(field));
            2 + fields.sum::<u64>()
        }
        Some("boolean") => 5,
        // Between zero and its bound there is none with more digits.
        Some("integer") if schema["maximum"].is_number() && schema["minimum"].is_number() => {
            format!("{:.0}", schema["maximum"].as_f64().unwrap_or(f64::MAX)).len() as u64
        }
        _ if schema["x-kubernetes-int-or-string"] == json!(true) => 2 + bound("maxLength"),
        _ => 20,
    }
}

/// Text for people can be in any script; all other strings are ASCII by their rules, or written by the operator.
fn bytes_per_character(schema: &Value) -> u64 {
    let text = schema["x-kubernetes-validations"]
        .to_string()
        .contains(r"\\p{Cc}");
    if text { 4 } else { 1 }
}

/// The keys of a map are bounded by a rule.
fn longest_key(schema: &Value) -> u64 {
    let rules = schema["x-kubernetes-validations"].to_string();
    match () {
        () if rules.contains(".size() <= 80") => 80,
        () if rules.contains("^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$") => 63,
        () => panic!("keys without a bound: {rules}"),
    }
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| Some(value.as_str()?.to_owned()))
        .collect()
}
