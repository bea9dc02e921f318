//! One offering: nothing is made for it; its status tells everything that is wrong with it, and how many customers have it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::observed::LOOK_AGAIN;
use super::observed::services::{Checked, KindSeen, OfferingObserved};
use super::{Draft, Plan, Subject, Verdict, status, subject::Kind};
use crate::api::{MAX_FAULT, MAX_FAULTS, Reason, ServiceOfferingStatus, meta};
use crate::domain::offering::kinds::Scope;
use crate::domain::offering::requires;
use crate::domain::pieces::group;

/// What to do about an offering.
pub fn plan(observed: &OfferingObserved, now: Timestamp) -> Plan<ServiceOfferingStatus> {
    let subject = Subject::of(Kind::ServiceOffering, observed.offering.as_ref());
    let faults = faults(observed);
    let told = observed.offering.status.as_ref();
    let (customers, paced) = status::paced(
        told.map(|status| &status.customers),
        &observed.customers,
        observed.counted_at,
        now,
    );
    let verdict = match faults.first() {
        None => Verdict::Ready(
            Reason::Accepted,
            "Customers can be given this service.".to_owned(),
        ),
        Some((reason, first)) if faults.len() == 1 => Verdict::Stalled(*reason, first.clone()),
        Some((reason, first)) => {
            let message = format!("{first} (and {} more: status.faults)", faults.len() - 1);
            Verdict::Stalled(*reason, message)
        }
    };
    let fields = ServiceOfferingStatus {
        customers: *customers,
        faults: faults
            .iter()
            .take(MAX_FAULTS)
            .map(|(_, fault)| shortened(fault))
            .collect(),
        ..ServiceOfferingStatus::default()
    };
    // Nothing tells us when a kind comes, or a right.
    let unwatched = faults
        .iter()
        .any(|(reason, _)| matches!(reason, Reason::KindNotFound | Reason::RightsMissing));
    Plan {
        draft: Some(Draft::new(fields, verdict)),
        wake: paced
            .into_iter()
            .chain(unwatched.then_some(LOOK_AGAIN))
            .min(),
        ..Plan::nothing(subject)
    }
}

/// Whether customers can be given it.
pub fn is_in_order(observed: &OfferingObserved) -> bool {
    faults(observed).is_empty()
}

/// Everything that is wrong, what has to be mended first before the rest.
fn faults(observed: &OfferingObserved) -> Vec<(Reason, String)> {
    let mut faults = Vec::new();
    let Checked {
        version: _,
        compiled,
        kinds,
    } = &observed.checked;
    match compiled {
        Err(wrong) => faults.extend(
            wrong
                .iter()
                .map(|fault| (Reason::InvalidSpec, fault.to_string())),
        ),
        Ok(offering) => {
            let scope = |api_version: &str, kind: &str| {
                let mut seen = kinds.iter();
                let (_, seen) =
                    seen.find(|(it, _)| it.api_version == api_version && it.kind == kind)?;
                match seen {
                    KindSeen::Unknown => None,
                    KindSeen::Cluster => Some(Scope::Cluster),
                    KindSeen::Namespaced { .. } => Some(Scope::Namespaced),
                }
            };
            let wrong = offering.check_scopes(scope);
            faults.extend(
                wrong
                    .iter()
                    .map(|fault| (Reason::KindNotFound, fault.to_string())),
            );
        }
    }
    faults.extend(required(observed));
    faults.extend(rights(observed));
    faults
}

fn required(observed: &OfferingObserved) -> Vec<(Reason, String)> {
    let name = observed
        .offering
        .metadata
        .name
        .as_deref()
        .unwrap_or_default();
    let mut faults = Vec::new();
    if let Some(cycle) = requires::cycles(&observed.requirements).get(name) {
        let message = format!(
            "spec.requires: {cycle} is a cycle, in which each would wait for the other: remove one of them"
        );
        faults.push((Reason::RequiresCycle, message));
    }
    for required in &observed.offering.spec.requires {
        if !observed.requirements.contains_key(required) {
            let message = format!(
                "spec.requires: there is no ServiceOffering {required}: apply it, or remove the name"
            );
            faults.push((Reason::RequirementNotFound, message));
        }
    }
    faults
}

