//! The log of the counters, read again after a crash or a bad disk, and what is counted from then on.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use clientele::domain::limits::Window;
use clientele::mail::counters::ledger::{Change, Ledger};
use clientele::mail::counters::{Account, Take, Taken, log};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_800_000_000;
const CAP: u64 = 1000;

fuzz_target!(|bytes: &[u8]| {
    log_of(bytes);
    // Checksums that are right let the fuzzer through to what they protect.
    log_of(&framed(bytes));
});

/// As frames: a byte with the length of what follows, and that.
fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    while let [length, rest @ ..] = bytes {
        let (content, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        log.extend((content.len() as u16).to_le_bytes());
        log.extend(crc32fast::hash(content).to_le_bytes());
        log.extend(content);
        bytes = rest;
    }
    log
}

fn log_of(bytes: &[u8]) {
    let (changes, good) = again(bytes);
    assert!(good <= bytes.len());
    assert_eq!(
        again(&bytes[..good]),
        (changes.clone(), good),
        "what is good is all that counts"
    );
    // A torn end costs the last change only.
    if let Some(torn) = good.checked_sub(1) {
        let (fewer, _) = again(&bytes[..torn]);
        assert_eq!(fewer, changes[..changes.len() - 1]);
    }
    let mut written = Vec::new();
    changes
        .iter()
        .for_each(|change| log::write(change, &mut written));
    assert_eq!(
        again(&written),
        (changes.clone(), written.len()),
        "written again it is something else"
    );
    counted(&changes);
}

fn again(bytes: &[u8]) -> (Vec<Change>, usize) {
    let mut changes = Vec::new();
    let good = log::read(bytes, |change| changes.push(change.clone()));
    (changes, good)
}

fn ledger(changes: &[Change]) -> Ledger {
    let mut ledger = Ledger::default();
    changes.iter().for_each(|change| ledger.apply(change));
    ledger
}

fn counted(changes: &[Change]) {
    let mut first = ledger(changes);
    let names: BTreeSet<Arc<str>> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Named(_, name) => Some(Arc::clone(name)),
            _ => None,
        })
        .collect();
    // Written anew, nothing that still counts is lost.
    let anew = ledger(&first.whole(NOW));
    for name in &names {
        assert_eq!(first.used(name, NOW), anew.used(name, NOW), "{name:?}");
    }
    // And whatever was read, no cap is passed, and who asks again pays once.
    let Some(name) = names.first() else {
        return;
    };
    let take = Take {
        accounts: vec![Account {
            name: Arc::clone(name),
            windows: [3600, 86_400, 2_592_000].map(|length| Window {
                start: NOW,
                end: NOW + length,
            }),
            caps: [Some(CAP); 3],
        }],
        recipients: 400,
        key: Some([7; 16]),
        choice: 3,
        now: NOW,
    };
    let before = first.used(name, NOW);
    let known = changes.iter().any(|change| match change {
        Change::Took { key, .. } => *key == take.key,
        Change::Remembered(_, key, _) => Some(*key) == take.key,
        _ => false,
    });
    for _ in 0..2 {
        let mut more = Vec::new();
        match first.take(&take, &mut more) {
            Taken::Granted { .. } if known => {}
            Taken::Granted { choice } => {
                assert_eq!(choice, take.choice);
                for (slot, before) in first.used(name, NOW).iter().zip(before) {
                    assert!(slot.used <= CAP, "over the cap: {slot:?}");
                    assert_eq!(
                        slot.used,
                        before.used + take.recipients,
                        "paid otherwise than once"
                    );
                }
            }
            Taken::Full(full) => {
                assert!(
                    full.used.saturating_add(take.recipients) > CAP && full.opens > NOW,
                    "{full:?}"
                );
                assert_eq!(first.used(name, NOW), before, "refused and yet taken");
            }
        }
    }
}
