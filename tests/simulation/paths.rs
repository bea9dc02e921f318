//! Partners below partners: what comes down the path, and whose a namespace is.

use clientele::api::{CustomerDefaults, Partner, Role, Staff, StaffRole, StaffScope};
use serde_json::{Value, json};

use crate::people::{ROOT, customer, partner, plan, route, user};
use crate::scenes::{EMEA, GLOBEX, emea, globex, minutes, seconds};
use crate::server::Pacing;
use crate::sim::{Sim, namespace_named, story};

const LEVELS: [(&str, &str); 4] = [
    (ROOT, "top"),
    ("partner-top", "emea"),
    ("partner-emea", "dach"),
    ("partner-dach", "berlin"),
];

fn top() -> Partner {
    let mut top = partner(ROOT, "top");
    top.spec.domain = Some("top.example".into());
    top.spec.staff = [("boss", StaffScope::Path), ("clerk", StaffScope::Own)]
        .map(|(group, scope)| Staff {
            group: Some(group.into()),
            user: None,
            role: StaffRole::Support,
            scope,
        })
        .into();
    top.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some("business".into()),
        postal_routes: Some(vec!["relay".into()]),
        ..CustomerDefaults::default()
    });
    top
}

fn labelled(name: &str, labels: Value) -> Value {
    json!({ "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
}

/// Four levels with a customer at the bottom, made from the top down or all at once from the bottom up.
async fn four_levels(sim: &Sim, from_the_bottom: bool) {
    sim.start();
    sim.wait(seconds(1)).await;
    let mut levels: Vec<_> = LEVELS.to_vec();
    if from_the_bottom {
        levels.reverse();
        for (above, name) in LEVELS {
            let labels = json!({ "clientele.dev/partner": name, "clientele.dev/parent": above });
            sim.create(&labelled(&format!("partner-{name}"), labels));
        }
    }
    let bottom = |sim: &Sim| {
        let mut globex = customer("partner-berlin", "globex");
        globex.spec.plan = None;
        sim.create(&user("partner-berlin", "globex", "ada", Role::Admin));
        sim.create(&globex);
    };
    if from_the_bottom {
        bottom(sim);
    }
    for (above, name) in levels {
        sim.create(&if name == "top" {
            top()
        } else {
            partner(above, name)
        });
        if !from_the_bottom {
            sim.settle().await;
        }
    }
    let mut relay = route("partner-top", "relay");
    relay.spec.inheritable = true;
    sim.create(&relay);
    sim.create(&plan("business"));
    if !from_the_bottom {
        bottom(sim);
    }
    sim.settle().await;
}

#[test]
fn four_levels_come_to_the_same_from_the_top_down_and_from_the_bottom_up() {
    let told = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    for from_the_bottom in [false, true] {
        let told = std::rc::Rc::clone(&told);
        story(Pacing::default(), |sim| async move {
            four_levels(&sim, from_the_bottom).await;
            let status = sim.see("customers", "partner-berlin", "globex")["status"].clone();
            assert_eq!(status["path"], json!(["top", "emea", "dach", "berlin"]));
            assert_eq!(status["plan"], "business");
            assert_eq!(status["postalRoutes"], json!(["relay"]));
            assert_eq!(status["ingressDomain"], "globex.top.example");
            assert_eq!(
                sim.ready("customers", "partner-berlin", "globex"),
                "True Settled"
            );
            assert_eq!(
                sim.ready("customerusers", "partner-berlin", "ada"),
                "True Settled"
            );
            for (position, (above, name)) in LEVELS.into_iter().enumerate() {
                let status = sim.see("partners", above, name)["status"].clone();
                assert_eq!(
                    (&status["customers"], &status["partners"]),
                    (&json!(1), &json!(3 - position)),
                    "{name}"
                );
                assert_eq!(sim.ready("partners", above, name), "True Settled");
                let bound = sim.see(
                    "rolebindings",
                    &format!("partner-{name}"),
                    "clientele-staff-support",
                );
                let names: Vec<_> = bound["subjects"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|s| s["name"].clone())
                    .collect();
                let expected = if name == "top" {
                    json!(["boss", "clerk"])
                } else {
                    json!(["boss"])
                };
                assert_eq!(json!(names), expected, "{name}");
            }
            told.borrow_mut().push(sim.cluster());
        });
    }
    let told = told.borrow();
    // Declared namespaces have neither the labels nor the ServiceAccount's writer of made ones; all else is the same.
    let difference = crate::normal::difference(&told[0], &told[1]);
    assert!(difference.is_empty(), "{difference}");
}

#[test]
fn a_change_at_the_top_reaches_the_bottom_and_a_plan_refused_there_is_refused_below() {
    story(Pacing::default(), |sim| async move {
        four_levels(&sim, false).await;
        sim.spec(
            "partners",
            ROOT,
            "top",
            json!({ "domain": "new.example", "adminRole": "theirs" }),
        );
        sim.spec(
            "partners",
            "partner-emea",
            "dach",
            json!({ "plans": { "policy": "Except", "names": ["big"] } }),
        );
        sim.create(&plan("big"));
        sim.settle().await;
        let status = sim.see("customers", "partner-berlin", "globex")["status"].clone();
        assert_eq!(status["ingressDomain"], "globex.new.example");
        assert_eq!(
            sim.see("rolebindings", "berlin--globex", "globex-admin")["roleRef"]["name"],
            "theirs"
        );
        let plans = |above, name| sim.see("partners", above, name)["status"]["plans"].clone();
        assert_eq!(plans("partner-top", "emea"), json!(["big", "business"]));
        assert_eq!(plans("partner-emea", "dach"), json!(["business"]));
        assert_eq!(plans("partner-dach", "berlin"), json!(["business"]));
        let card = sim.see("configmaps", "partner-berlin", "partner");
        assert!(
            card["data"]["plansRefused"]
                .as_str()
                .unwrap()
                .contains("big: not offered by partner dach")
        );
    });
}

#[test]
fn another_partner_of_a_name_is_refused_and_changes_nothing() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&partner(ROOT, "apac"));
        sim.settle().await;
        let before = sim.see("namespaces", "", EMEA);
        sim.create(&partner("partner-apac", "emea"));
        sim.settle().await;
        assert_eq!(
            sim.ready("partners", "partner-apac", "emea"),
            "False NameTaken"
        );
        assert_eq!(
            sim.condition("partners", "partner-apac", "emea", "Accepted"),
            "False NameTaken"
        );
        assert_eq!(sim.see("namespaces", "", EMEA), before);
        assert_eq!(
            sim.see("customers", EMEA, "globex")["status"]["path"],
            json!(["emea"])
        );
        assert_eq!(
            sim.see("partners", ROOT, "apac")["status"]["customers"],
            0,
            "globex is not below apac"
        );
    });
}

