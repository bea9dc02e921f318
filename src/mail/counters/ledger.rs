//! The counts as they are in memory, and the rules by which they change. No file, no clock, no lock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Full, Key, REMEMBERED, Slot, Slots, Take, Taken};
use crate::domain::limits::{Unit, Window};

/// How many keys are remembered at most; of more than that the oldest are forgotten before their time.
const KEYS: usize = 1 << 18;

/// How far ahead of the present moment a window may begin before the clock that opened it is taken to have been wrong, in seconds.
const SKEW: i64 = 300;

/// The slot to count in, given the one that was counted in and the window that the present moment is in.
///
/// A slot stays until its end, even if the account has moved to another time zone meanwhile: otherwise moving would empty it. One that
/// begins well after the present was opened by a clock that had jumped ahead, and may end years later: it becomes the present
/// window, and what was counted stays. By a little, clocks of replicas differ.
pub fn turn(slot: Slot, window: Window, now: i64) -> Slot {
    let used = match slot {
        slot if now >= slot.end => 0,
        slot if slot.start <= now + SKEW => return slot,
        slot => slot.used,
    };
    Slot {
        start: window.start,
        end: window.end,
        used,
    }
}

/// What changed, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An account got a number, by which it is known from now on.
    Named(u32, Arc<str>),
    /// A slot of an account is this one now.
    Turned(u32, u8, Slot),
    /// Recipients were taken from all slots of these accounts.
    Took {
        /// When.
        at: i64,
        /// How many.
        recipients: u64,
        /// The message's key.
        key: Option<Key>,
        /// What was answered.
        choice: u8,
        /// From whom.
        accounts: Vec<u32>,
    },
    /// A key is remembered.
    Remembered(i64, Key, u8),
}

#[derive(Debug)]
struct Counted {
    name: Arc<str>,
    slots: Slots,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Ledger {
    numbers: HashMap<Arc<str>, u32>,
    accounts: Vec<Counted>,
    keys: HashMap<Key, u8>,
    ages: VecDeque<(i64, Key)>,
}

impl Ledger {
    /// Judges a message. The changes it needs are handed to `changed` and made.
    pub fn take(&mut self, take: &Take, changed: &mut Vec<Change>) -> Taken {
        if let Some(choice) = take.key.and_then(|key| self.keys.get(&key)) {
            return Taken::Granted { choice: *choice };
        }
        let slots: Vec<Slots> = take
            .accounts
            .iter()
            .map(|account| {
                let slots = self.slots(&account.name);
                std::array::from_fn(|unit| turn(slots[unit], account.windows[unit], take.now))
            })
            .collect();
        if let Some(full) = full(take, &slots) {
            return Taken::Full(full);
        }
        let first = changed.len();
        let mut numbers = Vec::with_capacity(slots.len());
        for (account, turned) in take.accounts.iter().zip(&slots) {
            let number = self.number(&account.name, changed);
            for (unit, slot) in (0_u8..).zip(turned) {
                if self.accounts[number as usize].slots[usize::from(unit)] != *slot {
                    changed.push(Change::Turned(number, unit, *slot));
                }
            }
            numbers.push(number);
        }
        changed.push(Change::Took {
            at: take.now,
            recipients: take.recipients,
            key: take.key,
            choice: take.choice,
            accounts: numbers,
        });
        for change in &changed[first..] {
            self.apply(change);
        }
        Taken::Granted {
            choice: take.choice,
        }
    }

    /// What an account has used in its present windows.
    pub fn used(&self, name: &str, now: i64) -> Slots {
        self.slots(name).map(|slot| match slot {
            slot if now < slot.end => slot,
            _ => Slot::default(),
        })
    }

    fn slots(&self, name: &str) -> Slots {
        let number = self.numbers.get(name);
        number.map_or_else(Slots::default, |number| {
            self.accounts[*number as usize].slots
        })
    }

    /// The number of an account, a new one if it has none.
    fn number(&mut self, name: &Arc<str>, changed: &mut Vec<Change>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        let named = Change::Named(number, Arc::clone(name));
        self.apply(&named);
        changed.push(named);
        number
    }

