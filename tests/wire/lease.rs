//! Leader election between candidates whose way to the API server can be cut.

use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use clientele::{
    error::Error,
    ops::{lease::Leadership, mandate::Mandate},
};
use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tower::service_fn;

/// The Lease as the API server keeps it: every write needs the version that was read.
#[derive(Clone, Default)]
struct Cluster(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    lease: Option<Value>,
    version: u64,
    reads: usize,
    writes: usize,
}

/// What becomes of a candidate's calls.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    /// Neither the request nor an answer arrives.
    Cut,
    /// The request arrives, its answer does not.
    AnswersLost,
    Forbidden,
}

#[derive(Clone)]
struct Switch(Arc<Mutex<Way>>);

impl Switch {
    fn set(&self, way: Way) {
        *self.0.lock().expect("lock") = way;
    }
}

impl Cluster {
    fn client(&self) -> (Client, Switch) {
        let (cluster, switch) = (self.clone(), Switch(Arc::new(Mutex::new(Way::Open))));
        let way = switch.clone();
        let service = service_fn(move |request: Request<Body>| {
            let (cluster, way) = (cluster.clone(), *way.0.lock().expect("lock"));
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.expect("a body");
                let (code, answer) = match way {
                    Way::Cut => pending().await,
                    Way::Forbidden => (403, Value::Null),
                    Way::Open | Way::AnswersLost => cluster.answer(&parts.method, &body),
                };
                if way == Way::AnswersLost {
                    pending::<()>().await;
                }
                let answer = match code {
                    200 | 201 => answer,
                    _ => {
                        json!({"kind": "Status", "status": "Failure", "code": code, "message": "made up", "reason": if code == 404 { "NotFound" } else { "Made up" }})
                    }
                };
                let body = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(
                    Response::builder()
                        .status(code)
                        .body(body)
                        .expect("a response"),
                )
            }
        });
        (Client::new(service, "default"), switch)
    }

    fn answer(&self, method: &Method, body: &[u8]) -> (u16, Value) {
        let mut stored = self.0.lock().expect("lock");
        if *method == Method::GET {
            stored.reads += 1;
            return stored
                .lease
                .clone()
                .map_or((404, Value::Null), |lease| (200, lease));
        }
        let lease: Value = serde_json::from_slice(body).expect("a Lease");
        let fits = match (&stored.lease, method) {
            (None, &Method::POST) => true,
            (Some(old), &Method::PUT) => {
                old["metadata"]["resourceVersion"] == lease["metadata"]["resourceVersion"]
            }
            _ => false,
        };
        if !fits {
            return (409, Value::Null);
        }
        (200, stored.store(lease))
    }

    /// Somebody else's write.
    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut stored = self.0.lock().expect("lock");
        let mut lease = stored.lease.clone().expect("a Lease");
        change(&mut lease);
        stored.store(lease);
    }

    fn lease(&self) -> Value {
        self.0.lock().expect("lock").lease.clone().expect("a Lease")
    }

    fn holder(&self) -> String {
        self.lease()["spec"]["holderIdentity"]
            .as_str()
            .expect("a holder")
            .to_owned()
    }

    fn calls(&self) -> (usize, usize) {
        let stored = self.0.lock().expect("lock");
        (stored.reads, stored.writes)
    }

    async fn acquire(&self, identity: &str) -> (Leadership, Switch) {
        let (client, switch) = self.client();
        let mandate = Mandate::default();
        let acquired = Leadership::acquire(client, "clientele-system", identity, &mandate);
        let held = timeout(seconds(3600), acquired)
            .await
            .expect("within an hour");
        (held.expect("the Lease"), switch)
    }
}

