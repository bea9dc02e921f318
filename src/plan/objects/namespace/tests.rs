//! What a namespace as made needs, and what is left alone on it.

use super::*;

fn wanted(plan: Option<&ServicePlanSpec>) -> Wanted {
    let owner = Owner {
        partner: "emea".into(),
        customer: Some(("globex".into(), "u1".into())),
    };
    let facts = TenantFacts {
        customer_number: Some("C-1".into()),
        ..TenantFacts::default()
    };
    Wanted::tenant(&Tenant {
        owner: &owner,
        access: Access::Open,
        emptied: false,
        request: None,
        facts: &facts,
        plan,
        plan_lost: false,
        ingress_domain: None,
    })
}

fn made(wanted: &Wanted) -> NamespaceSeen {
    let keep = |map: &BTreeMap<String, Option<String>>| {
        map.iter()
            .filter_map(|(k, v)| Some((k.clone(), v.clone()?)))
            .collect()
    };
    NamespaceSeen {
        name: "emea--globex".into(),
        labels: keep(&wanted.labels),
        annotations: keep(&wanted.annotations),
        ..NamespaceSeen::default()
    }
}

fn patch(wanted: &Wanted, seen: &NamespaceSeen) -> Value {
    match wanted.patch(seen) {
        Some(Step::PatchNamespace { patch, .. }) => patch["metadata"].clone(),
        other => panic!("no patch but {other:?}"),
    }
}

#[test]
fn a_namespace_as_made_needs_no_patch_and_foreign_keys_are_left_alone() {
    let wanted = wanted(None);
    let mut seen = made(&wanted);
    assert_eq!(wanted.patch(&seen), None);
    seen.labels.insert("team".into(), "x".into());
    assert_eq!(wanted.patch(&seen), None);
}

#[test]
fn all_six_pod_security_labels_are_put_back() {
    let wanted = wanted(None);
    let mut seen = made(&wanted);
    seen.labels.insert(
        "pod-security.kubernetes.io/enforce-version".into(),
        "v1.0".into(),
    );
    seen.labels.remove("pod-security.kubernetes.io/warn");
    let labels = patch(&wanted, &seen)["labels"].clone();
    let expected = json!({"pod-security.kubernetes.io/enforce-version": "latest", "pod-security.kubernetes.io/warn": "restricted"});
    assert_eq!(labels, expected);
}

#[test]
fn a_retained_mark_goes_when_the_tenant_is_taken_over() {
    let wanted = wanted(None);
    let mut seen = made(&wanted);
    seen.labels
        .insert(meta::LABEL_RETAINED.into(), "true".into());
    assert_eq!(
        patch(&wanted, &seen)["labels"],
        json!({meta::LABEL_RETAINED: null})
    );
}

#[test]
fn what_a_plan_put_there_goes_with_the_plan() {
    let plan = ServicePlanSpec {
        namespace_metadata: Some(NamespaceMetadata {
            labels: [("team.example/cost".to_owned(), "retail".to_owned())].into(),
            ..NamespaceMetadata::default()
        }),
        ..ServicePlanSpec::default()
    };
    let seen = made(&wanted(Some(&plan)));
    assert_eq!(seen.label("team.example/cost"), "retail");
    let metadata = patch(&wanted(None), &seen);
    assert_eq!(metadata["labels"], json!({"team.example/cost": null}));
    assert_eq!(
        metadata["annotations"],
        json!({meta::ANNOTATION_PLAN_METADATA: null})
    );
}

#[test]
fn a_plan_cannot_set_our_keys_or_kubernetes_own() {
    let plan = ServicePlanSpec {
        namespace_metadata: Some(NamespaceMetadata {
            labels: [
                (
                    "pod-security.kubernetes.io/enforce".to_owned(),
                    "privileged".to_owned(),
                ),
                ("clientele.dev/access".to_owned(), "Closed".to_owned()),
            ]
            .into(),
            ..NamespaceMetadata::default()
        }),
        ..ServicePlanSpec::default()
    };
    let seen = made(&wanted(Some(&plan)));
    assert_eq!(
        seen.label("pod-security.kubernetes.io/enforce"),
        "restricted"
    );
    assert_eq!(seen.label(meta::LABEL_ACCESS), "Open");
}
