//! A JSON value with `${…}` in its strings: parsed once, rendered for each customer.
//!
//! `${…}` is CEL. Alone in a string it keeps its type; inside text it becomes text, for which it must be a string, a number
//! or a boolean. `$${` stands for `${` itself, and a `$` without a brace is a dollar sign. Keys are never templates.

use serde_json::{Map, Value};

use super::evaluation::{Evaluator, kind};
use super::expression::{Expression, Patterns};
use super::source::closing_brace;

/// A value that may depend on the customer.
#[derive(Clone, Debug)]
pub enum Template {
    /// The same for everybody.
    Fixed(Value),
    /// What an expression says, of whatever type.
    Whole(Expression),
    /// Text with expressions in it.
    Text(Vec<Part>),
    /// A list.
    List(Vec<Template>),
    /// A map.
    Map(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Clone, Debug)]
pub enum Part {
    /// As it stands.
    Plain(String),
    /// What an expression says.
    Expression(Expression),
}

/// Something wrong at a place in the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where, such as `.data.size`.
    pub path: String,
    /// The expression, if it is in one.
    pub expression: Option<String>,
    /// What, and what to do.
    pub message: String,
}

impl Template {
    /// Parses a value; what is wrong is added to `troubles`.
    pub fn parse(
        value: &Value,
        path: &str,
        patterns: &mut Patterns,
        troubles: &mut Vec<Trouble>,
    ) -> Self {
        match value {
            Value::String(text) => Self::text(text, path, patterns, troubles),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items: Vec<_> = items
                    .map(|(at, item)| {
                        Self::parse(item, &format!("{path}[{at}]"), patterns, troubles)
                    })
                    .collect();
                if items.iter().all(Self::is_fixed) {
                    Self::Fixed(value.clone())
                } else {
                    Self::List(items)
                }
            }
            Value::Object(fields) => {
                let mut parsed = Vec::with_capacity(fields.len());
                for (name, field) in fields {
                    if has_expression(name) {
                        troubles.push(Trouble {
                            path: path.to_owned(),
                            expression: None,
                            message: format!("the key {name} cannot be a template: write it out, or make the whole map of an expression"),
                        });
                    }
                    let field = Self::parse(field, &format!("{path}.{name}"), patterns, troubles);
                    parsed.push((name.clone(), field));
                }
                let fixed = parsed.iter().all(|(_, field)| field.is_fixed());
                if fixed {
                    Self::Fixed(value.clone())
                } else {
                    Self::Map(parsed)
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
        }
    }

    fn text(text: &str, path: &str, patterns: &mut Patterns, troubles: &mut Vec<Trouble>) -> Self {
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(message) => {
                troubles.push(Trouble {
                    path: path.to_owned(),
                    expression: None,
                    message,
                });
                return Self::Fixed(Value::Null);
            }
        };
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            parts.push(match piece {
                Piece::Plain(text) => Part::Plain(text),
                Piece::Expression(source) => match Expression::compile(source, patterns) {
                    Ok(expression) => Part::Expression(expression),
                    Err(message) => {
                        let expression = Some(source.to_owned());
                        troubles.push(Trouble {
                            path: path.to_owned(),
                            expression,
                            message,
                        });
                        continue;
                    }
                },
            });
        }
        match <[Part; 1]>::try_from(parts) {
            Ok([Part::Expression(whole)]) => Self::Whole(whole),
            // Another value than was written, if an escape was in it; and equal, so fixed, if not.
            Ok([Part::Plain(text)]) => Self::Fixed(Value::String(text)),
            Err(parts) if parts.is_empty() => Self::Fixed(Value::String(String::new())),
            Err(parts) => Self::Text(parts),
        }
    }

    /// Whether it is as it was written: no expressions, and no escapes.
    fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(value) if !has_escape(value))
    }

    /// The expressions in it, each with its place.
    pub fn expressions(&self, path: &str) -> Vec<(String, &Expression)> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Whole(whole) => vec![(path.to_owned(), whole)],
            Self::Text(parts) => {
                let parts = parts.iter().filter_map(|part| match part {
                    Part::Plain(_) => None,
                    Part::Expression(expression) => Some((path.to_owned(), expression)),
                });
                parts.collect()
            }
            Self::List(items) => {
                let items = items.iter().enumerate();
                items
                    .flat_map(|(at, item)| item.expressions(&format!("{path}[{at}]")))
                    .collect()
            }
            Self::Map(fields) => {
                let fields = fields.iter();
                fields
                    .flat_map(|(name, field)| field.expressions(&format!("{path}.{name}")))
                    .collect()
            }
        }
    }

    /// The value for one customer.
    pub(super) fn render(&self, evaluator: &Evaluator, path: &str) -> Result<Value, Trouble> {
        let at = |expression: &Expression, message: String| Trouble {
            path: path.to_owned(),
            expression: Some(expression.source().to_owned()),
            message,
        };
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Whole(whole) => evaluator.value(whole).map_err(|message| at(whole, message)),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Plain(plain) => text.push_str(plain),
                        Part::Expression(it) => {
                            let value = evaluator.value(it).map_err(|message| at(it, message))?;
                            text.push_str(&plain(value).map_err(|message| at(it, message))?);
                        }
                    }
                }
                Ok(Value::String(text))
            }
            Self::List(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(index, item)| item.render(evaluator, &format!("{path}[{index}]")));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Self::Map(fields) => {
                let mut map = Map::new();
                for (name, field) in fields {
                    map.insert(
                        name.clone(),
                        field.render(evaluator, &format!("{path}.{name}"))?,
                    );
                }
                Ok(Value::Object(map))
            }
        }
    }
}

/// A value as part of a text.
fn plain(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(it) => Ok(it.to_string()),
        // As CEL's own string(): 2.0 is 2.
        Value::Number(it) if it.is_f64() => Ok(it.as_f64().unwrap_or_default().to_string()),
        Value::Number(it) => Ok(it.to_string()),
        other => Err(format!(
            "is {}, which cannot be inside text: put it alone in the string, or join it",
            kind(&other)
        )),
    }
}

/// Whether a text holds `${`, however escaped.
pub fn has_expression(text: &str) -> bool {
    text.contains("${")
}

fn has_escape(value: &Value) -> bool {
    match value {
        Value::String(text) => has_expression(text),
        Value::Array(items) => items.iter().any(has_escape),
        Value::Object(fields) => fields.values().any(has_escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

enum Piece<'t> {
    Plain(String),
    Expression(&'t str),
}

/// Splits a text at its `${…}`.
fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at]);
            plain.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        if !plain.is_empty() {
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
        }
        let inside = &rest[at + 2..];
        let end = closing_brace(inside)
            .ok_or("a ${ is not closed: add }, or write $${ for the characters themselves")?;
        pieces.push(Piece::Expression(inside[..end].trim()));
        rest = &inside[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok(pieces)
}
