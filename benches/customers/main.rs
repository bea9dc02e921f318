//! `make bench`: what customers cost with the operator, beside what the API server alone costs.
//!
//! ```text
//! round ─┬─ fresh control plane, a sample customer, operator stopped ── floor: N times the sample's objects, by a bare client
//!        └─ fresh control plane, a sample customer, operator running ── N customers, as fast as the API server takes them
//! ```
//!
//! Both halves of a round begin with the same: an empty etcd that waits for the disk, deploy/ installed, one customer made,
//! the machine calm. Which half comes first alternates from round to round. In the last round the floor also takes itself
//! apart ([`floor::Manner`]), and the operator is watched idle, started again, given customers one at a time and customers
//! with users.
//!
//! It is a measurement, not a test: a figure that misses its target is shown, not a failure. What must hold on every machine
//! (how many calls, of which kind) is held by tests/cluster/budgets.rs.

// Measuring is reading clocks.
#![allow(clippy::disallowed_methods)]

#[path = "../shared/mod.rs"]
mod shared;

mod page;
mod phases;

use std::process::ExitCode;
use std::time::Duration;

use self::shared::{Benchmark, Failure, called, times};

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 1000;

/// Measures what customers cost with the operator, beside what the API server alone costs.
#[derive(clap::Args)]
struct Arguments {
    /// Customers in a series
    #[arg(long, env = "N", default_value_t = WORTH_KEEPING)]
    customers: usize,

    /// Rounds of floor and operator; the figures are the medians
    #[arg(long, env = "ROUNDS", default_value_t = 3)]
    rounds: usize,

    /// How long the operator is watched doing nothing, in seconds
    #[arg(long, env = "IDLE", default_value_t = 60)]
    idle: u64,
}

impl Benchmark for Arguments {
    const PAGE: &str = "benchmarks.md";

    fn is_worth_keeping(&self) -> bool {
        self.customers >= WORTH_KEEPING
    }

    /// Ten minutes and a quarter of a second a customer, a round.
    fn limit(&self) -> Duration {
        let round = Duration::from_secs(600) + times(Duration::from_millis(250), self.customers);
        times(round, self.rounds)
    }

    async fn measure(&self) -> Result<String, Failure> {
        Ok(page::write(&phases::all(self).await?))
    }
}

fn main() -> ExitCode {
    called::<Arguments>()
}
