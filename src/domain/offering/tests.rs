mod expressions;
mod fields;

use serde_json::json;

use super::*;
use crate::api::{Manifest, OfferingParameters};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("a map")
}

fn spec(parameters: Value, manifests: &[(Option<&str>, Value)]) -> ServiceOfferingSpec {
    let manifest = |(when, object): &(Option<&str>, Value)| Manifest {
        when: when.map(Into::into),
        object: map(object.clone()),
    };
    ServiceOfferingSpec {
        parameters: Some(OfferingParameters {
            schema: map(parameters),
            defaults: Map::new(),
        }),
        manifests: manifests.iter().map(manifest).collect(),
        ..ServiceOfferingSpec::default()
    }
}

fn anything() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn config(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}, "data": data})
}

fn roots(params: Value) -> Roots {
    Roots {
        customer: json!({"name": "globex", "attributes": {"segment": "gold"}, "domain": null}),
        partner: json!({"name": "emea"}),
        plan: json!({"name": "business"}),
        namespace: "emea--globex".into(),
        params: map(params),
    }
}

/// What an expression is, put alone into a string.
fn value(expression: &str, params: Value) -> Result<Value, String> {
    data(&format!("${{{expression}}}"), params)
}

/// What a text with expressions is.
fn data(text: &str, params: Value) -> Result<Value, String> {
    let spec = spec(anything(), &[(None, config(json!({"it": text})))]);
    let offering = Offering::compile("test", &spec).map_err(|faults| faults[0].to_string())?;
    let objects = offering
        .render(&roots(params))
        .map_err(|error| error.to_string())?;
    Ok(objects[0].object["data"]["it"].clone())
}

fn faults(spec: &ServiceOfferingSpec) -> Vec<String> {
    let faults = Offering::compile("test", spec).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

/// The one fault of a manifest.
fn fault_of(object: Value) -> String {
    let faults = faults(&spec(anything(), &[(None, object)]));
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].clone()
}

#[test]
fn what_does_not_exist_is_an_error_with_its_place() {
    let spec = spec(
        anything(),
        &[(None, config(json!({"deep": {"it": "a ${params.size}"}})))],
    );
    let offering = Offering::compile("test", &spec).unwrap();
    let error = offering.render(&roots(json!({}))).unwrap_err();
    let expected = "manifests[0] (ConfigMap it).data.deep.it: ${params.size} there is no size: ask has(…) first if it may be absent";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn manifests_whose_condition_does_not_hold_are_left_out() {
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}});
    let spec = spec(
        anything(),
        &[
            (Some("params.size != 'S'"), config(json!({}))),
            (Some("has(params.size)"), other),
        ],
    );
    let offering = Offering::compile("test", &spec).unwrap();
    let names = |params: Value| -> Vec<String> {
        offering
            .render(&roots(params))
            .unwrap()
            .into_iter()
            .map(|it| it.name)
            .collect()
    };
    assert_eq!(names(json!({"size": "M"})), ["it", "other"]);
    assert_eq!(names(json!({"size": "S"})), ["other"]);
    assert!(
        offering
            .render(&roots(json!({})))
            .unwrap_err()
            .to_string()
            .contains("when: ${params.size != 'S'}")
    );
}

#[test]
fn a_condition_that_is_no_condition_is_an_error() {
    let spec = spec(anything(), &[(Some("params.size"), config(json!({})))]);
    let offering = Offering::compile("test", &spec).unwrap();
    let error = offering.render(&roots(json!({"size": "M"}))).unwrap_err();
    assert!(
        error.to_string().contains("is a string, not true or false"),
        "{error}"
    );
}

#[test]
fn everything_wrong_is_found_at_once_and_without_rendering() {
    let broken = json!({
        "apiVersion": "${params.version}",
        "kind": "ConfigMap",
        "metadata": {"name": "it", "namespace": "elsewhere"},
        "data": {"root": "${custmer.name}", "function": "${now()}", "syntax": "${1 +}", "${key}": "x", "params": "${params.sise}", "time": "${timestamp('2026-01-01T00:00:00Z')}"},
    });
    let schema = json!({"type": "object", "properties": {"size": {"type": "text"}}});
    let found = faults(&spec(schema, &[(Some("unknown == 1"), broken)])).join("\n");
    for expected in [
        "schema.properties.size: the type text is not known",
        "manifests[0].when: unknown == 1: there is no unknown",
        "manifests[0].object.apiVersion: cannot be a template",
        "manifests[0].object.metadata.namespace: the tenant namespace is meant anyway",
        "manifests[0].object.data.root: custmer.name: there is no custmer: begin with one of customer, partner",
        "manifests[0].object.data.function: now(): there is no function now",
        "manifests[0].object.data.syntax: 1 +: not an expression",
        "manifests[0].object.data: the key ${key} cannot be a template",
        "manifests[0].object.data.time: timestamp('2026-01-01T00:00:00Z'): there is no function timestamp",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
    let schema = json!({"type": "object", "properties": {"size": {"type": "string"}}});
    let found = faults(&spec(
        schema,
        &[(None, config(json!({"a": "${params.sise}"})))],
    ));
    assert!(
        found[0].contains("params.sise is not in parameters.schema"),
        "{found:?}"
    );
}

#[test]
fn what_a_service_may_not_have_is_refused_with_a_way_out() {
    let object = |api: &str, kind: &str, name: &str| json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}});
    for (object, message) in [
        (
            object("clientele.dev/v1alpha1", "Customer", "x"),
            "a kind of Clientele itself",
        ),
        (object("v1", "Namespace", "x"), "cluster-scoped"),
        (
            object("rbac.authorization.k8s.io/v1", "ClusterRole", "x"),
            "cluster-scoped",
        ),
        (
            object("rbac.authorization.k8s.io/v1", "RoleBinding", "x"),
            "rights in a tenant",
        ),
        (object("v1", "ResourceQuota", "x"), "is its plan's"),
        (object("v1", "LimitRange", "x"), "is its plan's"),
        (
            object("networking.k8s.io/v1", "NetworkPolicy", "clientele"),
            "isolates the tenant",
        ),
        (
            object("v1", "ServiceAccount", "default"),
            "the tenant's own",
        ),
        (
            object("v1", "ConfigMap", "customer"),
            "tells the tenant about itself",
        ),
        (object("v1", "ConfigMap", "Upper"), "must be a name"),
        (object("v1", "ConfigMap", ""), "is missing: name the object"),
        (object("", "ConfigMap", "x"), "apiVersion: is missing"),
        (object("v1", "", "x"), "kind: is missing"),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": []}}),
            "ownerReferences: only name",
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"clientele.dev/customer": "y"}}}),
            "is for Clientele to write",
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "status": {}}),
            "a status is",
        ),
    ] {
        let fault = fault_of(object);
        assert!(fault.contains(message), "{fault}");
    }
}

