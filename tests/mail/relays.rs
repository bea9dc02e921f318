//! Socketmap over a socket: credentials and TLS of relays by next hop.

use std::sync::Arc;

use clientele::mail::metrics::Metrics;
use clientele::mail::socketmap::Socketmap;
use clientele::mail::vault::Vault;
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::ApiServer;
use crate::world::{Served, directory, route, see, served, with};

const TYPE: &str = "clientele.dev/relay";
const EU: &str = "credentials [eu.partner-emea.svc]:587";

async fn scene() -> (ApiServer, Served) {
    let api = ApiServer::default();
    api.secret(
        "partner-emea/eu",
        TYPE,
        &[("username", "u"), ("password", "p:1")],
    );
    let directory = directory(&[]);
    see(
        &directory,
        &with(
            route("partner-top", "plain"),
            json!({"spec": {"tls": "None", "credentialsSecret": null}}),
        ),
    );
    see(
        &directory,
        &with(
            route("partner-top", "bare"),
            json!({"spec": {"host": "192.0.2.1"}}),
        ),
    );
    let vault = Arc::new(Vault::new(api.client()));
    (
        api.clone(),
        served(Socketmap::new(directory, vault, Metrics::default())).await,
    )
}

async fn raw(served: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address).await.expect("connected");
    stream.write_all(bytes).await.expect("sent");
    stream.shutdown().await.expect("shut");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .map_or_else(|_| String::new(), |_| answer)
}

async fn ask(served: &Served, text: &str) -> String {
    let answer = raw(served, format!("{}:{text},", text.len()).as_bytes()).await;
    let (length, rest) = answer
        .split_once(':')
        .unwrap_or_else(|| panic!("{text}: {answer}"));
    let content = rest.strip_suffix(',').expect("a netstring");
    assert_eq!(content.len(), length.parse::<usize>().expect("a length"));
    content.to_owned()
}

#[tokio::test]
async fn each_next_hop_has_its_own_credentials_and_the_relays_name() {
    let (api, served) = scene().await;
    api.secret(
        "partner-top/spare",
        TYPE,
        &[("username", "top"), ("password", "q")],
    );
    for (text, answer) in [
        (EU, "OK u:p:1"),
        ("credentials eu.partner-emea.svc", "OK u:p:1"),
        ("credentials [spare.partner-top.svc]:587", "OK top:q"),
        (
            "tls [eu.partner-emea.svc]:587",
            "OK secure match=smtp.relay.example servername=smtp.relay.example",
        ),
        ("tls [plain.partner-top.svc]:587", "OK none"),
        ("tls [192.0.2.1]:587", "OK secure match=192.0.2.1"),
        ("credentials [plain.partner-top.svc]:587", "NOTFOUND "),
        ("credentials [eu.partner-emea.svc]:25", "NOTFOUND "),
        ("credentials smtp.relay.example", "NOTFOUND "),
        ("credentials 192.0.2.1", "NOTFOUND "),
        ("other x", "PERM there is no such map"),
    ] {
        assert_eq!(ask(&served, text).await, answer, "{text}");
    }
}

#[tokio::test]
async fn a_secret_that_is_not_right_is_a_temporary_failure() {
    let (api, served) = scene().await;
    assert_eq!(
        ask(&served, "credentials [spare.partner-top.svc]:587").await,
        "TEMP Secret partner-top/spare does not exist"
    );
    api.secret(
        "partner-emea/eu",
        "Opaque",
        &[("username", "u"), ("password", "p")],
    );
    assert_eq!(
        ask(&served, EU).await,
        "TEMP Secret partner-emea/eu is not of type clientele.dev/relay"
    );
}

#[tokio::test]
async fn an_api_server_that_is_away_changes_nothing_and_a_new_password_holds_within_seconds() {
    let (api, served) = scene().await;
    assert_eq!(ask(&served, EU).await, "OK u:p:1");
    assert_eq!(ask(&served, EU).await, "OK u:p:1");
    assert_eq!(
        api.state().reads,
        1,
        "questions at about the same time are one call"
    );
    api.state().refuses = Some(StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ask(&served, EU).await, "OK u:p:1");
    api.state().refuses = None;
    api.secret(
        "partner-emea/eu",
        TYPE,
        &[("username", "u"), ("password", "new")],
    );
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ask(&served, EU).await, "OK u:new");
}

#[tokio::test]
async fn names_that_would_be_cut_wrong_are_refused() {
    let (api, served) = scene().await;
    api.secret(
        "partner-emea/eu",
        TYPE,
        &[("username", "u:x"), ("password", "p")],
    );
    assert!(ask(&served, EU).await.starts_with("PERM "));
}

#[tokio::test]
async fn what_is_no_netstring_is_cut_off() {
    let (_, served) = scene().await;
    for wrong in [
        b"x:y,".as_slice(),
        b"99999:",
        b"5000:",
        b"3:abcd,",
        b":,",
        b"1",
    ] {
        assert_eq!(raw(&served, wrong).await, "");
    }
}
