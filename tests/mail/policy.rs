//! Policy delegation over a socket, as Postfix speaks it.

use std::time::Duration;

use clientele::mail::policy::Policy;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, customer, route, served, with};

fn request(pairs: &[(&str, &str)]) -> String {
    let mut text =
        "request=smtpd_access_policy\nprotocol_name=ESMTP\nsender=\u{e4}=@x\n".to_owned();
    pairs
        .iter()
        .for_each(|(name, value)| text += &format!("{name}={value}\n"));
    text + "\n"
}

fn end(login: &str, instance: &str, recipients: &str) -> String {
    request(&[
        ("protocol_state", "END-OF-MESSAGE"),
        ("sasl_username", login),
        ("instance", instance),
        ("recipient_count", recipients),
    ])
}

async fn ask(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    while !answer.ends_with("\n\n") {
        let mut bytes = [0; 512];
        match stream.read(&mut bytes).await.expect("read") {
            0 => return format!("{answer}(closed)"),
            length => answer += std::str::from_utf8(&bytes[..length]).expect("text"),
        }
    }
    answer
}

#[tokio::test]
async fn many_requests_on_one_connection_each_with_its_answer() {
    let limited = with(
        customer("globex"),
        json!({"status": {"sending": {"limits": {"hourly": 10}}}}),
    );
    let world = World::of(&[limited]).await;
    world.see(&with(
        route("partner-top", "spare"),
        json!({"spec": {"tls": "Implicit", "port": 465}}),
    ));
    let served = served(Policy(world.decider.clone())).await;
    let mut stream = TcpStream::connect(served.address).await.expect("connected");
    for (text, answer) in [
        (
            request(&[
                ("protocol_state", "RCPT"),
                ("sasl_username", "emea--globex"),
            ]),
            "action=DUNNO\n\n",
        ),
        (
            end("emea--globex", "a.1", "4"),
            "action=FILTER smtp:[eu.partner-emea.svc]:587\n\n",
        ),
        (
            end("emea--globex", "a.1", "4"),
            "action=FILTER smtp:[eu.partner-emea.svc]:587\n\n",
        ),
        (
            end("emea--globex+spare", "a.2", "6"),
            "action=FILTER smtps:[spare.partner-top.svc]:465\n\n",
        ),
        (
            end("emea--globex", "a.3", "1"),
            "action=451 4.7.1 The hourly limit of 10 recipients is reached for emea--globex (10 used); sending opens again at 12:00 on 2026-11-23 (Europe/Berlin)\n\n",
        ),
        (
            end("", "a.4", "1"),
            "action=550 5.7.1 Log in to send mail here\n\n",
        ),
        (
            end("x", "a.5", "1"),
            "action=550 5.7.1 This login belongs to no customer\n\n",
        ),
    ] {
        assert_eq!(ask(&mut stream, &text).await, answer);
    }
}

#[tokio::test]
async fn what_is_no_request_is_cut_off_and_others_go_on() {
    let world = World::of(&[customer("globex")]).await;
    let served = served(Policy(world.decider.clone())).await;
    for wrong in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "x".repeat(100_000),
        "a=b\n".repeat(1000),
    ] {
        let mut stream = TcpStream::connect(served.address).await.expect("connected");
        let _ = stream.write_all(wrong.as_bytes()).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    }
    let mut stream = TcpStream::connect(served.address).await.expect("connected");
    assert!(
        ask(&mut stream, &end("emea--globex", "a.1", "1"))
            .await
            .contains("FILTER")
    );
}

#[tokio::test]
async fn a_thousand_idle_connections_cost_little_and_the_end_does_not_wait_for_them() {
    let world = World::of(&[customer("globex")]).await;
    let mut served = served(Policy(world.decider.clone())).await;
    let before = resident();
    let mut idle = Vec::new();
    for number in 0..1000 {
        let mut stream = TcpStream::connect(served.address).await.expect("connected");
        assert!(
            ask(
                &mut stream,
                &end("emea--globex", &format!("b.{number}"), "1")
            )
            .await
            .contains("FILTER")
        );
        idle.push(stream);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 << 20, "{grown} bytes");
    served.stop.take().expect("once").send(()).expect("serving");
    tokio::time::timeout(Duration::from_secs(5), served.task)
        .await
        .expect("prompt")
        .expect("no panic");
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a size");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number")
        * 1024
}
