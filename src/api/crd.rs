//! The CustomResourceDefinitions, as generated from the types and finished here.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde::Serialize as _;
use serde_json::json;

use super::{
    ContactList, Customer, CustomerUser, DeletionRequest, Partner, PostalRoute, ServiceOffering,
    ServicePlan,
};

/// The CustomResourceDefinitions of all kinds, ready to be applied.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![
        ServiceOffering::crd(),
        ServicePlan::crd(),
        Partner::crd(),
        PostalRoute::crd(),
        Customer::crd(),
        CustomerUser::crd(),
        DeletionRequest::crd(),
        ContactList::crd(),
    ];
    crds.iter_mut()
        .flat_map(|crd| &mut crd.spec.versions)
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
        .for_each(finish);
    crds
}

/// All CRDs as one YAML stream.
pub fn crds_yaml() -> Result<String, serde_yaml::Error> {
    let mut stream = Vec::new();
    let mut serializer = serde_yaml::Serializer::new(&mut stream);
    for crd in crds() {
        crd.serialize(&mut serializer)?;
    }
    drop(serializer);
    Ok(String::from_utf8_lossy(&stream).into_owned())
}

/// Does to the schema of a kind what the derive has no attribute for.
fn finish(root: &mut JSONSchemaProps) {
    walk(root, &mut |schema| {
        // A null is dropped before rules see it, as if the field were absent. Were it kept, `has` would be true of it.
        schema.nullable = None;
        // One paragraph a line: the doc comments are wrapped for the source.
        if let Some(text) = &mut schema.description {
            *text = unwrap(text);
        }
    });
    let properties = root.properties.get_or_insert_default();
    // Every object has a name; only if the schema says so too can an error point at it.
    properties.insert("metadata".into(), metadata());
    // A new object has this status from the start, so that whoever waits by kstatus never takes it for a ready one
    // before the operator has seen it.
    if let Some(status) = properties.get_mut("status") {
        // That is all it says: counts of nothing would look as if somebody had counted.
        walk(status, &mut |schema| schema.default = None);
        status.default = Some(JSON(json!({"observedGeneration": -1})));
    }
}

/// The part of an object's metadata that rules speak of.
fn metadata() -> JSONSchemaProps {
    let name = JSONSchemaProps {
        type_: Some("string".into()),
        description: Some("Name of the object, as its kind allows.".into()),
        max_length: Some(253),
        ..JSONSchemaProps::default()
    };
    JSONSchemaProps {
        type_: Some("object".into()),
        properties: Some([("name".to_owned(), name)].into()),
        ..JSONSchemaProps::default()
    }
}

/// Visits a schema and all schemas in it.
fn walk(schema: &mut JSONSchemaProps, visit: &mut impl FnMut(&mut JSONSchemaProps)) {
    visit(schema);
    for property in schema.properties.iter_mut().flat_map(|p| p.values_mut()) {
        walk(property, visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        walk(items, visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        walk(values, visit);
    }
}

/// Joins the lines of each paragraph.
fn unwrap(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}
