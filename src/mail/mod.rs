//! `clientele mail`: what a mail server asks in the data path, answered from what the operator has decided.
//!
//! ```text
//!              ┌ sasl ─────────▶ logins ──▶ vault (Secrets, by GET) ─┐
//!              │                    │                                │
//!  Postfix ────┼ policy ──▶ decide ─┼▶ directory (watches: customers, partners, routes)
//!              │               │    │                                │
//!              └ socketmap ────┼────┴──────────▶ vault ──────────────┘
//!  applications ─ http ────────┤
//!  Prometheus                  └▶ counters (file or Redis) ──▶ tell ──▶ status.sending.used, SendLimitNear, SendLimited
//! ```
//!
//! It is a process of its own, under a ServiceAccount of its own, and goes on without the operator. Three rules hold everywhere: who is
//! not known is refused; what cannot be known just now waits in the mail server's queue; nothing is granted that was not
//! written down before.

pub mod almanac;
pub mod asked;
mod capped;
pub mod counters;
pub mod decide;
pub mod directory;
pub mod http;
pub mod logins;
pub mod metrics;
pub mod policy;
pub mod sasl;
pub mod sender;
pub mod serve;
pub mod socketmap;
pub mod tell;
pub mod throttle;
pub mod touched;
pub mod vault;
mod watches;
pub mod wire;

use std::sync::Arc;

use crate::error::Error;
use crate::ops::client;
use crate::ops::clock::Clock;
use crate::ops::http::{Health, bind};
use crate::ops::mandate::Mandate;
use crate::ops::metrics::Metrics as Calls;
use crate::ops::shutdown::Shutdown;
use crate::ops::watchdog::Guard;
use crate::settings::MailSettings;

/// Answers until shutdown, and then until what was asked before is answered.
///
/// # Errors
/// When something fails that no retry mends.
pub async fn run(settings: &MailSettings, shutdown: Shutdown) -> Result<(), Error> {
    let place = settings.counters.parse().map_err(|reason| Error::Setting {
        setting: "--counters",
        reason,
    })?;
    // Addresses and counters first: a process that cannot have them says so at once, and never half works.
    let policy = bind(settings.listen_policy).await?;
    let sasl = bind(settings.listen_sasl).await?;
    let credentials = bind(settings.listen_credentials).await?;
    let http = bind(settings.listen_http).await?;
    for (what, listener) in [
        ("policy", &policy),
        ("sasl", &sasl),
        ("credentials", &credentials),
        ("http", &http),
    ] {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening for {what}");
        }
    }
    let counters = counters::Counters::open(&place).await?;

    let (calls, watchdog, clock) = (Calls::default(), Guard::default(), Clock::default());
    // Every replica answers, and writes what it has seen; there is nothing to lead.
    let (health, mandate) = (Health::default(), Mandate::default());
    let client = tokio::select! {
        client = client::connect(&settings.cluster, &calls, &watchdog, &mandate, &clock) => client?,
        () = shutdown.clone() => return Ok(()),
    };

    let directory = Arc::new(directory::Directory::default());
    let metrics = metrics::Metrics::default();
    let vault = Arc::new(vault::Vault::new(client.clone()));
    let logins = Arc::new(logins::Logins::new(
        Arc::clone(&directory),
        Arc::clone(&vault),
        clock.clone(),
        metrics.clone(),
    ));
    let decider = Arc::new(decide::Decider::new(
        Arc::clone(&directory),
        counters,
        clock,
        Arc::default(),
        metrics.clone(),
    ));
    watches::start(&client, &directory);
    tokio::spawn(readiness(Arc::clone(&directory), health.clone()));
    let teller = tell::Teller::new(Arc::clone(&decider), client, &settings.identity);
    let pages = http::Pages {
        decider: Arc::clone(&decider),
        logins: Arc::clone(&logins),
        calls,
    };
    let socketmap = socketmap::Socketmap::new(directory, vault, metrics);
    let work = async {
        tokio::join!(
            serve::serve(policy, Arc::new(policy::Policy(decider)), shutdown.clone()),
            serve::serve(sasl, Arc::new(sasl::Sasl::new(logins)), shutdown.clone()),
            serve::serve(credentials, Arc::new(socketmap), shutdown.clone()),
            http::serve(http, pages, health, shutdown.clone()),
            teller.run(shutdown.clone()),
        )
    };
    tokio::select! {
        (.., served, ()) = work => served.map_err(|_| Error::Ended("the HTTP server")),
        error = watchdog.barks() => Err(error),
    }
}

/// Ready is who can decide.
async fn readiness(directory: Arc<directory::Directory>, health: Health) {
    health.set_ready(false, "looking at the cluster");
    directory.whole().await;
    tracing::info!(customers = directory.customers(), "ready");
    health.set_ready(true, "answering");
}