#[test]
fn a_partner_that_moves_takes_its_customers_along_once_its_namespace_says_so() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&partner(ROOT, "apac"));
        sim.settle().await;
        sim.delete("partners", ROOT, "emea");
        sim.settle().await;
        let bindings = sim.names("rolebindings", GLOBEX);
        assert_eq!(
            bindings,
            ["globex-admin"],
            "a partner that goes shuts nobody out of a tenant"
        );
        sim.create(&partner("partner-apac", "emea"));
        sim.settle().await;
        assert_eq!(
            sim.ready("partners", "partner-apac", "emea"),
            "False NameTaken"
        );
        let parent =
            json!({ "metadata": { "labels": { "clientele.dev/parent": "partner-apac" } } });
        sim.edit("namespaces", "", EMEA, parent);
        sim.settle().await;
        assert_eq!(
            sim.ready("partners", "partner-apac", "emea"),
            "True Settled"
        );
        assert_eq!(
            sim.see("customers", EMEA, "globex")["status"]["path"],
            json!(["apac", "emea"])
        );
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.see("partners", ROOT, "apac")["status"]["customers"], 1);
        assert_eq!(sim.see("partners", ROOT, "apac")["status"]["partners"], 1);
    });
}

#[test]
fn partners_and_customers_in_a_wrong_place_are_told_so() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        sim.create(&partner("default", "lost"));
        sim.create(&customer("default", "lost"));
        sim.create(&customer(GLOBEX, "inner"));
        sim.create(&customer(ROOT, "high"));
        sim.create(&route("default", "lost"));
        let mark = sim.mark();
        sim.settle().await;
        for (plural, namespace, name) in [
            ("partners", "default", "lost"),
            ("customers", "default", "lost"),
            ("customers", GLOBEX, "inner"),
            ("customers", ROOT, "high"),
            ("postalroutes", "default", "lost"),
        ] {
            assert_eq!(
                sim.ready(plural, namespace, name),
                "False NotAPartnerNamespace"
            );
        }
        assert!(
            sim.writes_since(mark)
                .iter()
                .all(|call| call.subresource == "status")
        );
    });
}

