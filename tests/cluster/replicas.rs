//! Two operators and one Lease: one works, the other takes its place, and at no time do both write.
//!
//! What elections do to each other is tried on a clock in tests/wire/lease.rs. Here are two real processes. They have one
//! ServiceAccount, as replicas do, and are told apart in the audit log by their tokens.

use std::time::Duration;

use clientele::api::{Customer, Partner, Role};
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt as _;
use serde_json::json;

use crate::steps::{change, settled, until_so};
use crate::support::{
    AuditEvent, Calls, Mark, OPERATOR_USER, Operator, PATIENCE, World, customer, eventually,
    unique, until, user,
};

/// Looks at the Lease in which the one that stands by has taken it when its leader is lost without a word: 20 s (DESIGN), a look
/// every two. Counted and not timed, since a machine that has no time looks less often.
const FAILOVER: usize = 10;

/// The same when the leader has been asked to end. It takes one, or another if the API server did not answer that; to wait until
/// the Lease has run out would take seven.
const HANDOVER: usize = 3;

/// Enough customers for a leader to be in the midst of them.
const SOME: usize = 12;

/// The operator of the run, which leads at first, and another one that stands by.
struct Replicas {
    // Fields go in this order: the second ends before the others go on.
    second: Operator,
    tokens: [String; 2],
    partner: Partner,
    world: World,
}

impl Replicas {
    async fn begin() -> Self {
        let world = World::alone().await;
        let partner = world.provider().await;
        let second = Operator::replica(world.plane, &unique("replica-")).expect("started");
        let replicas = Self {
            tokens: [
                world.operator().credential().await,
                second.credential().await,
            ],
            second,
            partner,
            world,
        };
        replicas.second.await_standing_by().expect("it stands by");
        replicas
    }

    fn first(&self) -> &Operator {
        self.world.operator()
    }

    async fn mark(&self) -> Mark {
        self.world.plane.audit().mark().await
    }

    /// What the two have asked for since then.
    async fn calls(&self, since: Mark) -> [Calls; 2] {
        let calls = self.world.plane.audit().since(since).await;
        let calls = calls.by(OPERATOR_USER);
        let [first, second] = &self.tokens;
        [calls.clone().with(first), calls.with(second)]
    }

    /// What the two have changed since then, or have tried to; the Lease is theirs to fight over.
    async fn writes(&self, since: Mark) -> [Vec<AuditEvent>; 2] {
        let work = |call: &AuditEvent| call.is_write() && call.resource != "leases";
        self.calls(since).await.map(|calls| calls.only(work).0)
    }

    /// Fails unless both have written since then, the second when the first wrote no more.
    async fn took_turns(&self, since: Mark) {
        let [before, after] = self.writes(since).await;
        let last = before.iter().max_by_key(|call| call.received);
        let first = after.iter().min_by_key(|call| call.received);
        let (last, first) = (last.expect("the first wrote"), first.expect("the second"));
        assert!(last.received < first.received, "{last:?}\n{first:?}");
    }

    /// How often the second looked at the Lease until it took it, since then or since the first wrote it for the last time.
    async fn looks_before_taking(&self, since: Mark) -> usize {
        let leases = |call: &AuditEvent| call.resource == "leases";
        let [first, second] = self.calls(since).await.map(|calls| calls.only(leases));
        let last = first.writes().0.into_iter().map(|call| call.answered).max();
        let taking = |call: &&AuditEvent| call.is_write() && call.code == 200;
        let taken = second.0.iter().find(taking).expect("the second took it");
        let taken = taken.received;
        let looks = second.only(|call| !call.is_write() && call.received <= taken);
        looks.only(|call| last < Some(call.received)).count()
    }

    /// Customers that nobody waits for.
    async fn asked_for(&self) -> Vec<Customer> {
        let customers: Vec<_> = (0..SOME)
            .map(|_| customer(&self.partner, &unique("customer-")))
            .collect();
        join_all(customers.iter().map(|one| self.world.create(one))).await
    }

    /// Asks for a change and waits until it has been made.
    async fn changed(&self, customer: &Customer) {
        let held = json!({"spec": {"onHold": true}});
        let customer = change(&self.world, customer, held).await;
        self.world.ready(&customer).await;
    }

    /// The cluster as it was found: the operator of the run leads again.
    async fn end(self) {
        self.first().start().expect("started");
        self.first().await_ready().expect("ready");
        let leases = self.world.api::<Lease>("clientele-system");
        self.second.stop();
        until(leases, "clientele", "given back", |lease| {
            holder(lease) == Some("clientele-0")
        })
        .await;
        self.first().await_ready().expect("at work");
    }
}

impl Drop for Replicas {
    /// A test that fails leaves no operator paused.
    fn drop(&mut self) {
        self.first().go_on();
    }
}

fn holder(lease: Option<&Lease>) -> Option<&str> {
    lease?.spec.as_ref()?.holder_identity.as_deref()
}

