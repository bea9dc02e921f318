//! Deletion requests by what is asked of all of them: which wait, which are being purged and were lately, and which came together.
//!
//! Most requests are history, kept for a year, and a look at one that waits must not walk it. Forms are left out: what counts is the
//! request that was filed for one.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Multi;
use crate::api::{DeletionPhase, DeletionRequest, DeletionStep, meta};
use crate::observe::table::Id;
use crate::plan::observed::deletion::Source;

/// The reverse maps.
#[derive(Debug, Default)]
pub struct Requests {
    by_phase: Multi<DeletionPhase, Id>,
    purges: BTreeSet<(Timestamp, Id)>,
    automatic: BTreeSet<(Timestamp, Id)>,
}

impl Requests {
    /// Puts a request in place of what it was.
    pub fn set(&mut self, id: &Id, old: Option<&DeletionRequest>, new: Option<&DeletionRequest>) {
        if id.0.contains(meta::TENANT_SEPARATOR) {
            return;
        }
        if let Some(old) = old {
            if let Some(phase) = phase(old) {
                self.by_phase.remove(&phase, id);
            }
            if let Some(at) = purged(old) {
                self.purges.remove(&(at, id.clone()));
            }
            if let Some(at) = automatic(old) {
                self.automatic.remove(&(at, id.clone()));
            }
        }
        if let Some(new) = new {
            if let Some(phase) = phase(new) {
                self.by_phase.add(phase, id.clone());
            }
            if let Some(at) = purged(new) {
                self.purges.insert((at, id.clone()));
            }
            if let Some(at) = automatic(new) {
                self.automatic.insert((at, id.clone()));
            }
        }
    }

    /// Those in a phase.
    pub fn of_phase(&self, phase: DeletionPhase) -> impl Iterator<Item = &Id> {
        self.by_phase.of(&phase)
    }

    /// How many are in a phase.
    pub fn count(&self, phase: DeletionPhase) -> usize {
        self.by_phase.count(&phase)
    }

    /// Those whose purge began after this moment.
    pub fn purged_after(&self, moment: Timestamp) -> impl Iterator<Item = &Id> {
        let from = (moment, Id::default());
        let begun = self.purges.range(from..);
        begun.filter(move |(at, _)| *at > moment).map(|(_, id)| id)
    }

    /// Those that nobody meant one by one and that were filed this near to a moment, with when.
    pub fn automatic_near(
        &self,
        moment: Timestamp,
        window: SignedDuration,
    ) -> impl Iterator<Item = &(Timestamp, Id)> {
        let from = moment.checked_sub(window).unwrap_or(Timestamp::MIN);
        let until = moment.checked_add(window).unwrap_or(Timestamp::MAX);
        let near = self.automatic.range((from, Id::default())..);
        near.take_while(move |(at, _)| *at <= until)
    }
}

fn phase(request: &DeletionRequest) -> Option<DeletionPhase> {
    request.status.as_ref().and_then(|status| status.phase)
}

/// When its purge began, the last time.
fn purged(request: &DeletionRequest) -> Option<Timestamp> {
    let history = request.status.iter().flat_map(|status| &status.history);
    let purges = history.filter(|event| event.what == DeletionStep::Purging);
    purges.map(|event| event.at.0).max()
}

