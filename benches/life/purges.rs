//! Many tenants destroyed, while others' changes go on: purges are paced so that nobody waits for them.
//!
//! Kubernetes asks for every kind in the cluster to empty a namespace, so how long a purge takes is mostly its own time.

use std::time::{Duration, Instant};

use clientele::api::{DeletionMode, DeletionPhase, DeletionRequest, DeletionRequestSpec};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Api;
use kube::api::{ListParams, PostParams};

use super::scene::Scene;
use super::shared::Failure;
use super::shared::figures::Waits;
use super::shared::floor::CONCURRENCY;
use super::shared::support::home;

/// Of so many customers one is destroyed.
const SHARE: usize = 10;

/// What came of it.
pub struct Purged {
    /// Tenants destroyed.
    pub tenants: usize,
    /// From the first request to the last tenant that is gone.
    pub took: Duration,
    /// Most namespaces that were going at once.
    pub at_once: usize,
    /// From a hold or its release, of customers that stay, to the status that tells of it; meanwhile.
    pub others: Waits,
}

/// Plays it. The customers that are destroyed stay so: this scene is the last.
pub async fn play(scene: &Scene) -> Result<Purged, Failure> {
    let tenants = (scene.names.len() / SHARE).max(1);
    let (leaving, staying) = scene.names.split_at(tenants);
    let requests: Api<DeletionRequest> =
        Api::namespaced(scene.stage.admin.clone(), &home(&scene.stage.partner));
    let began = Instant::now();
    stream::iter(leaving)
        .map(|name| {
            let requests = &requests;
            let spec = DeletionRequestSpec {
                customer: Some(name.clone()),
                mode: DeletionMode::Now,
                ..DeletionRequestSpec::default()
            };
            let request = DeletionRequest::new(name, spec);
            async move { requests.create(&PostParams::default(), &request).await }
        })
        .buffer_unordered(CONCURRENCY)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    let (mut others, mut at_once) = (Vec::new(), 0);
    for name in staying.iter().cycle() {
        let phases = requests.list(&ListParams::default()).await?;
        let phase =
            |request: &DeletionRequest| request.status.as_ref().and_then(|status| status.phase);
        let count = |wanted| {
            phases
                .iter()
                .filter(|request| phase(request) == Some(wanted))
                .count()
        };
        at_once = at_once.max(count(DeletionPhase::Purging));
        if count(DeletionPhase::Completed) == tenants {
            break;
        }
        others.push(hold_and_release(scene, name).await?);
    }
    Ok(Purged {
        tenants,
        took: began.elapsed(),
        at_once,
        others: Waits::new(others),
    })
}

/// A hold, and its release once that is told; tells how long the hold took.
async fn hold_and_release(scene: &Scene, name: &str) -> Result<Duration, Failure> {
    let held = scene.hold(name, true).await?;
    scene.hold(name, false).await?;
    Ok(held)
}
