//! An offering as it is used: everything in it parsed and checked once, rendered for each customer.
//!
//! [`Offering::compile`] finds all that is wrong at once, so that the platform team hears of it and no customer trips over
//! it. [`Offering::render`] is pure: the same roots give the same objects, in the order of the manifests. What it may cost is
//! bounded: the offering by the constants here, the expressions by `expression` and [`BUDGET`], and both run on a thread
//! of their own with room on the stack, because the expression library needs much of it.

mod evaluation;
mod expression;
mod fields;
pub mod kinds;
mod manifest;
pub mod parameters;
pub mod requires;
pub mod roots;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cel::Env;
use serde_json::{Map, Value};

use crate::api::ServiceOfferingSpec;

use super::pieces::group;
pub use evaluation::BUDGET;
use evaluation::{Evaluator, environment, with_room};
use expression::Patterns;
use kinds::Scope;
use manifest::{Compiled, check_metadata, check_name};
use parameters::Schema;
pub use roots::Roots;
use roots::Shapes;
use template::Trouble;

/// Most bytes of one object that was rendered.
pub const MAX_OBJECT: usize = 64 << 10;
/// Most bytes of all objects of one service.
pub const MAX_OBJECTS: usize = 256 << 10;
/// Most bytes of all manifests as they are written.
const MAX_MANIFESTS: usize = 256 << 10;
/// Most expressions in an offering.
const MAX_EXPRESSIONS: usize = 512;

/// Something wrong in an offering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, such as `spec.manifests[0].object.data.size`.
    pub place: String,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Why the objects of a customer cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    /// Which manifest, such as `manifests[0] (ConfigMap storage)`.
    pub manifest: String,
    /// Where in it, such as `.data.size`.
    pub path: String,
    /// The expression, if it is one.
    pub expression: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: ", self.manifest, self.path)?;
        if let Some(expression) = &self.expression {
            write!(f, "${{{expression}}} ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for RenderError {}

/// An object of a service, for one customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The object, without namespace and without Clientele's labels.
    pub object: Value,
}

/// An offering that is in order.
pub struct Offering {
    name: String,
    schema: Schema,
    defaults: Map<String, Value>,
    manifests: Vec<Compiled>,
    patterns: Arc<Patterns>,
    env: Arc<Env>,
}

impl fmt::Debug for Offering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Offering").field(&self.name).finish()
    }
}

