//! The writes to objects of services, each by a field manager of its own.

use serde_json::{Value, json};

use crate::api::meta;
use crate::domain::pieces;
pub use crate::domain::pieces::PieceKind;
use crate::plan::observed::services::PieceSeen;

/// A write to an object of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct PieceStep {
    /// The object's kind.
    pub kind: PieceKind,
    /// The kind's name in paths.
    pub plural: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// What is done to it.
    pub deed: Deed,
}

/// What is done to an object of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Server-side apply of the whole object, by the field manager of its service.
    Apply {
        /// The service.
        service: String,
        /// The object, sealed.
        body: Value,
        /// The seal.
        seal: String,
    },
    /// Keep it from running, by a field manager that owns nothing else.
    Hold {
        /// Its UID.
        uid: String,
        /// The fields that do so.
        fields: Value,
    },
    /// Let it run again.
    Release {
        /// Its UID.
        uid: String,
    },
    /// Delete it.
    Delete {
        /// Its UID.
        uid: String,
    },
}

/// A body and the field manager that applies it.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// The body.
    pub body: Value,
    /// The field manager.
    pub manager: String,
}

impl PieceStep {
    /// What is to be reached: the same again after a refusal is refused again.
    pub fn aim(&self) -> &str {
        match &self.deed {
            Deed::Apply { seal, .. } => seal,
            Deed::Hold { .. } => "hold",
            Deed::Release { .. } => "release",
            Deed::Delete { .. } => "delete",
        }
    }

    /// What to apply, if anything is applied.
    pub fn application(&self) -> Option<Application> {
        let (uid, fields) = match &self.deed {
            Deed::Apply { service, body, .. } => {
                return Some(Application {
                    body: body.clone(),
                    manager: pieces::manager(service),
                });
            }
            Deed::Hold { uid, fields } => (uid, Some(fields)),
            Deed::Release { uid } => (uid, None),
            Deed::Delete { .. } => return None,
        };
        let mut body = fields.cloned().unwrap_or_else(|| json!({}));
        body["apiVersion"] = self.kind.api_version.clone().into();
        body["kind"] = self.kind.kind.clone().into();
        // The UID keeps it from making an object anew that has gone meanwhile.
        body["metadata"] = json!({ "name": self.name, "namespace": self.namespace, "uid": uid });
        Some(Application {
            body,
            manager: meta::STOP_MANAGER.to_owned(),
        })
    }

    /// What to apply once more where the API server made something else of the fields than was rendered: the same, with a seal
    /// that says so.
    pub fn resealed(&self, seen: &PieceSeen) -> Option<Application> {
        let Deed::Apply { body, seal, .. } = &self.deed else {
            return None;
        };
        if seen.is_as(seal) {
            return None;
        }
        let mut body = body.clone();
        let resealed = pieces::resealed(seal, seen.stored);
        body["metadata"]["annotations"][meta::ANNOTATION_SEAL] = resealed.into();
        Some(Application {
            body,
            ..self.application()?
        })
    }
}
