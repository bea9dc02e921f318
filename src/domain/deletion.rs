//! How long a deletion waits, and what makes it wait for a person.
//!
//! | | |
//! | --- | --- |
//! | grace | the request's, else the customer's, else the partner's, else [`GRACE`]; below the partner's only if whoever asked holds the verb `purge` |
//! | settle time | a tenant whose Customer object went is stopped after [`SETTLE`], so that a delete-and-create by a tool is no outage |
//! | crowd | more than [`crowd_limit`] deletions that no person asked for one by one, within [`CROWD_WINDOW`], wait for a person |
//! | history | of the requests about one customer that were taken back the last [`TAKEN_BACK_KEPT`] are kept, those that came to their end all |
//! | purges | more than [`purge_limit`] within [`PURGE_WINDOW`] wait for a person; [`AT_ONCE`] run side by side, those not counted that something has held for [`STUCK`] |

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::duration;

const DAY: u64 = 24 * 60 * 60;

/// The grace where nobody says another one.
pub const GRACE: Duration = Duration::from_secs(10 * DAY);

/// How long requests that are over are kept where no partner says so.
pub const RETENTION: Duration = Duration::from_secs(400 * DAY);

/// How long a tenant goes on without its Customer object before it is stopped.
pub const SETTLE: Duration = Duration::from_secs(60);

/// Deletions within this time of each other are one crowd.
pub const CROWD_WINDOW: Duration = Duration::from_secs(10 * 60);

/// Purges within this time of each other count together.
pub const PURGE_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Tenants purged side by side. Kubernetes asks for every kind in the cluster to empty one, and others' changes must not wait for it.
pub const AT_ONCE: usize = 8;

/// How many requests that were taken back are kept of one customer, whatever their age: a tenant can ask and take it back all day.
pub const TAKEN_BACK_KEPT: usize = 32;

/// How long a tenant that something holds counts as one of those that are purged side by side. After that nobody can say when it will be
/// gone, and Kubernetes tries it ever more rarely.
pub const STUCK: SignedDuration = SignedDuration::from_mins(5);

/// How far the local clock and the API server's may be apart when something is destroyed.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// How many customers may go at once without a person's word, of so many.
pub fn crowd_limit(customers: usize) -> usize {
    (customers / 100).max(5)
}

/// How many tenants may be purged within [`PURGE_WINDOW`] without a person's word, of so many.
pub fn purge_limit(customers: usize) -> usize {
    (customers / 50).max(20)
}

/// How long a deletion waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// For how long.
    pub length: Duration,
    /// What was asked for was less, and whoever asked may not shorten it.
    pub raised: bool,
}

impl Grace {
    /// The grace of a request, from what the request, the customer and the partner say.
    ///
    /// # Errors
    /// Which of them is no duration, for a person.
    pub fn of(
        request: Option<&str>,
        customer: Option<&str>,
        partner: Option<&str>,
        may_shorten: bool,
    ) -> Result<Self, String> {
        let least = partner.map_or(Ok(GRACE), duration::parse)?;
        let asked = request.or(customer).map_or(Ok(least), duration::parse)?;
        let raised = asked < least && !may_shorten;
        Ok(Self {
            length: if raised { least } else { asked },
            raised,
        })
    }
}

/// Whether one of these moments is in a crowd: whether a window of that length holds it and, with it, more than `limit` of them.
pub fn is_crowded(
    at: Timestamp,
    moments: impl IntoIterator<Item = Timestamp>,
    window: Duration,
    limit: usize,
) -> bool {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    let mut near: Vec<_> = moments
        .into_iter()
        .filter(|other| other.duration_since(at).abs() <= window)
        .collect();
    near.sort();
    // The closest that limit + 1 of them come: some such run must hold `at`.
    near.windows(limit + 1)
        .any(|run| match (run.first(), run.last()) {
            (Some(first), Some(last)) => {
                *first <= at && at <= *last && last.duration_since(*first) <= window
            }
            _ => false,
        })
}

/// A moment so much later; the end of time where there is none.
pub fn after(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * DAY)
    }

    fn grace(
        request: Option<&str>,
        customer: Option<&str>,
        partner: Option<&str>,
        may_shorten: bool,
    ) -> (Duration, bool) {
        let grace = Grace::of(request, customer, partner, may_shorten).unwrap();
        (grace.length, grace.raised)
    }

    #[test]
    fn the_nearest_word_counts_and_the_partners_is_the_least() {
        assert_eq!(grace(None, None, None, false), (days(10), false));
        assert_eq!(grace(None, None, Some("3d"), false), (days(3), false));
        assert_eq!(
            grace(None, Some("30d"), Some("3d"), false),
            (days(30), false)
        );
        assert_eq!(
            grace(Some("5d"), Some("30d"), Some("3d"), false),
            (days(5), false)
        );
        assert_eq!(grace(Some("1d"), None, Some("3d"), false), (days(3), true));
        assert_eq!(grace(None, Some("1d"), None, false), (days(10), true));
    }

    #[test]
    fn whoever_may_purge_may_shorten() {
        assert_eq!(
            grace(Some("1s"), None, Some("3d"), true),
            (Duration::from_secs(1), false)
        );
    }

    #[test]
    fn what_is_no_duration_is_said() {
        assert!(
            Grace::of(Some("soon"), None, None, false)
                .unwrap_err()
                .contains("soon")
        );
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn crowded(moment: i64, moments: &[i64]) -> bool {
        is_crowded(at(moment), moments.iter().copied().map(at), CROWD_WINDOW, 5)
    }

    #[test]
    fn six_within_ten_minutes_are_a_crowd_and_all_of_them_are_in_it() {
        let six = [0, 100, 200, 300, 400, 600];
        assert!(six.iter().all(|moment| crowded(*moment, &six)));
        assert!(!crowded(0, &six[..5]));
        assert!(crowded(7, &[7; 6]));
    }

    #[test]
    fn six_spread_over_more_are_none() {
        let six = [0, 150, 300, 450, 600, 750];
        assert!(six.iter().all(|moment| !crowded(*moment, &six)));
        // One that came long before a crowd is not in it.
        assert!(!crowded(0, &[0, 700, 701, 702, 703, 704, 705]));
    }

    #[test]
    fn limits_grow_with_the_customers() {
        assert_eq!((crowd_limit(3), crowd_limit(1_000)), (5, 10));
        assert_eq!((purge_limit(3), purge_limit(5_000)), (20, 100));
    }
}
