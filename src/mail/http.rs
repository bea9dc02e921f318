//! HTTP: probes and metrics for the cluster, usage and counting for senders that are no Postfix.
//!
//! | path | who | what |
//! | --- | --- | --- |
//! | `GET /healthz`, `GET /readyz` | the kubelet | whether the process answers, and whether it decides |
//! | `GET /metrics` | Prometheus | what is counted, and what customers, partners and routes have sent |
//! | `GET /v1/usage` | a customer's software, by its SMTP login | what it has sent, what it may, when windows end |
//! | `POST /v1/consume` | the same | counts a message: `{"recipients": 3, "id": "…", "route": "…"}` |
//!
//! `/v1/consume` is the policy question in another form: same rules, same counters. `id` makes it safe to ask again. It answers 200
//! and the relay to use, 429 with `Retry-After` over a limit, 403 if nothing may be sent, 503 if it cannot be said just now.
//!
//! Metrics of what was sent have a series for each customer that has sent something this month, and for each partner and route: the
//! number of customers bounds it, and who does not want that drops `clientele_send_used` when scraping.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::asked::{Consume, basic};
use super::capped::{Capped, Peer};
use super::counters::Slots;
use super::decide::{Decider, Id, Message, Verdict};
use super::logins::{Attempt, Logins};
use crate::domain::limits::{self, Unit};
use crate::ops::http::{Health, probes};
use crate::ops::metrics::Metrics as Calls;
use crate::ops::shutdown::Shutdown;

/// Longest body that is read.
const BODY: usize = 4096;

/// What answers.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Decides.
    pub decider: Arc<Decider>,
    /// Knows passwords.
    pub logins: Arc<Logins>,
    /// What calls to the API server are counted in.
    pub calls: Calls,
}

/// Answers until shutdown.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    pages: Pages,
    health: Health,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/usage", get(usage))
        .route("/v1/consume", post(consume))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(pages)
        .merge(probes(health));
    let service = routes.into_make_service_with_connect_info::<Peer>();
    axum::serve(Capped::new(listener), service)
        .with_graceful_shutdown(shutdown)
        .await
}

/// Who asks, by HTTP Basic authentication with an SMTP login.
async fn caller(pages: &Pages, headers: &HeaderMap, address: IpAddr) -> Result<String, Response> {
    let Some((username, password)) = basic(headers) else {
        return Err(unauthorized(
            "give your SMTP login by HTTP Basic authentication",
        ));
    };
    match pages
        .logins
        .check(&username, &password, Some(address))
        .await
    {
        Attempt::Right(username) => Ok(username),
        Attempt::Wrong => Err(unauthorized("wrong user name or password")),
        Attempt::TooMany => Err(answer(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({"error": "too many failed attempts, try again in a minute"}),
        )),
        Attempt::Unavailable(_) => Err(answer(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({"error": "logins cannot be checked just now, try again later"}),
        )),
    }
}

async fn usage(
    State(pages): State<Pages>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let username = match caller(&pages, &headers, peer.ip()).await {
        Ok(username) => username,
        Err(refused) => return refused,
    };
    let login = username.split('+').next().unwrap_or_default();
    let now = pages.decider.clock.now();
    let Some(standing) = pages.decider.directory.standing(login) else {
        return answer(
            StatusCode::FORBIDDEN,
            &json!({"error": "this customer is not in order"}),
        );
    };
    let account = Arc::clone(&standing.sender.login);
    let used = match pages
        .decider
        .counters
        .used(vec![account], now.as_second())
        .await
    {
        Ok(all) => all.into_iter().next().unwrap_or_default(),
        Err(_) => return uncounted(),
    };
    let windows = limits::windows(&standing.zone(), now);
    let caps = limits::caps(&standing.sender.limits);
    let mut page = json!({
        "login": login,
        "allowed": standing.sender.may_send(now).is_ok(),
        "recipientsPerMessage": standing.sender.limits.recipients_per_message,
    });
    for (place, unit) in Unit::ALL.into_iter().enumerate() {
        // What was counted before the customer moved to another time zone ends when it would have.
        let ends = if used[place].end > 0 {
            used[place].end
        } else {
            windows[place].end
        };
        page[unit.limit()] =
            json!({"used": used[place].used, "limit": caps[place], "ends": time(ends)});
    }
    answer(StatusCode::OK, &page)
}