#[tokio::test]
async fn the_one_that_stands_by_asks_for_nothing_but_the_lease() {
    let replicas = Replicas::begin().await;
    let before = replicas.mark().await;
    let customers = replicas.asked_for().await;
    join_all(customers.iter().map(|one| replicas.world.ready(one))).await;
    replicas.changed(&customers[0]).await;
    let mark = replicas.mark().await;
    // Longer than between two looks at the Lease.
    eventually("looked again", PATIENCE, async || {
        let [_, idle] = replicas.calls(mark).await;
        if idle.count() > 0 {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    })
    .await;

    let [busy, idle] = replicas.calls(before).await;
    assert!(busy.writes().count() > SOME);
    let counts = idle.counts();
    let asked: Vec<_> = counts.keys().map(String::as_str).collect();
    assert_eq!(asked, ["get leases"]);
    replicas.end().await;
}

#[tokio::test]
async fn a_leader_that_is_killed_is_replaced_within_twenty_seconds() {
    let replicas = Replicas::begin().await;
    let globex = replicas.world.customer(&replicas.partner, "globex").await;
    let before = replicas.mark().await;
    let customers = replicas.asked_for().await;
    let lost = replicas.mark().await;
    replicas.first().kill();
    replicas.changed(&globex).await;
    let looks = replicas.looks_before_taking(lost).await;
    assert!(looks <= FAILOVER, "{looks} looks");

    // What was under way is brought to its end, and one that comes back does not interfere.
    join_all(customers.iter().map(|one| replicas.world.ready(one))).await;
    replicas.took_turns(before).await;
    let before = replicas.mark().await;
    replicas.first().start().expect("started");
    replicas.first().await_standing_by().expect("it stands by");
    let more = replicas.asked_for().await;
    join_all(more.iter().map(|one| replicas.world.ready(one))).await;
    let [back, _] = replicas.writes(before).await;
    assert!(back.is_empty(), "{back:?}");
    replicas.end().await;
}

#[tokio::test]
async fn a_leader_that_is_asked_to_end_hands_over_at_once() {
    let replicas = Replicas::begin().await;
    let globex = replicas.world.customer(&replicas.partner, "globex").await;
    let before = replicas.mark().await;
    let customers = replicas.asked_for().await;
    let ended = replicas.first().stop().expect("it was running");
    assert_eq!(ended.code(), Some(0), "{ended}");
    replicas.changed(&globex).await;
    let looks = replicas.looks_before_taking(before).await;
    assert!(looks <= HANDOVER, "{looks} looks");
    join_all(customers.iter().map(|one| replicas.world.ready(one))).await;
    replicas.took_turns(before).await;
    replicas.end().await;
}

#[tokio::test]
async fn a_leader_that_is_paused_past_its_lease_writes_nothing_when_it_goes_on() {
    let replicas = Replicas::begin().await;
    let world = &replicas.world;
    let customers = replicas.asked_for().await;
    for customer in &customers {
        settled(world, &user(customer, &customer.name_any(), Role::Admin)).await;
    }
    // It has work when it wakes up: trials are over that it was to end, and it has not heard of what was changed meanwhile.
    // Not so soon that it is at work when it is paused: what is on its way then is not called back.
    let over = Timestamp::now() + Duration::from_secs(30);
    let trial = json!({"spec": {"trial": {"endsAt": format!("{over:.0}")}}});
    for customer in &customers {
        let customer = change(world, customer, trial.clone()).await;
        until_so(world, &customer, "on trial", |customer| {
            let status = customer.status.as_ref();
            status.is_some_and(|status| status.trial_ends_at.is_some())
        })
        .await;
    }
    let ends = replicas.first().ends().len();
    let lost = replicas.mark().await;
    replicas.first().pause();
    let domain = json!({"spec": {"domain": "meanwhile.example"}});
    change(world, &replicas.partner, domain).await;
    replicas.changed(&customers[0]).await;
    let looks = replicas.looks_before_taking(lost).await;
    assert!(looks <= FAILOVER, "{looks} looks");
    for customer in &customers {
        until_so(world, customer, "stopped, with its domain", |customer| {
            let status = customer.status.as_ref();
            status.is_some_and(|status| {
                status.domain.as_deref() == Some("meanwhile.example")
                    && status.access == Some(clientele::api::Access::Stopped)
            })
        })
        .await;
    }

    let before = replicas.mark().await;
    replicas.first().go_on();
    eventually("it knows that it leads no more", PATIENCE, async || {
        let ends = replicas.first().ends().split_off(ends);
        match ends.first().map(std::process::ExitStatus::code) {
            Some(Some(5)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    // Started again, as a kubelet does, it stands by.
    replicas.first().await_standing_by().expect("it stands by");
    let [late, _] = replicas.writes(before).await;
    assert!(late.is_empty(), "{late:?}");
    replicas.end().await;
}
