//! The objects of a tenant against what is seen of them: only what differs becomes a step.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;

use super::decisions::Decisions;
use super::stop::Stop;
use super::{card::card, login};
use crate::domain::fingerprint::ChildKind;
use crate::domain::lineage::Lineage;
use crate::domain::people::{self, ROLES};
use crate::plan::objects::namespace::{Tenant, Wanted};
use crate::plan::objects::{Owner, bindings, network, tenant};
use crate::plan::observed::{ChildSeen, Children, CustomerObserved};
use crate::plan::step::{Child, Step};
use crate::plan::subject::Subject;

/// Steps in order, and what is still waited for.
#[derive(Debug)]
pub struct Rooms {
    /// Stages of steps.
    pub stages: Vec<Vec<Step>>,
    /// What must come by itself before the tenant is complete.
    pub waiting: Option<String>,
    /// Users bound, or to be bound when access opens.
    pub users: i64,
}

/// Furnishes the tenant. Opening: namespace, then quota, limits and network, then bindings once the quota is enforced. Closing: bindings
/// first, then the label that policies read.
pub fn furnish(
    observed: &CustomerObserved,
    subject: &Subject,
    lineage: &Lineage,
    owner: &Owner,
    namespace: &str,
    decisions: &Decisions<'_>,
    now: Timestamp,
) -> Rooms {
    let customer = &*subject.key.name;
    let open = decisions.access.is_open();

    let bound = bindings(observed, owner, lineage, namespace, decisions);
    let mut removals = Vec::new();
    for role in ROLES {
        let name = people::binding(customer, role);
        let wanted = bound.wanted.iter().find(|child| child.name == name);
        removals.extend(removal(
            &observed.children,
            namespace,
            &name,
            wanted.filter(|_| open),
        ));
    }

    let requester = decisions
        .leaving
        .requester()
        .map(|requester| bindings::requester(owner, namespace, requester));
    let login = login::furnish(observed, subject, owner, namespace, decisions, now);
    let login_waits = login.binding.is_some() && decisions.facts.login.is_none();
    // Staff: whether the customer's people get in is nothing to them.
    let approvers = (!observed.lists.is_empty())
        .then(|| bindings::list_approvers(owner, namespace, lineage))
        .flatten();
    let reader = observed.lists.iter().any(|list| list.secret).then(|| {
        let operator = &observed.operator_namespace;
        bindings::own(owner, namespace, bindings::LISTS, operator)
    });
    let others = [
        (bindings::REQUESTER, requester),
        (bindings::LOGIN, login.binding),
        (bindings::LIST_APPROVERS, approvers),
        (bindings::LISTS, reader),
    ];
    for (name, wanted) in &others {
        removals.extend(removal(
            &observed.children,
            namespace,
            name,
            wanted.as_ref(),
        ));
    }

    let stop = Stop::of(
        observed.tenant.as_ref(),
        &observed.children,
        owner,
        namespace,
        decisions.access.access,
    );
    let tenant_with = |emptied| {
        Wanted::tenant(&Tenant {
            emptied,
            request: decisions.leaving.hangs_on(observed),
            owner,
            access: decisions.access.access,
            facts: &decisions.facts,
            plan: decisions.plan,
            plan_lost: decisions.plan_lost,
            ingress_domain: decisions.ingress_domain.as_deref(),
        })
    };
    let wanted = tenant_with(stop.is_done());
    let frame = match &observed.tenant {
        Some(seen) => wanted.patch(seen),
        None => Some(wanted.create(namespace)),
    };

    let mut walls: Vec<Child> = others
        .into_iter()
        .filter_map(|(_, wanted)| wanted)
        .collect();
    walls.push(tenant::config_map(
        owner,
        namespace,
        tenant::CUSTOMER,
        card(observed, lineage, decisions),
    ));
    if !decisions.plan_lost {
        walls.push(tenant::quota(owner, namespace, decisions.plan));
        let pull_secrets = decisions
            .plan
            .map(|plan| plan.image_pull_secrets.as_slice())
            .unwrap_or_default();
        walls.push(tenant::service_account(owner, namespace, pull_secrets));
        let defaults = decisions
            .plan
            .and_then(|plan| plan.container_defaults.as_ref());
        walls.extend(tenant::limits(owner, namespace, defaults));
    }
    walls.extend(stop.quota());
    if stop.is_wanted() {
        walls.push(network::shut(owner, namespace));
    } else if !decisions.plan_lost || stop.is_shut() {
        let rules = decisions.plan.and_then(|plan| plan.network.as_ref());
        walls.push(network::policy(owner, namespace, rules));
    }
    let limits_gone = !decisions.plan_lost
        && !walls
            .iter()
            .any(|child| child.kind == ChildKind::LimitRange);
    let unlimit = observed
        .children
        .get(&(ChildKind::LimitRange, tenant::NAME.to_owned()))
        .filter(|_| limits_gone)
        .map(|seen| delete(ChildKind::LimitRange, namespace, tenant::NAME, &seen.uid));
    let walls: Vec<Step> = walls
        .into_iter()
        .filter_map(|child| drifted(&observed.children, child))
        .chain(unlimit)
        .chain(stop.lift(namespace))
        .collect();

    let framed = frame.is_none() && walls.is_empty();
    let quota = observed
        .children
        .get(&(ChildKind::ResourceQuota, tenant::NAME.to_owned()));
    let mut stages = vec![removals];
    stages.push(frame.into_iter().collect());
    let quota_in_force = quota.is_some_and(|quota| quota.hard_in_force) && !writes_quota(&walls);
    stages.push(walls);
    if let (true, Some(emptying), Some(seen)) = (framed, stop.empty(namespace), &observed.tenant) {
        stages.push(vec![emptying]);
        stages.push(tenant_with(true).patch(seen).into_iter().collect());
    }

    let mut waiting = (stop.is_wanted() && !stop.is_done()).then(|| {
        "Waiting for Kubernetes to enforce the quota before the pods are deleted.".to_owned()
    });
    if open && !bound.wanted.is_empty() {
        if quota_in_force || bound.all_there(&observed.children) {
            stages.push(
                bound
                    .wanted
                    .into_iter()
                    .filter_map(|child| drifted(&observed.children, child))
                    .collect(),
            );
        } else {
            waiting = Some(
                "Waiting for Kubernetes to enforce the quota before people are let in.".to_owned(),
            );
        }
    }
    stages.push(login.step.into_iter().collect());
    if login_waits {
        waiting = waiting.or(Some("Waiting for the SMTP login.".to_owned()));
    }
    stages.push(decisions.services.ending.clone());
    // What a service runs must be within the quota from the first pod on.
    if quota_in_force || decisions.services.are_there() {
        stages.extend(decisions.services.making.iter().cloned());
    } else if waiting.is_none() && !decisions.services.making.is_empty() {
        waiting = Some(
            "Waiting for Kubernetes to enforce the quota before services are put in.".to_owned(),
        );
    }
    Rooms {
        stages,
        waiting,
        users: bound.users,
    }
}

