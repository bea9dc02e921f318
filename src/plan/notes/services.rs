//! What is news about a customer's services: that one comes into use or out of it, that its objects go, that one of them fails.
//!
//! What a customer's own mistake keeps from being made is told as its being stalled, and not again here.

use super::Note;
use crate::api::{Reason, ServiceHealth, ServiceSource, ServiceState, ServiceStatus};

/// The notes on a change of where services stand. That a new customer has what it asks for is no news.
pub(super) fn on_change(old: Option<&[ServiceStatus]>, new: &[ServiceStatus]) -> Vec<Note> {
    let all = new.iter().flat_map(|is| {
        let was = old.and_then(|old| old.iter().find(|was| was.name == is.name));
        let moved = moved(was, is).filter(|note| note.warning || old.is_some());
        moved.into_iter().chain(was.and_then(|was| within(was, is)))
    });
    all.collect()
}

const fn runs(service: &ServiceStatus) -> bool {
    matches!(service.state, ServiceState::Trial | ServiceState::Active)
}

/// It stands elsewhere now.
fn moved(was: Option<&ServiceStatus>, is: &ServiceStatus) -> Option<Note> {
    if was.is_some_and(|was| was.state == is.state && was.withdrawn == is.withdrawn) {
        return None;
    }
    let ran = was.is_some_and(runs);
    let by = is.blocked_by.as_deref().unwrap_or_default();
    let (warning, reason, what) = match is.state {
        ServiceState::Active => (false, Reason::ServiceActivated, "is in use".to_owned()),
        ServiceState::Trial => (false, Reason::ServiceActivated, "is tried".to_owned()),
        ServiceState::Paused if ran => (
            false,
            Reason::ServicePaused,
            "is stopped until it is asked for again".to_owned(),
        ),
        ServiceState::TrialEnd => (
            true,
            Reason::ServiceTrialEnded,
            "its trial is over, and it is stopped".to_owned(),
        ),
        ServiceState::Denied if is.withdrawn => (
            true,
            Reason::ServiceWithdrawn,
            format!("partner {by} no longer offers it, and it is out of use"),
        ),
        ServiceState::Denied if is.source != ServiceSource::Customer => (
            true,
            Reason::ServiceNotOffered,
            format!("partner {by} does not offer it"),
        ),
        ServiceState::Waiting if ran => (
            true,
            Reason::ServiceWaiting,
            format!("{by} is missing or not in use; what there is stays as it is"),
        ),
        ServiceState::Deleted => (
            false,
            Reason::ServiceRemoved,
            "is no longer asked for, and is out of use".to_owned(),
        ),
        ServiceState::Preparation
        | ServiceState::Paused
        | ServiceState::Denied
        | ServiceState::Waiting => return None,
    };
    Some(note(warning, reason, is, &what))
}

/// It stands where it stood, and its objects are others, or otherwise.
fn within(was: &ServiceStatus, is: &ServiceStatus) -> Option<Note> {
    let is_out = is.withdrawn || is.state == ServiceState::Deleted;
    if is_out && was.remove_at.is_some() && is.remove_at.is_none() && is.objects < was.objects {
        let what = match is.objects {
            0 => "its objects are deleted".to_owned(),
            left => format!("its objects are deleted, but for {left} claims to storage"),
        };
        return Some(note(false, Reason::ServicePruned, is, &what));
    }
    let failed = |service: &ServiceStatus| service.health == Some(ServiceHealth::Failed);
    (failed(is) && !failed(was)).then(|| {
        let what = "an object of it has failed: see the condition ServicesReady";
        note(true, Reason::ServiceUnhealthy, is, what)
    })
}

