//! Postfix's policy delegation: requests one after the other on one connection.
#![no_main]

use clientele::mail::policy::{Request, read};
use clientele_fuzz::cut;
use libfuzzer_sys::fuzz_target;

/// The bounds of `mail::policy`, said again.
const LINE: usize = 8192;
const LINES: usize = 100;
const BYTES: usize = 32 << 10;

fuzz_target!(|sent: &[u8]| {
    let talk = cut(sent, read);
    let (expected, whole) = plainly(sent);
    assert_eq!(talk.read, expected, "a plain reader reads something else");
    assert_eq!(talk.broken.is_none(), whole, "{:?}", talk.broken);
    // What was read and is written again is the same; so is what comes after it.
    let again: String = expected.iter().map(written).collect();
    assert_eq!(cut(again.as_bytes(), read), cut_of(expected));
});

fn cut_of(read: Vec<Request>) -> clientele_fuzz::Conversation<Request> {
    clientele_fuzz::Conversation { read, broken: None }
}

/// The same in another way: everything is there, and nothing needs to be fast. Also whether it is whole to its end.
fn plainly(sent: &[u8]) -> (Vec<Request>, bool) {
    let (mut left, mut all) = (sent, Vec::new());
    while !left.is_empty() {
        let Some((request, rest)) = one(left) else {
            return (all, false);
        };
        all.push(request);
        left = rest;
    }
    (all, true)
}

fn one(sent: &[u8]) -> Option<(Request, &[u8])> {
    let (mut request, mut left, mut bytes) = (Request::default(), sent, 0);
    for _ in 0..LINES {
        let end = left.iter().position(|byte| *byte == b'\n')?;
        let line = &left[..end];
        left = &left[end + 1..];
        bytes += line.len();
        if line.len() > LINE || bytes > BYTES {
            return None;
        }
        if line.is_empty() {
            return (request.kind == "smtpd_access_policy").then_some((request, left));
        }
        let equals = line.iter().position(|byte| *byte == b'=')?;
        let value = String::from_utf8(line[equals + 1..].to_vec());
        match &line[..equals] {
            b"request" => request.kind = value.ok()?,
            b"protocol_state" => request.state = value.ok()?,
            b"sasl_username" => request.login = value.ok()?,
            b"instance" => request.instance = value.ok()?,
            b"recipient_count" => request.recipients = value.ok()?.parse().unwrap_or(0),
            _ => {}
        }
    }
    None
}

fn written(request: &Request) -> String {
    let mut text = String::new();
    let count = match request.recipients {
        0 => String::new(),
        some => some.to_string(),
    };
    for (name, value) in [
        ("request", &request.kind),
        ("protocol_state", &request.state),
        ("sasl_username", &request.login),
        ("instance", &request.instance),
        ("recipient_count", &count),
    ] {
        if !value.is_empty() {
            text += &format!("{name}={value}\n");
        }
    }
    text + "\n"
}
