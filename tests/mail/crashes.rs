//! Processes that are killed while they count: never over a cap, and what was granted is not forgotten.
//!
//! The process is this test binary once more: [`a_process_that_counts`] does nothing unless it is told where.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clientele::mail::counters::Counters;
use clientele::mail::decide::Decider;
use clientele::mail::policy::Policy;
use serde_json::json;

use crate::redis::Redis;
use crate::world::{BEGIN, Folder, Hands, customer, directory, served, with};

/// Where the process counts.
const PLACE: &str = "CLIENTELE_TEST_COUNTERS";
const CAP: u64 = 9000;
/// How many messages each sender has; together they want more than the cap.
const MESSAGES: u32 = 120;

/// The process: it serves policy on some port, which it says, until it is killed.
#[tokio::test]
async fn a_process_that_counts() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let counters = Counters::open(&place.parse().expect("a place"))
        .await
        .expect("counters");
    let limited = with(
        customer("globex"),
        json!({"status": {"sending": {"limits": {"daily": CAP}}}}),
    );
    let decider = Decider::new(
        directory(&[limited]),
        counters,
        Hands::at(BEGIN).clock(),
        Arc::default(),
        clientele::mail::metrics::Metrics::default(),
    );
    let served = served(Policy(Arc::new(decider))).await;
    println!("\nPORT {}", served.address.port());
    std::io::stdout().flush().expect("a pipe");
    std::future::pending::<()>().await;
}

struct Process {
    child: Child,
    port: u16,
}

fn start(place: &str) -> Process {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "crashes::a_process_that_counts", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("PORT ")?.parse().ok());
    Process {
        child,
        port: port.expect("it listens"),
    }
}

/// One message; none if there was no answer.
fn send(port: u16, instance: &str, recipients: u64) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    write!(
        stream,
        "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nsasl_username=emea--globex\ninstance={instance}\nrecipient_count={recipients}\n\n"
    )
    .ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.ends_with('\n').then_some(line)
}

/// 64 senders, and a process that is killed five times. Each message is asked about until it is answered, as Postfix does.
/// The senders know what was granted to them; that and the cap is what must agree.
fn killed_under_load(place: &str, between: impl FnMut(u32) + Send) {
    let port = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let process = Mutex::new(start(place));
    port.store(
        u64::from(process.lock().expect("no panic").port),
        Ordering::SeqCst,
    );
    let granted = AtomicU64::new(0);
    let mut between = between;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..64_u32)
            .map(|sender| {
                let (port, granted) = (&port, &granted);
                scope.spawn(move || {
                    for message in 0..MESSAGES {
                        let recipients = u64::from(1 + (sender + message) % 3);
                        let instance = format!("{sender}.{message}");
                        loop {
                            let port = u16::try_from(port.load(Ordering::SeqCst)).expect("a port");
                            match send(port, &instance, recipients) {
                                Some(answer) if answer.starts_with("action=FILTER") => {
                                    granted.fetch_add(recipients, Ordering::SeqCst);
                                    break;
                                }
                                Some(answer) if answer.contains("limit of") => break,
                                // No answer, or none that says anything: it waits.
                                _ => std::thread::sleep(Duration::from_millis(20)),
                            }
                        }
                    }
                })
            })
            .collect();
        let killed = {
            let (port, done, process, between) = (&port, &done, &process, &mut between);
            scope.spawn(move || {
                let mut killed = 0;
                for round in 0..5 {
                    std::thread::sleep(Duration::from_millis(100));
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    let mut process = process.lock().expect("no panic");
                    process.child.kill().expect("ours");
                    process.child.wait().expect("ours");
                    between(round);
                    killed += 1;
                    *process = start(place);
                    port.store(u64::from(process.port), Ordering::SeqCst);
                }
                killed
            })
        };
        for sender in senders {
            sender.join().expect("no panic");
        }
        done.store(true, Ordering::SeqCst);
        let killed = killed.join().expect("no panic");
        assert!(
            killed >= 3,
            "killed {killed} times only: it is over too soon"
        );
    });
    let mut process = process.into_inner().expect("no panic");
    let granted = granted.into_inner();
    // What is left is exactly the cap less what was granted: nothing forgotten, nothing counted twice.
    let mut left = 0;
    while send(process.port, &format!("rest.{left}"), 1)
        .is_some_and(|answer| answer.starts_with("action=FILTER"))
    {
        left += 1;
    }
    process.child.kill().expect("ours");
    process.child.wait().expect("ours");
    assert!(granted <= CAP, "{granted}");
    assert_eq!(granted + left, CAP);
}

#[test]
fn a_process_that_is_killed_forgets_nothing_and_counts_nothing_twice() {
    let folder = Folder::new();
    killed_under_load(&format!("file:{}", folder.0.display()), |_| {});
}

#[test]
fn with_redis_both_may_be_killed() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let clientele::mail::counters::Place::Redis(url) = redis.place() else {
        panic!("a URL")
    };
    killed_under_load(&url, |round| {
        if round % 2 == 1 {
            redis.kill_and_restart();
        }
    });
}
