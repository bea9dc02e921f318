//! The same end by any path: everything applied in any order, with any pauses, some of it deleted and applied again, and an operator that
//! dies now and then.
//!
//! Nobody waits for anybody, as with GitOps: what has no namespace yet is refused and applied again later. Where two ask for what only
//! one can have, the older must have it, whatever the order was; the reference is made of the same objects of the same age, one after
//! the other.
//!
//! Left out is what rightly depends on the order: a service that is granted first and withdrawn then stays listed, one that was never
//! granted does not; who is asked to leave before the tenant is made gets none; and a customer that is applied again has taken back
//! what was asked for before. So policies never change here, and a request that stands in the end is filed by somebody who looks first.

mod age;
mod things;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::age::{Name, claim, number_holder, the_older_has_it};
use self::things::things;
use crate::chance::for_many;
use crate::deletions::request;
use crate::normal::{Cluster, assert_same, less_history};
use crate::scenes::{minutes, seconds};
use crate::server::Pacing;
use crate::server::resources::Resource;
use crate::sim::{Sim, story, told};

/// What happens after something was applied.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Pass(Duration),
    Settle,
    Restart,
    /// The operator dies, and another one comes only once somebody waits.
    Die,
    /// One of the things that are there is deleted, to be applied again at the end.
    Delete(usize),
    /// Somebody asks for the deletion of a customer, and takes that back at the end.
    Ask(usize),
    /// The spec of a customer asks for its deletion, and no more at the end.
    Wish(usize),
}

/// What is still to be done.
#[derive(Debug)]
enum Todo {
    Apply(usize),
    Cancel { namespace: String, request: String },
    Unwish(usize),
}

/// A way to the end.
#[derive(Clone, Debug)]
struct Way {
    order: Vec<usize>,
    then: Vec<Then>,
    /// How late watches are.
    lag: Duration,
    seed: u64,
}

fn ways() -> impl Strategy<Value = Way> {
    let then = prop_oneof![
        5 => Just(Then::Nothing),
        3 => (1..80_u64).prop_map(|ms| Then::Pass(Duration::from_millis(ms))),
        2 => (1..4_u64).prop_map(|s| Then::Pass(seconds(s))),
        1 => Just(Then::Settle),
        1 => Just(Then::Restart),
        1 => Just(Then::Die),
        2 => (0..64_usize).prop_map(Then::Delete),
        1 => (0..64_usize).prop_map(Then::Ask),
        1 => (0..64_usize).prop_map(Then::Wish),
    ];
    let order: Vec<_> = (0..things().len()).collect();
    let lag = prop_oneof![Just(2_u64), 2..3_000_u64].prop_map(Duration::from_millis);
    let way = (
        Just(order).prop_shuffle(),
        prop::collection::vec(then, 0..50),
        lag,
        any::<u64>(),
    );
    way.prop_map(|(order, then, lag, seed)| Way {
        order,
        then,
        lag,
        seed,
    })
}

/// Whether somebody who looks first files this request now: its customer has its tenant, and nobody else has asked.
fn may_ask(sim: &Sim, thing: &Value) -> bool {
    let (_, namespace, _) = named(thing);
    let (partner, customer) = match namespace.split_once("--") {
        Some((partner, customer)) => (partner, customer),
        None => (
            &namespace["partner-".len()..],
            thing["spec"]["customer"].as_str().expect("a customer"),
        ),
    };
    let home = format!("partner-{partner}");
    let Some(object) = sim.find("customers", &home, customer) else {
        return false;
    };
    let tenant = sim.find("namespaces", "", &format!("{partner}--{customer}"));
    let owner =
        tenant.map(|tenant| tenant["metadata"]["labels"]["clientele.dev/customer-uid"].clone());
    let open = sim
        .names("deletionrequests", &home)
        .into_iter()
        .any(|name| {
            let other = sim.see("deletionrequests", &home, &name);
            let over = ["Cancelled", "Completed"].map(Value::from);
            other["spec"]["customer"] == customer && !over.contains(&other["status"]["phase"])
        });
    owner.as_ref() == Some(&object["metadata"]["uid"])
        && object["metadata"]["deletionTimestamp"].is_null()
        && !open
}

