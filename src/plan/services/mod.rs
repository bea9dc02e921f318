//! The services of one customer: which it has, what is written down of them, and the writes to their objects.
//!
//! | state | its objects |
//! | --- | --- |
//! | `Trial`, `Active` | rendered, applied, put right; those no longer rendered are pruned |
//! | `Paused`, `TrialEnd` | as the offering's `onStop` says |
//! | `Denied`, `Deleted`, after use | the same ([`fate::out_of_use`]), and pruned when `pruneAfter` is over |
//! | `Waiting`, `Preparation`, and while the offering is not in order | left as they are |
//!
//! What is to be made is written down on the namespace first (the records), and only what is written down there, carries the
//! customer's UID and has the UID that was written down is ever deleted. Claims to storage never are.

mod breaker;
mod desired;
mod fate;
pub mod report;
mod roots;
mod stopped;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use self::desired::Desired;
use self::fate::Fate;
pub use self::report::{Report, Trouble};
pub use self::roots::About;
use super::objects::Owner;
use super::observed::services::ServicesSeen;
use super::status::second;
use super::step::Step;
use crate::api::{CustomerService, CustomerStatus, OnStop, ServiceHealth, ServiceState, meta};
use crate::domain::lineage::Lineage;
use crate::domain::offering::requires;
use crate::domain::pieces::PieceId;
use crate::domain::records::{PieceRecord, ServiceRecords};
use crate::domain::services::{self, Asked, Offered, Service, Used};

/// All that decides about the services of a customer.
pub struct Given<'a> {
    /// What was observed of them.
    pub seen: &'a ServicesSeen,
    /// The partner path.
    pub lineage: &'a Lineage,
    /// What the customer's spec says.
    pub asked: &'a [CustomerService],
    /// What its status said last.
    pub told: Option<&'a CustomerStatus>,
    /// What the plan in force includes; none while its object is gone.
    pub included: Option<&'a [String]>,
    /// What is written down.
    pub records: &'a ServiceRecords,
    /// Whose the tenant namespace says it is.
    pub former: &'a str,
    /// Whose it is.
    pub owner: &'a Owner,
    /// Its name.
    pub namespace: &'a str,
    /// What expressions can begin with.
    pub about: About<'a>,
    /// Whether the tenant is stopped, so that nothing in it runs, whatever its services are to do.
    pub stopped: bool,
    /// When the customer's own trial ends.
    pub trial_ends_at: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

/// What is decided.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Where each stands.
    pub list: Vec<Service>,
    /// What is to be written down before anything is made.
    pub records: ServiceRecords,
    /// What is to be told of each.
    pub reports: Vec<Report>,
    /// Writes that make and put right, those that need others after them.
    pub making: Vec<Vec<Step>>,
    /// Writes that stop and prune.
    pub ending: Vec<Step>,
    /// When to look again.
    pub wake: Option<Duration>,
}

impl Services {
    /// Whether any object of a service was made before.
    pub fn are_there(&self) -> bool {
        let records = self.records.services.values();
        records
            .flat_map(|record| &record.pieces)
            .any(|piece| piece.uid.is_some())
    }
}

/// Decides.
pub fn decide(given: &Given<'_>) -> Services {
    let records = recalled(given);
    let list = effective(given, &records);
    let mut work = Work {
        given,
        records,
        taken: BTreeMap::new(),
        ending: Vec::new(),
        reports: BTreeMap::new(),
        making: Vec::new(),
    };
    // Who keeps objects keeps their names, and what goes leaves them to who wants them.
    let mut all = in_order(given, &list);
    all.sort_by_key(|service| match given.fate(service) {
        Fate::Leave | Fate::Stop(OnStop::Scale | OnStop::Keep) => 0,
        Fate::Run => 1,
        Fate::Stop(OnStop::Delete) | Fate::Prune => 2,
    });
    for service in all {
        work.on(service);
    }
    work.sweep();
    let refused = given.seen.refused.values();
    let refused = refused
        .filter(|refused| !refused.is_due())
        .map(|refused| refused.again_in);
    let changes = list.iter().filter_map(|service| service.changes_at);
    let changes = changes.filter_map(|at| Duration::try_from(at.duration_since(given.now)).ok());
    let withdrawn = list.iter().filter_map(|service| given.looks_again(service));
    let wake = refused.chain(changes).chain(withdrawn).min();
    let Work {
        records,
        ending,
        mut reports,
        making,
        ..
    } = work;
    Services {
        reports: list
            .iter()
            .filter_map(|service| reports.remove(&service.name))
            .collect(),
        list,
        records,
        making,
        ending,
        wake,
    }
}

