//! `/healthz`, `/readyz` and `/metrics`.
//!
//! `/healthz` answers as long as the process can answer at all: what it cannot go on with, it exits on. `/readyz`
//! says whether the operator does its work, and why not.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use super::{metrics::Metrics, shutdown::Shutdown};
use crate::error::Error;

/// Whether the process does its work. Clones are one.
#[derive(Debug, Clone)]
pub struct Health(Arc<RwLock<Readiness>>);

#[derive(Debug, Clone)]
struct Readiness {
    ready: bool,
    reason: String,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Readiness {
            ready: false,
            reason: "starting".to_owned(),
        })))
    }
}

impl Health {
    /// From now on the process is ready, or not, for this reason.
    pub fn set_ready(&self, ready: bool, reason: impl Into<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Readiness {
            ready,
            reason: reason.into(),
        };
    }

    /// Whether it is ready, and why.
    pub fn ready(&self) -> (bool, String) {
        let readiness = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (readiness.ready, readiness.reason.clone())
    }
}

/// Takes the address; port 0 takes any free one, which [`TcpListener::local_addr`] tells.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })
}

/// Answers until shutdown.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    metrics: Metrics,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let routes = probes(health).route("/metrics", get(page).with_state(metrics));
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown)
        .await
}

/// `/healthz` and `/readyz`.
pub fn probes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(health))
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let (ready, reason) = health.ready();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, format!("{reason}\n"))
}

async fn page(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.render() {
        Ok(page) => Ok((
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            page,
        )),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
    }
}