#[test]
fn what_only_rendering_shows_is_refused_then() {
    let render = |object: Value, params: Value| {
        let offering = Offering::compile("test", &spec(anything(), &[(None, object)])).unwrap();
        offering
            .render(&roots(params))
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let named =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${params.name}"}});
    assert_eq!(render(named.clone(), json!({"name": "fine"})), Ok(()));
    assert!(
        render(named.clone(), json!({"name": "customer"}))
            .unwrap_err()
            .contains("tells the tenant")
    );
    assert!(
        render(named.clone(), json!({"name": "../x"}))
            .unwrap_err()
            .contains("must be a name")
    );
    assert!(
        render(named, json!({"name": 7}))
            .unwrap_err()
            .contains("must be a name")
    );
    let labelled = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": "${params.labels}"}});
    assert!(
        render(labelled, json!({"labels": {"clientele.dev/customer": "y"}}))
            .unwrap_err()
            .contains("is for Clientele")
    );
}

#[test]
fn two_of_a_name_are_refused_unless_only_one_is_there() {
    let one = || config(json!({}));
    assert!(
        faults(&spec(anything(), &[(None, one()), (None, one())]))[0]
            .contains("is in manifests[0] already")
    );
    let either = spec(
        anything(),
        &[
            (Some("params.a"), one()),
            (Some("!params.a || params.b"), one()),
        ],
    );
    let offering = Offering::compile("test", &either).unwrap();
    assert_eq!(
        offering
            .render(&roots(json!({"a": true, "b": false})))
            .unwrap()
            .len(),
        1
    );
    let both = offering
        .render(&roots(json!({"a": true, "b": true})))
        .unwrap_err();
    assert!(
        both.to_string().contains("two of the ConfigMap it"),
        "{both}"
    );
}

#[test]
fn discovery_has_the_last_word_on_scope() {
    let widget =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}});
    let offering = Offering::compile("test", &spec(anything(), &[(None, widget)])).unwrap();
    assert_eq!(offering.kinds(), [("example.com/v1", "Widget")]);
    assert_eq!(offering.check_scopes(|_, _| Some(Scope::Namespaced)), []);
    assert!(
        offering.check_scopes(|_, _| Some(Scope::Cluster))[0]
            .message
            .contains("cluster-scoped")
    );
    assert!(
        offering.check_scopes(|_, _| None)[0]
            .message
            .contains("has no kind Widget")
    );
}

#[test]
fn the_same_input_gives_the_same_objects_though_maps_have_no_order() {
    let params: Map<String, Value> = (0..64).map(|at| (format!("k{at:02}"), json!(at))).collect();
    let sorted: Vec<String> = params.keys().cloned().collect();
    assert_eq!(
        value("params.map(k, k).join(',')", Value::Object(params.clone())),
        Ok(json!(sorted.join(",")))
    );
    let spec = spec(
        anything(),
        &[(None, config(json!({"it": "${params.map(k, params[k])}"})))],
    );
    let offering = Offering::compile("test", &spec).unwrap();
    let print = || {
        offering
            .render(&roots(Value::Object(params.clone())))
            .unwrap()[0]
            .object
            .clone()
    };
    assert_eq!(print(), print());
    let other = offering.render(&roots(json!({"k": 1}))).unwrap()[0]
        .object
        .clone();
    assert_ne!(print(), other);
}

#[test]
fn objects_are_bounded() {
    let params = json!({"s": "a".repeat(6000)});
    let error = value("[1,2,3,4,5,6,7,8,9,10,11,12].map(x, params.s)", params).unwrap_err();
    assert!(error.contains("larger than 64 KiB"), "{error}");
}
