//! Tenants whose time has come: a few at a time, none waits for one that is stuck, and what is gone is told to be gone.

use serde_json::json;

use crate::deletions::{filed, history, phase, request, with_partner};
use crate::departures::{confirm, crowd, deleted, held, phases};
use crate::people::customer;
use crate::scenes::{EMEA, GLOBEX, minutes};
use crate::server::Pacing;
use crate::server::faults::Fate;
use crate::server::log::Call;
use crate::sim::{Sim, story};
use crate::trials::{access, ready};

/// Something in a tenant that holds it, until it is let go.
fn hold(sim: &Sim, namespace: &str) {
    sim.create(&json!({ "kind": "ConfigMap", "metadata": { "name": "kept", "namespace": namespace, "finalizers": ["example.com/keep"] } }));
}

fn let_go(sim: &Sim, namespace: &str) {
    let kept = json!({ "metadata": { "finalizers": null } });
    sim.edit("configmaps", namespace, "kept", kept);
}

/// As the namespace controller says it.
fn say_what_holds(sim: &Sim, namespace: &str) {
    let message = "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances";
    let conditions =
        json!([{ "type": "NamespaceFinalizersRemaining", "status": "True", "message": message }]);
    sim.edit(
        "namespaces",
        "",
        namespace,
        json!({ "status": { "conditions": conditions } }),
    );
}

#[test]
fn purges_go_a_few_at_a_time_and_so_many_an_hour_wait_for_a_person() {
    story(Pacing::default(), |sim| async move {
        with_partner(&sim).await;
        crowd(&sim, 24).await;
        for number in 0..24 {
            let mut asked = request(&format!("asked-{number}"));
            asked.spec.customer = Some(format!("crowd-{number}"));
            sim.create(&asked);
        }
        sim.wait(minutes(119)).await;
        let mut most = 0;
        for _ in 0..240 {
            sim.wait(std::time::Duration::from_millis(500)).await;
            most = most.max(phases(&sim, "Purging"));
        }
        sim.settle().await;
        assert!((2..=8).contains(&most), "{most} at once");
        assert_eq!((phases(&sim, "Completed"), held(&sim).len()), (20, 4));
        for name in held(&sim) {
            confirm(&sim, &name);
        }
        sim.settle().await;
        assert_eq!(phases(&sim, "Completed"), 24);
    });
}

#[test]
fn tenants_that_are_stuck_keep_no_others_waiting_for_ever() {
    story(Pacing::default(), |sim| async move {
        with_partner(&sim).await;
        crowd(&sim, 9).await;
        let ask = |number: usize| {
            let mut asked = request(&format!("asked-{number}"));
            asked.spec.customer = Some(format!("crowd-{number}"));
            sim.create(&asked);
        };
        for number in 0..8 {
            hold(&sim, &format!("emea--crowd-{number}"));
            ask(number);
        }
        sim.wait(minutes(1)).await;
        ask(8);
        sim.wait(minutes(120)).await;
        for number in 0..8 {
            say_what_holds(&sim, &format!("emea--crowd-{number}"));
        }
        sim.wait(minutes(2)).await;
        assert_eq!(phases(&sim, "Purging"), 8);
        let waits =
            sim.see("deletionrequests", EMEA, "asked-8")["status"]["conditions"].to_string();
        assert!(waits.contains("it waits for its turn"), "{waits}");
        sim.wait(minutes(4)).await;
        assert_eq!(phase(&sim, "asked-8"), "Completed");
        assert_eq!(phases(&sim, "Purging"), 8);
    });
}

#[test]
fn what_was_destroyed_is_not_said_to_be_taken_back_by_who_comes_after() {
    story(Pacing::default(), |sim| async move {
        deleted(&sim).await;
        let name = filed(&sim);
        hold(&sim, GLOBEX);
        sim.wait(minutes(121)).await;
        assert_eq!(phase(&sim, &name), "Purging");
        // Too late: it waits for the name, and has it before the end of the other is written down.
        sim.create(&customer(EMEA, "globex"));
        sim.settle().await;
        sim.server
            .set_fault(|call: &Call| match call.resource.plural {
                "deletionrequests" => Fate::Refused(409, "Conflict"),
                _ => Fate::Passes,
            });
        let_go(&sim, GLOBEX);
        sim.wait(minutes(2)).await;
        assert_eq!(
            (access(&sim).as_str(), phase(&sim, &name).as_str()),
            ("Open", "Purging")
        );
        sim.server.mend();
        sim.wait(minutes(6)).await;
        sim.settle().await;
        assert_eq!(phase(&sim, &name), "Completed");
        assert_eq!(history(&sim, &name).last().unwrap(), "Completed by -");
        assert_eq!(ready(&sim), "True Settled");
    });
}
