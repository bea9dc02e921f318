//! Postfix's socketmap: netstrings one after the other on one connection, and the next hops in them.
#![no_main]

use clientele::mail::socketmap::{REQUEST, netstring, next_hop, read};
use clientele_fuzz::cut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sent: &[u8]| {
    let talk = cut(sent, read);
    let (expected, whole) = plainly(sent);
    assert_eq!(talk.read, expected, "a plain reader reads something else");
    assert_eq!(talk.broken.is_none(), whole, "{:?}", talk.broken);
    let again: String = expected.iter().map(|text| netstring(text)).collect();
    let again = cut(again.as_bytes(), read);
    assert_eq!((again.read, again.broken), (expected.clone(), None));
    for text in &expected {
        hop(text.split_once(' ').map_or(text, |(_, key)| key));
    }
    if let Ok(text) = std::str::from_utf8(sent) {
        hop(text);
        // Any text of a length that is allowed comes through, whatever is in it.
        let one = cut(netstring(text).as_bytes(), read);
        assert_eq!(
            one.read.first().map(String::as_str) == Some(text),
            text.len() <= REQUEST
        );
    }
});

/// The same in another way. Also whether it is whole to its end.
fn plainly(sent: &[u8]) -> (Vec<String>, bool) {
    let (mut left, mut all) = (sent, Vec::new());
    while !left.is_empty() {
        let Some((text, rest)) = one(left) else {
            return (all, false);
        };
        all.push(text);
        left = rest;
    }
    (all, true)
}

fn one(sent: &[u8]) -> Option<(String, &[u8])> {
    let colon = sent.iter().position(|byte| *byte == b':')?;
    let (digits, rest) = (&sent[..colon], &sent[colon + 1..]);
    if !(1..=4).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if length > REQUEST || rest.get(length) != Some(&b',') {
        return None;
    }
    let text = String::from_utf8(rest[..length].to_vec()).ok()?;
    Some((text, &rest[length + 1..]))
}

/// Written again as Postfix does, it is the same host and port.
fn hop(text: &str) {
    let Some((host, port)) = next_hop(text) else {
        return;
    };
    assert!(text.contains(host));
    if host.contains(']') {
        return;
    }
    let again = match port {
        Some(port) => format!("[{host}]:{port}"),
        None => format!("[{host}]"),
    };
    assert_eq!(next_hop(&again), Some((host, port)), "{text:?}");
}
