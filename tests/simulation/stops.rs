//! A tenant that is stopped, and comes back as it was.

use clientele::api::{OnEnd, Role};
use serde_json::{Value, json};

use crate::people::{customer, user};
use crate::scenes::{EMEA, GLOBEX, seconds};
use crate::server::Pacing;
use crate::server::faults::Fate;
use crate::server::log::Call;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};
use crate::trials::{access, is_stopped, on_trial, pod, ready, until_the_end, with_default};

/// The tenant less what says when it was changed.
fn tenant(sim: &Sim) -> Vec<Value> {
    let mut objects = vec![sim.see("namespaces", "", GLOBEX)["metadata"]["labels"].clone()];
    for plural in [
        "resourcequotas",
        "networkpolicies",
        "rolebindings",
        "configmaps",
        "limitranges",
    ] {
        for name in sim.names(plural, GLOBEX) {
            let object = sim.see(plural, GLOBEX, &name);
            let parts = ["spec", "subjects", "roleRef", "data"].map(|part| object[part].clone());
            objects.push(json!([plural, name, parts]));
        }
    }
    objects
}

#[test]
fn a_trial_that_is_extended_or_becomes_a_contract_opens_everything_again_as_it_was() {
    let later = json!({ "trial": { "endsAt": "2199-01-01T00:00:00Z" } });
    for lifting in [
        later,
        json!({ "trial": { "mode": "None" } }),
        json!({ "trial": { "period": "90d" } }),
    ] {
        story(Pacing::default(), |sim| async move {
            on_trial(&sim).await;
            let mut before = tenant(&sim);
            until_the_end(&sim).await;
            sim.settle().await;
            is_stopped(&sim);
            // Also what was changed by hand meanwhile.
            sim.delete("networkpolicies", GLOBEX, "clientele");
            sim.delete("resourcequotas", GLOBEX, "clientele-stopped");
            sim.settle().await;
            is_stopped(&sim);
            sim.spec("customers", EMEA, "globex", lifting);
            sim.settle().await;
            let mut after = tenant(&sim);
            // What its software reads tells of the other end.
            for tenant in [&mut before, &mut after] {
                for object in tenant {
                    if let Some(data) = object.pointer_mut("/2/3").and_then(Value::as_object_mut) {
                        data.remove("trialEndsAt");
                    }
                }
            }
            assert_eq!(after, before);
            assert_eq!(ready(&sim), "True Settled");
            let emptied = &sim.see("namespaces", "", GLOBEX)["metadata"]["annotations"]["clientele.dev/emptied"];
            assert!(emptied.is_null());
        });
    }
}

#[test]
fn a_hold_put_on_a_stopped_tenant_starts_nothing() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        until_the_end(&sim).await;
        sim.settle().await;
        for change in [json!({ "onHold": true }), json!({ "active": false })] {
            sim.spec("customers", EMEA, "globex", change);
            sim.settle().await;
            is_stopped(&sim);
        }
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "mode": "None" } }),
        );
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Locked", "True NotActivated")
        );
        assert_eq!(sim.names("resourcequotas", GLOBEX), ["clientele"]);
    });
}

#[test]
fn a_mistake_in_the_trial_opens_nothing() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        until_the_end(&sim).await;
        sim.settle().await;
        is_stopped(&sim);
        sim.spec(
            "customers",
            EMEA,
            "globex",
            json!({ "trial": { "period": "99999d" } }),
        );
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Stopped", "False InvalidSpec")
        );
        assert_eq!(sim.names("pods", GLOBEX), [""; 0]);
    });
}

#[test]
fn a_stop_is_not_called_done_before_the_pods_are_gone() {
    let pacing = Pacing {
        quota: seconds(20),
        ..Pacing::default()
    };
    story(pacing, |sim| async move {
        on_trial(&sim).await;
        until_the_end(&sim).await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Stopped", "False Progressing")
        );
        assert_eq!(sim.names("pods", GLOBEX), ["web"]);
        sim.wait(seconds(30)).await;
        is_stopped(&sim);
    });
}

#[test]
fn a_pod_whose_deletion_meets_a_conflict_goes_all_the_same() {
    story(Pacing::default(), |sim| async move {
        on_trial(&sim).await;
        let mut conflicts = 2;
        sim.server.set_fault(move |call: &Call| {
            let of_pod = call.verb == Verb::Delete && call.resource.plural == "pods";
            if of_pod && conflicts > 0 {
                conflicts -= 1;
                return Fate::Refused(409, "Conflict");
            }
            Fate::Passes
        });
        until_the_end(&sim).await;
        sim.settle().await;
        is_stopped(&sim);
    });
}

#[test]
fn a_trial_that_ends_with_a_lock_lets_workloads_go_on() {
    story(Pacing::default(), |sim| async move {
        with_default(&sim).await;
        let mut globex = customer(EMEA, "globex");
        globex.spec.trial = Some(clientele::api::TrialSpec {
            on_end: Some(OnEnd::Lock),
            ..Default::default()
        });
        sim.create(&globex);
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.settle().await;
        pod(&sim, "web");
        until_the_end(&sim).await;
        sim.settle().await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Locked", "True TrialEnded")
        );
        assert_eq!(sim.names("pods", GLOBEX), ["web"]);
        assert_eq!(sim.names("resourcequotas", GLOBEX), ["clientele"]);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
    });
}