fn automatic(request: &DeletionRequest) -> Option<Timestamp> {
    let filed = request.metadata.creation_timestamp.as_ref();
    let filed = filed.filter(|_| Source::of(request).is_automatic());
    filed.map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::{DeletionEvent, DeletionRequestSpec, DeletionRequestStatus};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn id(name: &str) -> Id {
        ("partner-emea".into(), name.into())
    }

    /// A request filed at this second, and purged at that one.
    fn request(
        source: &str,
        filed: i64,
        phase: DeletionPhase,
        purged: Option<i64>,
    ) -> DeletionRequest {
        let mut request = DeletionRequest::new("any", DeletionRequestSpec::default());
        request.metadata.creation_timestamp = Some(Time(at(filed)));
        let stamp = (meta::ANNOTATION_SOURCE.to_owned(), source.to_owned());
        request.metadata.annotations = Some([stamp].into());
        let event = |second| DeletionEvent {
            at: Time(at(second)),
            what: DeletionStep::Purging,
            by: None,
            note: None,
        };
        request.status = Some(DeletionRequestStatus {
            phase: Some(phase),
            history: purged.map(event).into_iter().collect(),
            ..DeletionRequestStatus::default()
        });
        request
    }

    fn names<'a>(ids: impl Iterator<Item = &'a Id>) -> Vec<&'a str> {
        ids.map(|id| id.1.as_str()).collect()
    }

    #[test]
    fn each_is_found_by_its_phase_and_by_no_other() {
        let mut requests = Requests::default();
        let waits = request("", 0, DeletionPhase::Pending, None);
        let goes = request("", 0, DeletionPhase::Purging, Some(9));
        requests.set(&id("a"), None, Some(&waits));
        requests.set(&id("b"), None, Some(&waits));
        requests.set(&id("a"), Some(&waits), Some(&goes));
        assert_eq!(names(requests.of_phase(DeletionPhase::Pending)), ["b"]);
        assert_eq!(names(requests.of_phase(DeletionPhase::Purging)), ["a"]);
        assert_eq!(requests.count(DeletionPhase::Completed), 0);
        requests.set(&id("a"), Some(&goes), None);
        requests.set(&id("b"), Some(&waits), None);
        assert_eq!(requests.count(DeletionPhase::Pending), 0);
        assert!(requests.purges.is_empty() && requests.automatic.is_empty());
    }

    #[test]
    fn a_purge_counts_from_when_it_began_and_of_two_the_last() {
        let mut requests = Requests::default();
        for (name, second) in [("a", 10), ("b", 20), ("c", 30)] {
            let done = request("", 0, DeletionPhase::Completed, Some(second));
            requests.set(&id(name), None, Some(&done));
        }
        assert_eq!(names(requests.purged_after(at(20))), ["c"]);
        assert_eq!(names(requests.purged_after(at(19))), ["b", "c"]);
        let once = request("", 0, DeletionPhase::Completed, Some(10));
        let mut twice = request("", 0, DeletionPhase::Purging, Some(10));
        let again = request("", 0, DeletionPhase::Purging, Some(40));
        let history = &mut twice.status.as_mut().unwrap().history;
        history.extend(again.status.unwrap().history);
        requests.set(&id("a"), Some(&once), Some(&twice));
        assert_eq!(names(requests.purged_after(at(20))), ["c", "a"]);
    }

    #[test]
    fn those_that_came_near_are_those_within_the_window_that_no_person_wrote() {
        let mut requests = Requests::default();
        let filed = [
            ("a", 89, meta::SOURCE_SPEC),
            ("b", 90, meta::SOURCE_DELETED),
            ("c", 100, meta::SOURCE_FORM),
            ("d", 105, ""),
            ("e", 110, meta::SOURCE_SPEC),
            ("f", 111, meta::SOURCE_DELETED),
        ];
        for (name, second, source) in filed {
            let filed = request(source, second, DeletionPhase::Cancelled, None);
            requests.set(&id(name), None, Some(&filed));
        }
        let near = requests.automatic_near(at(100), SignedDuration::from_secs(10));
        assert_eq!(names(near.map(|(_, id)| id)), ["b", "e"]);
    }

    #[test]
    fn a_form_is_not_counted_beside_the_request_that_was_filed_for_it() {
        let mut requests = Requests::default();
        let goes = request("", 0, DeletionPhase::Purging, Some(9));
        requests.set(&("emea--globex".into(), "leave".into()), None, Some(&goes));
        requests.set(&id("filed"), None, Some(&goes));
        assert_eq!(names(requests.of_phase(DeletionPhase::Purging)), ["filed"]);
        assert_eq!(names(requests.purged_after(at(0))), ["filed"]);
    }
}
