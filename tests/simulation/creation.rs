//! A customer comes up: in how many writes, in which order, and then there is silence.

use std::collections::BTreeMap;
use std::time::Duration;

use clientele::api::Role;
use serde_json::json;

use crate::people::{ROOT, customer, inner_user, partner, plan, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::server::resources::Verb;
use crate::sim::{Sim, story};

#[test]
fn a_customer_costs_one_write_per_child_one_finalizer_two_statuses_and_no_read() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        let mark = sim.mark();
        sim.create(&customer(EMEA, "globex"));
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.settle().await;

        let others = ["partners/status", "serviceplans/status"];
        let mut tally = sim.tally(mark);
        tally.retain(|what, _| !others.iter().any(|other| what.contains(other)));
        let expected = [
            ("Merge customers partner-emea/globex", 1),
            ("Create namespaces emea--globex", 1),
            ("Apply resourcequotas emea--globex/clientele", 1),
            ("Apply limitranges emea--globex/clientele", 1),
            ("Apply networkpolicies emea--globex/clientele", 1),
            ("Apply serviceaccounts emea--globex/default", 1),
            ("Apply configmaps emea--globex/customer", 1),
            ("Apply rolebindings emea--globex/globex-admin", 1),
            ("Apply customers/status partner-emea/globex", 2),
            ("Apply customerusers/status partner-emea/ada", 2),
        ];
        let expected: BTreeMap<String, usize> = expected
            .map(|(what, times)| (what.to_owned(), times))
            .into();
        assert_eq!(tally, expected);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "ada"), "True Settled");
    });
}

#[test]
fn a_settled_world_is_silent_and_a_restart_writes_nothing() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mark = sim.mark();
        sim.wait(minutes(180)).await;
        sim.silent_since(mark);

        sim.restart();
        let mark = sim.mark();
        sim.wait(minutes(30)).await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
        let state = sim.server.state();
        let mut watches = BTreeMap::<_, usize>::new();
        let begun = state.calls[mark..]
            .iter()
            .filter(|call| call.at < state.calls[mark].at + seconds(60));
        for call in begun.filter(|call| call.verb == Verb::Watch) {
            *watches.entry(call.resource.plural).or_default() += 1;
        }
        assert!(
            watches.len() == 18 && watches.values().all(|&n| n == 1),
            "{watches:?}"
        );
    });
}

#[test]
fn the_operator_calls_itself_ready_when_the_policies_hold() {
    story(Pacing::default(), |sim| async move {
        sim.server.write("person", |store, _| {
            let bindings: Vec<_> = store
                .of("validatingadmissionpolicybindings")
                .map(|(id, _)| id.clone())
                .collect();
            store.remove(&bindings[0]);
        });
        sim.start();
        sim.settle().await;
        assert!(!sim.health.borrow().ready().0);
    });
    story(Pacing::default(), |sim| async move {
        sim.start();
        sim.settle().await;
        assert!(
            sim.health.borrow().ready().0,
            "{:?}",
            sim.health.borrow().ready()
        );
    });
}

#[test]
fn a_policy_that_goes_later_is_noticed_and_so_is_its_return() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let ready = |sim: &Sim| sim.health.borrow().ready();
        let plural = "validatingadmissionpolicies";
        let fence = sim.see(plural, "", "clientele-status");
        sim.delete(plural, "", "clientele-status");
        sim.settle().await;
        let (is, why) = ready(&sim);
        assert!(!is && why.contains("clientele-status"), "{why}");
        sim.plant(&fence);
        sim.settle().await;
        assert!(ready(&sim).0, "{}", ready(&sim).1);
        // Nothing is asked for while nothing changes.
        let mark = sim.mark();
        sim.wait(minutes(60)).await;
        sim.silent_since(mark);
    });
}

