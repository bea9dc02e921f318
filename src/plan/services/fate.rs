//! What becomes of a service's objects, by where the service stands.

use jiff::Timestamp;

use super::breaker::Breaker;
use crate::api::{OnStop, ServiceState};
use crate::domain::services::Service;
use crate::plan::observed::services::OfferingSeen;

/// What becomes of the objects of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As rendered.
    Run,
    /// As they are.
    Leave,
    /// They stop running, or go, or stay.
    Stop(OnStop),
    /// They go, but for claims to storage.
    Prune,
}

/// What becomes of them.
pub fn of(
    service: &Service,
    offering: Option<&OfferingSeen>,
    breaker: Breaker,
    now: Timestamp,
) -> Fate {
    let on_stop = offering
        .map(|it| it.object.spec.on_stop)
        .unwrap_or_default();
    match service.state {
        ServiceState::Trial | ServiceState::Active => Fate::Run,
        ServiceState::Waiting | ServiceState::Preparation => Fate::Leave,
        ServiceState::Paused | ServiceState::TrialEnd => Fate::Stop(on_stop),
        ServiceState::Denied | ServiceState::Deleted => out_of_use(service, on_stop, breaker, now),
    }
}

/// What becomes of the objects of a service that was withdrawn or removed after use. Everything that is stopped or destroyed
/// because somebody above no longer offers a service is decided here, and nowhere else.
pub fn out_of_use(service: &Service, on_stop: OnStop, breaker: Breaker, now: Timestamp) -> Fate {
    let spared = service.withdrawn && breaker.holds(now);
    if !service.used {
        Fate::Leave
    } else if spared {
        Fate::Stop(match on_stop {
            OnStop::Scale | OnStop::Delete => OnStop::Scale,
            OnStop::Keep => OnStop::Keep,
        })
    } else if service.is_due(now) {
        Fate::Prune
    } else {
        Fate::Stop(on_stop)
    }
}