impl Offering {
    /// Parses and checks an offering.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(name: &str, spec: &ServiceOfferingSpec) -> Result<Self, Vec<Fault>> {
        let compiled = with_room(|| Self::compile_here(name, spec));
        compiled.unwrap_or_else(|message| Err(vec![fault("spec", message)]))
    }

    fn compile_here(name: &str, spec: &ServiceOfferingSpec) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let given = spec.parameters.clone().unwrap_or_default();
        let schema = Schema::parse(&given.schema);
        let schema = schema
            .map_err(|wrong| faults.extend(at("spec.parameters.schema", wrong)))
            .ok();
        if let Some(schema) = &schema
            && let Err(wrong) = schema.defaults_fit(&given.defaults)
        {
            faults.extend(at("spec.parameters.defaults", wrong));
        }
        let written: usize = spec.manifests.iter().map(|it| length(&it.object)).sum();
        if written > MAX_MANIFESTS {
            let message = format!(
                "larger than {} KiB together: make two offerings of it, one requiring the other",
                MAX_MANIFESTS >> 10
            );
            return Err(vec![fault("spec.manifests", message)]);
        }
        let mut patterns = Patterns::new();
        let mut manifests = Vec::with_capacity(spec.manifests.len());
        let mut seen = BTreeMap::new();
        for (position, manifest) in spec.manifests.iter().enumerate() {
            let place = format!("spec.manifests[{position}]");
            let compiled = Compiled::new(manifest, &place, &mut patterns, &mut faults);
            let identity = (
                group(&compiled.api_version).to_owned(),
                compiled.title.clone(),
            );
            // Two of a name are fine if at most one of them is there.
            if let Some((first, conditional)) =
                seen.insert(identity, (position, compiled.when.is_some()))
                && !(conditional || compiled.when.is_some())
            {
                let message = format!(
                    "{} is in manifests[{first}] already: give it another name, or each a when",
                    compiled.title
                );
                faults.push(fault(&format!("{place}.object.metadata.name"), message));
            }
            manifests.push(compiled);
        }
        let roots = Shapes::new(schema.as_ref());
        let mut count = 0;
        for (position, manifest) in manifests.iter().enumerate() {
            for (place, expression) in manifest.expressions() {
                count += 1;
                let wrong = expression.misnamed(&roots).into_iter();
                let place = format!("spec.manifests[{position}]{place}");
                faults.extend(
                    wrong.map(|message| {
                        fault(&place, format!("{}: {message}", expression.source()))
                    }),
                );
            }
        }
        if count > MAX_EXPRESSIONS {
            faults.push(fault(
                "spec.manifests",
                format!(
                    "{count} expressions, more than {MAX_EXPRESSIONS}: make two offerings of it"
                ),
            ));
        }
        let env = environment()
            .map_err(|message| faults.push(fault("spec", message)))
            .ok();
        match (schema, env) {
            (Some(schema), Some(env)) if faults.is_empty() => Ok(Self {
                name: name.to_owned(),
                schema,
                defaults: given.defaults,
                manifests,
                patterns: Arc::new(patterns),
                env,
            }),
            _ => Err(faults),
        }
    }

    /// The offering's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kinds of its objects, as (apiVersion, kind), each once.
    pub fn kinds(&self) -> Vec<(&str, &str)> {
        let mut kinds: Vec<_> = self
            .manifests
            .iter()
            .map(|it| (it.api_version.as_str(), it.kind.as_str()))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// What discovery finds wrong: kinds that the cluster does not have, or not in namespaces.
    pub fn check_scopes(&self, scope: impl Fn(&str, &str) -> Option<Scope>) -> Vec<Fault> {
        let manifests = self.manifests.iter().enumerate();
        let faults = manifests.filter_map(|(position, manifest)| {
            let message =
                kinds::scope_refusal(&manifest.kind, scope(&manifest.api_version, &manifest.kind))?;
            Some(fault(
                &format!("spec.manifests[{position}].object.kind"),
                message,
            ))
        });
        faults.collect()
    }

    /// A customer's parameters, with defaults for what it does not give.
    ///
    /// # Errors
    /// What of them does not fit, each with its place, such as `.size`.
    pub fn effective(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Fault>> {
        let effective = self.schema.effective(given, &self.defaults);
        effective.map_err(|wrong| at("parameters", wrong).collect())
    }

    /// The objects of one customer, in the order of the manifests.
    ///
    /// # Errors
    /// The first thing that cannot be made.
    pub fn render(&self, roots: &Roots) -> Result<Vec<Rendered>, RenderError> {
        let rendered = with_room(|| self.render_here(roots));
        rendered.unwrap_or_else(|message| {
            Err(RenderError {
                manifest: self.name.clone(),
                path: String::new(),
                expression: None,
                message,
            })
        })
    }

    fn render_here(&self, roots: &Roots) -> Result<Vec<Rendered>, RenderError> {
        let evaluator = Evaluator::new(&self.env, &self.patterns, roots);
        let mut total = 0;
        let mut all: Vec<Rendered> = Vec::with_capacity(self.manifests.len());
        for (position, manifest) in self.manifests.iter().enumerate() {
            let error = |trouble: Trouble| RenderError {
                manifest: format!("manifests[{position}] ({})", manifest.title),
                path: trouble.path,
                expression: trouble.expression,
                message: trouble.message,
            };
            let wrong = |path: &str, message: String| {
                error(Trouble {
                    path: path.into(),
                    expression: None,
                    message,
                })
            };
            if let Some(when) = &manifest.when {
                let holds = evaluator.holds(when).map_err(|message| {
                    error(Trouble {
                        path: " when".into(),
                        expression: Some(when.source().to_owned()),
                        message,
                    })
                })?;
                if !holds {
                    continue;
                }
            }
            let object = manifest.object.render(&evaluator, "").map_err(error)?;
            let name = object
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            if let Some(message) = check_name(&manifest.api_version, &manifest.kind, &name) {
                return Err(wrong(".metadata.name", message));
            }
            if let Some((path, message)) = check_metadata(&object) {
                return Err(wrong(&path, message));
            }
            let twice = all.iter().any(|other| {
                (group(&other.api_version), &other.kind, &other.name)
                    == (group(&manifest.api_version), &manifest.kind, &name)
            });
            if twice {
                return Err(wrong(
                    ".metadata.name",
                    format!(
                        "there are two of the {} {name}: give one another name",
                        manifest.kind
                    ),
                ));
            }
            let length = object.to_string().len();
            total += length;
            if length > MAX_OBJECT || total > MAX_OBJECTS {
                let message = format!(
                    "larger than {} KiB, or {} KiB with those before: make it smaller",
                    MAX_OBJECT >> 10,
                    MAX_OBJECTS >> 10
                );
                return Err(wrong("", message));
            }
            all.push(Rendered {
                api_version: manifest.api_version.clone(),
                kind: manifest.kind.clone(),
                name,
                object,
            });
        }
        Ok(all)
    }
}

fn length(object: &Map<String, Value>) -> usize {
    Value::Object(object.clone()).to_string().len()
}

fn fault(place: &str, message: String) -> Fault {
    Fault {
        place: place.to_owned(),
        message,
    }
}

fn at(place: &'static str, wrong: Vec<(String, String)>) -> impl Iterator<Item = Fault> {
    wrong
        .into_iter()
        .map(move |(path, message)| fault(&format!("{place}{path}"), message))
}
