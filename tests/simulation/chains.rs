//! Chains of changes: where they end depends on what is asked for in the end, not on the way there, and there and back is nothing.
//!
//! Left out is what rightly depends on the way: defaults that are taken once, plans and routes that stay in force when they are
//! withdrawn, and deletions that are asked for, since who asks from its first moment gets no tenant. Those have stories of their own.

use std::time::Duration;

use clientele::api::Role;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chance::for_many;
use crate::normal::{Cluster, assert_same, less_history};
use crate::people::{ROOT, customer, inner_user, partner, plan, route, user};
use crate::scenes::{EMEA, GLOBEX, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, story, told};

const DACH: &str = "partner-dach";

/// Something that can be set, and to what; the first is what it is at the beginning.
struct Knob {
    plural: &'static str,
    namespace: &'static str,
    name: &'static str,
    field: &'static str,
    values: Vec<Value>,
}

fn knob(
    (plural, namespace, name): (&'static str, &'static str, &'static str),
    field: &'static str,
    values: impl IntoIterator<Item = Value>,
) -> Knob {
    Knob {
        plural,
        namespace,
        name,
        field,
        values: values.into_iter().collect(),
    }
}

fn knobs() -> Vec<Knob> {
    let globex = ("customers", EMEA, "globex");
    let initech = ("customers", DACH, "initech");
    let emea = ("partners", ROOT, "emea");
    let dach = ("partners", EMEA, "dach");
    let business = ("serviceplans", "", "business");
    let ada = ("customerusers", EMEA, "ada");
    let eve = ("customerusers", GLOBEX, "eve");
    let of_people = |name: &str| json!(format!("{name}@globex.example"));
    vec![
        knob(
            globex,
            "plan",
            [json!("business"), json!("big"), json!(null)],
        ),
        knob(globex, "onHold", [json!(null), json!(true), json!(false)]),
        knob(globex, "active", [json!(null), json!(false), json!(true)]),
        knob(
            globex,
            "domain",
            [json!(null), json!("shop.example"), json!("globex.example")],
        ),
        knob(
            globex,
            "deletion",
            [
                json!(null),
                json!({ "protected": true, "gracePeriod": null }),
                json!({ "protected": false, "gracePeriod": "30d" }),
            ],
        ),
        knob(
            globex,
            "displayName",
            [json!("Globex"), json!("Globex GmbH")],
        ),
        knob(
            globex,
            "postalRoutes",
            [
                json!(null),
                json!(["near", "relay"]),
                json!(["nowhere", "relay"]),
                json!(["nowhere"]),
            ],
        ),
        knob(initech, "plan", [json!("business"), json!(null)]),
        knob(
            initech,
            "domain",
            [
                json!(null),
                json!("eu.shop.example"),
                json!("initech.example"),
            ],
        ),
        knob(
            initech,
            "billing",
            [json!({ "currency": "EUR" }), json!(null)],
        ),
        knob(emea, "domain", [json!(null), json!("emea.example")]),
        knob(emea, "adminRole", [json!(null), json!("theirs")]),
        knob(
            emea,
            "staff",
            [
                json!(null),
                json!([{ "group": "sales", "role": "Seller", "scope": "Path" }]),
                json!([{ "user": "boss@emea.example", "role": "Reseller" }]),
            ],
        ),
        knob(dach, "domain", [json!(null), json!("dach.example")]),
        knob(
            dach,
            "customerDefaults",
            [
                json!(null),
                json!({ "plan": "big", "currency": "CHF", "postalRoutes": ["relay"] }),
            ],
        ),
        knob(
            business,
            "quota",
            [
                json!({ "pods": "10", "requests.cpu": "4" }),
                json!({ "pods": "20", "requests.cpu": null }),
            ],
        ),
        knob(business, "maxUsers", [json!(null), json!(1)]),
        knob(
            business,
            "podSecurity",
            [json!("restricted"), json!("baseline")],
        ),
        knob(
            business,
            "containerDefaults",
            [
                json!({ "limits": { "cpu": "500m" }, "requests": { "cpu": "50m" } }),
                json!(null),
            ],
        ),
        knob(
            business,
            "imagePullSecrets",
            [json!(null), json!(["registry"])],
        ),
        knob(
            business,
            "network",
            [
                json!(null),
                json!({ "allowTo": [{ "cidr": "0.0.0.0/0", "ports": [443] }] }),
            ],
        ),
        knob(
            business,
            "namespaceMetadata",
            [
                json!(null),
                json!({ "labels": { "team.example/cost": "retail" } }),
            ],
        ),
        knob(ada, "enabled", [json!(true), json!(false)]),
        knob(ada, "role", [json!("Admin"), json!("Viewer")]),
        knob(eve, "email", [of_people("eve"), of_people("ada")]),
        knob(eve, "role", [json!("Viewer"), json!("Admin")]),
    ]
}

impl Knob {
    fn turn(&self, sim: &Sim, to: usize) {
        let value = &self.values[to % self.values.len()];
        sim.spec(
            self.plural,
            self.namespace,
            self.name,
            json!({ self.field: value }),
        );
    }
}

/// A change: which knob, to which value, and what happens then.
type Change = (usize, usize, Then);

#[derive(Clone, Copy, Debug)]
enum Then {
    Pass(Duration),
    Settle,
    Restart,
}

fn chains() -> impl Strategy<Value = Vec<Change>> {
    let then = prop_oneof![
        4 => Just(Then::Pass(Duration::ZERO)),
        4 => (1..60_u64).prop_map(|ms| Then::Pass(Duration::from_millis(ms))),
        1 => Just(Then::Settle),
        1 => Just(Then::Restart),
    ];
    prop::collection::vec((0..knobs().len(), 0..4_usize, then), 1..25)
}

/// A world in which everything is set like this from its first moment, as far as customers can tell.
async fn world(sim: &Sim, knobs: &[Knob], settings: &[usize]) {
    let turn = |inner: bool| {
        let set = knobs.iter().zip(settings);
        for (knob, to) in set.filter(|(knob, _)| (knob.namespace == GLOBEX) == inner) {
            knob.turn(sim, *to);
        }
    };
    sim.start();
    sim.wait(seconds(1)).await;
    sim.create(&plan("business"));
    sim.create(&plan("big"));
    sim.create(&partner(ROOT, "emea"));
    sim.settle().await;
    sim.create(&partner(EMEA, "dach"));
    let mut relay = route(EMEA, "relay");
    relay.spec.inheritable = true;
    sim.create(&relay);
    sim.create(&route(EMEA, "near"));
    sim.settle().await;
    sim.kill();
    sim.create(&customer(EMEA, "globex"));
    sim.create(&customer(DACH, "initech"));
    sim.create(&user(EMEA, "globex", "ada", Role::Admin));
    sim.create(&user(EMEA, "globex", "bob", Role::Member));
    turn(false);
    sim.start();
    sim.settle().await;
    sim.kill();
    sim.create(&inner_user(GLOBEX, "eve", Role::Viewer));
    turn(true);
    sim.start();
    sim.settle().await;
}

/// The end, once what is paced has been written too.
async fn end(sim: &Sim) -> Cluster {
    sim.wait(minutes(2)).await;
    sim.settle().await;
    less_history(sim.cluster())
}

async fn pass(sim: &Sim, then: Then) {
    match then {
        Then::Pass(time) if time.is_zero() => {}
        Then::Pass(time) => sim.wait(time).await,
        Then::Settle => drop(sim.settle().await),
        Then::Restart => sim.restart(),
    }
}

#[test]
fn a_chain_of_changes_ends_as_if_it_had_always_been_so_and_back_again() {
    let knobs = &knobs();
    let untouched = &vec![0; knobs.len()];
    let fresh = |settings: &[usize]| {
        let settings = settings.to_vec();
        story(Pacing::default(), |sim| async move {
            world(&sim, knobs, &settings).await;
            end(&sim).await
        })
    };
    let before = &fresh(untouched);
    for_many(16, &chains(), |chain| {
        let mut settings = untouched.clone();
        for (which, to, _) in &chain {
            settings[*which] = *to;
        }
        let changed = fresh(&settings);
        story(Pacing::default(), |sim| async move {
            world(&sim, knobs, untouched).await;
            for (which, to, then) in &chain {
                knobs[*which].turn(&sim, *to);
                pass(&sim, *then).await;
            }
            assert_same("always / changed to", &changed, &end(&sim).await);
            for (which, _, then) in chain.iter().rev() {
                knobs[*which].turn(&sim, 0);
                pass(&sim, *then).await;
            }
            assert_same("before / there and back", before, &end(&sim).await);

            let mark = sim.mark();
            sim.restart();
            sim.wait(minutes(60)).await;
            let writes = sim.writes_since(mark);
            assert!(writes.is_empty(), "{}", told(writes.iter()));
        });
    });
}
