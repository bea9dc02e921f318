//! What the benchmarks stand on, and how each of them begins and ends.

// Compiled into each of them; none needs all of it.
#![allow(dead_code)]

pub mod figures;
pub mod floor;
pub mod load;
pub mod machine;
pub mod stage;
#[path = "../../tests/support/mod.rs"]
pub mod support;
pub mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};

/// Whatever keeps a figure from being measured.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A benchmark, as its arguments.
pub trait Benchmark: Args {
    /// Its page in docs/.
    const PAGE: &str;

    /// Whether its figures say enough to be written down there.
    fn is_worth_keeping(&self) -> bool;

    /// How long it may take: several times what a slow machine takes.
    fn limit(&self) -> Duration;

    /// Measures, and writes the page.
    fn measure(&self) -> impl Future<Output = Result<String, Failure>>;
}

/// How cargo calls a benchmark.
#[derive(Parser)]
struct Call<B: Benchmark> {
    #[command(flatten)]
    benchmark: B,

    /// What cargo passes to a benchmark; without it nothing is measured
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a benchmark does when it is called: `fn main`.
pub fn called<B: Benchmark>() -> ExitCode {
    let Call { benchmark, bench } = Call::<B>::parse();
    if !bench {
        eprintln!("This takes minutes and wants the machine for itself: run `make bench`.");
        return ExitCode::SUCCESS;
    }
    match measured(&benchmark) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("the benchmark failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, shows the page and writes it: into the documentation if it is worth it.
#[tokio::main]
async fn measured<B: Benchmark>(benchmark: &B) -> Result<(), Failure> {
    let limit = benchmark.limit();
    let page = tokio::time::timeout(limit, benchmark.measure())
        .await
        .map_err(|_| format!("not done within {} minutes", limit.as_secs() / 60))??;
    println!("{page}");
    let folder = if benchmark.is_worth_keeping() {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))
    } else {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
    };
    let file = folder.join(B::PAGE);
    std::fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// Factors of a time are numbers of things.
pub fn times(time: Duration, count: usize) -> Duration {
    time * u32::try_from(count).unwrap_or(u32::MAX)
}
