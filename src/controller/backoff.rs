//! When to try again, and when to slow down: per object, as values; the clock is the caller's.
//!
//! Two different things are held back. Failures: each in a row doubles the wait. Churn: an object that is written again and
//! again is one that somebody else keeps changing, and two writers must not fight at the speed of the network.

use std::time::Duration;

use tokio::time::Instant;

/// First wait after a failure.
const FIRST: Duration = Duration::from_millis(200);

/// Longest wait after failures, and after one that trying again cannot help: a missed event is made good by then.
const LONGEST: Duration = Duration::from_secs(300);

/// Writing rounds that an object may have in a row at full speed: a creation takes one to three.
const FREE_ROUNDS: u32 = 8;

/// After this long without a write an object is calm again.
const CALM: Duration = Duration::from_secs(60);

/// What is remembered of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    failures: u32,
    rounds: u32,
    last_write: Option<Instant>,
    not_before: Option<Instant>,
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
        self.not_before
            .map(|then| then.saturating_duration_since(now))
            .filter(|wait| !wait.is_zero())
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

    /// A round succeeded, having written something or not.
    pub fn succeeded(&mut self, wrote: bool, now: Instant) {
        self.failures = 0;
        self.not_before = None;
        if self
            .last_write
            .is_some_and(|last| now.saturating_duration_since(last) > CALM)
        {
            self.rounds = 0;
        }
        if wrote {
            self.rounds = self.rounds.saturating_add(1);
            self.last_write = Some(now);
        }
        if let Some(over @ 1..) = self.rounds.checked_sub(FREE_ROUNDS) {
            let wait = FIRST.saturating_mul(2_u32.saturating_pow(over.min(9)));
            self.not_before = Some(now + wait.min(CALM));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_bound_and_end_with_success() {
        let now = Instant::now();
        let mut pace = Pace::default();
        let waits: Vec<_> = (0..20).map(|_| pace.failed(true, now)).collect();
        assert_eq!(waits[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(waits[19], LONGEST);
        pace.succeeded(false, now);
        assert_eq!((pace.failures(), pace.held(now)), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_trying_again_cannot_help_is_tried_rarely() {
        assert_eq!(Pace::default().failed(false, Instant::now()), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fight_over_an_object_slows_down_and_is_forgotten() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut rounds = 0;
        let end = now + Duration::from_secs(600);
        while now < end {
            now += pace.held(now).unwrap_or(Duration::from_millis(5));
            pace.succeeded(true, now);
            rounds += 1;
        }
        assert!(rounds < 60, "{rounds} rounds in ten minutes");
        let later = now + CALM + Duration::from_secs(61);
        pace.succeeded(true, later);
        assert_eq!(pace.held(later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_creation_is_never_held_up() {
        let now = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..FREE_ROUNDS {
            pace.succeeded(true, now);
            assert_eq!(pace.held(now), None);
        }
    }
}
