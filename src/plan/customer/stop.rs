//! Stopping a tenant: a quota that lets no pod in, and then the pods that are there go. Lifted, the quota goes.

use super::rooms::delete;
use crate::api::{Access, meta};
use crate::domain::fingerprint::ChildKind;
use crate::plan::objects::{self, Owner, network};
use crate::plan::observed::{ChildSeen, Children, NamespaceSeen};
use crate::plan::step::{Child, Step};

/// Where a tenant stands between running and stopped.
#[derive(Debug)]
pub struct Stop<'a> {
    wanted: bool,
    quota: Child,
    seen: Option<&'a ChildSeen>,
    marked: bool,
    shut: bool,
}

impl<'a> Stop<'a> {
    /// As it should be, against what is seen.
    pub fn of(
        tenant: Option<&NamespaceSeen>,
        children: &'a Children,
        owner: &Owner,
        namespace: &str,
        access: Access,
    ) -> Self {
        let quota = objects::tenant::closed(owner, namespace);
        let shut = network::shut(owner, namespace);
        let seen = |child: &Child| children.get(&(child.kind, child.name.clone()));
        let marked =
            tenant.is_some_and(|tenant| tenant.annotation(meta::ANNOTATION_EMPTIED) == "true");
        Self {
            wanted: access == Access::Stopped,
            seen: seen(&quota),
            marked,
            shut: seen(&shut).is_some_and(|seen| seen.fingerprint == shut.fingerprint),
            quota,
        }
    }

    /// Whether it is wanted.
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Whether the network is shut as a stop shuts it.
    pub const fn is_shut(&self) -> bool {
        self.shut
    }

    /// Whether it is wanted and done: no pod can come, and those that were there are deleted.
    pub fn is_done(&self) -> bool {
        self.wanted && self.lets_none_in() && self.marked
    }

    /// The quota, while it is wanted.
    pub fn quota(&self) -> Option<Child> {
        self.wanted.then(|| self.quota.clone())
    }

    /// The step that takes the quota away when it is not wanted any more.
    pub fn lift(&self, namespace: &str) -> Option<Step> {
        let seen = self.seen.filter(|_| !self.wanted)?;
        Some(delete(
            ChildKind::ResourceQuota,
            namespace,
            &self.quota.name,
            &seen.uid,
        ))
    }

    /// The step that deletes the pods: once, when the quota lets no other in. Those that came before it are still there.
    pub fn empty(&self, namespace: &str) -> Option<Step> {
        let due = self.wanted && self.lets_none_in() && !self.marked;
        due.then(|| Step::DeletePods {
            namespace: namespace.to_owned(),
        })
    }

    fn lets_none_in(&self) -> bool {
        self.seen
            .is_some_and(|seen| seen.hard_in_force && seen.fingerprint == self.quota.fingerprint)
    }
}
