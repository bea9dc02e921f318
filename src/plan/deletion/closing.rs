//! A tenant whose Customer object is gone: people are shut out, and after the settle time nothing runs in it any more.

use crate::api::{Access, meta};
use crate::domain::fingerprint::ChildKind;
use crate::plan::Stages;
use crate::plan::customer::drifted;
use crate::plan::customer::stop::Stop;
use crate::plan::objects::namespace::Wanted;
use crate::plan::objects::{Owner, network};
use crate::plan::observed::{Children, NamespaceSeen};
use crate::plan::step::Step;

/// The steps that close it, and whether they are all done.
#[derive(Debug, Default)]
pub struct Closing {
    /// What is to be written, in order.
    pub stages: Stages,
    /// Whether nothing is left to be done or waited for.
    pub done: bool,
}

/// Closes the tenant; stops it too if that is its time.
pub fn close(tenant: &NamespaceSeen, children: &Children, request: &str, stop: bool) -> Closing {
    let owner = Owner {
        partner: tenant.label(meta::LABEL_PARTNER).to_owned(),
        customer: Some((
            tenant.label(meta::LABEL_CUSTOMER).to_owned(),
            tenant.label(meta::LABEL_CUSTOMER_UID).to_owned(),
        )),
    };
    let namespace = &tenant.name;
    let bindings: Vec<Step> = children
        .iter()
        .filter(|((kind, _), _)| *kind == ChildKind::RoleBinding)
        .map(|((kind, name), seen)| Step::Delete {
            kind: *kind,
            namespace: namespace.clone(),
            name: name.clone(),
            uid: seen.uid.clone(),
        })
        .collect();
    // One that was stopped before, by the end of its trial, stays so.
    let stopped = stop || tenant.label(meta::LABEL_ACCESS) == Access::Stopped.as_str();
    let access = if stopped {
        Access::Stopped
    } else {
        Access::Locked
    };
    let stop = Stop::of(Some(tenant), children, &owner, namespace, access);
    let retained = |emptied| Wanted::retained(access, request, emptied);

    let mut stages = Stages::default();
    let frame = retained(stop.is_done()).patch(tenant);
    let walls: Vec<Step> = stop
        .quota()
        .into_iter()
        .chain(stop.is_wanted().then(|| network::shut(&owner, namespace)))
        .filter_map(|child| drifted(children, child))
        .collect();
    let framed = bindings.is_empty() && frame.is_none() && walls.is_empty();
    stages.then(bindings);
    stages.then(frame);
    stages.then(walls);
    if let (true, Some(emptying)) = (framed, stop.empty(namespace)) {
        stages.then([emptying]);
        stages.then(retained(true).patch(tenant));
    }
    let done = stages.is_empty() && (!stop.is_wanted() || stop.is_done());
    Closing { stages, done }
}