#[test]
fn a_file_applied_in_one_go_ends_like_one_applied_step_by_step() {
    story(Pacing::default(), |sim| async move {
        sim.start();
        sim.settle().await;
        // The order that is worst: the user before the customer, before the partner, before the plan, all at once.
        let labels = json!({ "clientele.dev/partner": "emea", "clientele.dev/parent": ROOT });
        sim.create(&json!({ "kind": "Namespace", "metadata": { "name": EMEA, "labels": labels } }));
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.create(&customer(EMEA, "globex"));
        sim.create(&partner(ROOT, "emea"));
        sim.create(&plan("business"));
        let took = sim.settle().await;
        assert!(took < seconds(10), "{took:?}");
        for (plural, name) in [("customers", "globex"), ("customerusers", "ada")] {
            assert_eq!(sim.ready(plural, EMEA, name), "True Settled");
        }
        assert_eq!(sim.see("partners", ROOT, "emea")["status"]["customers"], 1);
    });
}

#[test]
fn a_tenant_without_people_is_ready_before_the_quota_is_in_force() {
    let pacing = Pacing {
        quota: minutes(5),
        ..Pacing::default()
    };
    story(pacing, |sim| async move {
        emea(&sim).await;
        sim.create(&customer(EMEA, "globex"));
        sim.wait(seconds(2)).await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
    });
}

#[test]
fn people_are_let_in_once_the_quota_is_in_force_and_not_before() {
    let pacing = Pacing {
        quota: seconds(20),
        ..Pacing::default()
    };
    story(pacing, |sim| async move {
        emea(&sim).await;
        sim.create(&customer(EMEA, "globex"));
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.create(&user(EMEA, "globex", "bob", Role::Viewer));
        sim.wait(seconds(15)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(sim.ready("customers", EMEA, "globex"), "False Progressing");
        assert_eq!(sim.ready("customerusers", EMEA, "bob"), "False Progressing");
        sim.wait(seconds(10)).await;
        assert_eq!(
            sim.names("rolebindings", GLOBEX),
            ["globex-admin", "globex-viewer"]
        );
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.ready("customerusers", EMEA, "bob"), "True Settled");
    });
}

#[test]
fn the_default_service_account_that_comes_late_or_early_delays_nothing_and_mounts_no_token() {
    for delay in [seconds(0), seconds(3), minutes(10)] {
        let pacing = Pacing {
            service_account: delay,
            ..Pacing::default()
        };
        story(pacing, |sim| async move {
            emea(&sim).await;
            sim.create(&customer(EMEA, "globex"));
            sim.wait(seconds(2)).await;
            assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
            sim.wait(minutes(11)).await;
            let account = sim.see("serviceaccounts", GLOBEX, "default");
            assert_eq!(account["automountServiceAccountToken"], false);
        });
    }
}

#[test]
fn a_user_in_the_tenant_namespace_is_let_in_like_one_beside_the_customer() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&inner_user(GLOBEX, "eve", Role::Member));
        sim.settle().await;
        assert_eq!(sim.ready("customerusers", GLOBEX, "eve"), "True Settled");
        assert_eq!(
            sim.names("rolebindings", GLOBEX),
            ["globex-admin", "globex-member"]
        );
        assert_eq!(sim.see("customers", EMEA, "globex")["status"]["users"], 2);
    });
}

#[test]
fn a_number_that_is_being_given_is_not_given_again_to_somebody_with_a_better_claim() {
    // Of two in one second the one whose name sorts first has the better claim.
    for ms in 0..12 {
        story(Pacing::default(), |sim| async move {
            emea(&sim).await;
            for name in ["initech", "globex"] {
                let mut customer = customer(EMEA, name);
                customer.spec.customer_number = Some("C-1".into());
                sim.create(&customer);
                sim.wait(Duration::from_millis(ms)).await;
            }
            sim.settle().await;
            let mut verdicts = ["globex", "initech"].map(|name| sim.ready("customers", EMEA, name));
            verdicts.sort();
            assert_eq!(verdicts, ["False NumberTaken", "True Settled"], "{ms} ms");
        });
    }
}
