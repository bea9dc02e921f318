//! The operator dies at its k-th write, for every k, and another one with empty caches goes on.
//!
//! Whether the write was done before it died or not, the end is that of a run in which nobody died, every object was made and went as
//! often, and then there is silence.

use clientele::domain::deletion::SETTLE;
use proptest::prelude::*;

use crate::chance::for_many;
use crate::normal::{Births, Cluster, assert_same};
use crate::scenes::seconds;
use crate::server::Pacing;
use crate::server::faults::death_at_write;
use crate::sim::{Sim, story_after};
use crate::workloads::{WORKLOADS, Workload};

/// A death: at which write of a life, and whether before that is done.
type Death = (usize, bool);

/// What came of it, and how many of the deaths were died.
struct End {
    cluster: Cluster,
    births: Births,
    died: usize,
}

/// Tells the story with these deaths, the first in the first life, the second in the second.
fn tell(workload: &Workload, deaths: &[Death], seed: u64) -> End {
    let deaths = deaths.to_vec();
    let deeds = workload.deeds;
    let pacing = Pacing {
        seed,
        ..Pacing::default()
    };
    story_after(workload.begin(), pacing, |sim| async move {
        sim.wait(seconds(2)).await;
        let mut deaths = deaths.into_iter();
        let mut next_death = || {
            if let Some((write, before)) = deaths.next() {
                sim.server.set_fault(death_at_write(write, before));
            }
        };
        next_death();
        let mut died = 0;
        for deed in deeds {
            deed(&sim);
            come_to_rest(&sim).await;
            while !sim.server.is_alive() {
                died += 1;
                sim.server.mend();
                next_death();
                sim.restart();
                come_to_rest(&sim).await;
            }
        }
        let mark = sim.mark();
        sim.wait(seconds(90)).await;
        assert!(
            sim.writes_since(mark).is_empty(),
            "not silent: {:?}",
            sim.tally(mark)
        );
        End {
            cluster: sim.cluster(),
            births: sim.births(),
            died,
        }
    })
}

/// What a deed leads to by itself after a while, such as a stop, comes before the next one.
async fn come_to_rest(sim: &Sim) {
    sim.settle().await;
    sim.wait(SETTLE).await;
    sim.settle().await;
}

fn compare(what: &str, reference: &End, end: &End) {
    assert_same(what, &reference.cluster, &end.cluster);
    assert_eq!(reference.births, end.births, "{what}: made and gone");
}

fn sweep(name: &str) {
    let workload = WORKLOADS
        .iter()
        .find(|workload| workload.name == name)
        .expect("there is one");
    let reference = tell(workload, &[], 1);
    for before in [true, false] {
        for write in 0.. {
            let end = tell(workload, &[(write, before)], 1);
            let when = if before { "before" } else { "after" };
            compare(
                &format!("{name}: died {when} write {write}"),
                &reference,
                &end,
            );
            if end.died == 0 {
                assert!(write > 0, "{name} writes nothing");
                break;
            }
        }
    }
}

#[test]
fn a_creation_survives_death_at_every_write() {
    sweep("a customer with two users is made");
}

#[test]
fn a_reseller_and_a_given_number_survive_death_at_every_write() {
    sweep("a reseller and its customer are made, with a number that was given");
}

#[test]
fn a_change_of_plan_survives_death_at_every_write() {
    sweep("a plan is changed, then another one is chosen");
}

#[test]
fn a_hold_and_its_release_survive_death_at_every_write() {
    sweep("a hold and its release");
}

#[test]
fn a_stop_and_its_lifting_survive_death_at_every_write() {
    sweep("a trial ends and is extended");
}

#[test]
fn a_change_of_a_partner_survives_death_at_every_write() {
    sweep("a partner is changed");
}

#[test]
fn users_survive_death_at_every_write() {
    sweep("users come, change and go");
}

#[test]
fn routes_survive_death_at_every_write() {
    sweep("a route comes, another one goes");
}

#[test]
fn a_tenant_survives_that_its_customer_is_made_again_with_death_at_every_write() {
    sweep("a customer is deleted and made again");
}

#[test]
fn a_partner_that_is_made_again_survives_death_at_every_write() {
    sweep("a partner is deleted and made again");
}

#[test]
fn what_is_put_right_survives_death_at_every_write() {
    sweep("somebody tidies up by hand");
}

#[test]
fn a_deletion_that_is_taken_back_survives_death_at_every_write() {
    sweep("a deletion is asked for and taken back");
    sweep("the spec asks for the deletion, and no more");
    sweep("a form is filled in and taken back");
}

#[test]
fn a_deletion_survives_death_at_every_write() {
    sweep("a deletion is asked for and comes to its end");
    sweep("a customer is deleted, and its tenant purged");
}

#[test]
fn a_customer_made_again_by_cancelling_survives_death_at_every_write() {
    sweep("a customer is deleted, and that is cancelled");
}

#[test]
fn a_service_survives_death_at_every_write() {
    sweep("a service is put in, and its offering changes");
}

#[test]
fn a_withdrawal_survives_death_at_every_write() {
    sweep("a service is withdrawn and given back");
}

#[test]
fn the_end_of_a_service_survives_death_at_every_write() {
    sweep("a service is paused, and then removed for good");
}

#[test]
fn two_deaths_in_a_row_are_survived_whenever_they_come() {
    let references: Vec<_> = WORKLOADS
        .iter()
        .map(|workload| tell(workload, &[], 1))
        .collect();
    let death = || (0..12_usize, any::<bool>());
    let strategy = (0..WORKLOADS.len(), death(), death(), any::<u64>());
    for_many(32, &strategy, |(which, first, second, seed)| {
        let end = tell(&WORKLOADS[which], &[first, second], seed);
        let name = WORKLOADS[which].name;
        let what = format!("{name}: died at {first:?} and {second:?}");
        compare(&what, &references[which], &end);
    });
}