fn note(warning: bool, reason: Reason, service: &ServiceStatus, what: &str) -> Note {
    Note {
        warning,
        reason,
        message: format!("Service {}: {what}.", service.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    fn stands(state: ServiceState) -> ServiceStatus {
        ServiceStatus {
            name: "web".into(),
            state,
            objects: 3,
            ..ServiceStatus::default()
        }
    }

    fn told(old: Option<&[ServiceStatus]>, new: &ServiceStatus) -> Vec<(bool, Reason)> {
        let notes = on_change(old, std::slice::from_ref(new)).into_iter();
        notes.map(|note| (note.warning, note.reason)).collect()
    }

    fn after(was: &ServiceStatus, is: &ServiceStatus) -> Vec<(bool, Reason)> {
        told(Some(std::slice::from_ref(was)), is)
    }

    #[test]
    fn each_way_into_use_and_out_of_it_is_told_once() {
        use ServiceState::*;
        for (was, is, reason) in [
            (None, Active, Some((false, Reason::ServiceActivated))),
            (None, Preparation, None),
            (None, Waiting, None),
            (None, Paused, None),
            (
                Some(Preparation),
                Trial,
                Some((false, Reason::ServiceActivated)),
            ),
            (Some(Trial), Active, Some((false, Reason::ServiceActivated))),
            (Some(Active), Paused, Some((false, Reason::ServicePaused))),
            (
                Some(Paused),
                Active,
                Some((false, Reason::ServiceActivated)),
            ),
            (
                Some(Trial),
                TrialEnd,
                Some((true, Reason::ServiceTrialEnded)),
            ),
            (Some(Active), Deleted, Some((false, Reason::ServiceRemoved))),
            (Some(Active), Waiting, Some((true, Reason::ServiceWaiting))),
            (Some(Preparation), Waiting, None),
            // The customer asks for what is not offered: it is stalled, and told of that.
            (Some(Preparation), Denied, None),
        ] {
            let was = was.map(stands);
            let old: &[ServiceStatus] = was.as_slice();
            assert_eq!(
                told(Some(old), &stands(is)),
                Vec::from_iter(reason),
                "{was:?} → {is:?}"
            );
            assert_eq!(after(&stands(is), &stands(is)), [], "{is:?} stays");
        }
    }

    #[test]
    fn a_withdrawal_and_a_refusal_by_a_partner_are_told() {
        let denied = stands(ServiceState::Denied);
        let withdrawn = ServiceStatus {
            withdrawn: true,
            ..denied.clone()
        };
        let included = ServiceStatus {
            source: ServiceSource::Plan,
            ..denied
        };
        let before = stands(ServiceState::Active);
        assert_eq!(
            after(&before, &withdrawn),
            [(true, Reason::ServiceWithdrawn)]
        );
        assert_eq!(after(&withdrawn, &withdrawn), []);
        for old in [None, Some(&[] as &[ServiceStatus])] {
            assert_eq!(told(old, &included), [(true, Reason::ServiceNotOffered)]);
        }
    }

    #[test]
    fn a_new_customer_that_has_what_it_asks_for_is_no_news() {
        assert_eq!(told(None, &stands(ServiceState::Active)), []);
    }

    #[test]
    fn that_objects_are_pruned_is_told_when_the_last_of_them_goes() {
        let out = ServiceStatus {
            remove_at: Some(Time(jiff::Timestamp::UNIX_EPOCH)),
            ..stands(ServiceState::Deleted)
        };
        let fewer = ServiceStatus {
            objects: 2,
            ..out.clone()
        };
        let pruned = ServiceStatus {
            objects: 1,
            remove_at: None,
            ..out.clone()
        };
        assert_eq!(after(&out, &fewer), []);
        assert_eq!(after(&fewer, &pruned), [(false, Reason::ServicePruned)]);
        let spared = ServiceStatus {
            remove_at: None,
            ..out.clone()
        };
        assert_eq!(after(&out, &spared), [], "pruneAfter was taken out");
        let again = ServiceStatus {
            state: ServiceState::Active,
            ..pruned
        };
        assert_eq!(after(&out, &again), [(false, Reason::ServiceActivated)]);
    }

    #[test]
    fn an_object_that_fails_is_told_once() {
        let failed = ServiceStatus {
            health: Some(ServiceHealth::Failed),
            ..stands(ServiceState::Active)
        };
        let before = stands(ServiceState::Active);
        assert_eq!(after(&before, &failed), [(true, Reason::ServiceUnhealthy)]);
        assert_eq!(after(&failed, &failed), []);
    }
}
