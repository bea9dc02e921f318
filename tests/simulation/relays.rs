//! Relays that answer as a story wants them to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clientele::observe::relay::{Probe, Relay};
use clientele::plan::observed::routes::{RelayFault, RelaySeen};
use futures::FutureExt;
use futures::future::BoxFuture;

/// How long one takes to answer.
const ANSWER: Duration = Duration::from_millis(100);

/// All relays of a story: they take mail unless the story says otherwise.
#[derive(Clone, Default)]
pub struct Relays(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    faults: BTreeMap<String, RelayFault>,
    tried: Vec<Relay>,
}

impl Relays {
    /// From now on the relay at this host does not take mail.
    pub fn fail(&self, host: &str, fault: RelayFault) {
        self.state().faults.insert(host.to_owned(), fault);
    }

    /// It does again.
    pub fn mend(&self, host: &str) {
        self.state().faults.remove(host);
    }

    /// What was tried so far.
    pub fn tried(&self) -> Vec<Relay> {
        self.state().tried.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Probe for Relays {
    fn look(&self, relay: Relay) -> BoxFuture<'static, RelaySeen> {
        let relays = self.clone();
        async move {
            tokio::time::sleep(ANSWER).await;
            let mut state = relays.state();
            let fault = state.faults.get(&relay.host).cloned();
            state.tried.push(relay);
            fault.map_or(RelaySeen::Works, RelaySeen::Fails)
        }
        .boxed()
    }
}
