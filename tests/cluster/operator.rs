//! The operator as a process: what it serves, and how it ends when it cannot work.

use std::process::{Command, Output};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::ResourceExt as _;

use crate::support::{PATIENCE, Report as _, World, eventually, unique};

#[tokio::test]
async fn health_and_metrics_are_served_under_the_names_dashboards_know() {
    let world = World::shared().await;
    let partner = world.provider().await;
    world.customer(&partner, "globex").await;
    for path in ["/healthz", "/readyz"] {
        let (code, said) = world.operator().get(path).expect("an answer");
        assert_eq!(code, 200, "{path}: {said}");
    }
    eventually("every metric is there", PATIENCE, async || {
        let (_, page) = world.operator().get("/metrics").report()?;
        let missing: Vec<_> = [
            "controller_runtime_reconcile_total{",
            "controller_runtime_reconcile_time_seconds_count{",
            "workqueue_depth{",
            "workqueue_adds_total{",
            "rest_client_requests_total{",
            "leader_election_master_status{name=\"clientele\"} 1",
            "clientele_customers{access=\"Open\"}",
            "clientele_unreadable_objects{",
        ]
        .into_iter()
        .filter(|name| !page.lines().any(|line| line.starts_with(name)))
        .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("{missing:?}"))
        }
    })
    .await;
}

/// Runs the operator as a ServiceAccount of no rights until it gives up.
async fn powerless(world: &World, arguments: &[&str]) -> Output {
    let name = unique("powerless-");
    let mut account = ServiceAccount::default();
    account.metadata.name = Some(name.clone());
    account.metadata.namespace = Some("default".to_owned());
    let account = world.create(&account).await;
    let kubeconfig = world
        .plane
        .service_account_kubeconfig("default", &account.name_any());
    // One that never gives up would outlive the test.
    let patience = (2 * PATIENCE).as_secs().to_string();
    let mut command = Command::new("timeout");
    command
        .args([&*patience, env!("CARGO_BIN_EXE_clientele")])
        .args(["operator", "--listen=127.0.0.1:0"])
        .args(arguments)
        .env("KUBECONFIG", kubeconfig.expect("a kubeconfig"));
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.expect("it ran").expect("it started")
}

/// The last line of what it says.
fn last_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_in_the_last_line() {
    let world = World::without_operator().await;
    let led = powerless(&world, &[]).await;
    assert_eq!(led.status.code(), Some(4), "{led:?}");
    let said = last_line(&led);
    assert!(
        said.starts_with("clientele: ") && said.contains("leases"),
        "{said}"
    );
    // Without a Lease to ask for, it is the first thing that it must read.
    let alone = powerless(&world, &["--leader-elect=false"]).await;
    assert_eq!(alone.status.code(), Some(4), "{alone:?}");
    let said = last_line(&alone);
    assert!(
        said.starts_with("clientele: ") && said.contains("namespaces"),
        "{said}"
    );
}
