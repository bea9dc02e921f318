//! Changes of a ledger as bytes, one frame each: length, checksum, content.
//!
//! A process that is killed while it writes leaves part of a frame at the end; it was not answered for, so it is cut off when the
//! log is read again. Numbers are little-endian.

use std::sync::Arc;

use super::Slot;
use super::ledger::Change;

/// What a log begins with.
pub const MAGIC: &[u8] = b"clientele counters 1\n";

/// Length and checksum.
const HEAD: usize = 2 + 4;

const NAMED: u8 = 1;
const TURNED: u8 = 2;
const TOOK: u8 = 3;
const REMEMBERED: u8 = 4;

/// Adds the frame of a change.
pub fn write(change: &Change, out: &mut Vec<u8>) {
    let head = out.len();
    out.extend([0; HEAD]);
    match change {
        Change::Named(number, name) => {
            out.push(NAMED);
            out.extend(number.to_le_bytes());
            out.extend(name.as_bytes());
        }
        Change::Turned(number, unit, slot) => {
            out.push(TURNED);
            out.extend(number.to_le_bytes());
            out.push(*unit);
            out.extend(slot.start.to_le_bytes());
            out.extend(slot.end.to_le_bytes());
            out.extend(slot.used.to_le_bytes());
        }
        Change::Took {
            at,
            recipients,
            key,
            choice,
            accounts,
        } => {
            out.push(TOOK);
            out.extend(at.to_le_bytes());
            out.extend(recipients.to_le_bytes());
            out.push(u8::from(key.is_some()));
            out.extend(key.unwrap_or_default());
            out.push(*choice);
            accounts
                .iter()
                .for_each(|number| out.extend(number.to_le_bytes()));
        }
        Change::Remembered(at, key, choice) => {
            out.push(REMEMBERED);
            out.extend(at.to_le_bytes());
            out.extend(key);
            out.push(*choice);
        }
    }
    let content = &out[head + HEAD..];
    let (length, sum) = (content.len() as u16, crc32fast::hash(content));
    out[head..head + 2].copy_from_slice(&length.to_le_bytes());
    out[head + 2..head + HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// Reads what follows the magic, frame by frame, up to the first that is not whole. Returns how many bytes were good.
pub fn read(bytes: &[u8], mut each: impl FnMut(&Change)) -> usize {
    let mut good = 0;
    while let Some((change, length)) = frame(&bytes[good..]) {
        each(&change);
        good += length;
    }
    good
}

fn frame(bytes: &[u8]) -> Option<(Change, usize)> {
    let mut head = Reader(bytes);
    let length = usize::from(u16::from_le_bytes(head.array()?));
    let sum = u32::from_le_bytes(head.array()?);
    let content = head.0.get(..length)?;
    if crc32fast::hash(content) != sum {
        return None;
    }
    Some((change(content)?, HEAD + length))
}

fn change(content: &[u8]) -> Option<Change> {
    let mut reader = Reader(content);
    match reader.byte()? {
        NAMED => {
            let number = u32::from_le_bytes(reader.array()?);
            let name: Arc<str> = std::str::from_utf8(reader.0).ok()?.into();
            Some(Change::Named(number, name))
        }
        TURNED => Some(Change::Turned(
            u32::from_le_bytes(reader.array()?),
            reader.byte()?,
            Slot {
                start: i64::from_le_bytes(reader.array()?),
                end: i64::from_le_bytes(reader.array()?),
                used: u64::from_le_bytes(reader.array()?),
            },
        )),
        TOOK => {
            let at = i64::from_le_bytes(reader.array()?);
            let recipients = u64::from_le_bytes(reader.array()?);
            let keyed = reader.byte()? == 1;
            let key = reader.array()?;
            let choice = reader.byte()?;
            let numbers = reader.0.chunks_exact(4);
            Some(Change::Took {
                at,
                recipients,
                key: keyed.then_some(key),
                choice,
                accounts: numbers
                    .map(|number| Some(u32::from_le_bytes(number.try_into().ok()?)))
                    .collect::<Option<_>>()?,
            })
        }
        REMEMBERED => Some(Change::Remembered(
            i64::from_le_bytes(reader.array()?),
            reader.array()?,
            reader.byte()?,
        )),
        _ => None,
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changes() -> Vec<Change> {
        let slot = Slot {
            start: -5,
            end: i64::MAX,
            used: 7,
        };
        vec![
            Change::Named(0, "emea--globex".into()),
            Change::Turned(0, 2, slot),
            Change::Took {
                at: 9,
                recipients: 3,
                key: Some([7; 16]),
                choice: 1,
                accounts: vec![0, 1, 2],
            },
            Change::Took {
                at: 9,
                recipients: 3,
                key: None,
                choice: 0,
                accounts: vec![],
            },
            Change::Remembered(9, [8; 16], 2),
        ]
    }

    fn written(changes: &[Change]) -> Vec<u8> {
        let mut bytes = Vec::new();
        changes.iter().for_each(|change| write(change, &mut bytes));
        bytes
    }

    fn again(bytes: &[u8]) -> (Vec<Change>, usize) {
        let mut read_again = Vec::new();
        let good = read(bytes, |change| read_again.push(change.clone()));
        (read_again, good)
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = written(&changes());
        assert_eq!(again(&bytes), (changes(), bytes.len()));
    }

    #[test]
    fn a_torn_end_costs_the_last_frame_only() {
        let (all, last) = (written(&changes()), written(&changes()[..4]).len());
        for end in last..all.len() {
            let (read, good) = again(&all[..end]);
            assert_eq!(
                (read.as_slice(), good),
                (&changes()[..4], last),
                "cut at {end}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(again(&bytes).1 <= bytes.len());
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in 0_usize..200, bit in 0_u32..8) {
            let mut bytes = written(&changes());
            let at = at % bytes.len();
            bytes[at] ^= 1_u8 << bit;
            let (read, _) = again(&bytes);
            prop_assert!(changes().starts_with(&read) && read.len() < changes().len());
        }
    }
}
