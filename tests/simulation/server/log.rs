//! What was asked of the server.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::resources::{Asked, Resource, Verb};

/// One call of the operator that has arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// Since the simulation began.
    pub at: Duration,
    pub verb: Verb,
    pub resource: &'static Resource,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub dry_run: bool,
    /// HTTP status of the answer, had it arrived.
    pub code: u16,
    /// Whether the store is another one since.
    pub changed: bool,
    pub body: Value,
}

impl Call {
    pub fn new(at: Duration, asked: &Asked, body: Value) -> Self {
        let named = body["metadata"]["name"].as_str().unwrap_or_default();
        Self {
            at,
            verb: asked.verb,
            resource: asked.resource,
            subresource: asked.subresource.clone(),
            namespace: asked.namespace.clone(),
            name: if asked.name.is_empty() {
                named
            } else {
                &asked.name
            }
            .to_owned(),
            dry_run: !asked.parameter("dryRun").is_empty(),
            code: 0,
            changed: false,
            body,
        }
    }

    /// Whether it is a write of state: Events are news, and a dry run is a question.
    pub fn is_write(&self) -> bool {
        self.verb.writes() && !self.dry_run && !self.is_event() && !self.is_question()
    }

    /// Whether it asks what it may do.
    pub fn is_question(&self) -> bool {
        self.resource.kind == "SelfSubjectAccessReview"
    }

    /// Whether it publishes an Event.
    pub fn is_event(&self) -> bool {
        self.resource.kind == "Event"
    }

    /// `Apply resourcequotas emea--globex/clientele`, the way tests speak of calls.
    pub fn what(&self) -> String {
        let slash = |text: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!("{text}/")
            }
        };
        let sub = if self.subresource.is_empty() {
            String::new()
        } else {
            format!("/{}", self.subresource)
        };
        let plural = self.resource.plural;
        format!(
            "{:?} {plural}{sub} {}{}",
            self.verb,
            slash(&self.namespace),
            self.name
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noop = if self.code < 300 && self.verb.writes() && !self.changed {
            " (no change)"
        } else {
            ""
        };
        write!(
            f,
            "{:9.3} s  {} → {}{noop}",
            self.at.as_secs_f64(),
            self.what(),
            self.code
        )
    }
}
