//! What the mail process counts about itself, for Prometheus.
//!
//! What was sent is not here: it is read from the counters when somebody asks, so that it is exact and the same on every replica
//! (see [`super::http`]).

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

type Counters = Family<[(&'static str, &'static str); 1], Counter>;

/// The counters. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    decisions: Counters,
    uncounted: Counter,
    logins: Counters,
    lookups: Counters,
    time: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let (decisions, logins, lookups) = (
            Counters::default(),
            Counters::default(),
            Counters::default(),
        );
        let uncounted = Counter::default();
        // 50 µs to 0.4 s: from an answer out of memory to one that waited for the counters.
        let time = Histogram::new(exponential_buckets(0.000_05, 2.0, 14));
        let r = &mut registry;
        r.register(
            "clientele_mail_decisions",
            "Messages decided about, by verdict",
            decisions.clone(),
        );
        r.register(
            "clientele_mail_uncounted",
            "Messages that wait because counters did not answer",
            uncounted.clone(),
        );
        r.register(
            "clientele_mail_logins",
            "Attempts to log in, by result",
            logins.clone(),
        );
        r.register(
            "clientele_mail_lookups",
            "Questions about relays, by result",
            lookups.clone(),
        );
        r.register_with_unit(
            "clientele_mail_policy",
            "Time from a policy request to its answer",
            Unit::Seconds,
            time.clone(),
        );
        Self {
            registry: Arc::new(registry),
            decisions,
            uncounted,
            logins,
            lookups,
            time,
        }
    }
}

impl Metrics {
    /// A message was decided about.
    pub fn decided(&self, verdict: &'static str) {
        self.decisions.get_or_create(&[("verdict", verdict)]).inc();
    }

    /// A message could not be counted.
    pub fn uncounted(&self) {
        self.uncounted.inc();
    }

    /// Somebody tried to log in.
    pub fn login(&self, result: &'static str) {
        self.logins.get_or_create(&[("result", result)]).inc();
    }

    /// Somebody asked about a relay.
    pub fn lookup(&self, result: &'static str) {
        self.lookups.get_or_create(&[("result", result)]).inc();
    }

    /// A policy request was answered.
    pub fn answered(&self, took: Duration) {
        self.time.observe(took.as_secs_f64());
    }

    /// Everything, in the OpenMetrics text form, without its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        text::encode_registry(&mut page, &self.registry)?;
        Ok(page)
    }
}
