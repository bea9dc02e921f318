//! When to try again, and when to slow down: per object, as values; the clock is the caller's.
//!
//! Two different things are held back. Failures: each in a row doubles the wait. Fights: where the very same is written again and
//! again, somebody else keeps undoing it, and two writers must not fight at the speed of the network. What is new is never held
//! back by a fight: a lock must close a tenant at once, however much was going on there before.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// First wait after a failure.
const FIRST: Duration = Duration::from_millis(200);

/// Longest wait after failures, and after one that trying again cannot help: a missed event is made good by then.
const LONGEST: Duration = Duration::from_secs(300);

/// How often the same may be written in a row at full speed: a person who tries out what the operator does is no fight.
const FREE_ROUNDS: u32 = 8;

/// How many different writes are remembered.
const REMEMBERED: usize = 16;

/// Longest time for which what is fought over is held back.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// After this long without a write an object is calm again. Longer than any hold: a fight that is merely held back goes on.
const CALM: Duration = Duration::from_secs(180);

/// What is remembered of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    failures: u32,
    /// What was written last, as digests, the oldest first.
    written: VecDeque<u64>,
    /// How often one of these was written again.
    again: u32,
    last_write: Option<Instant>,
    /// Nothing is looked at before: it failed.
    not_before: Option<Instant>,
    /// What was written before is not written before: it is fought over.
    not_again_before: Option<Instant>,
}

impl Pace {
    /// Failures in a row so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether nothing is remembered that could matter later.
    pub fn is_calm(&self, now: Instant) -> bool {
        self.failures == 0
            && self
                .last_write
                .is_none_or(|last| now.saturating_duration_since(last) > CALM)
    }

    /// How long the object has to wait before it may be looked at; an event does not shorten it.
    pub fn held(&self, now: Instant) -> Option<Duration> {
        left(self.not_before, now)
    }

    /// How long this, by its digest, has to wait before it may be written.
    pub fn held_back(&self, digest: u64, now: Instant) -> Option<Duration> {
        left(self.not_again_before, now).filter(|_| self.written.contains(&digest))
    }

    /// A round failed; gives the wait until the next try.
    pub fn failed(&mut self, retryable: bool, now: Instant) -> Duration {
        let wait = if retryable {
            LONGEST.min(FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(16))))
        } else {
            LONGEST
        };
        self.failures = self.failures.saturating_add(1);
        // An event may tell of the very thing that was missing, so it is looked at, yet not at the speed of events.
        self.not_before = Some(now + wait.min(FIRST.saturating_mul(self.failures.min(25))));
        wait
    }

    /// A round succeeded, having written this, or nothing.
    pub fn succeeded(&mut self, digest: Option<u64>, now: Instant) {
        self.failures = 0;
        self.not_before = None;
        if self
            .last_write
            .is_some_and(|last| now.saturating_duration_since(last) > CALM)
        {
            *self = Self::default();
        }
        let Some(digest) = digest else { return };
        self.last_write = Some(now);
        if self.written.contains(&digest) {
            self.again = self.again.saturating_add(1);
        } else {
            self.written.push_back(digest);
            if self.written.len() > REMEMBERED {
                self.written.pop_front();
            }
        }
        if let Some(over @ 1..) = self.again.checked_sub(FREE_ROUNDS) {
            let wait = FIRST.saturating_mul(2_u32.saturating_pow(over.min(9)));
            self.not_again_before = Some(now + wait.min(LONGEST_HOLD));
        }
    }
}

fn left(then: Option<Instant>, now: Instant) -> Option<Duration> {
    then.map(|then| then.saturating_duration_since(now))
        .filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::clock;

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_bound_and_end_with_success() {
        let now = clock::tick();
        let mut pace = Pace::default();
        let waits: Vec<_> = (0..20).map(|_| pace.failed(true, now)).collect();
        assert_eq!(waits[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(waits[19], LONGEST);
        pace.succeeded(None, now);
        assert_eq!((pace.failures(), pace.held(now)), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_trying_again_cannot_help_is_tried_rarely() {
        assert_eq!(Pace::default().failed(false, clock::tick()), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fight_over_an_object_slows_down_and_is_forgotten() {
        let mut now = clock::tick();
        let mut pace = Pace::default();
        let mut rounds = 0_u64;
        let end = now + Duration::from_secs(600);
        while now < end {
            // Two things are undone in turn.
            let digest = rounds % 2;
            now += pace.held_back(digest, now).unwrap_or_default();
            // The way to the API server and back.
            now += Duration::from_millis(5);
            pace.succeeded(Some(digest), now);
            rounds += 1;
        }
        assert!(rounds < 30, "{rounds} rounds in ten minutes");
        let later = now + CALM + Duration::from_secs(1);
        pace.succeeded(Some(0), later);
        assert_eq!(pace.held_back(0, later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_new_is_never_held_back() {
        let now = clock::tick();
        let mut pace = Pace::default();
        for digest in 0..1_000 {
            assert_eq!(pace.held_back(digest, now), None);
            pace.succeeded(Some(digest), now);
        }
        for _ in 0..100 {
            pace.succeeded(Some(0), now);
        }
        assert!(pace.held_back(0, now).is_some());
        assert_eq!((pace.held_back(1_000, now), pace.held(now)), (None, None));
    }
}
