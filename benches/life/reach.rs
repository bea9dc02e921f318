//! A change above that reaches every customer, beside the same writes by a bare client.
//!
//! The floor is the same writes of the same bodies, with another value of the same length, by a client that decides nothing and has
//! as many calls in flight as the operator may have. Whether they are the same the operator itself says: what is above is given that
//! value while the operator is down, and when it comes back it must find nothing to write.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use kube::Client;
use serde_json::Value;

use super::scene::{Scene, Watching, timed};
use super::shared::Failure;
use super::shared::figures::Tally;
use super::shared::support::{Mark, OPERATOR_USER};

/// Calls of the bare client in flight at once, as the operator has by default.
const CALLS: usize = 64;

/// A write, ready to be sent.
pub type Write = Request<Vec<u8>>;

/// Something above all customers that has a value they tell of.
pub trait Above {
    /// Gives it a value.
    async fn give(&self, scene: &Scene, value: &str) -> Result<(), Failure>;

    /// Begins to watch for customers that tell of the value.
    async fn watch(&self, scene: &Scene, value: &str) -> Result<Watching, Failure>;

    /// The operator's writes for the old value, as they would be for another one of the same length.
    async fn writes(&self, scene: &Scene, old: &str, new: &str) -> Result<Vec<Write>, Failure>;
}

/// What came of it.
pub struct Reached {
    /// Customers that were reached, the stage's sample too.
    pub customers: usize,
    /// In order.
    pub rounds: Vec<Round>,
    /// The operator's calls in the last round about customers and their tenants.
    pub calls: Tally,
}

/// The operator, and then the bare client.
pub struct Round {
    /// From the change to the last customer that tells of it.
    pub operator: Duration,
    /// The same writes, bare.
    pub floor: Duration,
    /// How many those were.
    pub writes: usize,
    /// What the operator still found to write in tenants after the bare client: if anything, the floor was not the same.
    pub left: usize,
}

impl Round {
    /// How much longer it took with the operator.
    pub fn ratio(&self) -> f64 {
        self.operator.as_secs_f64() / self.floor.as_secs_f64()
    }
}

/// Changes what is above, so many times.
pub async fn play(scene: &Scene, above: &impl Above, rounds: usize) -> Result<Reached, Failure> {
    let mut played = Vec::new();
    let mut calls = None;
    for round in 0..rounds.max(1) {
        let [by_operator, by_hand] =
            ["operator", "bareones"].map(|by| format!("{by}-{round:03}.example"));
        let before = scene.mark().await;
        let operator = change(scene, above, &by_operator).await?;
        scene.stage.calm().await?;
        calls = Some(calls_about_customers(scene, before).await);

        scene.stage.operator.stop();
        let writes = above.writes(scene, &by_operator, &by_hand).await?;
        let count = writes.len();
        let client = scene
            .stage
            .plane
            .as_service_account("clientele-system", "clientele")
            .await;
        let (sent, floor) = timed(send_all(&client, writes)).await;
        sent?;
        above.give(scene, &by_hand).await?;
        // What an operator reads when it starts comes from the API server's caches, which may be behind after so many writes.
        scene.stage.calm().await?;
        let before = scene.mark().await;
        scene.stage.operator.start()?;
        scene.stage.operator.await_ready()?;
        scene.stage.calm().await?;
        let round = Round {
            operator,
            floor,
            writes: count,
            left: calls_about_customers(scene, before).await.writes,
        };
        eprintln!(
            "    operator {:.1} s, floor {:.1} s, ratio {:.2}",
            round.operator.as_secs_f64(),
            round.floor.as_secs_f64(),
            round.ratio()
        );
        played.push(round);
    }
    Ok(Reached {
        customers: scene.names.len() + 1,
        rounds: played,
        calls: calls.ok_or("no round")?,
    })
}

/// Gives what is above a value, and tells how long it took until the last customer told of it.
async fn change(scene: &Scene, above: &impl Above, value: &str) -> Result<Duration, Failure> {
    let watching = above.watch(scene, value).await?;
    let began = Instant::now();
    above.give(scene, value).await?;
    let told = watching.await?;
    let last = told.values().max().ok_or("no customer was reached")?;
    Ok(last.duration_since(began))
}

/// What the operator has asked for about customers and their tenants since the mark.
async fn calls_about_customers(scene: &Scene, since: Mark) -> Tally {
    let calls = scene.stage.plane.audit().since(since).await;
    let tenants = scene.tenants();
    Tally::of(calls.by(OPERATOR_USER).only(|call| {
        (call.resource.starts_with("customers") && !call.name.is_empty())
            || call.namespace.starts_with(&tenants)
            || call.name.starts_with(&tenants)
    }))
}

/// The objects of a collection, with a query if it is not empty.
pub async fn list(scene: &Scene, path: &str) -> Result<Vec<Value>, Failure> {
    let request = Request::get(path).body(Vec::new())?;
    let mut list: Value = scene.stage.admin.request(request).await?;
    Ok(serde_json::from_value(list["items"].take())?)
}

/// A string in an object.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A patch with this body.
pub fn patch(path: &str, form: &str, body: &Value) -> Result<Write, Failure> {
    let request = Request::patch(path).header("content-type", format!("application/{form}"));
    Ok(request.body(body.to_string().into_bytes())?)
}

async fn send_all(client: &Client, writes: Vec<Write>) -> Result<(), Failure> {
    stream::iter(writes)
        .map(|write| client.request::<Value>(write))
        .buffer_unordered(CALLS)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await?;
    Ok(())
}
