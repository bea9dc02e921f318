//! The client of the API server: where it is, who we are, and a stack in which nothing can hang.
//!
//! kube's own stack has no read timeout (a black-holed GET never returns) and retries for up to 1000 s, obeying
//! whatever `Retry-After` says; this one is put together from the same parts, with [`calls`](super::calls) round it.
//!
//! ```text
//! kube::Client ─▶ calls (lanes, timeouts, metrics, watchdog) ─▶ base URI ─▶ credentials ─▶ headers ─▶ HTTP/1.1 pool ─▶ TLS ─▶ TCP
//! ```

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt},
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use tower::{BoxError, ServiceBuilder};

use super::{
    calls::{CallLayer, Limits},
    clock::{self, Clock},
    mandate::Mandate,
    metrics::Metrics,
    watchdog::Guard,
};
use crate::{
    error::{Cause, Error, chain},
    settings::ClusterSettings,
};

/// Longest time to a TCP connection.
const CONNECT: Duration = Duration::from_secs(5);
/// A peer that vanished without a word (a node lost, a NAT entry dropped) is noticed after 15 + 3 × 5 s, even by a
/// watch that nothing happens on.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_TRIES: u32 = 3;
/// The API server drops idle connections after 90 s; a connection that both let go at once is never used.
const IDLE: Duration = Duration::from_secs(60);
/// How long the first call is tried: long enough for an API server that restarts, short enough for a person who waits.
const PATIENCE: Duration = Duration::from_secs(10);
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A client for the configured cluster, which has answered once.
pub async fn connect(
    settings: &ClusterSettings,
    metrics: &Metrics,
    guard: &Guard,
    mandate: &Mandate,
    clock: &Clock,
) -> Result<Client, Error> {
    let config = configuration(settings).await?;
    let server = config.cluster_url.to_string();
    let limits = Limits::operator(settings.max_calls.get());
    let client = build(
        config,
        CallLayer::new(limits, metrics.clone(), guard.clone())
            .under(mandate.clone())
            .telling(clock),
    )?;
    greet(&client, &server).await?;
    Ok(client)
}

/// Where the cluster is and who we are: the kubeconfig that was named, else the Pod's ServiceAccount, else the
/// user's own kubeconfig.
async fn configuration(settings: &ClusterSettings) -> Result<Config, Error> {
    let named: Vec<PathBuf> = settings
        .kubeconfig
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    let options = KubeConfigOptions::default();
    if !named.is_empty() {
        let merged = merge(&named).map_err(|error| Error::Kubeconfig(chain(&error)))?;
        return Config::from_custom_kubeconfig(merged, &options)
            .await
            .map_err(|error| Error::Kubeconfig(format!("{}: {}", show(&named), chain(&error))));
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(no_pod) => Config::from_kubeconfig(&options).await.map_err(|no_home| {
            let (no_pod, no_home) = (chain(&no_pod), chain(&no_home));
            Error::Kubeconfig(format!(
                "no --kubeconfig; not in a Pod ({no_pod}); {no_home}"
            ))
        }),
    }
}

fn merge(paths: &[PathBuf]) -> Result<Kubeconfig, KubeconfigError> {
    paths
        .iter()
        .try_fold(Kubeconfig::default(), |merged, path| {
            merged.merge(Kubeconfig::read_from(path)?)
        })
}

fn show(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path: &PathBuf| Path::display(path).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The stack, on real connections.
pub fn build(config: Config, calls: CallLayer) -> Result<Client, Error> {
    if let Some(proxy) = &config.proxy_url {
        return Err(Error::Kubeconfig(format!(
            "a proxy is asked for ({proxy}), which is not supported"
        )));
    }
    let unusable = |error: kube::Error| Error::Kubeconfig(chain(&error));
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE_EVERY));
    tcp.set_keepalive_retries(Some(KEEPALIVE_TRIES));
    let tls = config
        .rustls_https_connector_with_connector(tcp)
        .map_err(unusable)?;
    let pool = HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build::<_, Body>(tls);
    let stack = ServiceBuilder::new()
        .layer(calls)
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(unusable)?)
        .layer(config.extra_headers_layer().map_err(unusable)?)
        .map_err(BoxError::from)
        .service(pool);
    Ok(Client::new(stack, config.default_namespace))
}

/// The first call, tried for a while. Everybody may ask for the version, so a refusal is about the credentials.
async fn greet(client: &Client, server: &str) -> Result<(), Error> {
    let give_up = clock::tick() + PATIENCE;
    let mut said = false;
    loop {
        let error = match client.apiserver_version().await {
            Ok(version) => {
                tracing::info!(server, version = version.git_version, "connected");
                return Ok(());
            }
            Err(error) => error,
        };
        let reason = chain(&error);
        if clock::tick() + TRY_AGAIN >= give_up {
            let server = server.to_owned();
            return Err(match Cause::of(&error) {
                Cause::Unauthorized | Cause::Forbidden => Error::Unauthorized { server, reason },
                _ => Error::Unreachable { server, reason },
            });
        }
        if !said {
            let patience = PATIENCE.as_secs();
            tracing::warn!(
                server,
                reason,
                "no answer from the API server; trying for {patience} s"
            );
            said = true;
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}
