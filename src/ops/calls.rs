//! The layer round every call to the API server: how many at a time, how long each may take, and what is noted of it.
//!
//! Three lanes, because what is right for one is fatal for another:
//!
//! | lane | waits for its turn | must answer within | its body |
//! | --- | --- | --- | --- |
//! | work | yes, one permit a call until its body is read, and a write for the [mandate](super::mandate) | [`Limits::answer`] | goes on within [`Limits::answer`] |
//! | lease | never: staying leader must not queue behind work | [`Limits::answer`] | the same |
//! | watch | never: it would hold its permit for minutes | [`Limits::watch_start`] | may be quiet; the watcher ends it after its own timeout, the [watchdog](super::watchdog) hears it |
//!
//! Retried here, briefly, is only 429, which promises that nothing was done. All else goes to the caller, who can look
//! again before it acts.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use kube::client::Body;
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service, ServiceExt};

use super::{
    body::Watched,
    clock::{self, Clock},
    mandate::Mandate,
    metrics::Metrics,
    target::{Target, is_watch, parameter},
    watchdog::{Guard, Sign},
};

/// How often a throttled call is tried again, and the longest wait between, whatever `Retry-After` says: longer waits
/// are the caller's, who sees them.
const RETRIES: u32 = 3;
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// The label by which objects are watched whose kinds come and go. Such a watch may be refused or end for good, so the watchdog does
/// not hear of it; one that is silent is ended here, and its watcher starts it again.
pub const COMING_AND_GOING: &str = "clientele.dev/service";

/// A watch is sent a bookmark every minute.
const QUIET: Duration = Duration::from_secs(6 * 60);

/// The bounds of calls.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls of the work lane at the same time.
    pub in_flight: usize,
    /// Longest time to an answer, and between two pieces of its body.
    pub answer: Duration,
    /// Longest time until a watch is accepted.
    pub watch_start: Duration,
}

impl Limits {
    /// The bounds of an operator, with that many calls in flight.
    pub fn operator(in_flight: usize) -> Self {
        Self {
            in_flight,
            answer: Duration::from_secs(10),
            watch_start: Duration::from_secs(30),
        }
    }
}

/// Puts [`Calls`] round a client stack.
#[derive(Debug, Clone)]
pub struct CallLayer {
    limits: Limits,
    permits: Arc<Semaphore>,
    metrics: Metrics,
    guard: Guard,
    mandate: Mandate,
    clock: Clock,
}

impl CallLayer {
    /// A layer with these bounds, which counts in `metrics` and tells `guard` about watches.
    pub fn new(limits: Limits, metrics: Metrics, guard: Guard) -> Self {
        Self {
            limits,
            permits: Arc::new(Semaphore::new(limits.in_flight)),
            metrics,
            guard,
            mandate: Mandate::default(),
            clock: Clock::default(),
        }
    }

    /// Tells this clock what the API server's says.
    #[must_use]
    pub fn telling(self, clock: &Clock) -> Self {
        Self {
            clock: clock.clone(),
            ..self
        }
    }

    /// The same layer, which writes only under this mandate.
    pub fn under(self, mandate: Mandate) -> Self {
        Self { mandate, ..self }
    }
}

impl<S> Layer<S> for CallLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls {
            inner,
            layer: self.clone(),
        }
    }
}

/// A client stack with bounds round each call.
#[derive(Debug, Clone)]
pub struct Calls<S> {
    inner: S,
    layer: CallLayer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Work,
    Lease,
    Watch,
}

impl<S, B> Service<Request<Body>> for Calls<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
{
    type Response = Response<Watched<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    /// Always ready: kube's client has one queue for all calls, and one that waits here would hold up the others.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().run(request))
    }
}

impl<S, B> Calls<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
{
    async fn run(mut self, request: Request<Body>) -> Result<Response<Watched<B>>, BoxError> {
        let Limits {
            answer,
            watch_start,
            ..
        } = self.layer.limits;
        let target = Target::of(request.method(), request.uri());
        let lane = lane(&target, is_watch(request.uri()));
        let name = watch_name(&target, &request);
        let passing = passing(request.uri());
        if lane == Lane::Watch && !passing {
            let version =
                parameter(request.uri(), "resourceVersion").and_then(|text| text.parse().ok());
            self.layer
                .guard
                .hear(&name, Sign::Asked(version.filter(|version| *version > 0)));
        }
        let permit = match lane {
            Lane::Work => Some(self.layer.permits.clone().acquire_owned().await?),
            Lane::Lease | Lane::Watch => None,
        };
        let response = match lane {
            Lane::Watch => self.once(request, &target, lane, watch_start).await?,
            Lane::Work | Lane::Lease => self.with_retries(request, &target, lane, answer).await?,
        };
        if !passing {
            self.note(&target, &name, response.status());
        }
        if let Some(date) = date(response.headers()) {
            self.layer.clock.heard(date);
        }
        Ok(match lane {
            Lane::Watch if response.status() == StatusCode::GONE => expired(),
            Lane::Watch if passing => response.map(|body| Watched::within(body, QUIET, None)),
            Lane::Watch if response.status().is_success() => {
                let guard = self.layer.guard.clone();
                response.map(|body| Watched::heard(body, move || guard.hear(&name, Sign::Alive)))
            }
            Lane::Watch | Lane::Work | Lane::Lease => {
                response.map(|body| Watched::within(body, answer, permit))
            }
        })
    }

