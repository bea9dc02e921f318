//! Deleting a tenant namespace: the only place where one is deleted.
//!
//! A cache may be late, and this cannot be undone: all that speaks against it is read anew, from the quorum, and the deletion
//! carries the version that was read. The namespace is marked with the request's UID first; a policy lets the operator delete no
//! namespace without that mark.

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
        return Err(refused(&what, &objection));
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
) -> Option<String> {
    let is = |value: &Value, text: &str| value.as_str() == Some(text);
    let metadata = &wish["metadata"];
    if !is(&metadata["uid"], &request.uid) || !is(&wish["status"]["phase"], "Purging") {
        return Some("the DeletionRequest is not in phase Purging".to_owned());
    }
    if !wish["spec"]["cancel"].is_null() || !metadata["deletionTimestamp"].is_null() {
        return Some("the DeletionRequest was taken back".to_owned());
    }
    if let Some(customer) = customer {
        let metadata = &customer["metadata"];
        let deletion = &customer["spec"]["deletion"];
        if !is(&metadata["uid"], purge.customer_uid) {
            let labels = &tenant["metadata"]["labels"];
            if !is(&labels[meta::LABEL_CUSTOMER_UID], purge.customer_uid) {
                return Some("the Customer was applied again and has the tenant".to_owned());
            }
        } else if deletion["protected"] == true {
            return Some("the Customer is protected".to_owned());
        } else if is(&metadata["annotations"][meta::ANNOTATION_PAUSED], "true") {
            return Some("the Customer is paused".to_owned());
        } else if is(
            &wish["metadata"]["annotations"][meta::ANNOTATION_SOURCE],
            meta::SOURCE_SPEC,
        ) && deletion["requested"].is_null()
        {
            return Some("spec.deletion.requested was removed".to_owned());
        }
    }
    let labels = &tenant["metadata"]["labels"];
    let ours = is(&labels[meta::LABEL_TYPE], meta::TYPE_TENANT)
        && is(&labels[meta::LABEL_CUSTOMER], purge.customer)
        && is(&labels[meta::LABEL_CUSTOMER_UID], purge.customer_uid);
    (!ours).then(|| "the namespace is not that customer's".to_owned())
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
