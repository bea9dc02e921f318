//! What was measured: values, without a word of what they mean.

use std::collections::BTreeMap;
use std::time::Duration;

use super::machine::{Machine, Resident, Spent};
use super::support::Calls;

/// Everything.
pub struct Figures {
    /// The machine.
    pub machine: Machine,
    /// Kubernetes' version.
    pub kubernetes: String,
    /// The day, as `2026-11-22`.
    pub day: String,
    /// Customers in a series.
    pub customers: usize,
    /// Floor and operator, in order.
    pub rounds: Vec<Round>,
    /// The floor, taken apart: what was done, and how fast.
    pub parts: Vec<(&'static str, Pace)>,
    /// The operator, in the last round.
    pub operator: Operated,
}

/// Floor and operator, one after the other.
pub struct Round {
    /// The bare client's series.
    pub floor: Pace,
    /// The operator's series.
    pub operator: Series,
}

impl Round {
    /// How much of the floor is left with the operator.
    pub fn ratio(&self) -> f64 {
        self.operator.pace.rate() / self.floor.rate()
    }
}

/// How fast customers were made, and what of the processor that took.
#[derive(Default)]
pub struct Pace {
    /// How many.
    pub customers: usize,
    /// From the first call to the last one done.
    pub took: Duration,
    /// Processor time meanwhile, of all processes.
    pub spent: Spent,
}

impl Pace {
    /// Customers per second.
    pub fn rate(&self) -> f64 {
        self.customers as f64 / self.took.as_secs_f64()
    }

    /// Milliseconds of a processor for each.
    pub fn each(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1000.0 / self.customers as f64
    }

    /// Goes on with another block.
    pub fn add(&mut self, block: Self) {
        self.customers += block.customers;
        self.took += block.took;
        for (name, spent) in block.spent.0 {
            *self.spent.0.entry(name).or_default() += spent;
        }
    }
}

/// Customers made as fast as the API server takes them, with the operator.
pub struct Series {
    /// Until the last one was Ready.
    pub pace: Pace,
    /// Until the last one was accepted.
    pub asking: Duration,
    /// Until each was Ready.
    pub waits: Waits,
}

/// What was seen of the operator beside its speed.
pub struct Operated {
    /// Its calls in the series of customers.
    pub calls: Tally,
    /// Customers one at a time.
    pub alone: Waits,
    /// Customers with one user each.
    pub with_users: Series,
    /// Its calls in that series.
    pub calls_with_users: Tally,
    /// How long it was watched idle.
    pub idle: Duration,
    /// Its calls meanwhile.
    pub idle_calls: Tally,
    /// From the start of its process until it called itself ready, all customers there.
    pub restart: Duration,
    /// Its calls after that start.
    pub restart_calls: Tally,
    /// Its memory when the series was done.
    pub loaded: Resident,
    /// Its memory after being idle.
    pub settled: Resident,
    /// Its memory after the restart.
    pub restarted: Resident,
}

/// Calls counted by verb and resource; those for the lease apart.
pub struct Tally {
    /// By verb and resource: `create namespaces`.
    pub counts: BTreeMap<String, usize>,
    /// How many change something.
    pub writes: usize,
    /// Calls for the lease.
    pub lease: usize,
    /// Calls that were refused, by status; those that were only tried do not count.
    pub refused: BTreeMap<u16, usize>,
}

impl Tally {
    /// Counts calls.
    pub fn of(calls: Calls) -> Self {
        let lease = calls.clone().only(|call| call.resource == "leases").count();
        let calls = calls.only(|call| call.resource != "leases");
        let (mut counts, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for call in &calls.0 {
            let tried = if call.dry_run { " (dry run)" } else { "" };
            *counts
                .entry(format!("{} {}{tried}", call.verb, call.resource))
                .or_default() += 1;
            if call.code >= 400 && !call.dry_run {
                *refused.entry(call.code).or_default() += 1;
            }
        }
        Self {
            counts,
            writes: calls.writes().count(),
            lease,
            refused,
        }
    }

    /// How many there are of this verb and resource.
    pub fn count(&self, key: &str) -> usize {
        self.counts.get(key).copied().unwrap_or_default()
    }

    /// The counts of this verb, one a resource.
    pub fn with(&self, verb: &str) -> impl Iterator<Item = usize> {
        let counts = self.counts.iter();
        counts
            .filter(move |(key, _)| key.split(' ').next() == Some(verb))
            .map(|(_, count)| *count)
    }
}

/// Waits, shortest first.
pub struct Waits(Vec<Duration>);

impl Waits {
    /// In any order.
    pub fn new(mut waits: Vec<Duration>) -> Self {
        waits.sort();
        Self(waits)
    }

    /// The wait that this share of all did not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let place = (share * last as f64).round() as usize;
        self.0.get(place.min(last)).copied().unwrap_or_default()
    }
}

/// The one in the middle; of an even number the worse of the two.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}
