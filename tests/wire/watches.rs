//! Watches: what is unreadable, expired, quiet or dead.

use std::time::Duration;

use clientele::{error::Error, observe::tolerant::Tolerant, ops::watchdog::Guard};
use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::ConfigMap};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event, watcher},
    },
};
use serde_json::json;
use tokio::time::Instant;

use crate::fake::{Server, configmap, list, pair};

type Events<K> = BoxStream<'static, watcher::Result<Event<Tolerant<K>>>>;

fn watch(client: &Client) -> Events<ConfigMap> {
    watcher(Api::all(client.clone()), Config::default())
        .default_backoff()
        .boxed()
}

/// Drives a watch on its own; what it says is not asked for.
fn drive(client: &Client) {
    let mut events = watch(client);
    tokio::spawn(async move { while events.next().await.is_some() {} });
}

const LIST: &str = "GET /api/v1/configmaps?&limit=500";
const WATCH: &str = "GET /api/v1/configmaps?&watch=true&timeoutSeconds=290";

#[tokio::test(start_paused = true)]
async fn an_unreadable_object_stops_nobody_else() {
    let (client, mut server) = pair(4);
    let mut events = watcher(Api::<Tolerant<Lease>>::all(client), Config::default()).boxed();
    let lease = |name: &str, time: &str| json!({"metadata": {"name": name, "resourceVersion": "5"}, "spec": {"renewTime": time}});
    let never = "9999-12-31T23:59:59.000000Z";
    let mut disguised = lease("disguised", "2026-01-01T00:00:00.000000Z");
    disguised["metadata"]["managedFields"] = json!([{"manager": "tenant", "time": never}]);

    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        while told.len() < 4 {
            match events.next().await.expect("a watch never ends") {
                Ok(Event::InitApply(object) | Event::Apply(object)) => {
                    told.push((object.name_any(), object.object().is_ok()));
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
        told
    });
    let items = [
        lease("bad", never),
        lease("good", "2026-01-01T00:00:00.000000Z"),
        disguised,
    ];
    server
        .expect("GET /apis/coordination.k8s.io/v1/leases?&limit=500")
        .await
        .json(&list("9", &items));
    let added = json!({"type": "ADDED", "object": lease("worse", never)});
    server
        .expect("GET /apis/coordination.k8s.io/v1/leases?&watch=true")
        .await
        .begin(&format!("{added}\n"));

    let expected = [
        ("bad", false),
        ("good", true),
        ("disguised", true),
        ("worse", false),
    ];
    assert_eq!(
        told.await.expect("no panic"),
        expected.map(|(name, read)| (name.to_owned(), read))
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_gone_by_http_status_leads_to_a_new_list() {
    let (client, mut server) = pair(4);
    drive(&client);
    server.expect(LIST).await.json(&list("9", &[]));
    server.expect(WATCH).await.refuse(410, &[]);
    server.expect(LIST).await.json(&list("12", &[]));
    let (request, _reply) = server.next().await;
    assert!(request.ends_with("resourceVersion=12"), "{request}");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_left_alone_until_its_time_is_over() {
    let (client, mut server) = pair(4);
    drive(&client);
    server.expect(LIST).await.json(&list("9", &[]));
    server.expect(WATCH).await.begin("");
    server.expect_silence(Duration::from_secs(290)).await;
    let (request, _reply) = server.next().await;
    assert!(
        request.starts_with(WATCH) && request.ends_with("resourceVersion=9"),
        "{request}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_not_accepted_is_asked_for_again() {
    let (client, mut server) = pair(4);
    drive(&client);
    server.expect(LIST).await.json(&list("9", &[]));
    let asked = Instant::now();
    let _black_hole = server.expect(WATCH).await;
    let _second = server.expect(WATCH).await;
    assert!(
        (30..33).contains(&asked.elapsed().as_secs()),
        "after {:?}",
        asked.elapsed()
    );
}

/// The reason to start clean, which must come within a day.
async fn bark(guard: &Guard) -> Error {
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, guard.barks())
        .await
        .expect("a bark")
}

/// Answers every list, accepts every watch or none, and sends nothing.
async fn serve(mut server: Server, accept: bool) {
    let mut open = Vec::new();
    loop {
        let (request, reply) = server.next().await;
        match (request.contains("watch=true"), accept) {
            (false, _) => reply.json(&list("9", &[configmap("x")])),
            (true, true) => reply.begin(""),
            (true, false) => open.push(reply),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stays_dead_ends_the_process() {
    let (client, server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    tokio::spawn(serve(server, false));
    let started = Instant::now();
    let error = bark(&guard).await;
    assert!(
        matches!(&error, Error::WatchSilent { watch, .. } if watch == "configmaps"),
        "{error}"
    );
    assert!(
        (720..730).contains(&started.elapsed().as_secs()),
        "after {:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_only_quiet_does_not() {
    let (client, server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    tokio::spawn(serve(server, true));
    let day = Duration::from_secs(24 * 3600);
    let barked = tokio::time::timeout(day, guard.barks()).await;
    assert!(barked.is_err(), "{barked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_right_to_list_that_is_missing_ends_the_process_by_name() {
    let (client, mut server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    tokio::spawn(async move {
        loop {
            server.expect(LIST).await.refuse(403, &[]);
        }
    });
    let error = bark(&guard).await;
    assert!(
        error
            .to_string()
            .starts_with("missing right: list configmaps (refused for "),
        "{error}"
    );
    assert_eq!(error.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_right_to_watch_that_is_missing_does_too() {
    let (client, mut server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    server.expect(LIST).await.json(&list("9", &[]));
    tokio::spawn(async move {
        loop {
            server.expect(WATCH).await.refuse(403, &[]);
        }
    });
    let error = bark(&guard).await.to_string();
    assert!(
        error.starts_with("missing right: watch configmaps (refused for "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_only_fails_is_no_life() {
    let (client, mut server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    server.expect(LIST).await.json(&list("9", &[]));
    tokio::spawn(async move {
        loop {
            server.expect(WATCH).await.refuse(500, &[]);
        }
    });
    let error = bark(&guard).await;
    assert!(matches!(error, Error::WatchSilent { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_for_a_moment_does_not() {
    let (client, mut server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    server.expect(LIST).await.refuse(403, &[]);
    server.expect(LIST).await.refuse(403, &[]);
    tokio::spawn(serve(server, true));
    let barked = tokio::time::timeout(Duration::from_secs(3600), guard.barks()).await;
    assert!(barked.is_err(), "{barked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_restored_from_a_backup_is_noticed() {
    let (client, mut server) = pair(4);
    let guard = server.guard.clone();
    drive(&client);
    server.expect(LIST).await.json(&list("900", &[]));
    server.expect(WATCH).await.refuse(410, &[]);
    server.expect(LIST).await.json(&list("100", &[]));
    let _watch = server.expect(WATCH).await;
    let error = bark(&guard).await;
    assert!(
        matches!(
            error,
            Error::WentBack {
                seen: 900,
                listed: 100,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.exit_code(), 6);
}
