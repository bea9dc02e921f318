//! The order of events.

use std::net::SocketAddr;
use std::time::Duration;

use super::asker::{Asked, Line, Question, ended, policy, sent, unopposed};
use super::reaction::{self, Reactions};
use super::servers::{self, Server};
use super::shared::Failure;
use super::shared::stage::Stage;
use super::{Arguments, CONNECTIONS, MANY, bare, crowd};

/// Customers that are changed.
const CHANGED: usize = 25;

/// Connections that rest.
const RESTING: usize = 1000;

/// Postfwds of Debian's package: one process that serves all, and several that share a cache.
const POSTFWDS: [&str; 2] = ["/usr/sbin/postfwd1", "/usr/sbin/postfwd2"];

/// Everything that was measured.
pub struct Figures {
    /// Version of the API server.
    pub kubernetes: String,
    /// Customers that are known while decisions are asked for.
    pub customers: usize,
    /// How soon changes are in force.
    pub reactions: Reactions,
    /// Memory, in MiB.
    pub memory: Memory,
    /// In order.
    pub rounds: Vec<Round>,
}

/// Resident memory of `clientele mail`, in MiB.
pub struct Memory {
    /// With the few customers that were changed.
    pub empty: f64,
    /// The same process after it has seen all customers come.
    pub watched: f64,
    /// One that was started when all were there.
    pub listed: f64,
    /// That one with connections that rest, each used once.
    pub resting: f64,
}

/// Everybody once.
pub struct Round {
    /// Ours, with counters in a folder.
    pub file: Asked,
    /// Each postfwd that is installed, by its name.
    pub postfwds: Vec<(&'static str, Asked)>,
    /// With counters in Redis, where that is installed: over few connections, and over many.
    pub redis: Vec<Shared>,
}

/// Decisions that are counted in Redis, and what Redis can do.
pub struct Shared {
    /// Over how many connections.
    pub connections: usize,
    /// Ours.
    pub ours: Asked,
    /// Calls of a script that does nothing, as long as ours.
    pub scripts: Asked,
    /// Calls of GET.
    pub gets: Asked,
}

impl Round {
    /// The fastest postfwd.
    pub fn postfwd(&self) -> Option<&(&'static str, Asked)> {
        let faster = |a: &&(_, Asked), b: &&(_, Asked)| a.1.rate.total_cmp(&b.1.rate);
        self.postfwds.iter().max_by(faster)
    }
}

/// Everything, in order.
pub async fn all(arguments: &Arguments) -> Result<Figures, Failure> {
    say("customers that are changed");
    let stage = Stage::set().await?;
    let (changed, first) = crowd::first(&stage, CHANGED).await?;
    let mail = servers::mail(&stage.plane, None).await?;
    say("changes");
    let reactions = reaction::play(&stage.admin, &changed, mail.address).await?;
    drop(mail);

    say("customers");
    stage.operator.stop();
    let mail = servers::mail(&stage.plane, None).await?;
    crowd::calm().await;
    let empty = mail.resident()?.now;
    let logins = crowd::more(&stage, &first, arguments.customers).await?;
    seen(mail.address, &logins).await?;
    let watched = mail.resident()?.now;
    drop(mail);
    let mail = servers::mail(&stage.plane, None).await?;
    crowd::calm().await;
    let listed = mail.resident()?.now;
    say("connections that rest");
    let resting = rest(&mail, &logins).await?;
    drop(mail);
    let memory = Memory {
        empty,
        watched,
        listed,
        resting,
    };
    eprintln!(
        "    empty {empty:.1} MiB, all seen {watched:.1}, all listed {listed:.1}, {RESTING} resting {resting:.1}"
    );

    let mut rounds = Vec::new();
    for round in 0..arguments.rounds.max(1) {
        say(&format!("round {}", round + 1));
        let round = play(&stage, &logins, arguments.time(), round % 2 == 0).await?;
        eprintln!("{}", super::page::told(&round));
        rounds.push(round);
    }
    Ok(Figures {
        kubernetes: stage.admin.apiserver_version().await?.git_version,
        customers: logins.len(),
        reactions,
        memory,
        rounds,
    })
}

fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Waits until the last customer may send.
async fn seen(mail: SocketAddr, logins: &[String]) -> Result<(), Failure> {
    let last = logins.last().ok_or("no customers")?.clone();
    let one = [last];
    for _ in 0..600 {
        if decisions(mail, &one, sent)
            .ask(1, Duration::from_millis(1))
            .is_ok()
        {
            crowd::calm().await;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the last customer was not seen within a minute".into())
}

/// Memory with connections that have asked once and rest.
async fn rest(mail: &Server, logins: &[String]) -> Result<f64, Failure> {
    let mut lines = Vec::with_capacity(RESTING);
    let mut request = Vec::new();
    for number in 0..RESTING {
        let mut line = Line::connect(mail.address)?;
        request.clear();
        policy(
            &logins[number % logins.len()],
            super::asker::number(),
            &mut request,
        );
        line.ask(&request, ended)?;
        lines.push(line);
    }
    crowd::calm().await;
    Ok(mail.resident()?.now)
}

/// Asks for decisions, customer after customer.
fn decisions(
    address: SocketAddr,
    logins: &[String],
    right: fn(&[u8]) -> bool,
) -> Question<impl Fn(u64, &mut Vec<u8>) + Sync> {
    let place = |number: u64| usize::try_from(number).unwrap_or_default() % logins.len();
    Question {
        address,
        request: move |number, out: &mut Vec<u8>| policy(&logins[place(number)], number, out),
        whole: ended,
        right,
    }
}

/// A round. Each server is there only while it is asked; who comes first alternates.
async fn play(
    stage: &Stage,
    logins: &[String],
    time: Duration,
    ours_first: bool,
) -> Result<Round, Failure> {
    let (mut file, mut postfwds) = (None, Vec::new());
    for ours in [ours_first, !ours_first] {
        if ours {
            let mail = servers::mail(&stage.plane, None).await?;
            file = Some(decisions(mail.address, logins, sent).ask(CONNECTIONS, time)?);
            continue;
        }
        for program in POSTFWDS {
            if let Some(server) = servers::postfwd(program).await? {
                let asked = decisions(server.address, logins, unopposed).ask(CONNECTIONS, time)?;
                postfwds.push((program, asked));
            } else {
                say(&format!(
                    "SKIPPED: there is no {program} (scripts/bench installs it on Debian)"
                ));
            }
        }
    }
    let mut redis = Vec::new();
    for connections in [CONNECTIONS, MANY] {
        redis.extend(shared(stage, logins, connections, time, ours_first).await?);
    }
    Ok(Round {
        file: file.ok_or("half a round")?,
        postfwds,
        redis,
    })
}

async fn shared(
    stage: &Stage,
    logins: &[String],
    connections: usize,
    time: Duration,
    ours_first: bool,
) -> Result<Option<Shared>, Failure> {
    let Some(redis) = servers::redis().await? else {
        say("SKIPPED: there is no redis-server (scripts/bench installs it on Debian)");
        return Ok(None);
    };
    let mail = servers::mail(&stage.plane, Some(redis.address)).await?;
    let ours = || decisions(mail.address, logins, sent).ask(connections, time);
    let before = ours_first.then(ours).transpose()?;
    let scripts = bare::scripts(redis.address, connections, time)?;
    let gets = bare::gets(redis.address, connections, time)?;
    let ours = before.map_or_else(ours, Ok)?;
    Ok(Some(Shared {
        connections,
        ours,
        scripts,
        gets,
    }))
}
