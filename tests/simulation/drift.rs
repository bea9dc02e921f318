//! What somebody changes by hand is put back; what is theirs stays; and nobody fights at the speed of the network.

use serde_json::{Value, json};

use crate::normal::{Cluster, assert_same};
use crate::people::plan;
use crate::scenes::{EMEA, GLOBEX, furnished, globex, minutes, seconds};
use crate::server::resources::{Resource, Verb};
use crate::server::{Pacing, Server, object::Id};
use crate::sim::{Sim, story};

/// Everything the operator manages, by resource, namespace and name.
fn managed(sim: &Sim) -> Vec<Id> {
    let state = sim.server.state();
    let ours = state.store.all().filter(|(id, object)| {
        let plain = !Resource::named(id.plural).is_own() && id.plural != "namespaces";
        plain && object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "clientele"
    });
    ours.map(|(id, _)| id.clone()).collect()
}

/// The cluster, less UIDs: what was deleted is put back under another one.
fn bodies(sim: &Sim) -> Cluster {
    let mut cluster = sim.cluster();
    for object in cluster.values_mut() {
        object["metadata"]["uid"] = Value::Null;
    }
    cluster
}

#[test]
fn every_managed_object_that_somebody_deletes_is_put_back_by_one_write() {
    story(Pacing::default(), |sim| async move {
        furnished(&sim).await;
        let (before, objects) = (bodies(&sim), managed(&sim));
        assert_eq!(objects.len(), 13, "{objects:?}");
        for id in objects {
            let mark = sim.mark();
            sim.delete(id.plural, &id.namespace, &id.name);
            sim.settle().await;
            assert_same(&format!("{id:?}"), &before, &bodies(&sim));
            let writes = sim.writes_since(mark);
            let objects: Vec<_> = writes
                .iter()
                .filter(|call| call.subresource.is_empty())
                .collect();
            assert_eq!(objects.len(), 1, "{id:?}: {objects:?}");
        }
    });
}

#[test]
fn every_managed_object_that_loses_our_labels_is_labelled_again() {
    story(Pacing::default(), |sim| async move {
        furnished(&sim).await;
        let before = bodies(&sim);
        for id in managed(&sim) {
            for key in ["app.kubernetes.io/managed-by", "clientele.dev/partner"] {
                let patch = json!({ "metadata": { "labels": { key: null } } });
                sim.edit(id.plural, &id.namespace, &id.name, patch);
                sim.settle().await;
                assert_same(&format!("{id:?} {key}"), &before, &bodies(&sim));
            }
        }
    });
}

#[test]
fn every_governed_field_that_somebody_changes_or_adds_is_set_right() {
    let everybody = json!([{ "kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io" }]);
    let open = json!({ "spec": { "ingress": [{}], "egress": [{}] } });
    let edits = [
        (
            "resourcequotas",
            "clientele",
            json!({ "spec": { "hard": { "pods": "1000" } } }),
        ),
        (
            "resourcequotas",
            "clientele",
            json!({ "spec": { "hard": { "count/deployments.apps": "0" } } }),
        ),
        (
            "resourcequotas",
            "clientele",
            json!({ "spec": { "hard": { "services.nodeports": null } } }),
        ),
        (
            "resourcequotas",
            "clientele",
            json!({ "spec": { "scopes": ["BestEffort"] } }),
        ),
        (
            "limitranges",
            "clientele",
            json!({ "spec": { "limits": [] } }),
        ),
        ("networkpolicies", "clientele", open),
        (
            "networkpolicies",
            "clientele",
            json!({ "spec": { "podSelector": { "matchLabels": { "a": "b" } } } }),
        ),
        (
            "serviceaccounts",
            "default",
            json!({ "automountServiceAccountToken": true }),
        ),
        (
            "serviceaccounts",
            "default",
            json!({ "imagePullSecrets": [{ "name": "registry" }, { "name": "theirs" }] }),
        ),
        (
            "configmaps",
            "customer",
            json!({ "data": { "customerNumber": "C-9" } }),
        ),
        (
            "configmaps",
            "customer",
            json!({ "data": { "more": "of it" } }),
        ),
        (
            "configmaps",
            "customer",
            json!({ "binaryData": { "more": "eA==" } }),
        ),
        (
            "rolebindings",
            "globex-admin",
            json!({ "subjects": everybody }),
        ),
        ("rolebindings", "globex-member", json!({ "subjects": [] })),
    ];
    story(Pacing::default(), |sim| async move {
        furnished(&sim).await;
        let before = bodies(&sim);
        for (plural, name, patch) in edits {
            let mark = sim.mark();
            sim.edit(plural, GLOBEX, name, patch.clone());
            sim.settle().await;
            assert_same(&format!("{plural} {patch}"), &before, &bodies(&sim));
            let writes = sim
                .writes_since(mark)
                .into_iter()
                .filter(|call| call.subresource.is_empty());
            // An apply, and where that leaves a foreign entry in a map a PUT of the whole.
            let verbs: Vec<_> = writes.map(|call| call.verb).collect();
            assert!(
                matches!(verbs[..], [Verb::Apply] | [Verb::Apply, Verb::Replace]),
                "{patch}: {verbs:?}"
            );
        }
    });
}

