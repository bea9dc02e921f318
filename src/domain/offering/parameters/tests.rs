use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("a map")
}

fn schema(properties: Value) -> Schema {
    let schema = map(json!({"type": "object", "properties": properties}));
    Schema::parse(&schema).expect("a schema")
}

/// What is wrong with a schema whose one property is this.
fn wrong(property: Value) -> String {
    let schema = map(json!({"type": "object", "properties": {"it": property}}));
    let troubles = Schema::parse(&schema).expect_err("wrong");
    let troubles = troubles
        .iter()
        .map(|(path, message)| format!("{path}: {message}"));
    troubles.collect::<Vec<_>>().join("\n")
}

/// What is wrong with a value for such a property.
fn misfit(property: Value, value: Value) -> Option<String> {
    let schema = schema(json!({"it": property}));
    let given = map(json!({"it": value}));
    let troubles = schema.effective(&given, &Map::new()).err()?;
    Some(
        troubles
            .iter()
            .map(|(path, message)| format!("{path} {message}"))
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

#[test]
fn what_fits_fits() {
    for (property, value) in [
        (json!({"type": "string", "enum": ["S", "M"]}), json!("M")),
        (
            json!({"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 3}),
            json!("abc"),
        ),
        (json!({"type": "string", "maxLength": 1}), json!("\u{fc}")),
        (
            json!({"type": "integer", "minimum": 1, "maximum": 3}),
            json!(3),
        ),
        (json!({"type": "integer"}), json!(2.0)),
        (json!({"type": "number", "multipleOf": 0.1}), json!(0.3)),
        (json!({"type": "boolean", "nullable": true}), Value::Null),
        (
            json!({"type": "array", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": true}),
            json!(["a", "b"]),
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            json!({"a": 1}),
        ),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
            json!({"a": [1]}),
        ),
        (json!({"x-kubernetes-int-or-string": true}), json!("50%")),
        (json!({"x-kubernetes-int-or-string": true}), json!(5)),
    ] {
        assert_eq!(misfit(property.clone(), value), None, "{property}");
    }
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    for (property, value, message) in [
        (
            json!({"type": "string", "enum": ["S", "M"]}),
            json!("L"),
            r#".it must be one of "S", "M""#,
        ),
        (
            json!({"type": "string"}),
            json!(1),
            ".it must be a string, is a number",
        ),
        (
            json!({"type": "string", "pattern": "^[a-z]+$"}),
            json!("A"),
            "must be like ^[a-z]+$",
        ),
        (
            json!({"type": "string", "maxLength": 1}),
            json!("ab"),
            "at most 1 characters",
        ),
        (
            json!({"type": "integer"}),
            json!(1.5),
            "must be a whole number",
        ),
        (
            json!({"type": "integer", "minimum": 1}),
            json!(0),
            "must be at least 1",
        ),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
            json!(1),
            "greater than 1",
        ),
        (
            json!({"type": "integer", "maximum": 1}),
            json!(2),
            "must be at most 1",
        ),
        (
            json!({"type": "integer", "maximum": 1, "exclusiveMaximum": true}),
            json!(1),
            "less than 1",
        ),
        (
            json!({"type": "integer", "multipleOf": 2}),
            json!(3),
            "multiple of 2",
        ),
        (
            json!({"type": "boolean"}),
            Value::Null,
            "true or false, is null",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!(["a", 1]),
            ".it[1] must be a string",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
            json!(["a", "a"]),
            "each item once",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
            json!([]),
            "at least 1 items",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            json!({}),
            "a is missing",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!({"b": 1}),
            ".it.b is not known: remove it; there are: a",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            json!({"a": "x"}),
            ".it.a must be a whole number",
        ),
        (
            json!({"x-kubernetes-int-or-string": true}),
            json!(true),
            "a whole number or a string",
        ),
    ] {
        let found = misfit(property.clone(), value).expect("a misfit");
        assert!(found.contains(message), "{property}: {found}");
    }
}

#[test]
fn a_schema_that_is_none_is_refused_with_a_way_out() {
    for (property, message) in [
        (
            json!({"$ref": "#/definitions/x", "type": "string"}),
            ".properties.it: $ref is not allowed: write the schema out",
        ),
        (json!({"type": "text"}), "the type text is not known"),
        (json!({}), "has no type"),
        (json!("string"), "must be a schema"),
        (
            json!({"type": "string", "oneOf": []}),
            "oneOf is not allowed",
        ),
        (
            json!({"type": "string", "minimum": 1}),
            "minimum does nothing here",
        ),
        (
            json!({"type": "string", "pattern": "("}),
            "pattern: not a regular expression",
        ),
        (
            json!({"type": "string", "maxLength": -1}),
            "maxLength must be a whole number",
        ),
        (
            json!({"type": "string", "enum": []}),
            "enum must be a list that is not empty",
        ),
        (json!({"type": "array"}), "an array needs items"),
        (
            json!({"type": "object", "required": ["a"]}),
            "a is required and no property",
        ),
        (
            json!({"type": "integer", "default": "x"}),
            ".properties.it.default: must be a whole number",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "b"}}}),
            ".properties.it.properties.a: the type b",
        ),
    ] {
        let found = wrong(property.clone());
        assert!(found.contains(message), "{property}: {found}");
    }
    let list = Schema::parse(&map(json!({"type": "string"}))).unwrap_err();
    assert!(list[0].1.contains("must be of type object"), "{list:?}");
    let mut deep = json!({"type": "string"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(wrong(deep).contains("levels deep"));
}

#[test]
fn the_customer_comes_before_the_offering_and_that_before_the_schema() {
    let schema = schema(json!({
        "size": {"type": "string", "default": "S"},
        "color": {"type": "string", "default": "red"},
        "shape": {"type": "string", "default": "round"},
        "deep": {"type": "object", "properties": {"a": {"type": "integer", "default": 1}, "b": {"type": "integer", "default": 1}, "c": {"type": "integer"}}},
    }));
    let defaults = map(json!({"size": "M", "color": "blue", "deep": {"b": 2, "c": 2}}));
    let given = map(json!({"size": "L", "deep": {"c": 3}}));
    let effective = schema.effective(&given, &defaults).unwrap();
    let expected =
        json!({"size": "L", "color": "blue", "shape": "round", "deep": {"a": 1, "b": 2, "c": 3}});
    assert_eq!(Value::Object(effective), expected);
}

#[test]
fn defaults_need_not_give_what_the_customer_must() {
    let required = map(
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}),
    );
    let schema = Schema::parse(&required).unwrap();
    assert_eq!(schema.defaults_fit(&map(json!({"b": "x"}))), Ok(()));
    assert!(schema.defaults_fit(&map(json!({"b": 1}))).is_err());
    assert!(
        schema
            .effective(&Map::new(), &map(json!({"b": "x"})))
            .is_err()
    );
}

#[test]
fn without_a_schema_there_are_no_parameters() {
    let none = Schema::parse(&Map::new()).unwrap();
    assert!(none.effective(&Map::new(), &Map::new()).is_ok());
    let error = none
        .effective(&map(json!({"a": 1})), &Map::new())
        .unwrap_err();
    assert_eq!(
        error,
        [(
            ".a".to_owned(),
            "is not known: remove it; there are: none".to_owned()
        )]
    );
    assert!(matches!(none.below("a"), Below::Unknown(known) if known.is_empty()));
}

#[test]
fn parameters_are_bounded() {
    let open = map(json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    let open = Schema::parse(&open).unwrap();
    let large = map(json!({"a": "x".repeat(MAX_PARAMETERS)}));
    assert!(
        open.effective(&large, &Map::new()).unwrap_err()[0]
            .1
            .contains("more than 8 KiB")
    );
}
