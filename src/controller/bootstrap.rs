//! What must be there before the operator works, and before it calls itself ready.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::api::meta;
use crate::error::{Cause, Error, chain};
use crate::ops::http::Health;

/// How often the policies are looked for while something is wrong with them.
const AGAIN: Duration = Duration::from_secs(5);

/// The policy that fences the operator in.
const FENCE: &str = "clientele-fence-namespaces";

/// A namespace that the fence must refuse to the operator.
const OUTSIDE: &str = "outside-the-fence";

/// Makes the namespace of the top-level partners, unless it is there.
///
/// # Errors
/// When it can neither be found nor made.
pub async fn partners_namespace(client: &Client) -> Result<(), Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let name = meta::PARTNERS_NAMESPACE;
    let failed = |source| Error::Call {
        step: "making the namespace clientele-partners",
        source,
    };
    if namespaces
        .get_metadata_opt(name)
        .await
        .map_err(failed)?
        .is_some()
    {
        return Ok(());
    }
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(
                meta::LABEL_MANAGED_BY.to_owned(),
                meta::MANAGED_BY.to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    match namespaces.create(&PostParams::default(), &namespace).await {
        Err(error) if Cause::of(&error) != Cause::AlreadyExists => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Says "ready" when the policies that the operator relies on exist and the fence really refuses; until then why not.
pub async fn readiness(client: Client, health: Health) {
    loop {
        match check(&client).await {
            Ok(()) => {
                health.set_ready(true, "at work");
                return;
            }
            Err(reason) => {
                tracing::warn!("not ready: {reason}");
                health.set_ready(false, reason);
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn check(client: &Client) -> Result<(), String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let outside = Namespace {
        metadata: ObjectMeta {
            name: Some(OUTSIDE.to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    match namespaces.create(&dry_run, &outside).await {
        Ok(_) => Err(format!(
            "policy {FENCE} does not refuse the operator a namespace outside its fence; apply deploy/policies"
        )),
        Err(kube::Error::Api(status)) if status.message.contains(FENCE) => Ok(()),
        Err(error) => Err(format!("the fence cannot be tried: {}", chain(&error))),
    }
}
