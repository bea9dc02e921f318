//! What a customer can choose about a service: a schema, defaults, and the parameters in effect.
//!
//! The schema is OpenAPI v3 as Kubernetes has it in a CustomResourceDefinition: structural, without references, unions and
//! negation. It is parsed into [`Schema`], so that what is no such schema is found when the offering is. A crate for JSON
//! Schema was tried and left: about forty more crates, another dialect (`nullable`, boolean `exclusiveMinimum`), patterns
//! that backtrack, and messages that do not say what to do.

mod below;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::evaluation::kind;
pub(super) use below::Below;
use reader::parse;

/// Most bytes of a customer's parameters for one service, and of the parameters in effect.
pub const MAX_PARAMETERS: usize = 8 << 10;
/// Most bytes of a schema.
const MAX_SCHEMA: usize = 32 << 10;
/// Deepest schema, and deepest parameters.
const MAX_DEPTH: usize = 16;

/// A schema of one value.
#[derive(Clone, Debug)]
pub struct Schema {
    shape: Shape,
    nullable: bool,
    choices: Option<Vec<Value>>,
    default: Option<Value>,
}

#[derive(Clone, Debug)]
enum Shape {
    Object {
        properties: BTreeMap<String, Schema>,
        required: Vec<String>,
        /// Of what is no property: nothing is allowed, or anything, or what fits a schema.
        others: Others,
        count: Range,
    },
    Array {
        items: Box<Schema>,
        count: Range,
        unique: bool,
    },
    Text {
        length: Range,
        pattern: Option<Regex>,
    },
    Number {
        whole: bool,
        range: Bounds,
    },
    Boolean,
    IntOrString,
}

#[derive(Clone, Debug)]
enum Others {
    Refused,
    Any,
    Like(Box<Schema>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    least: Option<u64>,
    most: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    least: Option<f64>,
    above: bool,
    most: Option<f64>,
    below: bool,
    step: Option<f64>,
}

impl Schema {
    /// Parses the schema of an offering's parameters. None at all takes no parameters.
    ///
    /// # Errors
    /// Everything that is wrong: where, and what to do.
    pub fn parse(schema: &Map<String, Value>) -> Result<Self, Vec<(String, String)>> {
        let mut troubles = Vec::new();
        if Value::Object(schema.clone()).to_string().len() > MAX_SCHEMA {
            troubles.push((
                String::new(),
                format!("larger than {} KiB: simplify it", MAX_SCHEMA >> 10),
            ));
            return Err(troubles);
        }
        let parsed = if schema.is_empty() {
            let nothing = Map::from_iter([("type".to_owned(), Value::from("object"))]);
            parse(&nothing, "", 0, &mut troubles)
        } else {
            parse(schema, "", 0, &mut troubles)
        };
        if schema.get("type").is_some_and(|it| it != "object") {
            troubles.push((
                String::new(),
                "the schema itself must be of type object".into(),
            ));
        }
        match parsed {
            Some(parsed) if troubles.is_empty() => Ok(parsed),
            _ => Err(troubles),
        }
    }

