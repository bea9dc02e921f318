//! No call hangs, none waits longer than it should, and every failure has the right name.

use std::time::Duration;

use clientele::error::{Cause, Error};
use clientele::ops::lease::RENEW_WITHIN;
use clientele::ops::mandate::{Mandate, Moment};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::ConfigMap};
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use rstest::rstest;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::fake::{configmap, list, pair, pair_under};

fn get(client: &kube::Client, name: &str) -> JoinHandle<kube::Result<ConfigMap>> {
    let (api, name) = (Api::default_namespaced(client.clone()), name.to_owned());
    tokio::spawn(async move { api.get(&name).await })
}

async fn cause_of(call: JoinHandle<kube::Result<ConfigMap>>) -> Cause {
    let ended = timeout(Duration::from_secs(3600), call).await;
    let answer = ended.expect("no call hangs").expect("no panic");
    Cause::of(&answer.expect_err("a failure"))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_fails_after_ten_seconds() {
    let (client, mut server) = pair(4);
    let started = Instant::now();
    let call = get(&client, "x");
    let _black_hole = server
        .expect("GET /api/v1/namespaces/default/configmaps/x")
        .await;
    let error = call.await.expect("no panic").expect_err("no answer");
    assert_eq!(Cause::of(&error), Cause::TimedOut);
    assert_eq!(
        clientele::error::chain(&error),
        "no answer to get configmaps within 10 s"
    );
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_half_way_fails_too() {
    let (client, mut server) = pair(4);
    let call = get(&client, "x");
    server
        .expect("GET")
        .await
        .begin(r#"{"apiVersion": "v1", "ki"#);
    assert_eq!(cause_of(call).await, Cause::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_unreachable() {
    let (client, mut server) = pair(4);
    let call = get(&client, "x");
    drop(server.expect("GET").await);
    assert_eq!(cause_of(call).await, Cause::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_unreadable() {
    let (client, mut server) = pair(4);
    let call = get(&client, "x");
    server.expect("GET").await.json(&"garbage".into());
    assert_eq!(cause_of(call).await, Cause::Unreadable);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_tried_again_soon_whatever_retry_after_says() {
    let (client, mut server) = pair(4);
    let started = Instant::now();
    let call = get(&client, "x");
    server
        .expect("GET")
        .await
        .refuse(429, &[("Retry-After", "3600")]);
    server.expect("GET").await.json(&configmap("x"));
    call.await.expect("no panic").expect("the second answer");
    assert_eq!(started.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_stays_throttled_is_handed_back() {
    let (client, mut server) = pair(4);
    let started = Instant::now();
    let call = get(&client, "x");
    for _ in 0..4 {
        server
            .expect("GET")
            .await
            .refuse(429, &[("Retry-After", "3600")]);
    }
    assert_eq!(cause_of(call).await, Cause::Throttled);
    assert_eq!(started.elapsed().as_secs(), 3);
    assert!(
        server
            .metrics
            .render()
            .expect("renders")
            .contains(r#"{code="429",method="GET"} 4"#)
    );
}

/// Only 429 promises that nothing was done; after any of these the caller has to look before it writes again.
#[rstest]
#[case(400, Cause::Refused, true)]
#[case(401, Cause::Unauthorized, false)]
#[case(403, Cause::Forbidden, false)]
#[case(404, Cause::NotFound, false)]
#[case(409, Cause::Conflict, false)]
#[case(413, Cause::TooLarge, true)]
#[case(422, Cause::Refused, true)]
#[case(500, Cause::Server, false)]
#[case(503, Cause::Server, false)]
#[case(504, Cause::TimedOut, false)]
#[tokio::test(start_paused = true)]
async fn a_refusal_has_one_name_and_is_not_retried_here(
    #[case] code: u16,
    #[case] cause: Cause,
    #[case] is_final: bool,
) {
    let (client, mut server) = pair(4);
    let call = get(&client, "x");
    server
        .expect("GET")
        .await
        .refuse(code, &[("Retry-After", "1")]);
    let error = call.await.expect("no panic").expect_err("a refusal");
    assert_eq!(Cause::of(&error), cause);
    assert_eq!(cause.is_final(), is_final);
    assert_eq!(
        Error::Call {
            step: "reading",
            source: error
        }
        .category(),
        cause.as_str()
    );
    server.expect_silence(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_turn_and_the_wait_does_not_count_as_theirs() {
    let (client, mut server) = pair(1);
    let first = get(&client, "first");
    let black_hole = server
        .expect("GET /api/v1/namespaces/default/configmaps/first")
        .await;
    let second = get(&client, "second");
    server.expect_silence(Duration::from_secs(9)).await;
    assert_eq!(cause_of(first).await, Cause::TimedOut);
    drop(black_hole);
    let reply = server
        .expect("GET /api/v1/namespaces/default/configmaps/second")
        .await;
    server.expect_silence(Duration::from_secs(9)).await;
    reply.json(&configmap("second"));
    second
        .await
        .expect("no panic")
        .expect("its own ten seconds are not over");
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_its_turn_until_its_body_is_read() {
    let (client, mut server) = pair(1);
    let first = get(&client, "first");
    server.expect("GET").await.begin("{");
    let second = get(&client, "second");
    server.expect_silence(Duration::from_secs(9)).await;
    assert_eq!(cause_of(first).await, Cause::TimedOut);
    server
        .expect("GET /api/v1/namespaces/default/configmaps/second")
        .await
        .json(&configmap("second"));
    second.await.expect("no panic").expect("its turn has come");
}

#[tokio::test(start_paused = true)]
async fn the_lease_and_watches_never_wait_behind_work() {
    let (client, mut server) = pair(1);
    let started = Instant::now();
    let _work = get(&client, "work");
    let _black_hole = server.expect("GET").await;
    let leases: Api<Lease> = Api::default_namespaced(client.clone());
    let _lease = tokio::spawn(async move { leases.get("clientele").await });
    let _renewal = server
        .expect("GET /apis/coordination.k8s.io/v1/namespaces/default/leases/clientele")
        .await;
    let configmaps: Api<ConfigMap> = Api::all(client.clone());
    let _watch =
        tokio::spawn(async move { configmaps.watch(&Default::default(), "1").await.map(|_| ()) });
    server.expect("GET /api/v1/configmaps?&watch=true").await;
    assert_eq!(started.elapsed().as_secs(), 0, "nothing had to end first");
}

#[tokio::test(start_paused = true)]
async fn a_list_is_a_call_like_any_other() {
    let (client, mut server) = pair(4);
    let api: Api<ConfigMap> = Api::all(client);
    let call = tokio::spawn(async move { api.list(&ListParams::default()).await });
    server
        .expect("GET /api/v1/configmaps")
        .await
        .json(&list("9", &[configmap("x")]));
    assert_eq!(
        call.await.expect("no panic").expect("a list").items.len(),
        1
    );
}

#[rstest]
#[case::it_has_not_renewed_for_long(RENEW_WITHIN, Duration::ZERO)]
#[case::its_machine_was_suspended(Duration::ZERO, RENEW_WITHIN)]
#[tokio::test(start_paused = true)]
async fn who_may_lead_no_more_reads_but_does_not_write(
    #[case] running: Duration,
    #[case] suspended: Duration,
) {
    let mandate = Mandate::default();
    let (client, mut server) = pair_under(mandate.clone(), 4);
    let mut last = Moment::this();
    last.now -= suspended;
    mandate.renewed(last);
    tokio::time::sleep(running).await;
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let write = tokio::spawn(async move {
        api.create(&PostParams::default(), &ConfigMap::default())
            .await
    });
    server.expect_silence(Duration::from_secs(60)).await;
    let read = get(&client, "x");
    server.expect("GET").await.json(&configmap("x"));
    read.await.expect("no panic").expect("an answer");

    // It leads after all.
    mandate.renewed(Moment::this());
    server.expect("POST").await.json(&configmap("x"));
    write.await.expect("no panic").expect("written");
}
