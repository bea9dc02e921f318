//! Deleting every pod of a namespace. Pods carry no label of ours, so there is no watch on them: they are listed once.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use serde_json::Value;

use super::requests::Address;
use crate::error::Cause;

/// Pods deleted at once. The namespaces of many customers may be emptied in the same moment.
const AT_ONCE: usize = 8;

/// How long a pod is given to end, in seconds, whatever it asks for itself: a stop takes effect within half a minute.
const GRACE: u32 = 20;

/// Deletes them page by page, without decoding more of a pod than its name: what a tenant may write into one stops nobody.
///
/// # Errors
/// The first call that fails; what is gone already is no failure. A conflict is: the pod may be there still, or another one of its name.
pub async fn delete_all(client: &Client, namespace: &str) -> kube::Result<()> {
    let pods = Address::pods(namespace);
    let mut after = None;
    loop {
        let page = pods.page(client, after.as_deref()).await?;
        let items = page["items"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let deletions: Vec<_> = items
            .iter()
            .map(|pod| delete(client, &pods, &pod["metadata"]))
            .collect();
        stream::iter(deletions)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        after = page["metadata"]["continue"]
            .as_str()
            .filter(|token| !token.is_empty())
            .map(ToOwned::to_owned);
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn delete(client: &Client, pods: &Address, metadata: &Value) -> kube::Result<()> {
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    // Also one that is going: it may have been given a day to end.
    let deleted = pods
        .delete_within(client, text("name"), text("uid"), Some(GRACE))
        .await;
    match deleted {
        Err(error) if Cause::of(&error) != Cause::NotFound => Err(error),
        _ => Ok(()),
    }
}
