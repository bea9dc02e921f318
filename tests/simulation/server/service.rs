//! The way of a request: there, through what may go wrong, into the store, and back.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use clientele::ops::calls::{CallLayer, Limits};
use clientele::ops::clock::Clock;
use clientele::ops::metrics::Metrics;
use clientele::ops::watchdog::Guard;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{Request, Response};
use http_body::Frame;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::Layer;

use super::faults::Fate;
use super::log::Call;
use super::object::Id;
use super::refusal::Refusal;
use super::resources::{Asked, RESOURCES, Selector, Verb};
use super::store::Writer;
use super::{Server, State, guard};

/// What an answer says, in pieces.
pub struct Pieces(BoxStream<'static, Bytes>);

impl Pieces {
    pub fn new(pieces: impl futures::Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_next_unpin(cx)
            .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl Server {
    /// A client of the operator process `epoch`, with the layer round its calls that it has in production.
    pub fn client(&self, epoch: u32, clock: &Clock) -> Client {
        let server = self.clone();
        let service =
            tower::service_fn(move |request: Request<Body>| server.clone().serve(epoch, request));
        let limits = Limits::operator(64);
        let calls = CallLayer::new(limits, Metrics::default(), Guard::default()).telling(clock);
        Client::new(calls.layer(service), "default")
    }

    async fn serve(self, epoch: u32, request: Request<Body>) -> io::Result<Response<Pieces>> {
        if let Some(found) = self.discovered(request.uri().path()) {
            return Ok(found);
        }
        let Some(asked) = Asked::of(&request) else {
            let what = format!("{} {}", request.method(), request.uri());
            self.state().violations.push(format!("not served: {what}"));
            return Ok(answer(404, &Refusal::unknown_resource().body()));
        };
        let metadata_only = request
            .headers()
            .get(http::header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("PartialObjectMetadata"));
        let body = request
            .into_body()
            .collect_bytes()
            .await
            .expect("a body in memory");
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);

        self.way().await;
        if !self.lives(epoch) {
            return pending().await;
        }
        if asked.verb == Verb::Watch {
            return Ok(self.watch(epoch, asked));
        }
        let (code, mut said) = match self.carry_out(&asked, body) {
            Heard::Answer(code, said) => (code, said),
            Heard::Cut => return Err(io::ErrorKind::ConnectionReset.into()),
            Heard::Nothing => return pending().await,
        };
        self.way().await;
        if !self.lives(epoch) {
            return pending().await;
        }
        if metadata_only && code == 200 {
            said = json!({
                "apiVersion": "meta.k8s.io/v1",
                "kind": "PartialObjectMetadata",
                "metadata": said["metadata"],
            });
        }
        Ok(self.dated(answer(code, &said)))
    }

    /// An answer says when it was given (RFC 9110, 6.6.1).
    pub fn dated(&self, mut answer: Response<Pieces>) -> Response<Pieces> {
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let date = date.parse().expect("a header");
        answer.headers_mut().insert(http::header::DATE, date);
        answer
    }

    /// What kinds there are in a version of a group, if that is asked.
    fn discovered(&self, path: &str) -> Option<Response<Pieces>> {
        let version = match path.trim_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["api", version] => version.to_owned(),
            ["apis", group, version] => format!("{group}/{version}"),
            _ => return None,
        };
        let state = self.state();
        let served = RESOURCES
            .iter()
            .filter(|it| it.api_version() == version && state.store.served(it).is_ok());
        let resources: Vec<_> = served
            .map(|it| {
                json!({
                    "name": it.plural, "singularName": "", "namespaced": it.namespaced, "kind": it.kind, "verbs": [],
                })
            })
            .collect();
        if resources.is_empty() {
            return Some(answer(404, &Refusal::unknown_resource().body()));
        }
        let list =
            json!({ "kind": "APIResourceList", "groupVersion": version, "resources": resources });
        Some(answer(200, &list))
    }

    /// Does what is asked.
    fn carry_out(&self, asked: &Asked, body: Value) -> Heard {
        let (passed, now) = (self.passed(), self.now());
        let mut call = Call::new(passed, asked, body);
        let fate = {
            let mut state = self.state();
            match state.fault.as_mut() {
                Some(fault) => fault.strike(&call),
                None => Fate::Passes,
            }
        };
        if fate == Fate::KilledBefore {
            self.kill();
            return Heard::Nothing;
        }
        let done = self.change(|state| {
            let before = state.store.version();
            let done = match fate {
                Fate::Refused(code, reason) => Err(Refusal::plain(code, reason)),
                _ => {
                    state.violations.extend(guard::broken(&state.store, &call));
                    execute(
                        state,
                        asked,
                        &call,
                        Writer {
                            manager: asked.parameter("fieldManager"),
                            now,
                        },
                    )
                }
            };
            call.code = done
                .as_ref()
                .map_or_else(|refusal| refusal.code, |(code, _)| *code);
            call.changed = state.store.version() != before;
            if fate == Fate::WatchesExpire {
                state.compacted = state.store.version();
            }
            state.calls.push(call);
            done
        });
        match fate {
            Fate::KilledAfter => {
                self.kill();
                return Heard::Nothing;
            }
            Fate::DoneInSilence => return Heard::Nothing,
            Fate::DoneAndCut => return Heard::Cut,
            Fate::DoneBut(code, reason) => {
                return Heard::Answer(code, Refusal::plain(code, reason).body());
            }
            Fate::Passes | Fate::WatchesExpire | Fate::Refused(..) | Fate::KilledBefore => {}
        }
        match done {
            Ok((code, said)) => Heard::Answer(code, said),
            Err(refusal) => Heard::Answer(refusal.code, refusal.body()),
        }
    }
}

/// What the operator hears of a call.
enum Heard {
    Answer(u16, Value),
    /// The connection breaks.
    Cut,
    Nothing,
}

fn execute(
    state: &mut State,
    asked: &Asked,
    call: &Call,
    by: Writer<'_>,
) -> Result<(u16, Value), Refusal> {
    let (resource, body) = (asked.resource, &call.body);
    let id = Id::new(resource, &asked.namespace, &call.name);
    let status = asked.subresource == "status";
    let plain = |object: Arc<Value>| Value::clone(&object);
    if call.is_event() {
        return Ok((201, body.clone()));
    }
    if call.is_question() {
        let attributes = &body["spec"]["resourceAttributes"];
        let text = |field: &str| attributes[field].as_str().unwrap_or_default();
        let right = format!("{} {}", text("verb"), text("resource"));
        let allowed = !state.denied.contains(&*right);
        return Ok((
            201,
            json!({ "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "spec": body["spec"], "status": { "allowed": allowed } }),
        ));
    }
    let store = &mut state.store;
    guard::tenants_own(store, call)?;
    guard::next_hops(store, call)?;
    match asked.verb {
        Verb::Get => {
            store.served(resource)?;
            let object = store.get(&id).ok_or_else(|| Refusal::not_found(&id))?;
            Ok((200, plain(Arc::clone(object))))
        }
        Verb::List | Verb::Watch => {
            store.served(resource)?;
            let selector = Selector::parse(asked.parameter("labelSelector"));
            let items: Vec<_> = store
                .of(resource.plural)
                .filter(|(id, _)| asked.namespace.is_empty() || id.namespace == asked.namespace)
                .filter(|(_, object)| selector.matches(object))
                .map(|(_, object)| plain(Arc::clone(object)))
                .collect();
            Ok((
                200,
                json!({
                    "apiVersion": resource.api_version(),
                    "kind": format!("{}List", resource.kind),
                    "metadata": { "resourceVersion": store.version().to_string() },
                    "items": items,
                }),
            ))
        }
        Verb::Create => {
            guard::fence(call)?;
            if call.dry_run {
                return Ok((201, body.clone()));
            }
            store
                .create(resource, &id, body, by)
                .map(|object| (201, plain(object)))
        }
        Verb::Apply => store
            .apply(resource, &id, status, body, by)
            .map(|object| (200, plain(object))),
        Verb::Merge => store
            .merge(resource, &id, status, body, by)
            .map(|object| (200, plain(object))),
        Verb::Replace => store
            .replace(resource, &id, status, body, by)
            .map(|object| (200, plain(object))),
        Verb::Delete => {
            store.delete(resource, &id, body, by)?;
            Ok((
                200,
                json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" }),
            ))
        }
    }
}

pub fn answer(code: u16, body: &Value) -> Response<Pieces> {
    let text = Bytes::from(body.to_string());
    let mut response = Response::builder().status(code);
    if code == 429 {
        response = response.header(http::header::RETRY_AFTER, "1");
    }
    response
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Pieces::new(stream::iter([text])))
        .expect("a response")
}