    async fn with_retries(
        &mut self,
        request: Request<Body>,
        target: &Target,
        lane: Lane,
        limit: Duration,
    ) -> Result<Response<B>, BoxError> {
        let mut request = request;
        for _ in 0..RETRIES {
            let again = copy(&request);
            let response = self.once(request, target, lane, limit).await?;
            match again {
                Some(again) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                    // The permit stays taken meanwhile: asked to slow down, we do.
                    tokio::time::sleep(retry_after(&response)).await;
                    request = again;
                }
                _ => return Ok(response),
            }
        }
        self.once(request, target, lane, limit).await
    }

    async fn once(
        &mut self,
        request: Request<Body>,
        target: &Target,
        lane: Lane,
        limit: Duration,
    ) -> Result<Response<B>, BoxError> {
        let method = method(request.method());
        if lane == Lane::Work && method != "GET" {
            self.layer.mandate.held().await;
        }
        let started = clock::tick();
        let answered = tokio::time::timeout(limit, self.inner.clone().oneshot(request)).await;
        let took = clock::tick().duration_since(started);
        let code = match &answered {
            Ok(Ok(response)) => Some(response.status().as_u16()),
            Ok(Err(_)) | Err(_) => None,
        };
        self.layer.metrics.called(method, target.verb, code, took);
        match answered {
            Ok(answer) => answer.map_err(Into::into),
            Err(_elapsed) => Err(late(target, limit)),
        }
    }

    /// Tells the watchdog what the answer means for the watch on this collection.
    fn note(&self, target: &Target, name: &str, status: StatusCode) {
        let sign = match (target.verb, status) {
            ("watch", status) if status.is_success() => Sign::Alive,
            ("list", status) if status.is_success() => Sign::Listed,
            ("watch" | "list", StatusCode::FORBIDDEN) => Sign::Refused(target.verb),
            _ => return,
        };
        self.layer.guard.hear(name, sign);
    }
}

fn lane(target: &Target, watch: bool) -> Lane {
    match target.group.as_str() {
        _ if watch => Lane::Watch,
        "coordination.k8s.io" => Lane::Lease,
        _ => Lane::Work,
    }
}

fn passing(uri: &http::Uri) -> bool {
    let selector = parameter(uri, "labelSelector").unwrap_or_default();
    selector.replace("%2F", "/") == COMING_AND_GOING
}

/// A watch and the list before it have the same name: collection, namespace and selectors.
fn watch_name(target: &Target, request: &Request<Body>) -> String {
    let place = target
        .namespace
        .as_deref()
        .map(|namespace| format!(" in {namespace}"));
    let selectors: String = ["labelSelector", "fieldSelector"]
        .into_iter()
        .filter_map(|key| parameter(request.uri(), key))
        .map(|selector| format!(" [{selector}]"))
        .collect();
    format!(
        "{}{}{selectors}",
        target.qualified(),
        place.unwrap_or_default()
    )
}

/// A watch from a version that is gone is answered either by an event in the stream or by the HTTP status. kube's
/// watcher lists anew on the first only, and asks for the same version for ever on the second: so the second is made
/// into the first.
fn expired<B>() -> Response<Watched<B>> {
    const EVENT: &str = concat!(
        r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#,
        r#""message":"too old resource version","reason":"Expired","code":410}}"#,
        "\n"
    );
    Response::new(Watched::text(EVENT))
}

/// What the server's clock said when it answered.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(date).ok()
}

fn retry_after<B>(response: &Response<B>) -> Duration {
    let asked = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    asked
        .map_or(RETRY_WAIT, Duration::from_secs)
        .min(RETRY_WAIT)
}

/// The same request again; none if its body was a stream.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut again = Request::new(request.body().try_clone()?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

fn late(target: &Target, limit: Duration) -> BoxError {
    let what = format!(
        "no answer to {} {} within {} s",
        target.verb,
        target.qualified(),
        limit.as_secs()
    );
    std::io::Error::new(std::io::ErrorKind::TimedOut, what).into()
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}
