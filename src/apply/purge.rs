//! Deleting a tenant namespace: the only place where one is deleted.
//!
//! A cache may be late, and this cannot be undone. So what the plan has decided on is read anew, from the quorum: the request and the
//! customer must be at the versions that it saw, the namespace must be that customer's, and the deletion carries the version that was
//! read. The namespace is marked with the request's UID first; a policy lets the operator delete no namespace without that mark.

use kube::Client;
use serde_json::{Value, json};

use super::requests::Address;
use super::{Done, failure};
use crate::api::{Reason, meta};
use crate::error::Cause;
use crate::plan::observed::NamespaceSeen;
use crate::plan::step::Failure;
use crate::plan::{Kind, Subject, Written};

/// What is to go, and for whom.
#[derive(Debug)]
pub struct Purge<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// Name of the customer.
    pub customer: &'a str,
    /// UID of the customer that is meant.
    pub customer_uid: &'a str,
    /// Version of the Customer of that name that the plan saw, if it saw one.
    pub customer_version: Option<&'a str>,
}

/// Deletes the namespace, if nothing speaks against it.
pub async fn run(client: &Client, request: &Subject, purge: &Purge<'_>) -> Done {
    match attempt(client, request, purge).await {
        Ok(written) => (written, None),
        Err(failure) => (None, Some(failure)),
    }
}

async fn attempt(
    client: &Client,
    request: &Subject,
    purge: &Purge<'_>,
) -> Result<Option<Written>, Failure> {
    let what = format!("deleting namespace {}", purge.namespace);
    let failed = |error: kube::Error| failure(&what, &error);
    let home = &request.key.namespace;
    let requests = Address::own(Kind::DeletionRequest, home);
    let customers = Address::own(Kind::Customer, home);
    let namespaces = Address::namespaces();
    let (wish, customer, tenant) = futures::join!(
        requests.get(client, &request.key.name),
        customers.get(client, purge.customer),
        namespaces.get(client, purge.namespace),
    );
    let wish = wish.map_err(failed)?;
    let customer = there(customer).map_err(failed)?;
    let Some(tenant) = there(tenant).map_err(failed)? else {
        // Gone already, which the watch will tell too.
        return Ok(None);
    };
    if let Some(objection) = objection(request, &wish, customer.as_ref(), &tenant, purge) {
        return Err(refused(&what, objection));
    }
    let seen = NamespaceSeen::read(&tenant);
    if seen.deleting {
        return Ok(Some(Written::Namespace(seen)));
    }
    let mark = json!({ "metadata": {
        "uid": seen.uid,
        "resourceVersion": seen.resource_version,
        "annotations": { meta::ANNOTATION_PURGE: request.uid },
    } });
    let marked = namespaces
        .merge(client, purge.namespace, &mark)
        .await
        .map_err(failed)?;
    let marked = NamespaceSeen::read(&marked);
    let going = namespaces
        .delete_at(
            client,
            purge.namespace,
            &marked.uid,
            &marked.resource_version,
        )
        .await
        .map_err(failed)?;
    let mut seen = NamespaceSeen::read(&going);
    if seen.uid != marked.uid {
        // An answer that is not the namespace: it is going all the same.
        seen = marked;
        seen.deleting = true;
    }
    Ok(Some(Written::Namespace(seen)))
}

/// The object, or that there is none.
fn there(answer: kube::Result<Value>) -> kube::Result<Option<Value>> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(error) if Cause::of(&error) == Cause::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What speaks against it.
fn objection(
    request: &Subject,
    wish: &Value,
    customer: Option<&Value>,
    tenant: &Value,
    purge: &Purge<'_>,
) -> Option<&'static str> {
    let is = |value: &Value, text: &str| value.as_str() == Some(text);
    let metadata = &wish["metadata"];
    if !is(&metadata["uid"], &request.uid)
        || !is(&metadata["resourceVersion"], &request.resource_version)
    {
        return Some("the DeletionRequest has changed since it was looked at");
    }
    let version = customer.and_then(|customer| customer["metadata"]["resourceVersion"].as_str());
    if version != purge.customer_version {
        return Some("the Customer has changed since it was looked at");
    }
    let labels = &tenant["metadata"]["labels"];
    let ours = is(&labels[meta::LABEL_TYPE], meta::TYPE_TENANT)
        && is(&labels[meta::LABEL_CUSTOMER], purge.customer)
        && is(&labels[meta::LABEL_CUSTOMER_UID], purge.customer_uid);
    (!ours).then_some("the namespace is not that customer's")
}

fn refused(what: &str, objection: &str) -> Failure {
    Failure {
        category: "purge-refused",
        reason: Reason::ApplyFailed,
        message: format!("{what}: not done, since {objection}"),
        // What is known here will be looked at again when the caches know it too.
        retryable: true,
    }
}