/// What is written down, or, where that was lost, what people were told.
fn recalled(given: &Given<'_>) -> ServiceRecords {
    let mut records = given.records.clone();
    let uid = given.owner.customer.as_ref().map(|(_, uid)| uid.as_str());
    if uid != Some(given.former) {
        records.succeed(given.former);
    }
    if records.is_empty() {
        let told = given.told.map(|status| status.services.as_slice());
        let used = told.unwrap_or_default().iter().filter(|service| {
            let before = matches!(
                service.state,
                ServiceState::Preparation | ServiceState::Waiting
            );
            let refused = service.state == ServiceState::Denied && service.objects == 0;
            !before && !refused
        });
        for service in used {
            records.services.entry(service.name.clone()).or_default();
        }
    }
    records
}

fn effective(given: &Given<'_>, records: &ServiceRecords) -> Vec<Service> {
    let offerings = given.seen.offerings.iter();
    let offerings = offerings.map(|(name, seen)| {
        let offered = Offered {
            spec: &seen.object.spec,
            in_order: seen.in_order,
        };
        (name.as_str(), offered)
    });
    let used: BTreeMap<String, Used> = records
        .services
        .iter()
        .map(|(name, record)| {
            (
                name.clone(),
                Used {
                    out_since: record.out_since,
                },
            )
        })
        .collect();
    // The object of the plan in force is gone, which is nobody's wish: what was in use goes on.
    let goes_on: Vec<String> = match given.included {
        Some(_) => Vec::new(),
        None => used
            .iter()
            .filter(|(_, used)| used.out_since.is_none())
            .map(|(name, _)| name.clone())
            .collect(),
    };
    services::effective(&Asked {
        lineage: given.lineage,
        offerings: offerings.collect(),
        plan: given.included.unwrap_or(&goes_on),
        services: given.asked,
        used: &used,
        trial_ends_at: given.trial_ends_at,
        now: given.now,
    })
}

/// The services so that each comes after what it requires.
fn in_order<'s>(given: &Given<'_>, list: &'s [Service]) -> Vec<&'s Service> {
    let requirements = list
        .iter()
        .map(|service| {
            let offering = given.seen.offerings.get(&service.name);
            let required = offering.map(|it| it.object.spec.requires.clone());
            (service.name.clone(), required.unwrap_or_default())
        })
        .collect();
    let order = requires::order(&requirements).into_iter();
    order
        .filter_map(|name| list.iter().find(|service| service.name == name))
        .collect()
}

/// The decision under way, service by service.
struct Work<'a> {
    given: &'a Given<'a>,
    records: ServiceRecords,
    /// Objects that are to be there, and of which service.
    taken: BTreeMap<PieceId, String>,
    ending: Vec<Step>,
    reports: BTreeMap<String, Report>,
    /// Stages of making, by how much must come before.
    making: Vec<Vec<Step>>,
}

