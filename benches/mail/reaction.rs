//! How soon a change is in force: somebody asks again and again while a person changes a customer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clientele::api::Customer;
use kube::Client;
use serde_json::{Value, json};

use super::asker::{Line, ended, number, policy, sent};
use super::crowd::{PLENTY, change};
use super::shared::Failure;
use super::shared::figures::Waits;
use super::shared::support::tenant;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(1);

/// Longest wait for a change to be in force.
const PATIENCE: Duration = Duration::from_secs(30);

/// From the moment a person asks for a change until the first answer that follows it.
pub struct Reactions {
    /// A limit that is below what was sent.
    pub limited: Waits,
    /// A limit that leaves room again.
    pub unlimited: Waits,
    /// On hold.
    pub held: Waits,
    /// Released.
    pub released: Waits,
}

/// Makes the changes to each of these customers, there and back.
pub async fn play(
    client: &Client,
    customers: &[Customer],
    mail: SocketAddr,
) -> Result<Reactions, Failure> {
    let hourly = |limit: u64| json!({"sending": {"limits": {"hourly": limit}}});
    let hold = |on: bool| json!({ "onHold": on });
    let mut waits = [const { Vec::new() }; 4];
    for customer in customers {
        let login = tenant(customer);
        let changes = [
            (hourly(1), false),
            (hourly(PLENTY), true),
            (hold(true), false),
            (hold(false), true),
        ];
        for (waits, (spec, may)) in waits.iter_mut().zip(changes) {
            waits.push(in_force(client, customer, spec, (mail, login.clone(), may)).await?);
        }
    }
    let [limited, unlimited, held, released] = waits.map(Waits::new);
    Ok(Reactions {
        limited,
        unlimited,
        held,
        released,
    })
}

async fn in_force(
    client: &Client,
    customer: &Customer,
    spec: Value,
    (mail, login, may): (SocketAddr, String, bool),
) -> Result<Duration, Failure> {
    // The one who asks has its own thread: the change is made here meanwhile.
    let asking = tokio::task::spawn_blocking(move || first(mail, &login, may));
    let began = Instant::now();
    change(client, customer, spec).await?;
    let seen = asking.await??;
    Ok(seen.duration_since(began))
}

/// When the answer is this for the first time.
fn first(mail: SocketAddr, login: &str, may: bool) -> Result<Instant, Failure> {
    let mut line = Line::connect(mail)?;
    let began = Instant::now();
    let (mut request, mut last) = (Vec::new(), String::new());
    while began.elapsed() < PATIENCE {
        request.clear();
        policy(login, number(), &mut request);
        let answer = line.ask(&request, ended)?;
        if sent(answer) == may {
            return Ok(Instant::now());
        }
        last = String::from_utf8_lossy(answer).into_owned();
        std::thread::sleep(PAUSE);
    }
    Err(format!("a change was not in force within {PATIENCE:?}: {last}").into())
}
