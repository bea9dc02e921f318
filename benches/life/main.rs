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

// What is measured with, shared with the other benchmark; neither needs all of it.
#[allow(dead_code)]
#[path = "../customers/figures.rs"]
mod figures;
#[allow(dead_code)]
#[path = "../customers/floor.rs"]
mod floor;
#[allow(dead_code)]
#[path = "../customers/load.rs"]
mod load;
#[allow(dead_code)]
#[path = "../customers/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "../customers/stage.rs"]
mod stage;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../customers/table.rs"]
mod table;

mod failover;
mod page;
mod partner;
mod purges;
mod reach;
mod scene;
mod service;
mod trials;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use self::machine::Machine;
use self::scene::Scene;

/// Whatever keeps a figure from being measured.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 1000;

/// Measures what reaches many customers at once.
#[derive(clap::Parser)]
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
    // Twenty minutes and a second a customer: several times what a slow machine takes.
    let limit =
        Duration::from_secs(1200) + Duration::from_secs(1) * u32::try_from(arguments.customers)?;
    let page = tokio::time::timeout(limit, all(arguments))
        .await
        .map_err(|_| format!("not done within {} minutes", limit.as_secs() / 60))??;
    println!("{page}");
    let file = file(arguments.customers);
    std::fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// Every scene, in order.
async fn all(arguments: &Arguments) -> Result<String, Failure> {
    say("customers");
    let scene = Scene::set(arguments.customers).await?;
    say("partner");
    let partner = reach::play(&scene, &partner::Domain, arguments.rounds).await?;
    say("trials");
    let trials = trials::play(&scene, Duration::from_secs(arguments.idle)).await?;
    say("service");
    let notice = service::Notice::offer(&scene).await?;
    let service = reach::play(&scene, &notice, arguments.rounds).await?;
    say("failover");
    let failover = failover::play(&scene, arguments.rounds).await?;
    say("purges");
    let purges = purges::play(&scene).await?;
    let kubernetes = scene.stage.admin.apiserver_version().await?.git_version;
    let sections = [
        page::head(&Machine::this()?, &kubernetes, arguments.customers),
        page::partner(&partner),
        page::trials(&trials),
        page::service(&service),
        page::failover(&failover, arguments.customers),
        page::purges(&purges),
    ];
    Ok(sections.join("\n"))
}

fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Where the figures go: into the documentation if they are worth it.
fn file(customers: usize) -> PathBuf {
    if customers < WORTH_KEEPING {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("benchmarks-life.md")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks-life.md")
    }
}
