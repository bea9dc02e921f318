//! What keeps a withdrawal that may be a mistake from destroying anything: time, and a person's word where it hits many.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::Given;
use crate::api::meta;
use crate::domain::deletion::{CROWD_WINDOW, after};
use crate::domain::services::Service;

/// What keeps the objects of a service from being destroyed because somebody above no longer offers it.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    /// Since when it is known to be withdrawn.
    pub since: Option<Timestamp>,
    /// Whether so many customers have lost it that a person has to say that it is meant.
    pub held: bool,
}

impl Breaker {
    /// Whether nothing may be destroyed yet: what is withdrawn by mistake is given back within minutes, and how many customers a
    /// withdrawal hits is known only once all of them have been looked at.
    pub fn holds(self, now: Timestamp) -> bool {
        let settled = self
            .since
            .is_some_and(|since| now >= after(since, CROWD_WINDOW));
        self.held || !settled
    }
}

impl Given<'_> {
    /// What keeps the objects of a withdrawn service.
    pub fn breaker(&self, service: &Service) -> Breaker {
        let record = self.records.services.get(&service.name);
        let hit = self.seen.withdrawn.get(&service.name).copied();
        Breaker {
            since: record.and_then(|record| record.out_since),
            held: hit.unwrap_or_default() > self.seen.crowd && !self.is_confirmed(service),
        }
    }

    /// Whether the partner that no longer offers it says that what it made may be deleted.
    fn is_confirmed(&self, service: &Service) -> bool {
        let mut partners = self.lineage.nearest_first();
        let by = partners.find(|partner| Some(partner.name_any()) == service.blocked_by);
        let said = by.and_then(|by| by.annotations().get(meta::ANNOTATION_CONFIRM_WITHDRAWAL));
        said.is_some_and(|said| said.split(',').any(|name| name.trim() == service.name))
    }

    /// When a withdrawn service is to be looked at again, since more may be done then.
    pub fn looks_again(&self, service: &Service) -> Option<Duration> {
        let breaker = self.breaker(service);
        if !service.withdrawn || !breaker.holds(self.now) {
            return None;
        }
        let settles = breaker.since.map(|since| after(since, CROWD_WINDOW));
        let left = settles.and_then(|at| Duration::try_from(at.duration_since(self.now)).ok());
        Some(left.filter(|left| !left.is_zero()).unwrap_or(CROWD_WINDOW))
    }
}