    /// Makes a change: as it happens, or again when a log is read. One that makes no sense is not made.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Named(number, name) => {
                let known = self.numbers.contains_key(name);
                if *number as usize == self.accounts.len() && !known {
                    self.numbers.insert(Arc::clone(name), *number);
                    self.accounts.push(Counted {
                        name: Arc::clone(name),
                        slots: Slots::default(),
                    });
                }
            }
            Change::Turned(number, unit, slot) => {
                let account = self.accounts.get_mut(*number as usize);
                if let Some(old) = account.and_then(|it| it.slots.get_mut(usize::from(*unit))) {
                    *old = *slot;
                }
            }
            Change::Took {
                at,
                recipients,
                key,
                choice,
                accounts,
            } => {
                for number in accounts {
                    let account = self.accounts.get_mut(*number as usize);
                    for slot in account.into_iter().flat_map(|it| &mut it.slots) {
                        slot.used = slot.used.saturating_add(*recipients);
                    }
                }
                if let Some(key) = key {
                    self.remember(*at, *key, *choice);
                }
            }
            Change::Remembered(at, key, choice) => self.remember(*at, *key, *choice),
        }
    }

    fn remember(&mut self, at: i64, key: Key, choice: u8) {
        self.keys.insert(key, choice);
        self.ages.push_back((at, key));
        while let Some((then, oldest)) = self.ages.front() {
            if self.ages.len() <= KEYS && at.saturating_sub(*then) <= REMEMBERED {
                break;
            }
            self.keys.remove(oldest);
            self.ages.pop_front();
        }
    }

    /// All there is to know, as changes to nothing; windows that are over are left out.
    pub fn whole(&self, now: i64) -> Vec<Change> {
        let alive = |account: &&Counted| account.slots.iter().any(|slot| now < slot.end);
        let mut changes = Vec::new();
        for (number, account) in (0_u32..).zip(self.accounts.iter().filter(alive)) {
            changes.push(Change::Named(number, Arc::clone(&account.name)));
            for (unit, slot) in (0_u8..).zip(account.slots) {
                changes.push(Change::Turned(number, unit, slot));
            }
        }
        changes.extend(self.ages.iter().filter_map(|(at, key)| {
            let choice = self.keys.get(key)?;
            (now.saturating_sub(*at) <= REMEMBERED)
                .then_some(Change::Remembered(*at, *key, *choice))
        }));
        changes
    }
}