/// The rights that are missing, each with the rule that gives it.
fn rights(observed: &OfferingObserved) -> Vec<(Reason, String)> {
    let mut missing: BTreeMap<(&str, &str), &[&str]> = BTreeMap::new();
    for (kind, seen) in &observed.checked.kinds {
        if let KindSeen::Namespaced {
            plural,
            missing: verbs,
        } = seen
            && !verbs.is_empty()
        {
            missing.insert((group(&kind.api_version), plural), verbs);
        }
    }
    let faults = missing.into_iter().map(|((group, plural), verbs)| {
        let verbs = verbs.join(", ");
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!(
            "the operator may not {verbs} {resource}: apply a ClusterRole with the label {}: \"true\" and the rule \
             {{apiGroups: [\"{group}\"], resources: [{plural}], verbs: [{verbs}]}}",
            meta::LABEL_AGGREGATE,
        );
        (Reason::RightsMissing, message)
    });
    faults.collect()
}

fn shortened(fault: &str) -> String {
    let end = (0..=MAX_FAULT).rev().find(|&at| fault.is_char_boundary(at));
    fault[..end.unwrap_or_default().min(fault.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::{Manifest, ServiceOffering, ServiceOfferingSpec};
    use crate::domain::offering::Offering;
    use crate::domain::pieces::PieceKind;
    use serde_json::json;

    fn observed(kind: &str, seen: KindSeen) -> OfferingObserved {
        let object =
            json!({"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": "it"}});
        let spec = ServiceOfferingSpec {
            requires: vec!["dns".into()],
            manifests: vec![Manifest {
                when: None,
                object: object.as_object().cloned().unwrap(),
            }],
            ..ServiceOfferingSpec::default()
        };
        let compiled = Offering::compile("web", &spec)
            .map(Arc::new)
            .map_err(Arc::from);
        OfferingObserved {
            requirements: [
                ("web".to_owned(), spec.requires.clone()),
                ("dns".to_owned(), Vec::new()),
            ]
            .into(),
            offering: Arc::new(ServiceOffering::new("web", spec)),
            checked: Checked {
                version: Default::default(),
                compiled,
                kinds: [(PieceKind::new("example.org/v1", kind), seen)].into(),
            },
            customers: 0,
            counted_at: None,
        }
    }

    fn namespaced(missing: Vec<&'static str>) -> KindSeen {
        KindSeen::Namespaced {
            plural: "widgets".into(),
            missing,
        }
    }

    fn only_fault(observed: &OfferingObserved) -> (Reason, String) {
        let mut all = faults(observed);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn an_offering_in_order_is_ready() {
        let plan = plan(
            &observed("Widget", namespaced(Vec::new())),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(plan.wake, None);
        assert!(matches!(
            plan.draft.unwrap().verdict,
            Verdict::Ready(Reason::Accepted, _)
        ));
    }

    #[test]
    fn a_missing_right_is_told_with_the_rule_that_gives_it_and_looked_at_again() {
        let observed = observed("Widget", namespaced(vec!["create", "delete"]));
        let (reason, said) = only_fault(&observed);
        assert_eq!(reason, Reason::RightsMissing);
        assert_eq!(
            said,
            "the operator may not create, delete widgets.example.org: apply a ClusterRole with the label \
             clientele.dev/aggregate-to-services: \"true\" and the rule \
             {apiGroups: [\"example.org\"], resources: [widgets], verbs: [create, delete]}"
        );
        assert_eq!(
            plan(&observed, Timestamp::UNIX_EPOCH).wake,
            Some(LOOK_AGAIN)
        );
    }

    #[test]
    fn kinds_and_requirements_that_are_not_there_are_told() {
        assert_eq!(
            only_fault(&observed("Widget", KindSeen::Unknown)).0,
            Reason::KindNotFound
        );
        assert_eq!(
            only_fault(&observed("Widget", KindSeen::Cluster)).0,
            Reason::KindNotFound
        );
        let mut lonely = observed("Widget", namespaced(Vec::new()));
        lonely.requirements.remove("dns");
        assert_eq!(only_fault(&lonely).0, Reason::RequirementNotFound);
        let mut circle = observed("Widget", namespaced(Vec::new()));
        circle.requirements.insert("dns".into(), vec!["web".into()]);
        assert_eq!(only_fault(&circle).0, Reason::RequiresCycle);
    }

    #[test]
    fn what_is_wrong_is_told_in_full_and_bounded() {
        let mut wrong = observed("Widget", namespaced(Vec::new()));
        let fault = crate::domain::offering::Fault {
            place: "spec".into(),
            message: "ö".repeat(1000),
        };
        wrong.checked.compiled = Err(Arc::from(vec![fault; 40]));
        let status = plan(&wrong, Timestamp::UNIX_EPOCH).draft.unwrap();
        assert_eq!(status.fields.faults.len(), MAX_FAULTS);
        assert!(status.fields.faults[0].len() <= MAX_FAULT);
        assert!(
            status
                .verdict
                .why()
                .1
                .ends_with("(and 39 more: status.faults)")
        );
    }
}