/// Whether it is there, and not about to go.
fn is_there(sim: &Sim, thing: &Value) -> Option<bool> {
    let (plural, namespace, name) = named(thing);
    let object = sim.find(plural, namespace, name)?;
    Some(object["metadata"]["deletionTimestamp"].is_null())
}

/// Whether something could be done, or need not be done any more.
fn does(sim: &Sim, things: &[Value], todo: &Todo) -> bool {
    match todo {
        Todo::Apply(which) => {
            let thing = &things[*which];
            match thing["kind"].as_str() {
                Some("DeletionRequest") => may_ask(sim, thing) && sim.try_create(thing).is_ok(),
                // Made again already when its deletion was taken back.
                Some("Customer") if is_there(sim, thing) == Some(true) => true,
                Some("Namespace") => {
                    let _ = sim.try_create(thing);
                    true
                }
                _ => sim.try_create(thing).is_ok(),
            }
        }
        Todo::Cancel { namespace, request } => {
            let cancel = json!({ "cancel": { "note": "a mistake" } });
            sim.spec("deletionrequests", namespace, request, cancel);
            true
        }
        Todo::Unwish(which) => match is_there(sim, &things[*which]) {
            Some(true) => {
                let (plural, namespace, name) = named(&things[*which]);
                sim.spec(plural, namespace, name, json!({ "deletion": null }));
                true
            }
            // What is applied again does not ask for it.
            None => true,
            Some(false) => false,
        },
    }
}

/// Goes the way to its end.
async fn go(sim: &Sim, things: &[Value], way: &Way) {
    let mut then = way.then.iter().copied();
    let mut todo: VecDeque<Todo> = way.order.iter().copied().map(Todo::Apply).collect();
    let (mut there, mut refused, mut asked) = (Vec::new(), 0, 0);
    while let Some(next) = todo.pop_front() {
        if !does(sim, things, &next) {
            // Its namespace is not there yet, or its predecessor is still going.
            todo.push_back(next);
            refused += 1;
            if refused > todo.len() {
                sim.wake();
                sim.settle().await;
                refused = 0;
            }
            continue;
        }
        if let Todo::Apply(which) = next {
            there.push(which);
        }
        match then.next().unwrap_or(Then::Nothing) {
            Then::Nothing => {}
            Then::Pass(time) => sim.wait(time).await,
            Then::Settle => {
                sim.wake();
                sim.settle().await;
            }
            Then::Restart => sim.restart(),
            Then::Die => sim.kill(),
            Then::Delete(which) => {
                let may_go = |at: &usize| !stays(things, &there, there[*at]);
                let able: Vec<usize> = (0..there.len()).filter(may_go).collect();
                if let Some(at) = chosen(&able, which) {
                    let gone = there.swap_remove(at);
                    let (plural, namespace, name) = named(&things[gone]);
                    sim.delete(plural, namespace, name);
                    todo.push_back(Todo::Apply(gone));
                }
            }
            Then::Ask(which) => {
                if let Some(customer) = chosen(&can_be_asked(sim, things), which) {
                    let (_, namespace, name) = named(&things[customer]);
                    let mut asks = request(&format!("asks-{asked}"));
                    asks.metadata.namespace = Some(namespace.into());
                    asks.spec.customer = Some(name.into());
                    sim.create(&asks);
                    todo.push_back(Todo::Cancel {
                        namespace: namespace.into(),
                        request: format!("asks-{asked}"),
                    });
                    asked += 1;
                }
            }
            Then::Wish(which) => {
                if let Some(customer) = chosen(&can_be_asked(sim, things), which) {
                    let (plural, namespace, name) = named(&things[customer]);
                    let wish = json!({ "deletion": { "requested": { "reason": "it ends" } } });
                    sim.spec(plural, namespace, name, wish);
                    todo.push_back(Todo::Unwish(customer));
                }
            }
        }
    }
    sim.wake();
    // Secrets are not watched, but looked at again within minutes.
    sim.wait(minutes(15)).await;
    sim.settle().await;
}

