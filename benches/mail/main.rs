//! `make bench`: what a mail server waits for when it asks `clientele mail`, beside what postfwd and a bare Redis take.
//!
//! ```text
//! a fresh control plane with the operator, a customer that sends
//!   ├─ reaction   a person changes its limit and its access; when is the answer another one?
//!   ├─ memory     ten thousand customers come; a thousand connections rest
//!   └─ rounds ─┬─ decisions counted in a folder ── postfwd, both of Debian's
//!              └─ decisions counted in Redis ───── Redis itself, asked for as much and as little
//! ```
//!
//! `clientele mail` is the real process on the real API server, under the rights it is shipped with. The operator is down while customers
//! come, which are written as it would write them, and while decisions are asked for: no mail server waits for it. A figure
//! that misses its target is shown, not a failure; who is not installed is not measured, and the page says so.

// Measuring is reading clocks.
#![allow(clippy::disallowed_methods)]

// What is measured with, shared with the other benchmarks; none of them needs all of it.
#[allow(dead_code)]
#[path = "../customers/figures.rs"]
mod figures;
#[allow(dead_code)]
#[path = "../customers/floor.rs"]
mod floor;
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

mod asker;
mod bare;
mod crowd;
mod page;
mod phases;
mod reaction;
mod servers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

/// Whatever keeps a figure from being measured.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connections of the one who asks, as a Postfix has that is not quite small.
const CONNECTIONS: usize = 8;

/// Connections of a larger one: a Postfix as it comes has up to a hundred processes that ask. Calls of Redis are shared by all who wait.
const MANY: usize = 64;

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 10_000;

/// Measures decisions about mail.
#[derive(clap::Parser)]
struct Arguments {
    /// Customers that are known
    #[arg(long, env = "SENDERS", default_value_t = WORTH_KEEPING)]
    customers: usize,

    /// Rounds in which everybody is asked once; the figures are the medians
    #[arg(long, env = "ROUNDS", default_value_t = 3)]
    rounds: usize,

    /// How long everybody is asked, in seconds
    #[arg(long, env = "ASKING", default_value_t = 10)]
    seconds: u64,

    /// What cargo passes to a benchmark; without it nothing is measured
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
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
    // Ten minutes, a tenth of a second a customer, and twenty times the time of asking a round: several times what a slow machine takes.
    let limit = Duration::from_secs(600)
        + Duration::from_millis(100) * u32::try_from(arguments.customers)?
        + arguments.time() * 20 * u32::try_from(arguments.rounds)?;
    let figures = tokio::time::timeout(limit, phases::all(arguments))
        .await
        .map_err(|_| format!("not done within {} minutes", limit.as_secs() / 60))??;
    let page = page::write(&figures, &machine::Machine::this()?, arguments.seconds);
    println!("{page}");
    let file = file(arguments.customers);
    std::fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// Where the figures go: into the documentation if they are worth it.
fn file(customers: usize) -> PathBuf {
    if customers < WORTH_KEEPING {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("benchmarks-mail.md")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks-mail.md")
    }
}
