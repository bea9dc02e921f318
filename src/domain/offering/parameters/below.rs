//! What a schema says of a value's fields and items before there is a value.

use super::{Others, Schema, Shape};

/// What there can be below a name.
#[derive(Clone, Debug)]
pub(in crate::domain::offering) enum Below<'s> {
    /// What fits a schema.
    Like(&'s Schema),
    /// Whatever there is.
    Anything,
    /// Nothing of this name; these there are.
    Unknown(Vec<&'s str>),
    /// Nothing at all: it is no map, but this.
    Nothing(&'static str),
}

impl Schema {
    /// What there can be of this name.
    pub(in crate::domain::offering) fn below(&self, name: &str) -> Below<'_> {
        let Shape::Object {
            properties, others, ..
        } = &self.shape
        else {
            return Below::Nothing(self.shape.name());
        };
        match (properties.get(name), others) {
            (Some(property), _) => Below::Like(property),
            (None, Others::Like(schema)) => Below::Like(schema),
            (None, Others::Any) => Below::Anything,
            (None, Others::Refused) => {
                Below::Unknown(properties.keys().map(String::as_str).collect())
            }
        }
    }

    /// What each item of a list is like.
    pub(in crate::domain::offering) fn item(&self) -> Option<&Self> {
        match &self.shape {
            Shape::Array { items, .. } => Some(items),
            _ => None,
        }
    }
}