#[test]
fn what_others_put_on_our_objects_beside_what_we_govern_stays() {
    story(Pacing::default(), |sim| async move {
        furnished(&sim).await;
        let theirs = json!({ "labels": { "theirs.example/team": "x" }, "annotations": { "theirs.example/note": "y" } });
        let mark = sim.mark();
        for id in managed(&sim) {
            sim.edit(
                id.plural,
                &id.namespace,
                &id.name,
                json!({ "metadata": theirs }),
            );
        }
        sim.edit("namespaces", "", GLOBEX, json!({ "metadata": theirs }));
        sim.edit("namespaces", "", EMEA, json!({ "metadata": theirs }));
        sim.settle().await;
        assert!(sim.writes_since(mark).is_empty(), "{:?}", sim.tally(mark));
        // Also while ours are put right, by apply and by PUT.
        sim.edit(
            "configmaps",
            GLOBEX,
            "customer",
            json!({ "data": { "more": "of it" } }),
        );
        sim.edit(
            "namespaces",
            "",
            GLOBEX,
            json!({ "metadata": { "labels": { "clientele.dev/access": "Locked" } } }),
        );
        sim.spec(
            "serviceplans",
            "",
            "business",
            json!({ "quota": { "pods": "11" } }),
        );
        sim.settle().await;
        let kept = |plural: &str, namespace: &str, name: &str| {
            let metadata = sim.see(plural, namespace, name)["metadata"].clone();
            assert_eq!(
                metadata["labels"]["theirs.example/team"], "x",
                "{plural} {name}"
            );
            assert_eq!(
                metadata["annotations"]["theirs.example/note"], "y",
                "{plural} {name}"
            );
        };
        kept("namespaces", "", GLOBEX);
        kept("resourcequotas", GLOBEX, "clientele");
        kept("configmaps", GLOBEX, "customer");
    });
}

#[test]
fn what_makes_a_tenant_namespace_one_is_set_right() {
    story(Pacing::default(), |sim| async move {
        furnished(&sim).await;
        let before = bodies(&sim);
        for (field, key, value) in [
            ("labels", "clientele.dev/access", Some("Locked")),
            (
                "labels",
                "pod-security.kubernetes.io/enforce",
                Some("privileged"),
            ),
            (
                "labels",
                "pod-security.kubernetes.io/enforce-version",
                Some("v1.0"),
            ),
            ("labels", "pod-security.kubernetes.io/warn", None),
            ("labels", "app.kubernetes.io/managed-by", None),
            ("labels", "clientele.dev/retained", Some("true")),
            ("labels", "team.example/cost", Some("none")),
            ("annotations", "clientele.dev/ingress-domains", Some("Any")),
            ("annotations", "clientele.dev/storage-classes", Some("fast")),
            ("annotations", "clientele.dev/plan-metadata", None),
            (
                "annotations",
                "clientele.dev/contact-email",
                Some("x@y.example"),
            ),
        ] {
            let mark = sim.mark();
            sim.edit(
                "namespaces",
                "",
                GLOBEX,
                json!({ "metadata": { field: { key: value } } }),
            );
            sim.settle().await;
            assert_same(key, &before, &bodies(&sim));
            let writes = sim.writes_since(mark);
            // A partner counts the tenants that say that they are kept.
            let writes = writes.iter().filter(|call| call.resource.kind != "Partner");
            assert_eq!(writes.count(), 1, "{key}: {:?}", sim.tally(mark));
        }
    });
}

/// Somebody who sets a label of a namespace again each time it is put right.
fn fighter(server: Server, namespace: &'static str, key: &'static str, value: &'static str) {
    let resource = Resource::named("namespaces");
    let id = Id::new(resource, "", namespace);
    let patch = json!({ "metadata": { "labels": { key: value } } });
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let lost = server
                .state()
                .store
                .get(&id)
                .is_some_and(|n| n["metadata"]["labels"][key] != value);
            if lost {
                let _ = server.write("fighter", |store, by| {
                    store.merge(resource, &id, false, &patch, by)
                });
            }
        }
    });
}

#[test]
fn a_fight_over_a_label_is_bounded_and_holds_up_neither_a_lock_nor_anybody_else() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mark = sim.mark();
        fighter(
            sim.server.clone(),
            GLOBEX,
            "pod-security.kubernetes.io/enforce",
            "privileged",
        );
        sim.wait(minutes(10)).await;
        let writes = sim.writes_since(mark).len();
        assert!((10..60).contains(&writes), "{writes} writes in ten minutes");

        sim.spec("customers", EMEA, "globex", json!({ "onHold": true }));
        sim.wait(seconds(2)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), [""; 0]);
        assert_eq!(
            sim.see("namespaces", "", GLOBEX)["metadata"]["labels"]["clientele.dev/access"],
            "Locked"
        );

        sim.create(&crate::people::customer(EMEA, "initech"));
        sim.wait(seconds(5)).await;
        assert_eq!(sim.ready("customers", EMEA, "initech"), "True Settled");

        let mark = sim.mark();
        sim.spec("customers", EMEA, "globex", json!({ "onHold": false }));
        sim.wait(seconds(30)).await;
        assert_eq!(sim.names("rolebindings", GLOBEX), ["globex-admin"]);
        sim.wait(minutes(10)).await;
        let writes = sim.writes_since(mark).len();
        assert!(writes < 60, "{writes} writes in ten minutes");
    });
}

#[test]
fn a_fight_over_a_partner_namespace_does_not_touch_its_customers() {
    story(Pacing::default(), |sim| async move {
        globex(&sim).await;
        let mark = sim.mark();
        fighter(
            sim.server.clone(),
            EMEA,
            "app.kubernetes.io/managed-by",
            "somebody",
        );
        sim.wait(minutes(10)).await;
        let writes = sim.writes_since(mark);
        assert!(writes.len() < 60, "{} writes in ten minutes", writes.len());
        assert!(writes.iter().all(|call| call.name == EMEA), "{writes:?}");
        sim.create(&plan("other"));
        sim.wait(seconds(10)).await;
        assert_eq!(
            sim.see("configmaps", EMEA, "partner")["data"]["plans"],
            "business\nother"
        );
    });
}
