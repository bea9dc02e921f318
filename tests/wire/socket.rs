//! What only a real connection shows: the pool, a peer that accepts and says nothing, one that hangs up half way, and
//! the pages for Prometheus and the kubelet.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use clientele::{
    error::Cause,
    ops::{
        calls::{CallLayer, Limits},
        client, http,
        metrics::Metrics,
        watchdog::Guard,
    },
};
use futures::FutureExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config};
use tokio::{sync::oneshot, task::spawn_blocking};

const SOON: Limits = Limits {
    in_flight: 4,
    answer: Duration::from_millis(300),
    watch_start: Duration::from_millis(300),
};

/// A server that says `answer` to each connection's first request and then hangs up, or stays if there is no answer.
fn server(answer: Option<&'static str>) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            if let Some(answer) = answer {
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(answer.as_bytes());
            } else {
                open.push(connection);
            }
        }
    });
    client_of(address)
}

fn client_of(address: SocketAddr) -> Client {
    let config = Config::new(format!("http://{address}").parse().expect("a URI"));
    let calls = CallLayer::new(SOON, Metrics::default(), Guard::default());
    client::build(config, calls).expect("a client")
}

async fn cause(client: Client) -> Cause {
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    Cause::of(&api.get("x").await.expect_err("a failure"))
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_a_timeout() {
    assert_eq!(cause(server(None)).await, Cause::TimedOut);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    assert_eq!(cause(client_of(address)).await, Cause::Unreachable);
}

#[tokio::test]
async fn a_body_that_is_cut_is_unreachable() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"apiVersion\":";
    assert_eq!(cause(server(Some(cut))).await, Cause::Unreachable);
}

#[tokio::test]
async fn something_else_listening_is_unreachable() {
    assert_eq!(
        cause(server(Some("220 mail.example ESMTP\r\n"))).await,
        Cause::Unreachable
    );
}

#[tokio::test]
async fn an_answer_that_is_not_kubernetes_is_unreadable() {
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
    assert_eq!(cause(server(Some(page))).await, Cause::Unreadable);
}

async fn page(address: SocketAddr, path: &'static str) -> String {
    let fetch = move || {
        let mut connection = TcpStream::connect(address)?;
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )?;
        std::io::read_to_string(connection)
    };
    spawn_blocking(fetch)
        .await
        .expect("no panic")
        .expect("an answer")
}

#[tokio::test]
async fn readiness_says_why_not_and_the_server_ends_on_shutdown() {
    let (health, metrics) = (http::Health::default(), Metrics::default());
    let listener = http::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = stopped.map(|_| ()).boxed().shared();
    let serving = tokio::spawn(http::serve(
        listener,
        health.clone(),
        metrics.clone(),
        shutdown,
    ));

    assert!(page(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    let answer = page(address, "/readyz").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.ends_with("starting\n"),
        "{answer}"
    );
    health.set_ready(true, "working");
    let answer = page(address, "/readyz").await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("working\n"),
        "{answer}"
    );
    metrics.customers("Open", 3);
    let answer = page(address, "/metrics").await;
    assert!(
        answer.contains("clientele_customers{access=\"Open\"} 3\n"),
        "{answer}"
    );

    stop.send(()).expect("still serving");
    serving.await.expect("no panic").expect("an orderly end");
}
