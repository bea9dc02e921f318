//! The status, written through its own subresource.

use kube::Client;
use serde::Serialize;
use serde_json::{Value, json};

use super::requests::Address;
use crate::plan::Subject;

/// Writes a status. The UID keeps it from landing on another object of that name.
///
/// # Errors
/// What the API server or the client says.
pub async fn write<S: Serialize>(
    client: &Client,
    own: &Address,
    subject: &Subject,
    status: &S,
) -> kube::Result<Value> {
    let mut metadata = json!({ "name": &*subject.key.name, "uid": subject.uid });
    if !subject.key.namespace.is_empty() {
        metadata["namespace"] = (*subject.key.namespace).into();
    }
    let body = json!({
        "apiVersion": own.api_version,
        "kind": own.kind,
        "metadata": metadata,
        "status": status,
    });
    own.apply_status(client, &subject.key.name, &body).await
}