async fn consume(
    State(pages): State<Pages>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let username = match caller(&pages, &headers, peer.ip()).await {
        Ok(username) => username,
        Err(refused) => return refused,
    };
    let asked = match Consume::read(&body) {
        Ok(asked) => asked,
        Err(error) => return answer(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    };
    let login = match &asked.route {
        Some(route) => format!("{}+{route}", username.split('+').next().unwrap_or_default()),
        None => username,
    };
    let message = Message {
        login: &login,
        recipients: asked.recipients,
        id: asked.id.as_deref().map(Id::Chosen),
    };
    match pages.decider.decide(&message).await {
        Verdict::Send(route) => {
            let route = json!({
                "name": &*route.name,
                "host": &*route.host,
                "port": route.port,
                "tls": route.tls,
            });
            answer(StatusCode::OK, &json!({"granted": true, "route": route}))
        }
        Verdict::Refuse { text } => answer(
            StatusCode::FORBIDDEN,
            &json!({"granted": false, "error": text}),
        ),
        Verdict::Later { text, opens: None } => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({"granted": false, "error": text}),
        ),
        Verdict::Later {
            text,
            opens: Some(opens),
        } => {
            let wait = opens
                .saturating_sub(pages.decider.clock.now().as_second())
                .max(1);
            let page = json!({"granted": false, "error": text, "opens": time(opens)});
            let mut refused = answer(StatusCode::TOO_MANY_REQUESTS, &page);
            refused.headers_mut().insert(RETRY_AFTER, wait.into());
            refused
        }
    }
}

async fn metrics(State(pages): State<Pages>) -> Response {
    let page = match sent(&pages.decider).await {
        Ok(sent) => pages.decider.metrics.render().map(|own| own + &sent),
        Err(_) => return uncounted(),
    };
    match page.and_then(|own| pages.calls.render_after(own)) {
        Ok(page) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, kind)], page).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// What was sent in the present windows, as the counters say now.
async fn sent(decider: &Decider) -> Result<String, super::counters::Unavailable> {
    let now = decider.clock.now().as_second();
    let mut names = decider.directory.logins();
    let customers = names.len();
    names.extend(decider.directory.shared_accounts());
    let all = decider.counters.used(names.clone(), now).await?;
    let mut page = String::from(
        "# HELP clientele_send_used Recipients written to in the present calendar window.\n# TYPE clientele_send_used gauge\n",
    );
    for (place, (name, slots)) in names.iter().zip(&all).enumerate() {
        let label = match name.split_once('/') {
            _ if place < customers => format!("customer=\"{name}\""),
            Some((kind, name)) => format!("{kind}=\"{name}\""),
            None => continue,
        };
        series(&mut page, &label, slots);
    }
    Ok(page)
}

fn series(page: &mut String, label: &str, slots: &Slots) {
    if slots.iter().all(|slot| slot.used == 0) {
        return;
    }
    for (unit, slot) in Unit::ALL.into_iter().zip(slots) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "clientele_send_used{{{label},window=\"{}\"}} {}",
            unit.limit(),
            slot.used
        );
    }
}

fn time(second: i64) -> Value {
    Timestamp::from_second(second).map_or(Value::Null, |time| json!(time.to_string()))
}

fn uncounted() -> Response {
    answer(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({"error": "the counters do not answer, try again later"}),
    )
}

fn unauthorized(why: &str) -> Response {
    let mut refused = answer(StatusCode::UNAUTHORIZED, &json!({ "error": why }));
    let challenge = axum::http::HeaderValue::from_static("Basic realm=\"clientele\"");
    refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    refused
}

fn answer(code: StatusCode, page: &Value) -> Response {
    (
        code,
        [(CONTENT_TYPE, "application/json")],
        format!("{page}\n"),
    )
        .into_response()
}
