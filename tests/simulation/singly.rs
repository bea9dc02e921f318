//! One thing goes wrong with one write, for each write of each workload and each thing that an API server may do to it: the end is the
//! same, everything was made and went as often, and then there is silence.
//!
//! That is some thousand stories, so usually only a part of them is told, each answer with other writes; `make faults` tells all.

use std::sync::OnceLock;

use clientele::domain::deletion::SETTLE;

use crate::chance::in_full;
use crate::normal::{Births, Cluster, assert_same};
use crate::scenes::{minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::{Fate, fate_at_write};
use crate::sim::{Sim, story_after, told};
use crate::workloads::{WORKLOADS, Workload};

/// Of so many writes usually one is tried with an answer.
const ONE_OF: usize = 24;

/// What goes wrong: from which write on, what happens, and to how many calls.
type Wrong = (usize, Fate, usize);

/// What came of it, and how many writes that took.
struct End {
    cluster: Cluster,
    births: Births,
    writes: usize,
}

fn tell(workload: &Workload, wrong: Option<Wrong>) -> End {
    let deeds = workload.deeds;
    story_after(workload.begin(), Pacing::default(), |sim| async move {
        sim.wait(seconds(2)).await;
        let mark = sim.mark();
        if let Some((write, fate, calls)) = wrong {
            sim.server.set_fault(fate_at_write(write, fate, calls));
        }
        for deed in deeds {
            deed(&sim);
            come_to_rest(&sim, wrong).await;
        }
        let writes = sim.writes_since(mark).len();
        let mark = sim.mark();
        sim.wait(minutes(12)).await;
        let late = sim.writes_since(mark);
        assert!(late.is_empty(), "not silent:\n{}", told(late.iter()));
        End {
            cluster: sim.cluster(),
            births: sim.births(),
            writes,
        }
    })
}

/// What a deed leads to by itself after a while, such as a stop, comes before the next one; so does what is tried again: minutes later
/// where trying again cannot help, as far as anybody knows.
async fn come_to_rest(sim: &Sim, wrong: Option<Wrong>) {
    sim.settle().await;
    let final_word = wrong.is_some_and(|(_, fate, _)| fate == INVALID);
    sim.wait(if final_word { minutes(6) } else { SETTLE }).await;
    sim.settle().await;
}

const INVALID: Fate = Fate::Refused(422, "Invalid");

/// What comes of each workload when nothing goes wrong.
fn references() -> &'static [End] {
    static REFERENCES: OnceLock<Vec<End>> = OnceLock::new();
    REFERENCES.get_or_init(|| WORKLOADS.iter().map(|it| tell(it, None)).collect())
}

fn try_with(fate: Fate, calls: usize) {
    let step = if in_full() { 1 } else { ONE_OF };
    let answer = format!("{fate:?}").len() + calls;
    for (nth, (workload, reference)) in WORKLOADS.iter().zip(references()).enumerate() {
        assert!(reference.writes > 0, "{} writes nothing", workload.name);
        for write in ((nth + answer) % step..reference.writes).step_by(step) {
            let what = format!("{}: {fate:?} at write {write}", workload.name);
            let end = tell(workload, Some((write, fate, calls)));
            assert_same(&what, &reference.cluster, &end.cluster);
            assert_eq!(reference.births, end.births, "{what}: made and gone");
        }
    }
}

#[test]
fn credentials_that_are_refused_once() {
    try_with(Fate::Refused(401, "Unauthorized"), 1);
}

#[test]
fn rights_that_are_missing_for_a_moment() {
    try_with(Fate::Refused(403, "Forbidden"), 6);
}

#[test]
fn a_conflict() {
    try_with(Fate::Refused(409, "Conflict"), 1);
}

#[test]
fn watches_that_expire_before_they_tell_of_it() {
    try_with(Fate::WatchesExpire, 1);
}

#[test]
fn a_refusal_that_sounds_final() {
    try_with(INVALID, 1);
}

#[test]
fn too_many_requests_to_be_tried_again_later() {
    // More often than a call is tried again by itself.
    try_with(Fate::Refused(429, "TooManyRequests"), 5);
}

#[test]
fn an_error_within_the_server() {
    try_with(Fate::Refused(500, "InternalError"), 1);
}

#[test]
fn a_server_that_is_not_available() {
    try_with(Fate::Refused(503, "ServiceUnavailable"), 2);
}

#[test]
fn a_timeout_of_what_was_done() {
    try_with(Fate::DoneBut(504, "Timeout"), 1);
}

#[test]
fn a_connection_that_breaks_after_it_was_done() {
    try_with(Fate::DoneAndCut, 1);
}

#[test]
fn an_answer_that_never_comes() {
    try_with(Fate::DoneInSilence, 1);
}