#[test]
fn a_foreign_namespace_of_a_partners_name_is_left_alone_until_it_says_whose_it_is() {
    story(Pacing::default(), |sim| async move {
        sim.start();
        sim.wait(seconds(1)).await;
        sim.create(&namespace_named(EMEA));
        sim.wait(seconds(5)).await;
        let before = sim.see("namespaces", "", EMEA);
        sim.create(&partner(ROOT, "emea"));
        sim.wait(minutes(5)).await;
        assert_eq!(
            sim.ready("partners", ROOT, "emea"),
            "False NamespaceConflict"
        );
        assert_eq!(sim.see("namespaces", "", EMEA), before);
        assert_eq!(sim.names("configmaps", EMEA), [""; 0]);

        let labels = json!({ "clientele.dev/partner": "emea", "clientele.dev/parent": ROOT });
        sim.edit(
            "namespaces",
            "",
            EMEA,
            json!({ "metadata": { "labels": labels } }),
        );
        sim.settle().await;
        assert_eq!(sim.ready("partners", ROOT, "emea"), "True Settled");
        let uid = sim.see("partners", ROOT, "emea")["metadata"]["uid"].clone();
        let adopted = sim.see("namespaces", "", EMEA);
        assert_eq!(
            adopted["metadata"]["annotations"]["clientele.dev/partner-uid"],
            uid
        );
        assert_eq!(
            adopted["metadata"]["labels"]["clientele.dev/type"],
            "partner"
        );
        assert_eq!(sim.names("configmaps", EMEA), ["partner"]);
    });
}

#[test]
fn a_foreign_namespace_of_a_tenants_name_is_left_alone_and_its_going_is_noticed() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        sim.create(&namespace_named(GLOBEX));
        sim.create(
            &json!({ "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": GLOBEX } }),
        );
        sim.wait(seconds(5)).await;
        let before = sim.see("namespaces", "", GLOBEX);
        sim.create(&customer(EMEA, "globex"));
        sim.create(&user(EMEA, "globex", "ada", Role::Admin));
        sim.wait(minutes(10)).await;
        assert_eq!(
            sim.ready("customers", EMEA, "globex"),
            "False NamespaceConflict"
        );
        assert_eq!(sim.see("namespaces", "", GLOBEX), before);
        assert_eq!(sim.names("configmaps", GLOBEX), ["theirs"]);
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        sim.restart();
        sim.settle().await;
        assert_eq!(sim.see("namespaces", "", GLOBEX), before);

        sim.delete("namespaces", "", GLOBEX);
        sim.wait(minutes(2)).await;
        assert_eq!(sim.ready("customers", EMEA, "globex"), "True Settled");
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
    });
}

#[test]
fn two_names_that_make_one_namespace_never_meet() {
    story(Pacing::default(), |sim| async move {
        emea(&sim).await;
        for (namespace, name) in [(EMEA, "glo--bex"), (EMEA, "-x"), (EMEA, "Globex")] {
            sim.create(&customer(namespace, name));
        }
        sim.create(&partner(ROOT, "em--ea"));
        sim.settle().await;
        for name in ["glo--bex", "-x", "Globex"] {
            assert_eq!(sim.ready("customers", EMEA, name), "False InvalidSpec");
        }
        assert_eq!(sim.ready("partners", ROOT, "em--ea"), "False InvalidSpec");
    });
}
