//! `make bench`: what reaches many customers at once, beside what the API server alone takes for the same writes.
//!
//! ```text
//! a fresh control plane, N customers with an admin each, calm
//!   ├─ partner   a change above all of them; the same writes by a bare client
//!   ├─ trials    all end within a minute; are extended; all end in the same second
//!   ├─ service   a change in an offering that all of them have; the same writes by a bare client
//!   ├─ failover  the leader is killed, or asked to end, while another operator stands by
//!   └─ purges    a tenth of the tenants is destroyed while the others' changes go on
//! ```
//!
//! Each scene is a file and leaves the customers as it found them, so that the next can begin; the last does not. Measured is what a person would
//! notice; the calls are counted in the API server's audit log. A figure that misses its target is shown, not a failure.

// Measuring is reading clocks.
#![allow(clippy::disallowed_methods)]

#[path = "../shared/mod.rs"]
mod shared;

mod failover;
mod page;
mod partner;
mod purges;
mod reach;
mod scene;
mod service;
mod trials;

use std::process::ExitCode;
use std::time::Duration;

use self::scene::Scene;
use self::shared::machine::Machine;
use self::shared::{Benchmark, Failure, called, times};

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 1000;

/// Measures what reaches many customers at once.
#[derive(clap::Args)]
struct Arguments {
    /// Customers
    #[arg(long, env = "N", default_value_t = WORTH_KEEPING)]
    customers: usize,

    /// Rounds of operator and floor; the figures are the medians
    #[arg(long, env = "ROUNDS", default_value_t = 3)]
    rounds: usize,

    /// How long the operator is watched doing nothing, in seconds
    #[arg(long, env = "IDLE", default_value_t = 60)]
    idle: u64,
}

impl Benchmark for Arguments {
    const PAGE: &str = "benchmarks-life.md";

    fn is_worth_keeping(&self) -> bool {
        self.customers >= WORTH_KEEPING
    }

    /// Twenty minutes and a second a customer.
    fn limit(&self) -> Duration {
        Duration::from_secs(1200) + times(Duration::from_secs(1), self.customers)
    }

    /// Plays every scene, in order.
    async fn measure(&self) -> Result<String, Failure> {
        say("customers");
        let scene = Scene::set(self.customers).await?;
        say("partner");
        let partner = reach::play(&scene, &partner::Domain, self.rounds).await?;
        say("trials");
        let trials = trials::play(&scene, Duration::from_secs(self.idle)).await?;
        say("service");
        let notice = service::Notice::offer(&scene).await?;
        let service = reach::play(&scene, &notice, self.rounds).await?;
        say("failover");
        let failover = failover::play(&scene, self.rounds).await?;
        say("purges");
        let purges = purges::play(&scene).await?;
        let kubernetes = scene.stage.admin.apiserver_version().await?.git_version;
        let sections = [
            page::head(&Machine::this()?, &kubernetes, self.customers),
            page::partner(&partner),
            page::trials(&trials),
            page::service(&service),
            page::failover(&failover, self.customers),
            page::purges(&purges),
        ];
        Ok(sections.join("\n"))
    }
}

fn main() -> ExitCode {
    called::<Arguments>()
}

fn say(what: &str) {
    eprintln!("==> {what}");
}
