//! One partner: its own namespace, its staff's bindings, what it is offered, and how many are below it.

mod time_zone;
mod withdrawn;

use jiff::Timestamp;

use super::objects::namespace::Wanted;
use super::objects::{Owner, bindings, partner as objects};
use super::observed::{Departure, LOOK_AGAIN, PartnerObserved};
use super::trouble::Trouble;
use super::{Draft, Plan, Stages, Step, Subject, Verdict, status, subject::Kind};
use crate::api::{
    ConditionType, MAX_PATH, MAX_STATUS_NAMES, PartnerStatus, Reason, StaffRole, meta,
};
use crate::domain::fingerprint::ChildKind;
use crate::domain::lineage::{Lineage, Place};
use crate::domain::names::{PartnerName, partner_namespace};
use crate::plan::customer::drifted;

const ROLES: [StaffRole; 3] = [StaffRole::Reseller, StaffRole::Seller, StaffRole::Support];

/// What to do about a partner.
pub fn plan(observed: &PartnerObserved, now: Timestamp) -> Plan<PartnerStatus> {
    let partner = &observed.partner;
    let subject = Subject::of(Kind::Partner, partner.as_ref());
    let paused = super::is_paused(partner.as_ref());
    match observed.departure {
        // Taking the finalizer off changes nothing, and a pause must not hold up the end of a namespace or a CRD.
        Some(Departure::SweptAlong) => return leave(observed, subject, Departure::SweptAlong),
        _ if paused => {
            let status = partner.status.clone().unwrap_or_default();
            return Plan {
                draft: Some(Draft::paused(status, subject.generation)),
                // Its namespace or CRD may go later, which nothing of the object's own tells.
                wake: observed.departure.map(|_| LOOK_AGAIN),
                ..Plan::nothing(subject)
            };
        }
        Some(departure @ Departure::Deleted) => return leave(observed, subject, departure),
        None => {}
    }
    match accept(observed, &subject) {
        Ok(above) => settle(observed, subject, above.with(partner.clone()), now),
        Err(trouble) => refuse(observed, subject, trouble),
    }
}

/// Whether the partner is in a right place and its namespace is its own.
fn accept(observed: &PartnerObserved, subject: &Subject) -> Result<Lineage, Trouble> {
    let name = &*subject.key.name;
    PartnerName::parse(name)
        .map_err(|error| Trouble::stalled(Reason::InvalidSpec, error.to_string()))?;
    let above = match &observed.above {
        Place::Root => Lineage::new(Vec::new()),
        Place::Partner(above) => above.clone(),
        Place::Coming | Place::Elsewhere => {
            let belongs = format!(
                "A Partner belongs into {} (a provider) or into the namespace of the partner above it (partner-<name>). \
                 Delete it here and apply it there.",
                meta::PARTNERS_NAMESPACE,
            );
            return Err(Trouble::misplaced(&observed.above, &belongs));
        }
    };
    if above.path().len() >= MAX_PATH {
        let message = format!(
            "Partners can be {MAX_PATH} levels deep, and this one would be one more. Apply it in the namespace of a partner \
             further up."
        );
        return Err(Trouble::stalled(Reason::TooDeep, message));
    }
    let namespace = partner_namespace(name);
    let parent = &*subject.key.namespace;
    match &observed.own {
        Some(own)
            if own.label(meta::LABEL_PARTNER) == name
                && own.label(meta::LABEL_PARENT) == parent =>
        {
            if own.deleting {
                Err(Trouble::terminating(&namespace))
            } else {
                Ok(above)
            }
        }
        // Whose it is, is nobody's business: resellers must not learn of each other.
        Some(own) if own.label(meta::LABEL_PARTNER) == name => Err(Trouble::stalled(
            Reason::NameTaken,
            "Another partner has this name. Choose another one.",
        )),
        Some(_) => Err(conflict(&namespace, name, parent)),
        None if observed.foreign_namespace => Err(conflict(&namespace, name, parent)),
        None => Ok(above),
    }
}

fn conflict(namespace: &str, name: &str, parent: &str) -> Trouble {
    let message = format!(
        "Namespace {namespace} exists and does not say that it is this partner's; it is left alone. If it is, say so: \
         kubectl label namespace {namespace} {}={name} {}={parent}",
        meta::LABEL_PARTNER,
        meta::LABEL_PARENT,
    );
    Trouble::stalled(Reason::NamespaceConflict, message).unwatched()
}

