//! Redis asked without anything in between: what a decision that is counted there can cost at the least.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::asker::{Asked, Line, Question};
use super::shared::Failure;

/// Does nothing and answers as the counters' script does.
const NOTHING: &str = "return {0, 0}";

/// Round trips of a script that does nothing, in a call as long as that of a decision: as many keys and numbers.
pub fn scripts(address: SocketAddr, connections: usize, time: Duration) -> Result<Asked, Failure> {
    let mut line = Line::connect(address)?;
    let answer = line.ask(&command(&["SCRIPT", "LOAD", NOTHING]), whole)?;
    let answer = String::from_utf8_lossy(answer).into_owned();
    let digest = answer.lines().nth(1).ok_or("no digest")?.to_owned();
    let request = move |number: u64, out: &mut Vec<u8>| {
        let key = format!("{{clientele}}:send:key:{number:032x}");
        let accounts = [
            "{clientele}:send:provider-0--sender-0000",
            "{clientele}:send:partner/clientele-partners/provider-0",
            "{clientele}:send:route/partner-provider-0/relay",
        ];
        let mut words = vec!["EVALSHA", &digest, "4", &key];
        words.extend(accounts);
        words.extend(["1800000000", "1", "0", "14400"]);
        for _ in 0..3 * accounts.len() {
            words.extend(["1800000000", "1800003600", "1000000000"]);
        }
        out.extend(command(&words));
    };
    let question = Question {
        address,
        request,
        whole: |answer| answer.ends_with(b":0\r\n:0\r\n") || answer.starts_with(b"-"),
        right: |answer| answer == b"*2\r\n:0\r\n:0\r\n",
    };
    question.ask(connections, time)
}

/// Round trips of the least that there is to ask: a key that does not exist.
pub fn gets(address: SocketAddr, connections: usize, time: Duration) -> Result<Asked, Failure> {
    let request = |number: u64, out: &mut Vec<u8>| {
        out.extend(command(&[
            "GET",
            &format!("{{clientele}}:none:{number:032x}"),
        ]));
    };
    let question = Question {
        address,
        request,
        whole,
        right: |answer| answer == b"$-1\r\n",
    };
    question.ask(connections, time)
}

fn whole(answer: &[u8]) -> bool {
    answer.ends_with(b"\r\n")
}

/// A command as Redis reads it.
fn command(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    // Writing to a vector cannot fail.
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n{word}\r\n", word.len());
    }
    out
}
