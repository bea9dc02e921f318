//! An API server that is made up: Secrets to read, and what is written to it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct ApiServer(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub secrets: HashMap<String, Value>,
    /// What every call is refused with.
    pub refuses: Option<StatusCode>,
    pub reads: u32,
    /// Path and body of each write.
    pub writes: Vec<(String, Value)>,
}

impl ApiServer {
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    pub fn secret(&self, place: &str, kind: &str, values: &[(&str, &str)]) {
        let values: serde_json::Map<String, Value> = values
            .iter()
            .map(|(key, value)| {
                (
                    (*key).to_owned(),
                    json!(k8s_openapi::ByteString(value.as_bytes().to_vec())),
                )
            })
            .collect();
        let (namespace, name) = place.split_once('/').expect("a place");
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "data": values,
            "metadata": {"name": name, "namespace": namespace},
        });
        self.state().secrets.insert(
            format!("/api/v1/namespaces/{namespace}/secrets/{name}"),
            secret,
        );
    }

    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (path, method) = (request.uri().path().to_owned(), request.method().clone());
        let body = request
            .into_body()
            .collect_bytes()
            .await
            .unwrap_or_default();
        let mut state = self.state();
        if let Some(code) = state.refuses {
            return failure(code);
        }
        if method == Method::GET {
            state.reads += 1;
            return state.secrets.get(&path).map_or_else(
                || failure(StatusCode::NOT_FOUND),
                |secret| page(StatusCode::OK, secret),
            );
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        state.writes.push((path, body.clone()));
        page(StatusCode::OK, &body)
    }
}

fn failure(code: StatusCode) -> Response<Body> {
    let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": code.as_str(), "reason": reason, "code": code.as_u16()});
    page(code, &status)
}

fn page(code: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string().into_bytes()));
    *response.status_mut() = code;
    response
}
