//! How often somebody may be wrong.
//!
//! Nobody guesses a password of 160 random bits; what is held back is the load, and the noise. Failures are counted for each address,
//! for each login, and for each pair of both that has worked before: such a pair has a count of its own, so that somebody who tries
//! wrong passwords for a customer, or from the same gateway, does not lock the customer out.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use lru::LruCache;
use tokio::time::Instant;

/// How many addresses, logins and pairs are remembered at most.
const KNOWN: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// How often a login may fail from everywhere at once, and how long until it may once more, in seconds.
const LOGIN: (f64, f64) = (30.0, 2.0);
/// The same for an address, and for a pair.
const ADDRESS: (f64, f64) = (10.0, 6.0);

/// Where somebody comes from: an IPv4 address, or the upper half of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(u128);

impl Origin {
    /// Of this address; what is none is one origin together.
    pub fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self(0),
            Some(IpAddr::V4(address)) => Self(u128::from(u32::from(address))),
            Some(IpAddr::V6(address)) => Self(u128::from(address) & !u128::from(u64::MAX)),
        }
    }
}

/// How many failures are left, as of when.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full((size, _): (f64, f64), now: Instant) -> Self {
        Self {
            left: size,
            at: now,
        }
    }

    fn left(&mut self, (size, refill): (f64, f64), now: Instant) -> f64 {
        let gone = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + gone / refill).min(size);
        self.at = now;
        self.left
    }
}

/// Who has failed how often.
#[derive(Debug)]
pub struct Throttle {
    logins: LruCache<String, Bucket>,
    addresses: LruCache<Origin, Bucket>,
    pairs: LruCache<(String, Origin), Bucket>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            logins: LruCache::new(KNOWN),
            addresses: LruCache::new(KNOWN),
            pairs: LruCache::new(KNOWN),
        }
    }
}

impl Throttle {
    /// Whether somebody may try.
    pub fn allows(&mut self, login: &str, origin: Origin, now: Instant) -> bool {
        if let Some(pair) = self.pairs.get_mut(&(login.to_owned(), origin)) {
            return pair.left(ADDRESS, now) >= 1.0;
        }
        let address = self.addresses.get_mut(&origin);
        let login = self.logins.get_mut(login);
        address.is_none_or(|bucket| bucket.left(ADDRESS, now) >= 1.0)
            && login.is_none_or(|bucket| bucket.left(LOGIN, now) >= 1.0)
    }

    /// They tried and were wrong.
    pub fn failed(&mut self, login: &str, origin: Origin, now: Instant) {
        let spend = |bucket: &mut Bucket, size| bucket.left = bucket.left(size, now) - 1.0;
        if let Some(pair) = self.pairs.get_mut(&(login.to_owned(), origin)) {
            return spend(pair, ADDRESS);
        }
        let new = || Bucket::full(ADDRESS, now);
        spend(self.addresses.get_or_insert_mut(origin, new), ADDRESS);
        let new = || Bucket::full(LOGIN, now);
        spend(self.logins.get_or_insert_mut(login.to_owned(), new), LOGIN);
    }

    /// They tried and were right.
    pub fn succeeded(&mut self, login: &str, origin: Origin, now: Instant) {
        self.pairs
            .put((login.to_owned(), origin), Bucket::full(ADDRESS, now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ops::clock;

    fn origin(text: &str) -> Origin {
        Origin::of(Some(text.parse().expect("an address")))
    }

    #[test]
    fn an_address_that_fails_is_held_back_for_a_while_and_others_are_not() {
        let (mut throttle, now) = (Throttle::default(), clock::tick());
        let (bad, good) = (origin("10.0.0.1"), origin("10.0.0.2"));
        for number in 0..10 {
            assert!(throttle.allows(&format!("x{number}"), bad, now), "{number}");
            throttle.failed(&format!("x{number}"), bad, now);
        }
        assert!(!throttle.allows("y", bad, now));
        assert!(throttle.allows("y", good, now));
        assert!(throttle.allows("y", bad, now + Duration::from_secs(6)));
    }

    #[test]
    fn a_login_that_is_guessed_from_everywhere_is_held_back_but_not_where_it_has_worked() {
        let (mut throttle, now) = (Throttle::default(), clock::tick());
        let home = origin("10.0.0.1");
        throttle.succeeded("a", home, now);
        for number in 0..30 {
            throttle.failed("a", origin(&format!("10.1.0.{number}")), now);
        }
        assert!(!throttle.allows("a", origin("10.2.0.1"), now));
        assert!(throttle.allows("a", home, now));
        // There, too, failures are bounded.
        for _ in 0..10 {
            throttle.failed("a", home, now);
        }
        assert!(!throttle.allows("a", home, now));
    }

    #[test]
    fn one_network_is_one_origin() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:10.0.0.1"), origin("10.0.0.1"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut throttle, now) = (Throttle::default(), clock::tick());
        for number in 0..40_000_u32 {
            throttle.failed(&number.to_string(), Origin(u128::from(number)), now);
        }
        assert_eq!(
            (throttle.logins.len(), throttle.addresses.len()),
            (KNOWN.get(), KNOWN.get())
        );
    }
}