fn chosen(among: &[usize], which: usize) -> Option<usize> {
    let count = among.len().max(1);
    among.get(which % count).copied()
}

/// Those in the set that ask for the deletion of this customer.
fn asks_for(things: &[Value], customer: usize) -> Option<usize> {
    let (_, home, name) = named(&things[customer]);
    let tenant = format!("{}--{name}", &home["partner-".len()..]);
    things.iter().position(|thing| {
        let (plural, namespace, _) = named(thing);
        let beside = namespace == home && thing["spec"]["customer"] == name;
        plural == "deletionrequests" && (beside || namespace == tenant)
    })
}

/// What is not deleted: a namespace, and a customer whose deletion somebody wants for good: applied again it would stay.
fn stays(things: &[Value], there: &[usize], which: usize) -> bool {
    match things[which]["kind"].as_str() {
        Some("Namespace") => true,
        Some("Customer") => asks_for(things, which).is_some_and(|asks| there.contains(&asks)),
        _ => false,
    }
}

/// Customers that are there and that nobody wants to leave for good: there is one request at a time.
fn can_be_asked(sim: &Sim, things: &[Value]) -> Vec<usize> {
    let customers = (0..things.len()).filter(|which| things[*which]["kind"] == "Customer");
    customers
        .filter(|which| is_there(sim, &things[*which]) == Some(true))
        .filter(|which| asks_for(things, *which).is_none())
        .collect()
}

fn named(thing: &Value) -> (&'static str, &str, &str) {
    let resource = Resource::of_kind(thing["kind"].as_str().expect("a kind"));
    let text = |field: &str| thing["metadata"][field].as_str().unwrap_or_default();
    (resource.plural, text("namespace"), text("name"))
}

/// The things as old as they have come to be.
fn aged(sim: &Sim, things: &[Value]) -> Vec<Value> {
    let aged = things.iter().map(|thing| {
        let (plural, namespace, name) = named(thing);
        let mut thing = thing.clone();
        thing["metadata"]["creationTimestamp"] = claim(sim, plural, namespace, name).0.into();
        thing
    });
    aged.collect()
}

/// What a careful person comes to, who makes one thing after the other, and first of all who is to have the number.
fn reference(things: &[Value], holder: Name) -> Cluster {
    let is = |thing: &Value, (at, of): Name| named(thing) == ("customers", at, of);
    let (first, others): (Vec<_>, Vec<_>) = things
        .iter()
        .filter(|thing| thing["kind"] != "Namespace")
        .partition(|thing| {
            matches!(thing["kind"].as_str(), Some("ServicePlan" | "Partner")) || is(thing, holder)
        });
    story(Pacing::default(), |sim| async move {
        sim.server.move_clock(SignedDuration::from_hours(24));
        sim.start();
        sim.wait(seconds(1)).await;
        for thing in first.into_iter().chain(others) {
            sim.create(thing);
            sim.wait(seconds(2)).await;
        }
        sim.wait(minutes(15)).await;
        sim.settle().await;
        less_history(sim.cluster())
    })
}

fn nothing_is_written(sim: &Sim, mark: usize) {
    let writes = sim.writes_since(mark);
    assert!(writes.is_empty(), "{}", told(writes.iter()));
}

#[test]
fn everything_comes_to_the_same_end_in_any_order() {
    let things = things();
    for_many(12, &ways(), |way| {
        let pacing = Pacing {
            usual_lag: way.lag,
            seed: way.seed,
            ..Pacing::default()
        };
        let (end, aged, holder) = story(pacing, |sim| {
            let (things, way) = (&things, &way);
            async move {
                sim.start();
                sim.wait(seconds(1)).await;
                go(&sim, things, way).await;
                the_older_has_it(&sim);
                let end = less_history(sim.cluster());

                let mark = sim.mark();
                sim.wait(minutes(60)).await;
                nothing_is_written(&sim, mark);
                sim.restart();
                sim.settle().await;
                nothing_is_written(&sim, mark);
                (end, aged(&sim, things), number_holder(&sim)[0])
            }
        });
        assert_same("in order / in this order", &reference(&aged, holder), &end);
    });
}
