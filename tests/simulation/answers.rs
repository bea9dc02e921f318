//! Writes that are refused, or done without anybody hearing of it: the end is the same, and everything was made and went as often.

use proptest::prelude::*;

use crate::chance::for_many;
use crate::normal::{Births, Cluster, assert_same};
use crate::scenes::{minutes, seconds};
use crate::server::Pacing;
use crate::server::faults::{Fate, fates_of_writes};
use crate::sim::{story_after, told};
use crate::workloads::{WORKLOADS, Workload};

/// What may become of a write in a bad hour of an API server.
const BAD: [Fate; 9] = [
    Fate::Refused(401, "Unauthorized"),
    Fate::Refused(403, "Forbidden"),
    Fate::Refused(409, "Conflict"),
    Fate::Refused(429, "TooManyRequests"),
    Fate::Refused(500, "InternalError"),
    Fate::Refused(503, "ServiceUnavailable"),
    Fate::DoneBut(504, "Timeout"),
    Fate::DoneAndCut,
    Fate::DoneInSilence,
];

/// Tells the story while the writes of each deed have these fates, and gives what came of it.
fn tell(workload: &Workload, fates: &[Fate], seed: u64) -> (Cluster, Births) {
    let pacing = Pacing {
        seed,
        ..Pacing::default()
    };
    let (deeds, fates) = (workload.deeds, fates.to_vec());
    story_after(workload.begin(), pacing, |sim| async move {
        sim.wait(seconds(2)).await;
        for deed in deeds {
            sim.server.set_fault(fates_of_writes(fates.clone()));
            deed(&sim);
            // Longer than the longest wait after failures.
            sim.wait(minutes(12)).await;
            sim.server.mend();
            sim.settle().await;
        }
        let mark = sim.mark();
        sim.wait(minutes(12)).await;
        let writes = sim.writes_since(mark);
        assert!(writes.is_empty(), "not silent:\n{}", told(writes.iter()));
        (sim.cluster(), sim.births())
    })
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        2 => Just(Fate::Passes),
        1 => prop::sample::select(&BAD[..]),
    ];
    prop::collection::vec(fate, 1..40)
}

#[test]
fn whatever_is_answered_to_writes_the_end_is_the_same() {
    let references: Vec<_> = WORKLOADS
        .iter()
        .map(|workload| tell(workload, &[], 1))
        .collect();
    let strategy = (0..WORKLOADS.len(), fates(), any::<u64>());
    for_many(24, &strategy, |(which, fates, seed)| {
        let (cluster, births) = tell(&WORKLOADS[which], &fates, seed);
        let (reference, born) = &references[which];
        let name = WORKLOADS[which].name;
        assert_same(name, reference, &cluster);
        assert_eq!(*born, births, "{name}: made and gone");
    });
}