    /// The parameters in effect: what was given, else the offering's defaults, else the schema's.
    ///
    /// # Errors
    /// What of them does not fit: where, and what to do.
    pub fn effective(
        &self,
        given: &Map<String, Value>,
        defaults: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<(String, String)>> {
        let mut value = Value::Object(merged(given, defaults));
        if value.to_string().len() > MAX_PARAMETERS {
            return Err(vec![(
                String::new(),
                format!("more than {} KiB: give less", MAX_PARAMETERS >> 10),
            )]);
        }
        self.fill(&mut value, 0);
        let mut troubles = Vec::new();
        self.check(&value, "", 0, &mut troubles);
        match value {
            Value::Object(fields) if troubles.is_empty() => Ok(fields),
            _ => Err(troubles),
        }
    }

    /// Whether the defaults of an offering fit; what is required and has no default is for the customer to give.
    pub(super) fn defaults_fit(
        &self,
        defaults: &Map<String, Value>,
    ) -> Result<(), Vec<(String, String)>> {
        let mut lenient = self.clone();
        lenient.ask_for_nothing();
        lenient.effective(&Map::new(), defaults).map(drop)
    }

    fn ask_for_nothing(&mut self) {
        match &mut self.shape {
            Shape::Object {
                properties,
                required,
                others,
                count,
            } => {
                required.clear();
                count.least = None;
                properties.values_mut().for_each(Self::ask_for_nothing);
                if let Others::Like(schema) = others {
                    schema.ask_for_nothing();
                }
            }
            // A list is given as a whole.
            Shape::Array { .. }
            | Shape::Text { .. }
            | Shape::Number { .. }
            | Shape::Boolean
            | Shape::IntOrString => {}
        }
    }

    fn fill(&self, value: &mut Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match (&self.shape, value) {
            (
                Shape::Object {
                    properties, others, ..
                },
                Value::Object(fields),
            ) => {
                for (name, property) in properties {
                    if let (false, Some(default)) = (fields.contains_key(name), &property.default) {
                        fields.insert(name.clone(), default.clone());
                    }
                }
                for (name, field) in fields {
                    match (properties.get(name), others) {
                        (Some(property), _) => property.fill(field, depth + 1),
                        (None, Others::Like(schema)) => schema.fill(field, depth + 1),
                        (None, Others::Any | Others::Refused) => {}
                    }
                }
            }
            (Shape::Array { items, .. }, Value::Array(values)) => {
                values
                    .iter_mut()
                    .for_each(|value| items.fill(value, depth + 1));
            }
            _ => {}
        }
    }

    fn check(&self, value: &Value, path: &str, depth: usize, troubles: &mut Vec<(String, String)>) {
        let mut wrong = |message: String| troubles.push((path.to_owned(), message));
        if depth > MAX_DEPTH {
            return wrong(format!("more than {MAX_DEPTH} levels deep: give less"));
        }
        if value.is_null() && self.nullable {
            return;
        }
        if let Some(choices) = &self.choices
            && !choices.contains(value)
        {
            let choices: Vec<_> = choices.iter().map(ToString::to_string).collect();
            return wrong(format!("must be one of {}", choices.join(", ")));
        }
        match (&self.shape, value) {
            (Shape::Boolean, Value::Bool(_)) | (Shape::IntOrString, Value::String(_)) => {}
            (Shape::IntOrString, Value::Number(number)) if is_whole(number) => {}
            (Shape::Text { length, pattern }, Value::String(text)) => {
                let characters = text.chars().count() as u64;
                if let Some(message) = length.complaint(characters, "characters") {
                    wrong(message);
                }
                if let Some(pattern) = pattern
                    && !pattern.is_match(text)
                {
                    wrong(format!("must be like {pattern}"));
                }
            }
            (Shape::Number { whole, range }, Value::Number(number)) => {
                if *whole && !is_whole(number) {
                    wrong("must be a whole number".into());
                }
                if let Some(message) = range.complaint(number.as_f64().unwrap_or(f64::NAN)) {
                    wrong(message);
                }
            }
            (
                Shape::Array {
                    items,
                    count,
                    unique,
                },
                Value::Array(values),
            ) => {
                if let Some(message) = count.complaint(values.len() as u64, "items") {
                    wrong(message);
                }
                let twice = values
                    .iter()
                    .enumerate()
                    .any(|(at, value)| values[..at].contains(value));
                if *unique && twice {
                    wrong("must have each item once".into());
                }
                for (at, value) in values.iter().enumerate() {
                    items.check(value, &format!("{path}[{at}]"), depth + 1, troubles);
                }
            }
            (
                Shape::Object {
                    properties,
                    required,
                    others,
                    count,
                },
                Value::Object(fields),
            ) => {
                if let Some(message) = count.complaint(fields.len() as u64, "fields") {
                    wrong(message);
                }
                for name in required.iter().filter(|name| !fields.contains_key(*name)) {
                    wrong(format!("{name} is missing: give it"));
                }
                for (name, field) in fields {
                    let path = format!("{path}.{name}");
                    match (properties.get(name), others) {
                        (Some(property), _) => property.check(field, &path, depth + 1, troubles),
                        (None, Others::Like(schema)) => {
                            schema.check(field, &path, depth + 1, troubles)
                        }
                        (None, Others::Any) => {}
                        (None, Others::Refused) => {
                            let known: Vec<_> = properties.keys().map(String::as_str).collect();
                            let known = if known.is_empty() {
                                "none".to_owned()
                            } else {
                                known.join(", ")
                            };
                            troubles.push((
                                path,
                                format!("is not known: remove it; there are: {known}"),
                            ));
                        }
                    }
                }
            }
            (shape, other) => wrong(format!("must be {}, is {}", shape.name(), kind(other))),
        }
    }
}

impl Shape {
    const fn name(&self) -> &'static str {
        match self {
            Self::Object { .. } => "a map",
            Self::Array { .. } => "a list",
            Self::Text { .. } => "a string",
            Self::Number { whole: true, .. } => "a whole number",
            Self::Number { whole: false, .. } => "a number",
            Self::Boolean => "true or false",
            Self::IntOrString => "a whole number or a string",
        }
    }
}

impl Range {
    fn complaint(self, count: u64, what: &str) -> Option<String> {
        match (self.least, self.most) {
            (Some(least), _) if count < least => Some(format!("must have at least {least} {what}")),
            (_, Some(most)) if count > most => Some(format!("must have at most {most} {what}")),
            _ => None,
        }
    }
}

impl Bounds {
    fn complaint(self, number: f64) -> Option<String> {
        match (self.least, self.most, self.step) {
            (Some(least), _, _) if self.above && number <= least => {
                Some(format!("must be greater than {least}"))
            }
            (Some(least), _, _) if number < least => Some(format!("must be at least {least}")),
            (_, Some(most), _) if self.below && number >= most => {
                Some(format!("must be less than {most}"))
            }
            (_, Some(most), _) if number > most => Some(format!("must be at most {most}")),
            (_, _, Some(step)) if is_between(number / step) => {
                Some(format!("must be a multiple of {step}"))
            }
            _ => None,
        }
    }
}

/// Whether a quotient is no whole number, but for what floating point makes of it.
fn is_between(quotient: f64) -> bool {
    (quotient - quotient.round()).abs() > 1e-9
}

fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|it| it.fract() == 0.0)
}

/// What is given, with defaults where nothing is: maps field by field, all else as a whole.
fn merged(given: &Map<String, Value>, defaults: &Map<String, Value>) -> Map<String, Value> {
    let mut result = given.clone();
    for (name, default) in defaults {
        match (result.get_mut(name), default) {
            (None, _) => drop(result.insert(name.clone(), default.clone())),
            (Some(Value::Object(own)), Value::Object(default)) => *own = merged(own, default),
            (Some(_), _) => {}
        }
    }
    result
}
