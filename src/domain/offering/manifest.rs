//! One manifest of an offering: what can be said of it before it is rendered, and what of the object afterwards.

use serde_json::Value;

use super::super::fingerprint;
use super::expression::{Expression, Patterns};
use super::template::{Template, Trouble, has_expression};
use super::{Fault, fault, kinds};
use crate::api::{Manifest, meta};

/// Deepest manifest.
const MAX_DEPTH: usize = 32;

/// What of an object's metadata a manifest may say.
const METADATA: &[&str] = &["name", "labels", "annotations", "finalizers"];

/// A manifest that was parsed.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) when: Option<Expression>,
    /// For messages: kind and name as written.
    pub(super) title: String,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) object: Template,
}

impl Compiled {
    pub(super) fn new(
        manifest: &Manifest,
        place: &str,
        patterns: &mut Patterns,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let object = Value::Object(manifest.object.clone());
        let mut wrong =
            |path: &str, message: String| faults.push(fault(&format!("{place}{path}"), message));
        let when = manifest.when.as_deref().and_then(|when| {
            Expression::compile(when, patterns)
                .map_err(|message| wrong(".when", format!("{when}: {message}")))
                .ok()
        });
        let mut fixed = |field: &str| {
            let text = object
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default();
            if text.is_empty() {
                wrong(
                    &format!(".object.{field}"),
                    format!("is missing: give the object's {field}"),
                );
            } else if has_expression(text) {
                wrong(
                    &format!(".object.{field}"),
                    "cannot be a template: rights and scope are checked by it; write it out".into(),
                );
            }
            text.to_owned()
        };
        let (api_version, kind) = (fixed("apiVersion"), fixed("kind"));
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let title = format!("{kind} {name}");
        if name.is_empty() {
            wrong(
                ".object.metadata.name",
                "is missing: name the object, so that it is found again".into(),
            );
        } else if !has_expression(&name)
            && let Some(message) = check_name(&api_version, &kind, &name)
        {
            wrong(".object.metadata.name", message);
        }
        if let Some(message) = kinds::refusal(&api_version, &kind) {
            wrong(".object.kind", message);
        }
        if let Some((path, message)) = check_metadata(&object) {
            wrong(&format!(".object{path}"), message);
        }
        let mut troubles = Vec::new();
        let parsed = if depth(&object) > MAX_DEPTH {
            wrong(
                ".object",
                format!("more than {MAX_DEPTH} levels deep: simplify it"),
            );
            Template::Fixed(Value::Null)
        } else {
            Template::parse(&object, "", patterns, &mut troubles)
        };
        for Trouble {
            path,
            expression,
            message,
        } in troubles
        {
            // Said already, and better.
            if matches!(
                path.as_str(),
                ".apiVersion" | ".kind" | ".metadata.namespace"
            ) {
                continue;
            }
            let source = expression
                .map(|source| format!("{source}: "))
                .unwrap_or_default();
            wrong(&format!(".object{path}"), format!("{source}{message}"));
        }
        // A map made by an expression could hold anything, a namespace too: it is looked at again when rendered.
        Self {
            when,
            title,
            api_version,
            kind,
            object: parsed,
        }
    }

    /// The expressions in it, each with its place.
    pub(super) fn expressions(&self) -> Vec<(String, &Expression)> {
        let when = self.when.iter().map(|when| (".when".to_owned(), when));
        when.chain(self.object.expressions(".object")).collect()
    }
}

/// What is wrong with a name, if anything.
pub(super) fn check_name(api_version: &str, kind: &str, name: &str) -> Option<String> {
    let part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty()
            && part.bytes().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(part) {
        return Some(
            "must be a name: at most 253 lower-case letters, digits, dashes and dots".into(),
        );
    }
    kinds::name_refusal(api_version, kind, name)
}

/// What is wrong with the metadata of an object, and where, if anything.
pub(super) fn check_metadata(object: &Value) -> Option<(String, String)> {
    let metadata = object.get("metadata")?.as_object()?;
    for name in metadata.keys() {
        let message = match name.as_str() {
            known if METADATA.contains(&known) => continue,
            "namespace" => "the tenant namespace is meant anyway: remove it".to_owned(),
            "generateName" => "an object is found again by its name: use name".to_owned(),
            _ => format!("only {} can be given: remove it", METADATA.join(", ")),
        };
        return Some((format!(".metadata.{name}"), message));
    }
    for field in ["labels", "annotations"] {
        let keys = metadata
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        if let Some((key, _)) = keys.into_iter().find(|(key, _)| fingerprint::is_ours(key)) {
            let message = format!(
                "{key} is for Clientele to write ({} and {}/…): use a key of your own",
                meta::LABEL_MANAGED_BY,
                meta::GROUP
            );
            return Some((format!(".metadata.{field}"), message));
        }
    }
    object.get("status").map(|_| {
        (
            ".status".to_owned(),
            "a status is its controller's to write: remove it".to_owned(),
        )
    })
}

fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + below.unwrap_or_default()
}
