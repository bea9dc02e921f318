//! What must be there before the operator works, and before it calls itself ready.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join;
use futures::stream::{Stream, StreamExt as _, select};

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::meta;
use crate::error::{Cause, Error, chain};
use crate::ops::http::Health;

/// How often, and after what wait, the first thing is tried again.
const TRIES: u32 = 4;
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How often the policies are looked for while something is wrong with them.
const AGAIN: Duration = Duration::from_secs(5);

/// How long the policies must stay as they are before they are looked at.
const SETTLED: Duration = Duration::from_secs(1);

/// The label that everything in deploy/ carries.
const OURS: &str = "app.kubernetes.io/name=clientele";

/// The policies in deploy/policies, each with a binding of its name.
pub const POLICIES: [&str; 27] = [
    "clientele-access",
    "clientele-admin-role",
    "clientele-assign-customers",
    "clientele-assign-partners",
    "clientele-contact-lists",
    "clientele-customer-users",
    "clientele-deletes",
    "clientele-deletion-requests",
    "clientele-fence-bindings",
    "clientele-fence-namespaces",
    "clientele-fence-objects",
    "clientele-going",
    "clientele-namespace-deletes",
    "clientele-namespaces",
    "clientele-owned-objects",
    "clientele-places",
    "clientele-service-objects",
    "clientele-status",
    "clientele-tenant-bindings",
    "clientele-tenant-hosts",
    "clientele-tenant-objects",
    "clientele-tenant-pods",
    "clientele-tenant-secrets",
    "clientele-tenant-services",
    "clientele-tenant-storage",
    "clientele-times",
    "clientele-wishes",
];

/// The policy that keeps the operator to its own namespaces, and a namespace that it must refuse.
const FENCE: &str = "clientele-fence-namespaces";
const OUTSIDE: &str = "outside-the-fence";

/// Makes the namespace of the top-level partners, unless it is there.
///
/// # Errors
/// When it can neither be found nor made, tried again for a while: after an API server has started, good clients are refused
/// for a moment.
pub async fn partners_namespace(client: &Client) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match find_or_make(client, meta::PARTNERS_NAMESPACE).await {
            Ok(()) => return Ok(()),
            Err(error) if tries < TRIES && !Cause::of(&error).is_final() => {
                tries += 1;
                tokio::time::sleep(TRY_AGAIN).await;
            }
            Err(source) => {
                let step = "making the namespace clientele-partners";
                return Err(Error::Call { step, source });
            }
        }
    }
}

async fn find_or_make(client: &Client, name: &str) -> kube::Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_metadata_opt(name).await?.is_some() {
        return Ok(());
    }
    let managed = (
        meta::LABEL_MANAGED_BY.to_owned(),
        meta::MANAGED_BY.to_owned(),
    );
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([managed])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    match namespaces.create(&PostParams::default(), &namespace).await {
        Err(error) if Cause::of(&error) != Cause::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Says "ready" while the policies that the operator relies on exist and the fence really refuses; else why not. Looks again
/// when one of them is changed.
pub async fn readiness(client: Client, health: Health) {
    let mut policies = Box::pin(changes::<ValidatingAdmissionPolicy>(&client));
    let mut bindings = Box::pin(changes::<ValidatingAdmissionPolicyBinding>(&client));
    // Both watches begin before the first look, so that nothing changes unseen in between. Where they cannot, looking says why.
    let begun = join(policies.next(), bindings.next());
    let _ = tokio::time::timeout(AGAIN, begun).await;
    let mut changes = select(policies, bindings);
    loop {
        let checked = check(&client).await;
        let wait = if checked.is_ok() {
            Duration::MAX
        } else {
            AGAIN
        };
        match checked {
            Ok(()) => health.set_ready(true, "at work"),
            Err(reason) => {
                tracing::warn!("not ready: {reason}");
                health.set_ready(false, reason);
            }
        }
        if tokio::time::timeout(wait, changes.next()).await.is_ok() {
            // They are changed together, and the API server compiles what it is given first.
            tokio::time::sleep(SETTLED).await;
            while changes.next().now_or_never().is_some() {}
        }
    }
}

/// An item whenever one of our objects of a kind may have changed.
fn changes<K>(client: &Client) -> impl Stream<Item = ()> + use<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default().labels(OURS).streaming_lists();
    let events = watch(Api::<PartialObjectMeta<K>>::all(client.clone()), config).default_backoff();
    events.filter_map(async |event| match event {
        Ok(Event::Apply(_) | Event::Delete(_) | Event::InitDone) => Some(()),
        Ok(Event::Init | Event::InitApply(_)) => None,
        Err(error) => {
            tracing::warn!("watching the admission policies: {}", chain(&error));
            None
        }
    })
}

async fn check(client: &Client) -> Result<(), String> {
    let ours = ListParams::default().labels(OURS);
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    let (policies, bindings) = futures::try_join!(policies.list(&ours), bindings.list(&ours))
        .map_err(|error| format!("the admission policies cannot be listed: {}", chain(&error)))?;
    let missing: Vec<_> = POLICIES
        .into_iter()
        .filter(|name| {
            !policies.iter().any(|policy| holds(policy, name))
                || !bindings.iter().any(|binding| denies(binding, name))
        })
        .collect();
    if !missing.is_empty() {
        return Err(format!(
            "admission policies are missing, not bound or not as shipped ({}); apply deploy/",
            missing.join(", ")
        ));
    }
    try_the_fence(client).await
}

/// Whether this is the policy of that name, refuses when it fails, and has no expression that the API server cannot check.
fn holds(policy: &ValidatingAdmissionPolicy, name: &str) -> bool {
    let checked = policy
        .status
        .as_ref()
        .and_then(|status| status.type_checking.as_ref());
    let sound = checked.is_none_or(|checked| {
        checked
            .expression_warnings
            .as_ref()
            .is_none_or(Vec::is_empty)
    });
    let fails_closed = policy
        .spec
        .as_ref()
        .is_some_and(|spec| spec.failure_policy.as_deref() == Some("Fail"));
    policy.metadata.name.as_deref() == Some(name) && sound && fails_closed
}

/// Whether this binds the policy of that name so that it denies.
fn denies(binding: &ValidatingAdmissionPolicyBinding, name: &str) -> bool {
    let spec = &binding.spec;
    spec.policy_name == name
        && spec
            .validation_actions
            .iter()
            .any(|action| action == "Deny")
}

/// A policy that failed to load leaves a binding that silently does nothing, so the fence is run into.
async fn try_the_fence(client: &Client) -> Result<(), String> {
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
            "policy {FENCE} does not refuse the operator a namespace of another name; apply deploy/"
        )),
        Err(kube::Error::Api(status)) if status.message.contains(FENCE) => Ok(()),
        Err(error) => Err(format!("the fence cannot be tried: {}", chain(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_policy_that_is_shipped_is_looked_for() {
        let shipped: BTreeSet<String> = std::fs::read_dir("deploy/policies")
            .expect("deploy/policies")
            .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a file"))
            // What is only convenient is not waited for.
            .filter(|text| {
                !text.contains("kind: MutatingAdmissionPolicy")
                    && !text.contains("validationActions: [Warn]")
            })
            .flat_map(|text| {
                let bindings = text
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix("policyName: ").map(str::to_owned));
                bindings.collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(shipped, POLICIES.map(str::to_owned).into());
    }
}
