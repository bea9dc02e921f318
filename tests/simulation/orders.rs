//! The same end by any path: everything applied in any order, with any pauses, some of it deleted and applied again, and an operator that
//! dies now and then.
//!
//! Nobody waits for anybody, as with GitOps: what has no namespace yet is refused and applied again later. Where two ask for what only
//! one can have, the older must have it, whatever the order was; the reference is made of the same objects of the same age, one after
//! the other.

use std::collections::VecDeque;
use std::time::Duration;

use clientele::api::{
    CustomerDefaults, NamePolicy, PolicyKind, Role, Staff, StaffRole, StaffScope,
};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chance::for_many;
use crate::normal::{Cluster, assert_same, less_history};
use crate::people::{
    ROOT, customer, inner_user, partner, plan, route, route_with_secret, secret, user,
};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::server::resources::Resource;
use crate::sim::{Sim, namespace_named, story, told};

const DACH: &str = "partner-dach";

/// All that people apply, in the order in which a careful person would.
fn things() -> Vec<Value> {
    let mut declared = namespace_named(DACH);
    declared["metadata"]["labels"] =
        json!({ "clientele.dev/partner": "dach", "clientele.dev/parent": EMEA });
    let mut small = plan("small");
    small.spec.max_users = Some(2);

    let mut emea = partner(ROOT, "emea");
    emea.spec.domain = Some("emea.example".into());
    emea.spec.staff = vec![Staff {
        group: Some("sales".into()),
        role: StaffRole::Seller,
        scope: StaffScope::Path,
        ..Staff::default()
    }];
    emea.spec.customer_defaults = Some(CustomerDefaults {
        postal_routes: Some(vec!["relay".into()]),
        active: Some(true),
        ..CustomerDefaults::default()
    });
    let mut dach = partner(EMEA, "dach");
    dach.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Except,
        names: vec!["small".into()],
    });
    dach.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some("business".into()),
        ..CustomerDefaults::default()
    });
    let mut relay = route_with_secret(EMEA, "relay");
    relay.spec.inheritable = true;

    // Two ask for one number, two for domains of which one is inside the other.
    let mut globex = customer(EMEA, "globex");
    globex.spec.customer_number = Some("C-1".into());
    globex.spec.domain = Some("shop.example".into());
    let mut initech = customer(EMEA, "initech");
    initech.spec.customer_number = Some("C-1".into());
    let mut umbrella = customer(DACH, "umbrella");
    umbrella.spec.domain = Some("eu.shop.example".into());
    umbrella.spec.plan = None;
    // One asks for a plan that is not offered, one has room for two users.
    let mut hooli = customer(DACH, "hooli");
    hooli.spec.plan = Some("small".into());
    hooli.spec.on_hold = Some(true);
    let mut acme = customer(EMEA, "acme");
    acme.spec.plan = Some("small".into());

    // Three have one e-mail.
    let one_mail = |mut user: clientele::api::CustomerUser| {
        user.spec.email = "ada@globex.example".into();
        user
    };
    vec![
        written(&declared),
        written(&plan("business")),
        written(&small),
        written(&emea),
        written(&dach),
        written(&secret(EMEA, "relay")),
        written(&relay),
        written(&route(DACH, "relay")),
        written(&globex),
        written(&initech),
        written(&umbrella),
        written(&hooli),
        written(&acme),
        written(&one_mail(user(EMEA, "globex", "ada", Role::Admin))),
        written(&one_mail(user(EMEA, "globex", "bob", Role::Member))),
        written(&one_mail(inner_user(GLOBEX, "eve", Role::Viewer))),
        written(&user(EMEA, "acme", "joe", Role::Admin)),
        written(&user(EMEA, "acme", "kim", Role::Admin)),
        written(&inner_user("emea--acme", "lee", Role::Member)),
        written(&user(DACH, "umbrella", "pat", Role::Viewer)),
        written(&inner_user("dach--hooli", "sam", Role::Admin)),
    ]
}

fn written(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("serializes")
}

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

