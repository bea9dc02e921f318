//! The same end by any path, on the API server: everything applied in any order, some of it set otherwise for a while, some deleted
//! and applied again.
//!
//! Nobody waits for anybody, as with GitOps: what is refused is applied again later. Where two ask for what only one can have, age
//! decides, which cannot be chosen here: that is tried in tests/simulation/orders, as are deaths of the operator. What is left out, since its
//! end rightly depends on the order, is said there too.

mod end;
mod order;
mod things;

use std::time::Duration;

use futures::future::join;
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::sync::OnceCell;

use self::order::Order;
use self::things::{OVER, things};
use crate::support::World;
use crate::support::chance::samples;
use crate::support::normal::Cluster;

/// Orders that are tried at the same time.
const SIDE_BY_SIDE: usize = 6;

/// How long a trial lasts that ends while things are being applied.
const TRIAL: SignedDuration = SignedDuration::from_secs(20);

/// What happens after something was applied. The numbers choose among what is there.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Nothing,
    Pass(Duration),
    /// Something is deleted, to be applied again at the end.
    Delete(usize),
    /// A customer is set otherwise, to be set right at the end.
    Change(usize, usize),
    /// Somebody asks for the deletion of a customer, and takes that back at the end.
    Ask(usize),
}

/// A way to the end.
#[derive(Clone, Debug)]
pub struct Way {
    order: Vec<usize>,
    then: Vec<Then>,
}

fn ways() -> impl Strategy<Value = Way> {
    let then = prop_oneof![
        5 => Just(Then::Nothing),
        4 => (1..500_u64).prop_map(|ms| Then::Pass(Duration::from_millis(ms))),
        1 => (1..3_u64).prop_map(|s| Then::Pass(Duration::from_secs(s))),
        3 => (0..64_usize).prop_map(Then::Delete),
        3 => (0..64_usize, 0..64_usize).prop_map(|(which, to)| Then::Change(which, to)),
        2 => (0..64_usize).prop_map(Then::Ask),
    ];
    let order: Vec<_> = (0..things("any", OVER).len()).collect();
    let way = (
        Just(order).prop_shuffle(),
        prop::collection::vec(then, 0..50),
    );
    way.prop_map(|(order, then)| Way { order, then })
}

/// What the status of each object of a kind tells: its name, this field, and the reason of Ready; in alphabetical order.
fn told(cluster: &Cluster, plural: &str, field: &str) -> Vec<String> {
    let kind = format!("{plural} ");
    let objects = cluster.iter().filter(|(id, _)| id.starts_with(&kind));
    let mut told: Vec<_> = objects
        .map(|(id, object)| {
            let status = &object["status"];
            let mut conditions = status["conditions"].as_array().into_iter().flatten();
            let ready = conditions.find(|one| one["type"] == "Ready");
            let name = id.rsplit('/').next().unwrap_or_default();
            let field = status[field].as_str().unwrap_or_default();
            let reason = ready.and_then(|ready| ready["reason"].as_str());
            format!("{name} {field} {}", reason.unwrap_or_default())
        })
        .collect();
    told.sort();
    told
}

/// The end that all must come to is the right one.
fn is_right(reference: &Cluster) {
    let customers = [
        "acme Stopped TrialEnded",
        "globex Open Settled",
        "hooli Open PlanNotOffered",
        "initech Locked OnHold",
        "soylent Open ServiceNotOffered",
        "stark Locked TrialEnded",
        "tyrell Stopped DeletionPending",
        "umbrella Open Settled",
        "wayne Stopped TrialEnded",
        "weyland Stopped DeletionPending",
    ];
    assert_eq!(told(reference, "customers", "access"), customers);
    let lists = [
        "news Approved Approved",
        "private Pending Pending",
        "waits Pending Pending",
        "wrong Invalid DigestMismatch",
    ];
    assert_eq!(told(reference, "contactlists", "phase"), lists);
}

#[tokio::test]
async fn everything_comes_to_the_same_end_in_any_order() {
    let world = &World::shared().await;
    let end = &format!("{:.0}", Timestamp::now() + TRIAL);
    let careful = Order::new(world, end);
    let reference = OnceCell::new();
    let reference = &reference;
    let in_order = reference.get_or_init(|| careful.reference());
    let in_any_order =
        stream::iter(samples(6, &ways())).for_each_concurrent(SIDE_BY_SIDE, async |way| {
            let order = Order::new(world, end);
            order.go(&way).await;
            // Whoever comes first waits for the one who is careful.
            let reference = reference.get_or_init(|| careful.reference()).await;
            order.comes_to(reference, &way).await;
        });
    let (reference, ()) = join(in_order, in_any_order).await;
    is_right(reference);
}