/// The bindings people should have while access is open.
struct Bound {
    wanted: Vec<Child>,
    users: i64,
}

impl Bound {
    /// Whether every binding is there already, so that a quota that is being changed shuts nobody out. One that goes to be made
    /// again with another role is not: making it lets people in.
    fn all_there(&self, children: &Children) -> bool {
        self.wanted.iter().all(|child| {
            let seen = children.get(&(child.kind, child.name.clone()));
            seen.is_some_and(|seen| has_role(child, seen))
        })
    }
}

fn bindings(
    observed: &CustomerObserved,
    owner: &Owner,
    lineage: &Lineage,
    namespace: &str,
    decisions: &Decisions<'_>,
) -> Bound {
    let people: Vec<_> = observed
        .users
        .iter()
        .map(|user| user.person.clone())
        .collect();
    let max = decisions
        .plan
        .and_then(|plan| plan.max_users)
        .and_then(|max| usize::try_from(max).ok());
    let standings = people::standings(&people, max);
    let mut by_role: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (user, standing) in observed.users.iter().zip(&standings) {
        if *standing == people::Standing::Admitted
            && let Some(position) = ROLES.iter().position(|role| *role == user.role)
        {
            by_role
                .entry(position)
                .or_default()
                .push(user.person.email.clone());
        }
    }
    let customer = observed.customer.name_any();
    if observed.users_swept_along {
        for (position, role) in ROLES.into_iter().enumerate() {
            let name = people::binding(&customer, role);
            let bound = observed.children.get(&(ChildKind::RoleBinding, name));
            let lost = bound
                .into_iter()
                .flat_map(|binding| &binding.subjects)
                .filter(|email| people.iter().all(|person| person.email != **email));
            by_role.entry(position).or_default().extend(lost.cloned());
        }
        by_role.retain(|_, emails| !emails.is_empty());
    }
    let users = by_role.values().map(Vec::len).sum::<usize>();
    let wanted = by_role
        .into_iter()
        .map(|(position, mut emails)| {
            emails.sort();
            let role = ROLES[position];
            let name = people::binding(&customer, role);
            let role = bindings::tenant_role(role, lineage.admin_role());
            bindings::people(
                owner,
                namespace,
                &name,
                &role,
                emails.into_iter().map(|email| ("User", email)),
            )
        })
        .collect();
    Bound {
        wanted,
        users: i64::try_from(users).unwrap_or(i64::MAX),
    }
}

/// Takes a binding away that should not be, or whose role is another one: the role of a binding cannot be changed.
fn removal(
    children: &Children,
    namespace: &str,
    name: &str,
    wanted: Option<&Child>,
) -> Option<Step> {
    let seen = children.get(&(ChildKind::RoleBinding, name.to_owned()))?;
    let stays = wanted.is_some_and(|child| has_role(child, seen));
    (!stays).then(|| delete(ChildKind::RoleBinding, namespace, name, &seen.uid))
}

/// Whether a binding that is there has the role that is wanted.
fn has_role(wanted: &Child, seen: &ChildSeen) -> bool {
    wanted.body["roleRef"]["name"] == seen.role.as_str()
}

pub(super) fn delete(kind: ChildKind, namespace: &str, name: &str, uid: &str) -> Step {
    Step::Delete {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
    }
}

/// An apply, unless the object is as it should be.
pub fn drifted(children: &Children, child: Child) -> Option<Step> {
    let seen = children.get(&(child.kind, child.name.clone()));
    seen.is_none_or(|seen| seen.fingerprint != child.fingerprint)
        .then_some(Step::Apply(child))
}

fn writes_quota(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|step| matches!(step, Step::Apply(child) if child.kind == ChildKind::ResourceQuota))
}
