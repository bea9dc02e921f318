//! What somebody tries, written as the request it is, and tables of such attempts.
//!
//! Requests are sent as they stand, without typed objects between: an attack has no types.

use http::Request;
use kube::Client;
use kube::api::{ApiResource, GroupVersionKind};
use serde_json::Value;

use super::tenancy::Tenant;
use crate::support::{PATIENCE, eventually};

/// A request to the API server.
#[derive(Clone, Debug)]
pub struct Call {
    /// HTTP method.
    pub method: &'static str,
    /// Path with query.
    pub path: String,
    /// What is sent.
    pub body: Option<Value>,
    content_type: &'static str,
}

impl Call {
    fn new(method: &'static str, path: &str, body: Option<Value>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            body,
            content_type: if method == "PATCH" {
                "application/merge-patch+json"
            } else {
                "application/json"
            },
        }
    }

    /// Server-side apply under the operator's field manager.
    pub fn apply(path: &str, body: Value) -> Self {
        Self {
            content_type: "application/apply-patch+yaml",
            ..Self::new(
                "PATCH",
                &format!("{path}?fieldManager=clientele&force=true"),
                Some(body),
            )
        }
    }

    /// The same request, asked without effect.
    pub fn dry(mut self) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str("dryRun=All");
        self
    }

    /// The same request about this tenant.
    pub fn about(&self, tenant: &Tenant) -> Self {
        let body = self.body.as_ref().map(|body| {
            let text = tenant.fill(&body.to_string());
            serde_json::from_str(&text).expect("still JSON")
        });
        Self {
            path: tenant.fill(&self.path),
            body,
            ..self.clone()
        }
    }
}

/// Creates an object in the namespace it names, or else in `{ns}`.
pub fn create(object: Value) -> Call {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("{ns}");
    let collection = collection(&object, &format!("namespaces/{namespace}/"));
    Call::new("POST", &collection, Some(object))
}

/// Creates a cluster-scoped object.
pub fn create_in_cluster(object: Value) -> Call {
    Call::new("POST", &collection(&object, ""), Some(object))
}

/// The path of all objects of this one's kind.
fn collection(object: &Value, scope: &str) -> String {
    let api = object["apiVersion"].as_str().expect("apiVersion");
    let kind = object["kind"].as_str().expect("kind");
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let plural = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)).plural;
    let root = if group.is_empty() { "api" } else { "apis" };
    format!("/{root}/{api}/{scope}{plural}")
}

/// Sends a body to a path: subresources, and what no object describes.
pub fn post(path: &str, body: Value) -> Call {
    Call::new("POST", path, Some(body))
}

/// Changes an object by merge patch.
pub fn patch(path: &str, body: Value) -> Call {
    Call::new("PATCH", path, Some(body))
}

/// Replaces an object.
pub fn put(path: &str, body: Value) -> Call {
    Call::new("PUT", path, Some(body))
}

/// Deletes an object.
pub fn delete(path: &str) -> Call {
    Call::new("DELETE", path, None)
}

/// Deletes an object with these options.
pub fn delete_with(path: &str, options: Value) -> Call {
    Call::new("DELETE", path, Some(options))
}

/// Reads.
pub fn get(path: &str) -> Call {
    Call::new("GET", path, None)
}

/// Sends a request.
pub async fn call(client: &Client, call: &Call) -> kube::Result<Value> {
    let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(call.method)
        .uri(&call.path)
        .header("content-type", call.content_type)
        .body(body.into_bytes())
        .expect("a request");
    let text = client.request_text(request).await?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Sends a request until it goes through: the API server's authorizer learns of a binding, and its policies of a
/// namespace, by watches of their own.
///
/// # Panics
/// When it is refused to the end.
pub async fn until_allowed(client: &Client, request: &Call) -> Value {
    let what = format!("{} {} goes through", request.method, request.path);
    eventually(&what, PATIENCE, async || {
        call(client, request)
            .await
            .map_err(|error| error.to_string())
    })
    .await
}

/// Sends a request, best a dry one, until it is refused with these words; see [`until_allowed`].
///
/// # Panics
/// When it never is.
pub async fn until_refused(client: &Client, request: &Call, words: &str) {
    eventually(words, PATIENCE, async || {
        match call(client, request).await {
            Err(kube::Error::Api(status)) if status.message.contains(words) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// What is tried, and a part of the message it is refused with; `ALLOWED` if it must go through. Where two policies refuse,
/// either may speak first: `one | other`.
pub type Attempt = (&'static str, Call, &'static str);

/// Marks what must go through.
pub const ALLOWED: &str = "";

/// Tries all of them and reports every one that ends otherwise than it must.
///
/// # Panics
/// When there is any.
pub async fn try_all(client: &Client, tenant: &Tenant, attempts: Vec<Attempt>) {
    let mut wrong = Vec::new();
    for (what, request, refusal) in attempts {
        let refusal = tenant.fill(refusal);
        let request = request.about(tenant);
        let mut answer = call(client, &request).await;
        if refusal == ALLOWED && answer.as_ref().is_err_and(is_lack_of_rights) {
            answer = Ok(until_allowed(client, &request).await);
        }
        let said = match answer {
            Ok(_) => None,
            Err(kube::Error::Api(status)) => Some(status.message),
            Err(error) => panic!("{what}: {error}"),
        };
        match said {
            None if refusal != ALLOWED => {
                wrong.push(format!(
                    "{what}: went through, not refused with {refusal:?}"
                ));
            }
            Some(said) if refusal == ALLOWED => wrong.push(format!("{what}: refused: {said}")),
            Some(said) if !refusal.split(" | ").any(|part| said.contains(part)) => {
                wrong.push(format!("{what}: refused, but not with {refusal:?}: {said}"));
            }
            None | Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Whether it was the authorizer that refused.
fn is_lack_of_rights(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403 && status.message.contains(" cannot "))
}
