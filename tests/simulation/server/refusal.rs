//! How the server says no: `Status` objects with the codes and reasons that clients act on.

use serde_json::{Value, json};

use super::object::Id;

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    reason: &'static str,
    message: String,
    cause: Option<&'static str>,
}

impl Refusal {
    /// Any code, as a proxy or an overloaded server gives it.
    pub fn plain(code: u16, reason: &'static str) -> Self {
        Self {
            code,
            reason,
            message: format!("simulated: {reason}"),
            cause: None,
        }
    }

    pub fn not_found(id: &Id) -> Self {
        Self {
            message: format!("{} {:?} not found", id.plural, id.name),
            ..Self::plain(404, "NotFound")
        }
    }

    pub fn unknown_resource() -> Self {
        Self {
            message: "the server could not find the requested resource".to_owned(),
            ..Self::plain(404, "NotFound")
        }
    }

    pub fn already_exists(id: &Id) -> Self {
        Self {
            message: format!("{} {:?} already exists", id.plural, id.name),
            ..Self::plain(409, "AlreadyExists")
        }
    }

    pub fn conflict(id: &Id, what: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: {what} is another one",
            id.plural, id.name
        );
        Self {
            message,
            ..Self::plain(409, "Conflict")
        }
    }

    pub fn invalid(id: &Id, why: &str) -> Self {
        Self {
            message: format!("{} {:?} is invalid: {why}", id.plural, id.name),
            ..Self::plain(422, "Invalid")
        }
    }

    pub fn namespace_terminating(namespace: &str) -> Self {
        let message = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        Self {
            message,
            cause: Some("NamespaceTerminating"),
            ..Self::plain(403, "Forbidden")
        }
    }

    /// A policy of deploy/ denies it.
    pub fn denied(policy: &str, why: &str) -> Self {
        Self {
            message: format!("ValidatingAdmissionPolicy '{policy}' denied request: {why}"),
            ..Self::plain(403, "Forbidden")
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let causes: Vec<_> = self
            .cause
            .iter()
            .map(|reason| json!({ "reason": reason, "message": self.message }))
            .collect();
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": { "causes": causes },
            "code": self.code,
        })
    }
}
