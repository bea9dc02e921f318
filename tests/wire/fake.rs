//! The made-up API server: a conversation, request by request.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use clientele::ops::{
    calls::{CallLayer, Limits},
    mandate::Mandate,
    metrics::Metrics,
    watchdog::Guard,
};
use http::{Request, Response};
use http_body::Frame;
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::Layer;
use tower_test::mock;

/// Where the client under test ends and the made-up server begins.
pub struct Server {
    requests: mock::Handle<Request<Body>, Response<Pieces>>,
    pub guard: Guard,
    pub metrics: Metrics,
}

/// The operator's own limits, but for the number of calls.
pub fn pair(in_flight: usize) -> (Client, Server) {
    pair_under(Mandate::default(), in_flight)
}

/// The same, with leave to write.
pub fn pair_under(mandate: Mandate, in_flight: usize) -> (Client, Server) {
    let (service, requests) = mock::pair();
    let (guard, metrics) = (Guard::default(), Metrics::default());
    let layer = CallLayer::new(Limits::operator(in_flight), metrics.clone(), guard.clone());
    let client = Client::new(layer.under(mandate).layer(service), "default");
    (
        client,
        Server {
            requests,
            guard,
            metrics,
        },
    )
}

impl Server {
    /// The next request, `GET /path?query`, and how to answer it. Not answered, it stays open until dropped, and what
    /// is dropped without an answer is a connection that broke.
    pub async fn next(&mut self) -> (String, Reply) {
        let next = timeout(Duration::from_secs(24 * 3600), self.requests.next_request());
        let (request, reply) = next
            .await
            .expect("nothing was asked for in a day")
            .expect("the client is gone");
        (
            format!("{} {}", request.method(), request.uri()),
            Reply(reply),
        )
    }

    /// The next request, which must be this one.
    pub async fn expect(&mut self, start: &str) -> Reply {
        let (request, reply) = self.next().await;
        assert!(
            request.starts_with(start),
            "expected {start}…, got {request}"
        );
        reply
    }

    /// Holds that nothing is asked for that long.
    pub async fn expect_silence(&mut self, during: Duration) {
        if let Ok((request, _)) = timeout(during, self.next()).await {
            panic!("expected silence, got {request}");
        }
    }
}

/// How to answer a request.
pub struct Reply(mock::SendResponse<Response<Pieces>>);

impl Reply {
    pub fn json(self, body: &Value) {
        self.send(200, &[], Pieces::all(&body.to_string()));
    }

    /// A refusal, as the API server words it.
    pub fn refuse(self, code: u16, headers: &[(&str, &str)]) {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "Made up", "message": "made up",
        });
        self.send(code, headers, Pieces::all(&status.to_string()));
    }

    /// An answer that begins like this, and then nothing more comes.
    pub fn begin(self, text: &str) {
        self.send(200, &[], Pieces::some(text));
    }

    fn send(self, code: u16, headers: &[(&str, &str)], body: Pieces) {
        let mut response = Response::builder().status(code);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        self.0
            .send_response(response.body(body).expect("a response"));
    }
}

/// A body that is sent, and perhaps never ends.
pub struct Pieces {
    text: Option<Bytes>,
    ends: bool,
}

impl Pieces {
    fn all(text: &str) -> Self {
        Self {
            text: Some(text.to_owned().into()),
            ends: true,
        }
    }

    fn some(text: &str) -> Self {
        Self {
            text: (!text.is_empty()).then(|| text.to_owned().into()),
            ends: false,
        }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.text.take() {
            Some(text) => Poll::Ready(Some(Ok(Frame::data(text)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A ConfigMap, for when it does not matter what is asked for.
pub fn configmap(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default", "resourceVersion": "5"}})
}

/// A list of these.
pub fn list(version: &str, items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {"resourceVersion": version}, "items": items})
}