fn refuse(observed: &PartnerObserved, subject: Subject, trouble: Trouble) -> Plan<PartnerStatus> {
    let Trouble { verdict, unwatched } = trouble;
    let old = observed.partner.status.clone().unwrap_or_default();
    let (reason, message) = verdict.why();
    let others = vec![(ConditionType::Accepted, false, reason, message.to_owned())];
    let wake = unwatched.then_some(LOOK_AGAIN);
    Plan {
        draft: Some(Draft {
            others,
            ..Draft::new(old, verdict)
        }),
        wake,
        ..Plan::nothing(subject)
    }
}

/// The object is going: its staff goes with it, its namespace never does.
fn leave(
    observed: &PartnerObserved,
    subject: Subject,
    departure: Departure,
) -> Plan<PartnerStatus> {
    let mut stages = Stages::default();
    let ours = observed
        .own
        .as_ref()
        .filter(|own| own.annotation(meta::ANNOTATION_PARTNER_UID) == subject.uid && !own.deleting);
    if let (Departure::Deleted, Some(own)) = (departure, ours) {
        let staffed = observed
            .children
            .iter()
            .filter(|((kind, _), _)| *kind == ChildKind::RoleBinding);
        stages.then(staffed.map(|((kind, name), seen)| Step::Delete {
            kind: *kind,
            namespace: own.name.clone(),
            name: name.clone(),
            uid: seen.uid.clone(),
        }));
    }
    stages.then(super::remove_finalizer(
        observed.partner.as_ref(),
        meta::FINALIZER_PARTNER,
    ));
    Plan {
        stages,
        ..Plan::nothing(subject)
    }
}

/// The partner as it should be.
fn settle(
    observed: &PartnerObserved,
    subject: Subject,
    lineage: Lineage,
    now: Timestamp,
) -> Plan<PartnerStatus> {
    let name = &*subject.key.name;
    let namespace = partner_namespace(name);
    let owner = Owner {
        partner: name.to_owned(),
        customer: None,
    };

    let mut stages = Stages::default();
    stages.then(super::add_finalizer(
        observed.partner.as_ref(),
        meta::FINALIZER_PARTNER,
    ));
    let wanted = Wanted::partner(&owner, &subject.key.namespace, &subject.uid);
    stages.then(match &observed.own {
        Some(own) => wanted.patch(own),
        None => Some(wanted.create(&namespace)),
    });
    stages.then(furniture(observed, &owner, &namespace, &lineage));

    let offered: Vec<_> = observed
        .plans
        .iter()
        .filter(|plan| lineage.offers_plan(plan).is_ok())
        .take(MAX_STATUS_NAMES)
        .cloned()
        .collect();
    let before = observed.partner.status.as_ref().map(|status| {
        let withdrawn = status.withdrawn.clone();
        (
            status.customers,
            status.partners,
            status.retained,
            withdrawn,
        )
    });
    let withdrawn = withdrawn::services(observed, &lineage);
    let counts = (
        observed.customers,
        observed.partners,
        observed.retained,
        withdrawn,
    );
    let (counts, wake) = status::paced(before.as_ref(), &counts, observed.counted_at, now);
    let fields = PartnerStatus {
        namespace: Some(namespace),
        path: lineage.path(),
        domain: lineage.domain().map(ToOwned::to_owned),
        plans: offered,
        services: observed
            .offerings
            .iter()
            .filter(|service| lineage.offers_service(service).is_ok())
            .take(MAX_STATUS_NAMES)
            .cloned()
            .collect(),
        withdrawn: counts.3.clone(),
        postal_routes: observed
            .routes
            .iter()
            .take(MAX_STATUS_NAMES)
            .cloned()
            .collect(),
        customers: counts.0,
        partners: counts.1,
        retained: counts.2,
        ..PartnerStatus::default()
    };
    let verdict = time_zone::mistake(&observed.partner.spec).unwrap_or_else(|| {
        let message = "The partner's namespace is there, its staff is bound.";
        Verdict::Ready(Reason::Settled, message.to_owned())
    });
    let others = vec![(
        ConditionType::Accepted,
        true,
        Reason::Accepted,
        "In its place, under its own name.".to_owned(),
    )];
    let draft = Draft {
        others,
        ..Draft::new(fields, verdict)
    };
    Plan {
        subject,
        stages,
        draft: Some(draft),
        wake,
    }
}

