//! Counts in a status: written now and then, however fast they change.

use std::time::Duration;

use jiff::Timestamp;

/// Shortest time between two writes of a count.
pub const COUNT_PACE: Duration = Duration::from_secs(5);

/// A count for the status, written at most once in [`COUNT_PACE`]: the new one, or the old one and how long until the new one may be
/// shown. Ten thousand customers arriving under one partner must not become ten thousand writes of its status.
pub fn paced<'a, T: PartialEq>(
    old: Option<&'a T>,
    new: &'a T,
    written: Option<Timestamp>,
    now: Timestamp,
) -> (&'a T, Option<Duration>) {
    let Some(old) = old.filter(|old| *old != new) else {
        return (new, None);
    };
    let since = written.map_or(COUNT_PACE, |written| {
        Duration::try_from(now.duration_since(written)).unwrap_or_default()
    });
    match COUNT_PACE.checked_sub(since) {
        Some(left) if !left.is_zero() => (old, Some(left)),
        _ => (new, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_count_waits_for_its_turn() {
        assert_eq!(paced(Some(&1), &2, None, at(100)), (&2, None));
        assert_eq!(
            paced(Some(&1), &2, Some(at(98)), at(100)),
            (&1, Some(Duration::from_secs(3)))
        );
        assert_eq!(paced(Some(&1), &2, Some(at(95)), at(100)), (&2, None));
        assert_eq!(paced(Some(&2), &2, Some(at(99)), at(100)), (&2, None));
        // A clock that was set back must not hold a count up for hours.
        assert_eq!(
            paced(Some(&1), &2, Some(at(9_000)), at(100)),
            (&1, Some(COUNT_PACE))
        );
    }
}