impl Work<'_> {
    fn on(&mut self, service: &Service) {
        let mut report = Report::of(service, self.given.seen);
        if service.withdrawn && self.given.breaker(service).held {
            report.hold(self.given.seen.withdrawn.get(&service.name).copied());
        }
        if service.used {
            let record = self
                .records
                .services
                .entry(service.name.clone())
                .or_default();
            record.out_since = match record.out_since {
                _ if !service.is_out() => None,
                Some(since) => Some(since),
                None => Some(second(self.given.now)),
            };
        }
        match self.given.fate(service) {
            Fate::Run => match Desired::of(self.given, &mut self.taken, service) {
                Ok(desired) => self.run(service, &desired, &mut report),
                Err(trouble) => {
                    report.trouble = Some(trouble);
                    self.leave(service);
                }
            },
            Fate::Leave => self.leave(service),
            Fate::Stop(on_stop) => self.stop(service, on_stop),
            Fate::Prune => self.prune(service),
        }
        report.count(self.records.services.get(&service.name));
        self.reports.insert(service.name.clone(), report);
    }

    /// The objects as rendered; what else is written down is swept up at the end.
    fn run(&mut self, service: &Service, desired: &Desired, report: &mut Report) {
        report.parameters = Some(desired.parameters.clone());
        // Stopped, nothing can be as well as it should be, and that is no news.
        report.health = Some(desired.health)
            .filter(|health| !self.given.stopped || *health == ServiceHealth::Refused);
        report.trouble.clone_from(&desired.trouble);
        let record = self
            .records
            .services
            .entry(service.name.clone())
            .or_default();
        for piece in &desired.pieces {
            let id = piece.id();
            match record.pieces.iter_mut().find(|known| known.id() == id) {
                Some(known) => {
                    known.api_version.clone_from(&piece.api_version);
                    known.uid = piece.uid.clone().or(known.uid.take());
                }
                None => record.pieces.push(piece.clone()),
            }
        }
        let level = self.level(service);
        if self.making.len() <= level {
            self.making.resize(level + 1, Vec::new());
        }
        self.making[level].extend(desired.steps.iter().cloned());
    }

    /// How many stages must come before a service's.
    fn level(&self, service: &Service) -> usize {
        let mut level = 0;
        let mut above: BTreeSet<&str> = BTreeSet::from([service.name.as_str()]);
        // A cycle is no offering in order; the bound is for totality.
        while level < self.given.seen.offerings.len() {
            let next: BTreeSet<&str> = above
                .iter()
                .filter_map(|name| self.given.seen.offerings.get(*name))
                .flat_map(|offering| offering.object.spec.requires.iter().map(String::as_str))
                .collect();
            if next.is_empty() {
                break;
            }
            level += 1;
            above = next;
        }
        level
    }

    /// Objects stay as they are, so nobody else may take their names.
    fn leave(&mut self, service: &Service) {
        let record = self.records.services.get(&service.name);
        for piece in record.into_iter().flat_map(|record| &record.pieces) {
            self.taken
                .entry(piece.id())
                .or_insert_with(|| service.name.clone());
        }
    }

    /// What is written down, and neither rendered nor kept, goes: once it is gone, it is forgotten.
    fn sweep(&mut self) {
        let running: BTreeSet<String> = self
            .reports
            .iter()
            .filter(|(_, report)| report.parameters.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let mut services = std::mem::take(&mut self.records.services);
        for (name, record) in &mut services {
            if running.contains(name) {
                let taken = &self.taken;
                let kept = |piece: &PieceRecord| taken.get(&piece.id()) == Some(name);
                let (kept, surplus): (Vec<_>, Vec<_>) = record.pieces.drain(..).partition(kept);
                record.pieces = kept;
                let left = surplus
                    .into_iter()
                    .filter(|piece| !taken.contains_key(&piece.id()));
                record
                    .pieces
                    .extend(left.filter_map(|piece| self.given.discard(piece, &mut self.ending)));
            }
            record.pieces.sort_by_key(PieceRecord::id);
        }
        self.records.services = services;
    }
}

impl Given<'_> {
    fn fate(&self, service: &Service) -> Fate {
        let offering = self.seen.offerings.get(&service.name);
        fate::of(service, offering, self.breaker(service), self.now)
    }

    /// Whether an object carries this customer's UID, or that of one who had the tenant before.
    fn is_ours(&self, customer_uid: &str) -> bool {
        let uid = self.owner.customer.as_ref().map(|(_, uid)| uid.as_str());
        uid == Some(customer_uid)
            || customer_uid == self.former
            || self
                .records
                .former
                .iter()
                .any(|former| former == customer_uid)
    }

    /// Labels of a service's objects. Not the one of all that the operator makes: what carries that nobody else may touch, while
    /// controllers rightly add to these.
    fn labels(&self, service: &str) -> BTreeMap<String, String> {
        let mut labels = self.owner.labels();
        labels.remove(meta::LABEL_MANAGED_BY);
        labels.insert(meta::LABEL_SERVICE.to_owned(), service.to_owned());
        labels
    }
}

#[cfg(test)]
mod tests;