/// What belongs into the partner's namespace against what is there.
fn furniture(
    observed: &PartnerObserved,
    owner: &Owner,
    namespace: &str,
    lineage: &Lineage,
) -> Vec<Step> {
    let spec = &observed.partner.spec;
    let mut wanted = vec![objects::config_map(
        owner,
        namespace,
        spec,
        lineage,
        &objects::Offered {
            plans: &observed.plans,
            services: &observed.offerings,
            withdrawn: &observed.withdrawn,
            routes: &observed.routes,
        },
    )];
    for role in ROLES {
        let staff = lineage.staff(role);
        if !staff.is_empty() {
            let (name, role) = (bindings::staff_binding(role), bindings::staff_role(role));
            wanted.push(bindings::people(owner, namespace, name, role, staff));
        }
    }
    if observed.has_secrets {
        wanted.push(bindings::own(
            owner,
            namespace,
            bindings::SECRETS,
            &observed.operator_namespace,
        ));
    }
    if observed.has_logins {
        let operator = &observed.operator_namespace;
        wanted.push(bindings::own(owner, namespace, bindings::LOGINS, operator));
    }
    if observed.has_mail {
        let operator = &observed.operator_namespace;
        wanted.push(bindings::mail(owner, namespace, operator));
    }
    let surplus = observed
        .children
        .iter()
        .filter(|((kind, name), _)| {
            *kind == ChildKind::RoleBinding
                && !wanted
                    .iter()
                    .any(|child| child.kind == *kind && child.name == *name)
        })
        .map(|((kind, name), seen)| Step::Delete {
            kind: *kind,
            namespace: namespace.to_owned(),
            name: name.clone(),
            uid: seen.uid.clone(),
        })
        .collect::<Vec<_>>();
    wanted
        .into_iter()
        .filter_map(|child| drifted(&observed.children, child))
        .chain(surplus)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::{NamePolicy, Partner, PartnerSpec, PolicyKind};

    fn observed(levels_above: usize) -> PartnerObserved {
        let partner = |name: &str| Arc::new(Partner::new(name, PartnerSpec::default()));
        let above = (0..levels_above).map(|level| partner(&format!("p{level}")));
        PartnerObserved {
            partner: partner("last"),
            above: Place::Partner(Lineage::new(above.collect())),
            own: None,
            foreign_namespace: false,
            children: Default::default(),
            plans: (0..40).map(|n| format!("plan-{n:02}")).collect(),
            offerings: (0..40).map(|n| format!("service-{n:02}")).collect(),
            withdrawn: Default::default(),
            routes: (0..40).map(|n| format!("route-{n:02}")).collect(),
            has_secrets: false,
            has_mail: false,
            has_logins: false,
            customers: 0,
            partners: 0,
            retained: 0,
            counted_at: None,
            operator_namespace: meta::SYSTEM_NAMESPACE.to_owned(),
            departure: None,
        }
    }

    fn draft(levels_above: usize) -> Draft<PartnerStatus> {
        let plan = plan(&observed(levels_above), Timestamp::UNIX_EPOCH);
        plan.draft.expect("a status")
    }

    #[test]
    fn the_status_has_no_more_names_than_its_schema_takes() {
        let status = draft(MAX_PATH - 1).fields;
        assert_eq!(status.path.len(), MAX_PATH);
        assert_eq!(status.plans.len(), MAX_STATUS_NAMES);
        assert_eq!(status.services.len(), MAX_STATUS_NAMES);
        assert_eq!(status.postal_routes.len(), MAX_STATUS_NAMES);
        assert_eq!(status.plans[0], "plan-00");
    }

    #[test]
    fn what_it_no_longer_offers_is_told_with_how_many_it_hits() {
        let mut observed = observed(0);
        observed.withdrawn = [("dns", 2), ("storage", 5), ("web", 1)]
            .map(|(name, customers)| (name.to_owned(), customers))
            .into();
        let spec = PartnerSpec {
            services: Some(NamePolicy {
                policy: PolicyKind::Except,
                names: vec!["dns".into(), "storage".into()],
            }),
            ..PartnerSpec::default()
        };
        observed.partner = Arc::new(Partner::new("last", spec));
        let status = plan(&observed, Timestamp::UNIX_EPOCH)
            .draft
            .expect("a status");
        let told: Vec<_> = status
            .fields
            .withdrawn
            .iter()
            .map(|it| (it.service.as_str(), it.customers))
            .collect();
        assert_eq!(told, [("storage", 5), ("dns", 2)]);
    }

    #[test]
    fn a_partner_too_deep_is_told_so_and_gets_no_namespace() {
        let plan = plan(&observed(MAX_PATH), Timestamp::UNIX_EPOCH);
        let verdict = draft(MAX_PATH).verdict;
        let (reason, message) = verdict.why();
        assert_eq!(reason, Reason::TooDeep);
        assert!(message.contains("16 levels"), "{message}");
        assert_eq!(plan.stages, Stages::default());
    }
}