/// Goes the way to its end.
async fn go(sim: &Sim, things: &[Value], way: &Way) {
    let mut then = way.then.iter().copied();
    let mut todo: VecDeque<usize> = way.order.iter().copied().collect();
    let (mut there, mut refused) = (Vec::new(), 0);
    while let Some(next) = todo.pop_front() {
        let taken = sim.try_create(&things[next]).is_ok() || things[next]["kind"] == "Namespace";
        if !taken {
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
        there.push(next);
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
                let at = which % there.len();
                if things[there[at]]["kind"] != "Namespace" {
                    let gone = there.swap_remove(at);
                    let (plural, namespace, name) = named(&things[gone]);
                    sim.delete(plural, namespace, name);
                    todo.push_back(gone);
                }
            }
        }
    }
    sim.wake();
    // Secrets are not watched, but looked at again within minutes.
    sim.wait(minutes(15)).await;
    sim.settle().await;
}

fn named(thing: &Value) -> (&'static str, &str, &str) {
    let resource = Resource::of_kind(thing["kind"].as_str().expect("a kind"));
    let text = |field: &str| thing["metadata"][field].as_str().unwrap_or_default();
    (resource.plural, text("namespace"), text("name"))
}

/// Since when, and then by which name, one claims what only one can have. A customer that was made again is as old as the company.
fn claim(sim: &Sim, plural: &str, namespace: &str, name: &str) -> (String, String) {
    let object = sim.see(plural, namespace, name);
    let since = match &object["status"]["customerSince"] {
        Value::Null => &object["metadata"]["creationTimestamp"],
        since => since,
    };
    let since = since.as_str().expect("a time").to_owned();
    (since, format!("{namespace}/{name}"))
}

type Name = (&'static str, &'static str);

/// These, the oldest first.
fn by_age<const N: usize>(sim: &Sim, plural: &str, mut names: [Name; N]) -> [Name; N] {
    names.sort_by_key(|(namespace, name)| claim(sim, plural, namespace, name));
    names
}

const NUMBERED: [Name; 2] = [(EMEA, "globex"), (EMEA, "initech")];

/// Who of the two has the number, and who has not.
fn number_holder(sim: &Sim) -> [Name; 2] {
    let [a, b] = NUMBERED;
    let number = |(namespace, name)| {
        sim.see("customers", namespace, name)["status"]["customerNumber"].clone()
    };
    let [holder, other] = if number(a).is_null() { [b, a] } else { [a, b] };
    assert_eq!((number(holder), number(other)), (json!("C-1"), Value::Null));
    [holder, other]
}

/// Of those who ask for the same, the older has it.
fn the_older_has_it(sim: &Sim) {
    let users = |names| by_age(sim, "customerusers", names);
    let ready = |(namespace, name)| sim.ready("customerusers", namespace, name);
    let [first, others @ ..] = users([(EMEA, "ada"), (EMEA, "bob"), (GLOBEX, "eve")]);
    assert_eq!(ready(first), "True Settled", "{first:?}");
    for other in others {
        assert_eq!(ready(other), "False EmailTaken", "{other:?}");
    }
    let [first, second, last] = users([(EMEA, "joe"), (EMEA, "kim"), ("emea--acme", "lee")]);
    assert_eq!(ready(first), "True Settled", "{first:?}");
    assert_eq!(ready(second), "True Settled", "{second:?}");
    assert_eq!(ready(last), "False TooManyUsers", "{last:?}");

    let [first, last] = by_age(sim, "customers", [(EMEA, "globex"), (DACH, "umbrella")]);
    let hosts = |(namespace, name)| {
        sim.see("customers", namespace, name)["status"]["ingressDomain"].clone()
    };
    assert!(
        !hosts(first).is_null() && hosts(last).is_null(),
        "{first:?}"
    );

    // A number is a fact once it is recorded, so of two made in one second either may have been quicker.
    let [holder, other] = number_holder(sim).map(|(ns, name)| claim(sim, "customers", ns, name).0);
    assert!(holder <= other, "the younger has the number");
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
