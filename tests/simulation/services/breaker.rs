//! Withdrawals that would delete: given time to be taken back, and held where they hit many.

use serde_json::json;

use super::{change, maps, offers, replicas, service, services_message, services_ready, with_web};
use crate::people::{ROOT, customer};
use crate::scenes::{EMEA, GLOBEX, minutes};
use crate::server::Pacing;
use crate::sim::{Sim, story};

/// `globex` and so many others use `web`, whose objects are deleted where it is stopped.
async fn used_by(sim: &Sim, others: usize) {
    with_web(sim).await;
    change(sim, "web", json!({ "onStop": "Delete" }));
    for number in 0..others {
        let mut other = json!(customer(EMEA, &format!("other-{number}")));
        other["spec"]["services"] = json!([{ "name": "web" }]);
        sim.create(&other);
    }
    sim.settle().await;
}

#[test]
fn what_is_withdrawn_is_stopped_at_once_and_deleted_only_when_nobody_has_taken_it_back_for_a_while()
{
    story(Pacing::default(), |sim| async move {
        used_by(&sim, 2).await;
        offers(&sim, "emea", "Except", &["web"]).await;
        assert_eq!(
            (maps(&sim), replicas(&sim)),
            (vec!["web".to_owned()], Some(0))
        );
        let told = services_message(&sim);
        assert!(
            told.contains("unless it is offered again within minutes"),
            "{told}"
        );
        sim.wait(minutes(8)).await;
        offers(&sim, "emea", "All", &[]).await;
        assert_eq!(
            (maps(&sim), replicas(&sim)),
            (vec!["web".to_owned()], Some(2))
        );
        offers(&sim, "emea", "Except", &["web"]).await;
        sim.wait(minutes(9)).await;
        assert_eq!(replicas(&sim), Some(0));
        sim.wait(minutes(2)).await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
        assert_eq!(sim.names("persistentvolumeclaims", GLOBEX), ["web"]);
    });
}

#[test]
fn a_withdrawal_that_hits_many_deletes_nothing_without_a_persons_word() {
    story(Pacing::default(), |sim| async move {
        used_by(&sim, 6).await;
        offers(&sim, "emea", "Except", &["web"]).await;
        sim.wait(minutes(60)).await;
        assert_eq!(
            (maps(&sim), replicas(&sim)),
            (vec!["web".to_owned()], Some(0))
        );
        let told = sim.see("customers", EMEA, "globex")["status"]["conditions"].to_string();
        assert!(
            told.contains("7 customers have lost it") && told.contains("Partner emea"),
            "{told}"
        );
        sim.restart();
        sim.wait(minutes(30)).await;
        assert_eq!(replicas(&sim), Some(0));
        // Another service's name is not its own.
        let say = |names| {
            sim.annotate(
                "partners",
                ROOT,
                "emea",
                "clientele.dev/confirm-withdrawal",
                Some(names),
            )
        };
        say("dns");
        sim.settle().await;
        assert_eq!(replicas(&sim), Some(0));
        say("dns, web");
        sim.settle().await;
        assert_eq!((maps(&sim), replicas(&sim)), (Vec::new(), None));
        assert_eq!(
            (
                service(&sim, "web")["state"].as_str(),
                services_ready(&sim).as_str()
            ),
            (Some("Denied"), "False ServiceWithdrawn")
        );
        assert!(sim.find("configmaps", "emea--other-3", "web").is_none());
    });
}
