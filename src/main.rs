//! The `clientele` binary: settings in, exit code out.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use clientele::{
    api, controller,
    error::Error,
    mail,
    observe::relay::Network,
    ops::{
        client, clock::Clock, http, lease, mandate::Mandate, metrics::Metrics, shutdown, telemetry,
        watchdog::Guard,
    },
    settings::{Command, MailSettings, OperatorSettings, Settings},
};

fn main() -> ExitCode {
    let done = match Settings::parse().command {
        Command::Operator(settings) => operator(settings),
        Command::Mail(settings) => answer_mail(settings),
        Command::Crds => crds(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clientele: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Runs the operator until it is asked to stop, or cannot go on.
#[tokio::main]
async fn operator(settings: OperatorSettings) -> Result<(), Error> {
    telemetry::init(settings.log.log_format, &settings.log.log_filter)?;
    let shutdown = shutdown::signals()?;
    let metrics = Metrics::default();
    let health = http::Health::default();
    let listener = http::bind(settings.listen).await?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving /healthz, /readyz and /metrics");
    }
    tokio::spawn(http::serve(
        listener,
        health.clone(),
        metrics.clone(),
        shutdown.clone(),
    ));

    let watchdog = Guard::default();
    let mandate = Mandate::default();
    let clock = Clock::default();
    let client = tokio::select! {
        client = client::connect(&settings.cluster, &metrics, &watchdog, &mandate, &clock) => client?,
        () = shutdown.clone() => return Ok(()),
    };
    health.set_ready(true, "standing by");
    let mut leadership = match settings.leader_elect {
        false => None,
        true => tokio::select! {
            held = lease::Leadership::acquire(client.clone(), &settings.namespace, &settings.identity, &mandate) => Some(held?),
            () = shutdown.clone() => return Ok(()),
        },
    };
    metrics.leads(lease::NAME, true);
    let lost = async {
        match &mut leadership {
            Some(leadership) => leadership.lost().await,
            None => std::future::pending().await,
        }
    };
    let probe = Arc::new(Network {
        allow_private: settings.allow_private_relays,
    });
    let done = tokio::select! {
        done = controller::run(&settings, client, clock, metrics, health, probe, shutdown) => done,
        // The work goes on until the runtime ends with this function, so the Lease is kept until it runs out.
        error = lost => return Err(error),
        error = watchdog.barks() => return Err(error),
    };
    if let Some(leadership) = leadership {
        leadership.release().await;
    }
    done
}

/// Answers a mail server's questions until asked to stop, or until it cannot go on.
#[tokio::main(flavor = "current_thread")]
async fn answer_mail(settings: MailSettings) -> Result<(), Error> {
    telemetry::init(settings.log.log_format, &settings.log.log_filter)?;
    let shutdown = shutdown::signals()?;
    mail::run(&settings, shutdown).await
}

/// Prints the CRDs as a stream of YAML documents.
fn crds() -> Result<(), Error> {
    use std::io::Write as _;
    let page = api::crds_yaml()
        .map_err(std::io::Error::other)
        .map_err(Error::Output)?;
    match std::io::stdout().write_all(page.as_bytes()) {
        // Whoever reads, `head` for one, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(Error::Output),
    }
}
