//! Reading a schema: every keyword is known, and of the right kind, or it is said what is wrong.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::expression::bounded_regex;
use super::{Bounds, MAX_DEPTH, Others, Range, Schema, Shape};

/// Keywords that describe, and check nothing.
const SILENT: &[&str] = &[
    "title",
    "description",
    "example",
    "externalDocs",
    "default",
    "nullable",
    "type",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
];

/// Parses the schema of one value.
pub(super) fn parse(
    schema: &Map<String, Value>,
    path: &str,
    depth: usize,
    troubles: &mut Vec<(String, String)>,
) -> Option<Schema> {
    if depth > MAX_DEPTH {
        troubles.push((
            path.to_owned(),
            format!("more than {MAX_DEPTH} levels deep: simplify it"),
        ));
        return None;
    }
    let mut reader = Reader {
        schema,
        path,
        known: SILENT.to_vec(),
        troubles,
    };
    let nullable = reader.flag("nullable");
    let choices = reader.list("enum");
    let default = schema.get("default").cloned();
    let int_or_string = reader.flag("x-kubernetes-int-or-string");
    let named = schema.get("type").and_then(Value::as_str);
    let shape = match named {
        Some("object") => reader.object(depth)?,
        Some("array") => reader.array(depth)?,
        Some("string") => {
            let length = reader.range("minLength", "maxLength");
            reader.known.push("format");
            Shape::Text {
                length,
                pattern: reader.pattern(),
            }
        }
        Some(number @ ("integer" | "number")) => {
            reader.known.push("format");
            Shape::Number {
                whole: number == "integer",
                range: reader.bounds(),
            }
        }
        Some("boolean") => Shape::Boolean,
        None if int_or_string => Shape::IntOrString,
        Some(other) => {
            reader.wrong(format!("the type {other} is not known: use object, array, string, integer, number or boolean"));
            return None;
        }
        None => {
            reader
                .wrong("has no type: say object, array, string, integer, number or boolean".into());
            return None;
        }
    };
    reader.finish();
    let parsed = Schema {
        shape,
        nullable,
        choices,
        default,
    };
    if let Some(default) = &parsed.default {
        let mut filled = default.clone();
        parsed.fill(&mut filled, depth);
        let mut misfits = Vec::new();
        parsed.check(&filled, "", depth, &mut misfits);
        for (at, message) in misfits {
            troubles.push((format!("{path}.default{at}"), message));
        }
    }
    Some(parsed)
}

/// Reads the keywords of one schema, and knows which it has read.
struct Reader<'s, 't> {
    schema: &'s Map<String, Value>,
    path: &'s str,
    known: Vec<&'static str>,
    troubles: &'t mut Vec<(String, String)>,
}

impl<'s> Reader<'s, '_> {
    fn wrong(&mut self, message: String) {
        self.troubles.push((self.path.to_owned(), message));
    }

    /// A keyword, if it is there and of the right kind.
    fn read<T>(
        &mut self,
        keyword: &'static str,
        what: &str,
        read: impl Fn(&'s Value) -> Option<T>,
    ) -> Option<T> {
        self.known.push(keyword);
        let value = self.schema.get(keyword)?;
        let read = read(value);
        if read.is_none() {
            self.wrong(format!("{keyword} must be {what}"));
        }
        read
    }

    fn flag(&mut self, keyword: &'static str) -> bool {
        self.read(keyword, "true or false", Value::as_bool)
            .unwrap_or_default()
    }

    fn list(&mut self, keyword: &'static str) -> Option<Vec<Value>> {
        self.read(keyword, "a list that is not empty", |it| {
            it.as_array().filter(|it| !it.is_empty()).cloned()
        })
    }

    fn range(&mut self, least: &'static str, most: &'static str) -> Range {
        let what = "a whole number";
        Range {
            least: self.read(least, what, Value::as_u64),
            most: self.read(most, what, Value::as_u64),
        }
    }

    fn bounds(&mut self) -> Bounds {
        let positive = |it: &Value| it.as_f64().filter(|it| *it > 0.0);
        Bounds {
            least: self.read("minimum", "a number", Value::as_f64),
            above: self.flag("exclusiveMinimum"),
            most: self.read("maximum", "a number", Value::as_f64),
            below: self.flag("exclusiveMaximum"),
            step: self.read("multipleOf", "a number above 0", positive),
        }
    }

    fn pattern(&mut self) -> Option<Regex> {
        let text = self.read("pattern", "a string", Value::as_str)?;
        bounded_regex(text)
            .map_err(|error| self.wrong(format!("pattern: {error}")))
            .ok()
    }

    fn inner(&mut self, schema: &Value, path: &str, depth: usize) -> Option<Schema> {
        let Some(schema) = schema.as_object() else {
            self.troubles
                .push((path.to_owned(), "must be a schema".into()));
            return None;
        };
        parse(schema, path, depth + 1, self.troubles)
    }

    fn array(&mut self, depth: usize) -> Option<Shape> {
        let count = self.range("minItems", "maxItems");
        let unique = self.flag("uniqueItems");
        self.known.push("items");
        let Some(items) = self.schema.get("items") else {
            self.wrong("an array needs items: the schema of one".into());
            return None;
        };
        let items = self.inner(items, &format!("{}.items", self.path), depth)?;
        Some(Shape::Array {
            items: Box::new(items),
            count,
            unique,
        })
    }

    fn object(&mut self, depth: usize) -> Option<Shape> {
        let count = self.range("minProperties", "maxProperties");
        let mut properties = BTreeMap::new();
        for (name, schema) in self
            .read("properties", "a map of schemas", Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some(parsed) =
                self.inner(schema, &format!("{}.properties.{name}", self.path), depth)
            {
                properties.insert(name.clone(), parsed);
            }
        }
        let required: Vec<String> = self
            .list("required")
            .unwrap_or_default()
            .iter()
            .filter_map(|it| Some(it.as_str()?.to_owned()))
            .collect();
        let any = self.flag("x-kubernetes-preserve-unknown-fields");
        self.known.push("additionalProperties");
        let others = match self.schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) if any => Others::Any,
            None | Some(Value::Bool(false)) => Others::Refused,
            Some(Value::Bool(true)) => Others::Any,
            Some(schema) => {
                let path = format!("{}.additionalProperties", self.path);
                Others::Like(Box::new(self.inner(schema, &path, depth)?))
            }
        };
        let unknown = required
            .iter()
            .find(|name| !properties.contains_key(*name) && matches!(others, Others::Refused));
        if let Some(name) = unknown {
            self.wrong(format!(
                "{name} is required and no property: add it to properties"
            ));
        }
        Some(Shape::Object {
            properties,
            required,
            others,
            count,
        })
    }

    fn finish(mut self) {
        let unknown: Vec<_> = self
            .schema
            .keys()
            .filter(|name| !self.known.contains(&name.as_str()))
            .cloned()
            .collect();
        for name in unknown {
            self.wrong(match name.as_str() {
                "$ref" | "$schema" | "$id" | "definitions" => {
                    format!("{name} is not allowed: write the schema out")
                }
                "allOf" | "anyOf" | "oneOf" | "not" => format!(
                    "{name} is not allowed: say with type, enum, pattern and bounds what fits"
                ),
                _ => format!("{name} does nothing here: remove it"),
            });
        }
    }
}
