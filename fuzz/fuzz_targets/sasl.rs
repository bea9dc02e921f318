//! The Dovecot auth protocol: lines on one connection, and what is said to each.
#![no_main]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::mail::sasl::{Claim, LINE, Session, Step, fail};
use clientele_fuzz::{PIECES, conversation};
use libfuzzer_sys::fuzz_target;

/// Attempts that may wait at a time.
const WAITING: usize = 16;

fuzz_target!(|sent: &[u8]| {
    let [whole, bytes, pieces] = PIECES.map(|size| {
        let mut session = Session::default();
        conversation(sent, size, async |wire| {
            let line = wire.line(LINE).await?;
            Ok((line.to_vec(), session.line(line)?))
        })
    });
    assert_eq!(whole, bytes, "read byte by byte it is something else");
    assert_eq!(whole, pieces, "read in pieces it is something else");
    let mut waiting = BTreeSet::new();
    for (line, step) in &whole.read {
        let asked = number(line);
        match step {
            Step::Nothing => assert!(asked.is_none(), "an attempt is not answered"),
            Step::Say(answer) => {
                let asked = asked.expect("an answer to no attempt");
                let begins = line.starts_with(b"AUTH\t");
                if !begins && !waiting.remove(&asked) {
                    assert!(
                        answer.starts_with("FAIL\t"),
                        "what never began goes on: {answer:?}"
                    );
                }
                match one_answer(answer) {
                    ("CONT", id) => {
                        assert_eq!(id, asked);
                        waiting.insert(id);
                    }
                    ("FAIL", id) => assert_eq!(id, asked),
                    other => panic!("{other:?}"),
                }
            }
            Step::Check(claim) => {
                assert_eq!(Some(claim.id), asked);
                if line.starts_with(b"CONT\t") {
                    assert!(waiting.remove(&claim.id), "who never began is let in");
                }
                // A name cannot forge a second answer.
                let no = fail(claim.id, Some(&claim.username), "reason=no");
                assert_eq!(one_answer(&no), ("FAIL", claim.id));
                assert!(no.matches('\t').count() <= 3, "{no:?}");
                assert_eq!(again(claim), Ok(Step::Check(same(claim))));
            }
        }
        assert!(waiting.len() <= WAITING, "attempts wait without bound");
    }
});

/// The attempt that a line is about, if it is about one.
fn number(line: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(line).expect("it was read");
    let mut fields = text.split('\t');
    matches!(fields.next(), Some("AUTH" | "CONT")).then(|| {
        let id = fields.next().and_then(|id| id.parse().ok());
        id.expect("it was read")
    })
}

/// What an answer says, which must be one line.
fn one_answer(answer: &str) -> (&str, u32) {
    let line = answer.strip_suffix('\n').expect("a whole line");
    assert!(!line.contains(['\n', '\r', '\0']), "{line:?}");
    let mut fields = line.split('\t');
    let word = fields.next().expect("a word");
    let id = fields.next().expect("a number").parse();
    (word, id.expect("a number"))
}

fn same(claim: &Claim) -> Claim {
    Claim {
        id: claim.id,
        username: claim.username.clone(),
        password: claim.password.clone(),
        address: claim.address,
    }
}

/// The claim made again in a new session, the long way.
fn again(claim: &Claim) -> Result<Step, clientele::mail::wire::Broken> {
    let mut session = Session::default();
    let id = claim.id;
    let from = claim
        .address
        .map(|address| format!("\trip={address}"))
        .unwrap_or_default();
    session.line(format!("AUTH\t{id}\tLOGIN{from}").as_bytes())?;
    session.line(format!("CONT\t{id}\t{}", STANDARD.encode(&claim.username)).as_bytes())?;
    session.line(format!("CONT\t{id}\t{}", STANDARD.encode(&claim.password)).as_bytes())
}