impl Stored {
    fn store(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        self.writes += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn an_idle_leader_makes_one_write_a_renewal_and_reads_nothing() {
    let cluster = Cluster::default();
    let (mut leadership, _way) = cluster.acquire("a").await;
    let (reads, writes) = cluster.calls();
    assert!(timeout(seconds(61), leadership.lost()).await.is_err());
    assert_eq!(cluster.calls(), (reads, writes + 30));
}

#[tokio::test(start_paused = true)]
async fn a_leader_cut_off_steps_down_before_anybody_takes_over() {
    let cluster = Cluster::default();
    let (mut first, way) = cluster.acquire("a").await;
    way.set(Way::Cut);
    let cut = Instant::now();
    let other = cluster.clone();
    let second = tokio::spawn(async move {
        let held = other.acquire("b").await;
        (held, cut.elapsed())
    });
    let error = timeout(seconds(60), first.lost())
        .await
        .expect("known in time");
    let stepped_down = cut.elapsed();
    assert!(matches!(&error, Error::LeaseLost { .. }), "{error}");
    assert_eq!(error.exit_code(), 5);
    assert!(stepped_down <= seconds(10), "{stepped_down:?}");
    let (_held, took_over) = second.await.expect("no panic");
    assert!(took_over >= seconds(15), "{took_over:?}");
    assert!(took_over <= seconds(18), "{took_over:?}");
    assert_eq!(cluster.lease()["spec"]["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_robbed_knows_it_at_the_next_renewal() {
    let cluster = Cluster::default();
    let (mut leadership, _way) = cluster.acquire("a").await;
    cluster.edit(|lease| lease["spec"]["holderIdentity"] = json!("thief"));
    let error = timeout(seconds(3), leadership.lost())
        .await
        .expect("known at once");
    assert_eq!(
        error.to_string(),
        "lost the leader election Lease clientele-system/clientele: thief has it"
    );
    assert_eq!(cluster.holder(), "thief");
}

#[tokio::test(start_paused = true)]
async fn a_label_from_somebody_else_costs_neither_the_lease_nor_the_label() {
    let cluster = Cluster::default();
    let (mut leadership, _way) = cluster.acquire("a").await;
    cluster.edit(|lease| lease["metadata"]["labels"] = json!({"team": "x"}));
    assert!(timeout(seconds(30), leadership.lost()).await.is_err());
    assert_eq!(cluster.lease()["metadata"]["labels"], json!({"team": "x"}));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_is_made_again() {
    let cluster = Cluster::default();
    let (mut leadership, _way) = cluster.acquire("a").await;
    cluster.0.lock().expect("lock").lease = None;
    assert!(timeout(seconds(30), leadership.lost()).await.is_err());
    assert_eq!(cluster.holder(), "a");
}

#[tokio::test(start_paused = true)]
async fn renewals_whose_answers_were_lost_still_count_once_seen() {
    let cluster = Cluster::default();
    let (mut leadership, way) = cluster.acquire("a").await;
    way.set(Way::AnswersLost);
    assert!(timeout(seconds(5), leadership.lost()).await.is_err());
    way.set(Way::Open);
    assert!(timeout(seconds(60), leadership.lost()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lease_given_back_is_taken_at_once() {
    let cluster = Cluster::default();
    let (first, _way) = cluster.acquire("a").await;
    let other = cluster.clone();
    let second = tokio::spawn(async move { other.acquire("b").await });
    sleep(seconds(5)).await;
    assert_eq!(cluster.holder(), "a");
    first.release().await;
    let given_back = Instant::now();
    second.await.expect("no panic");
    assert!(
        given_back.elapsed() <= seconds(2),
        "{:?}",
        given_back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_leadership_that_is_dropped_runs_out() {
    let cluster = Cluster::default();
    let (first, _way) = cluster.acquire("a").await;
    drop(first);
    let (_held, _way) = timeout(seconds(20), cluster.acquire("b"))
        .await
        .expect("run out");
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_clock_is_years_behind_keeps_its_lease_while_it_renews() {
    let cluster = Cluster::default();
    let (_first, _way) = cluster.acquire("a").await;
    let behind = cluster.clone();
    tokio::spawn(async move {
        loop {
            behind.edit(|lease| {
                lease["spec"]["holderIdentity"] = json!("behind");
                lease["spec"]["renewTime"] = json!("2001-01-01T00:00:00.000000Z");
            });
            sleep(seconds(2)).await;
        }
    });
    sleep(seconds(1)).await;
    assert!(
        timeout(seconds(120), cluster.acquire("b")).await.is_err(),
        "it was renewed all the time"
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_who_find_a_lease_run_out_one_leads() {
    let cluster = Cluster::default();
    let (first, _way) = cluster.acquire("a").await;
    drop(first);
    let candidates: Vec<_> = (0..8)
        .map(|n| {
            let cluster = cluster.clone();
            tokio::spawn(async move {
                let (mut leadership, _way) = cluster.acquire(&format!("candidate-{n}")).await;
                leadership.lost().await
            })
        })
        .collect();
    sleep(seconds(120)).await;
    assert_eq!(cluster.lease()["spec"]["leaseTransitions"], 1);
    assert!(
        candidates.iter().all(|candidate| !candidate.is_finished()),
        "nobody led and lost it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_said_not_waited_for() {
    let (client, way) = Cluster::default().client();
    way.set(Way::Forbidden);
    let refused = timeout(
        seconds(30),
        Leadership::acquire(client, "clientele-system", "a", &Mandate::default()),
    )
    .await;
    let error = refused.expect("not for ever").expect_err("no right");
    assert_eq!(error.exit_code(), 4, "{error}");
}
