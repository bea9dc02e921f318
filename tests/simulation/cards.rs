//! The ConfigMap `partner`: what its staff may read of what it is offered, and of what it is not.

use serde_json::{Value, json};

use crate::people::{ROOT, offering, partner, plan};
use crate::scenes::seconds;
use crate::server::Pacing;
use crate::sim::{Sim, story};

async fn three_levels(sim: &Sim) {
    sim.start();
    sim.wait(seconds(1)).await;
    for name in ["business", "theirs", "ours", "old"] {
        sim.create(&plan(name));
        sim.create(&offering(name, &[]));
    }
    for (above, name) in [
        (ROOT, "top"),
        ("partner-top", "emea"),
        ("partner-emea", "dach"),
    ] {
        sim.create(&partner(above, name));
        sim.settle().await;
    }
}

fn offers(sim: &Sim, above: &str, name: &str, policy: &str, names: &[&str]) {
    let offered = json!({ "policy": policy, "names": names });
    let both = json!({ "plans": offered, "services": offered });
    sim.spec("partners", above, name, both);
}

fn card(sim: &Sim) -> Value {
    sim.see("configmaps", "partner-dach", "partner")["data"].clone()
}

#[test]
fn nobody_is_told_of_plans_and_services_that_are_for_others() {
    story(Pacing::default(), |sim| async move {
        three_levels(&sim).await;
        offers(&sim, ROOT, "top", "Except", &["old"]);
        offers(&sim, "partner-top", "emea", "Only", &["theirs", "ours"]);
        offers(&sim, "partner-emea", "dach", "Only", &["ours"]);
        sim.settle().await;
        let told = card(&sim);
        for kind in ["plans", "services"] {
            assert_eq!(told[kind], "ours");
            let refused = &told[format!("{kind}Refused")];
            assert_eq!(*refused, "old: not offered by partner top\n");
        }
        assert!(!told.to_string().contains("theirs"), "{told}");

        // Nor is it when others get more.
        let mark = sim.mark();
        sim.create(&plan("secret"));
        offers(
            &sim,
            "partner-top",
            "emea",
            "Only",
            &["theirs", "ours", "secret"],
        );
        sim.settle().await;
        let writes = sim.writes_since(mark);
        assert!(
            !writes
                .iter()
                .any(|call| call.what().contains("partner-dach")),
            "{:?}",
            sim.tally(mark)
        );

        // What it is to have itself and does not get, it is told.
        offers(&sim, "partner-top", "emea", "Only", &["ours"]);
        offers(&sim, "partner-emea", "dach", "Only", &["theirs", "ours"]);
        sim.settle().await;
        assert_eq!(
            card(&sim)["plansRefused"],
            "old: not offered by partner top\ntheirs: not offered by partner emea\n"
        );
    });
}
