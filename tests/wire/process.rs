//! The binary: exit codes, and one line that says why.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

fn clientele(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_clientele"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("the binary runs")
}

/// The last line on stderr, which is the reason.
fn reason(output: &Output) -> String {
    let lines = String::from_utf8_lossy(&output.stderr);
    lines
        .trim_end()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn wrong_flags_are_usage() {
    let output = clientele(&["operator", "--concurrency", "many"]);
    assert_eq!(output.status.code(), Some(2), "{}", reason(&output));
}

#[test]
fn a_wrong_log_filter_is_usage() {
    let output = clientele(&["operator", "--log-filter", "clientele=loud"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        reason(&output).starts_with("clientele: --log-filter: "),
        "{}",
        reason(&output)
    );
}

#[test]
fn no_kubeconfig_is_usage_and_names_what_was_tried() {
    let output = clientele(&[
        "operator",
        "--listen",
        "127.0.0.1:0",
        "--kubeconfig",
        "/nowhere/config",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        reason(&output).contains("/nowhere/config"),
        "{}",
        reason(&output)
    );
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = clientele(&["operator", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("clientele: cannot listen on {address}: ");
    assert!(
        reason(&output).starts_with(&expected),
        "{}",
        reason(&output)
    );
}

#[test]
fn an_api_server_that_is_not_there_is_said_in_one_line() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nobody-there.kubeconfig");
    let kubeconfig = format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{{"name": "x", "cluster": {{"server": "https://{closed}"}}}}],
            "users": [{{"name": "x", "user": {{"token": "x"}}}}],
            "contexts": [{{"name": "x", "context": {{"cluster": "x", "user": "x"}}}}]}}"#
    );
    std::fs::write(&file, kubeconfig).expect("a file");
    let file = file.display().to_string();
    let output = clientele(&["operator", "--listen", "127.0.0.1:0", "--kubeconfig", &file]);
    assert_eq!(output.status.code(), Some(3));
    let expected = format!(
        "clientele: cannot reach the API server at https://{closed}/: tcp connect error: Connection refused"
    );
    assert!(
        reason(&output).starts_with(&expected),
        "{}",
        reason(&output)
    );
}

#[test]
fn crds_are_yaml_documents() {
    let output = clientele(&["crds"]);
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).expect("text");
    let documents = page.split("---\n").filter(|document| !document.is_empty());
    assert!(
        documents
            .clone()
            .all(|document| document.starts_with("apiVersion: apiextensions.k8s.io/v1\n")),
        "{page}"
    );
    assert_eq!(documents.count(), clientele::api::crds().len());
}
