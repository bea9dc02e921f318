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

#[path = "../shared/mod.rs"]
mod shared;

mod asker;
mod bare;
mod crowd;
mod page;
mod phases;
mod reaction;
mod servers;

use std::process::ExitCode;
use std::time::Duration;

use self::shared::machine::Machine;
use self::shared::{Benchmark, Failure, called, times};

/// Connections of the one who asks, as a Postfix has that is not quite small.
const CONNECTIONS: usize = 8;

/// Connections of a larger one: a Postfix as it comes has up to a hundred processes that ask. Calls of Redis are shared by all who wait.
const MANY: usize = 64;

/// Fewer customers than this say little, and are not written down.
const WORTH_KEEPING: usize = 10_000;

/// Measures decisions about mail.
#[derive(clap::Args)]
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
}

impl Arguments {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

impl Benchmark for Arguments {
    const PAGE: &str = "benchmarks-mail.md";

    fn is_worth_keeping(&self) -> bool {
        self.customers >= WORTH_KEEPING
    }

    /// Ten minutes, a tenth of a second a customer, and twenty times the time of asking a round.
    fn limit(&self) -> Duration {
        Duration::from_secs(600)
            + times(Duration::from_millis(100), self.customers)
            + times(self.time(), 20 * self.rounds)
    }

    async fn measure(&self) -> Result<String, Failure> {
        let figures = phases::all(self).await?;
        Ok(page::write(&figures, &Machine::this()?, self.seconds))
    }
}

fn main() -> ExitCode {
    called::<Arguments>()
}
