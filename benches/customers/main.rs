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

#[path = "../../tests/support/mod.rs"]
mod support;

mod figures;
mod floor;
mod load;
mod machine;
mod page;
mod phases;
mod stage;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

/// Whatever keeps a figure from being measured.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 1000;

/// Measures what customers cost with the operator, beside what the API server alone costs.
#[derive(clap::Parser)]
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

    /// What cargo passes to a benchmark; without it nothing is measured
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.bench {
        eprintln!("This takes minutes and wants the machine for itself: run `make bench`.");
        return ExitCode::SUCCESS;
    }
    match measure(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("the benchmark failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn measure(arguments: &Arguments) -> Result<(), Failure> {
    // Ten minutes and a quarter of a second a customer, a round: several times what a slow machine takes.
    let limit =
        Duration::from_secs(600) + Duration::from_millis(250) * u32::try_from(arguments.customers)?;
    let limit = limit * u32::try_from(arguments.rounds)?;
    let figures = phases::all(arguments);
    let figures = tokio::time::timeout(limit, figures)
        .await
        .map_err(|_| format!("not done within {} minutes", limit.as_secs() / 60))??;
    let page = page::write(&figures);
    println!("{page}");
    let file = file(arguments.customers);
    std::fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// Where the figures go: into the documentation if they are worth it.
fn file(customers: usize) -> PathBuf {
    if customers < WORTH_KEEPING {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("benchmarks.md")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md")
    }
}