/// The limit that keeps the message waiting longest, if there is one.
fn full(take: &Take, slots: &[Slots]) -> Option<Full> {
    let mut longest: Option<Full> = None;
    for (place, (account, slots)) in take.accounts.iter().zip(slots).enumerate() {
        for ((unit, slot), cap) in Unit::ALL.into_iter().zip(slots).zip(account.caps) {
            let Some(cap) = cap.filter(|cap| slot.used.saturating_add(take.recipients) > *cap)
            else {
                continue;
            };
            if longest.is_none_or(|full| full.opens < slot.end) {
                longest = Some(Full {
                    account: place,
                    unit,
                    opens: slot.end,
                    used: slot.used,
                    cap,
                });
            }
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::counters::Account;

    const HOUR: i64 = 3600;

    fn account(name: &str, now: i64, caps: [Option<u64>; 3]) -> Account {
        let window = |length: i64| {
            let start = now - now.rem_euclid(length);
            Window {
                start,
                end: start + length,
            }
        };
        Account {
            name: name.into(),
            windows: [window(HOUR), window(24 * HOUR), window(720 * HOUR)],
            caps,
        }
    }

    fn take(now: i64, recipients: u64, key: Option<u8>, hourly: u64) -> Take {
        Take {
            accounts: vec![
                account("a", now, [Some(hourly), None, None]),
                account("shared", now, [None, Some(1000), None]),
            ],
            recipients,
            key: key.map(|byte| [byte; 16]),
            choice: key.unwrap_or_default(),
            now,
        }
    }

    #[test]
    fn all_or_none_is_taken() {
        let (mut ledger, mut log) = (Ledger::default(), Vec::new());
        let now = 100 * HOUR;
        assert_eq!(
            ledger.take(&take(now, 7, None, 10), &mut log),
            Taken::Granted { choice: 0 }
        );
        let refused = ledger.take(&take(now, 4, None, 10), &mut log);
        let expected = Full {
            account: 0,
            unit: Unit::Hour,
            opens: now + HOUR,
            used: 7,
            cap: 10,
        };
        assert_eq!(refused, Taken::Full(expected));
        assert_eq!(
            ledger.used("shared", now)[1].used,
            7,
            "nothing of what was refused"
        );
        assert_eq!(
            ledger.take(&take(now, 3, None, 10), &mut log),
            Taken::Granted { choice: 0 }
        );
        assert_eq!(ledger.used("a", now).map(|slot| slot.used), [10; 3]);
        assert_eq!(
            ledger.used("a", now + HOUR).map(|slot| slot.used),
            [0, 10, 10]
        );
    }

    #[test]
    fn of_several_limits_the_one_that_lasts_longest_is_told() {
        let (mut ledger, mut log) = (Ledger::default(), Vec::new());
        let now = 100 * HOUR;
        let mut take = take(now, 1, None, 0);
        take.accounts[1].caps = [None, Some(0), Some(0)];
        let Taken::Full(full) = ledger.take(&take, &mut log) else {
            panic!("no room")
        };
        assert_eq!((full.account, full.unit), (1, Unit::Month));
    }

    #[test]
    fn who_asks_again_gets_the_same_answer_and_pays_once() {
        let (mut ledger, mut log) = (Ledger::default(), Vec::new());
        let now = 100 * HOUR;
        let first = ledger.take(&take(now, 10, Some(3), 10), &mut log);
        let written = log.len();
        assert_eq!(
            first,
            ledger.take(&take(now + 60, 10, Some(3), 10), &mut log)
        );
        assert_eq!(log.len(), written, "nothing more to write down");
        assert_eq!(ledger.used("a", now)[0].used, 10);
        assert!(matches!(
            ledger.take(&take(now, 10, Some(4), 10), &mut log),
            Taken::Full(_)
        ));
    }

    #[test]
    fn keys_are_forgotten_by_age() {
        let mut ledger = Ledger::default();
        ledger.remember(0, [1; 16], 0);
        ledger.remember(REMEMBERED + 1, [2; 16], 0);
        assert_eq!(ledger.keys.len(), 1);
        for number in 0..u32::try_from(KEYS).expect("small") {
            let mut key = [9; 16];
            key[..4].copy_from_slice(&number.to_le_bytes());
            ledger.remember(REMEMBERED + 1, key, 0);
        }
        assert_eq!((ledger.keys.len(), ledger.ages.len()), (KEYS, KEYS));
    }

    #[test]
    fn a_log_read_again_makes_the_same_ledger() {
        let (mut ledger, mut log) = (Ledger::default(), Vec::new());
        for step in 0..200_i64 {
            let now = 100 * HOUR + step * 60;
            ledger.take(
                &take(now, step.unsigned_abs() % 7 + 1, Some(step as u8), 30),
                &mut log,
            );
        }
        let now = 100 * HOUR + 200 * 60;
        for changes in [log, ledger.whole(now)] {
            let mut again = Ledger::default();
            changes.iter().for_each(|change| again.apply(change));
            for name in ["a", "shared"] {
                assert_eq!(again.used(name, now), ledger.used(name, now));
            }
            assert_eq!(again.keys, ledger.keys);
        }
    }

    #[test]
    fn clocks_and_zones_that_jump_open_nothing_early() {
        let (mut ledger, mut log) = (Ledger::default(), Vec::new());
        let now = 100 * HOUR + 10;
        ledger.take(&take(now, 10, None, 10), &mut log);
        // Back over the beginning of the window by a little: still the same one.
        assert!(matches!(
            ledger.take(&take(now - 60, 1, None, 10), &mut log),
            Taken::Full(_)
        ));
        // Another time zone, in which the hour begins in the middle of this one.
        let mut moved = take(now + 60, 1, None, 10);
        moved.accounts[0].windows[0] = Window {
            start: now,
            end: now + HOUR,
        };
        assert!(matches!(ledger.take(&moved, &mut log), Taken::Full(_)));
        // Years ahead and back: what was counted last stays, and the present window ends when it should.
        let ahead = now + 50_000 * HOUR;
        ledger.take(&take(ahead, 10, None, 10), &mut log);
        let Taken::Full(full) = ledger.take(&take(now, 1, None, 10), &mut log) else {
            panic!("no room")
        };
        assert_eq!(full.opens, 101 * HOUR);
    }
}
