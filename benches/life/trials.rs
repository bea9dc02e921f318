//! Trials that end together: within one minute, each on its own second, and then all in the same second; and their extension
//! in between.
//!
//! When people are out is read in the audit log, where the removal of their bindings has the API server's time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clientele::api::{Access, Customer};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::scene::Scene;
use super::shared::Failure;
use super::shared::figures::{Tally, Waits};
use super::shared::support::{AuditEvent, Mark, OPERATOR_USER, Reports as _};

/// Time in which trials end one after the other.
const MINUTE: usize = 60;

/// What came of it.
pub struct Ended {
    /// Customers whose trial ended.
    pub customers: usize,
    /// Within a minute: from each end to the removal of its binding.
    pub late: Waits,
    /// The operator's calls meanwhile.
    pub calls: Tally,
    /// How long it was watched afterwards.
    pub idle: Duration,
    /// Its calls meanwhile.
    pub idle_calls: Tally,
    /// From the first extension that was asked for to the last customer that was let in again.
    pub restored: Duration,
    /// All in the same second: from the end to the removal of each binding.
    pub together: Waits,
    /// Bindings that were removed before the end.
    pub early: usize,
}

/// Plays it.
pub async fn play(scene: &Scene, idle: Duration) -> Result<Ended, Failure> {
    let (late, calls) = end(scene, |number| number % MINUTE).await?;
    let before = scene.mark().await;
    tokio::time::sleep(idle).await;
    let idle_calls = scene.tally(before).await;
    let restored = extend(scene).await?;
    let (together, _) = end(scene, |_| 0).await?;
    extend(scene).await?;
    let waits =
        |late: &[SignedDuration]| Waits::new(late.iter().map(|late| late.unsigned_abs()).collect());
    let early = late
        .iter()
        .chain(&together)
        .filter(|late| late.is_negative());
    Ok(Ended {
        customers: scene.names.len(),
        early: early.count(),
        late: waits(&late),
        calls,
        idle,
        idle_calls,
        restored,
        together: waits(&together),
    })
}

/// Has every trial end so many seconds after a moment, and tells how late each binding went.
async fn end(
    scene: &Scene,
    second: impl Fn(usize) -> usize,
) -> Result<(Vec<SignedDuration>, Tally), Failure> {
    // Long enough to ask for all of them and for calm to come back.
    let customers = i64::try_from(scene.names.len())?;
    let lead = SignedDuration::from_secs(30) + SignedDuration::from_millis(100 * customers);
    let first: Timestamp = format!("{:.0}", Timestamp::now() + lead).parse()?;
    let ends: Vec<Timestamp> = (0..scene.names.len())
        .map(|number| first + Duration::from_secs(second(number) as u64))
        .collect();
    scene
        .change(|number| json!({"trial": {"endsAt": ends[number].to_string()}}))
        .await?;
    scene.stage.calm().await?;
    let left = Duration::try_from(first.duration_since(Timestamp::now()))
        .map_err(|_| "the first trial ended before all were asked for")?;

    let before = scene.mark().await;
    let watching = scene
        .watch(|customer| is(customer, Access::Stopped))
        .await?;
    tokio::time::sleep(left).await;
    watching.await?;
    scene.stage.calm().await?;
    let gone = gone(scene, before).await;
    let late = scene.names.iter().zip(ends).map(|(name, end)| {
        let gone = gone
            .get(name)
            .ok_or_else(|| format!("{name}: no binding went"))?;
        Ok(gone.duration_since(end))
    });
    let late = late.collect::<Result<_, Failure>>()?;
    Ok((late, scene.tally(before).await))
}

/// Whether a customer's tenant is as this access wants it.
fn is(customer: &Customer, access: Access) -> bool {
    let mut conditions = customer.conditions().iter();
    let ready = conditions.any(|one| one.type_ == "Ready" && one.status == "True");
    ready && customer.status.as_ref().and_then(|status| status.access) == Some(access)
}

/// When the last binding of each customer was removed.
async fn gone(scene: &Scene, since: Mark) -> HashMap<String, Timestamp> {
    let tenants = scene.tenants();
    let calls = scene
        .stage
        .plane
        .audit()
        .since(since)
        .await
        .by(OPERATOR_USER);
    let removed = calls
        .only(|call| call.verb == "delete" && call.resource == "rolebindings" && call.code < 400);
    let named = |call: AuditEvent| {
        let name = call.namespace.strip_prefix(&tenants)?;
        Some((name.to_owned(), call.answered))
    };
    removed.0.into_iter().filter_map(named).collect()
}

/// Extends all trials, and tells how long it took until everybody was let in again.
async fn extend(scene: &Scene) -> Result<Duration, Failure> {
    let watching = scene.watch(|customer| is(customer, Access::Open)).await?;
    let began = Instant::now();
    scene
        .change(|_| json!({"trial": {"endsAt": "2199-01-01T00:00:00Z"}}))
        .await?;
    let back = watching.await?;
    let last = back.values().max().ok_or("nobody was let in again")?;
    let restored = last.duration_since(began);
    scene.stage.calm().await?;
    Ok(restored)
}
