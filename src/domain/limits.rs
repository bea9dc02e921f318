//! Limits on mail: calendar windows in a time zone, which limits hold, and when there is room again.
//!
//! A window is what a person means by "this hour", "today" and "this month" where the customer's partner is: it begins and ends on
//! the wall clock, so a day has 23 or 25 hours when clocks change. Windows follow one another without gap or overlap, and each
//! has its count of its own: a hard cap, nothing is smoothed.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::api::{SendLimits, SharedSendLimits};

/// The time zones that this build knows: its own list, so that every replica on every image has the same.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// What a window is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A calendar hour.
    Hour,
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
}

impl Unit {
    /// Every unit, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The name of a limit for it.
    pub const fn limit(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Month => "monthly",
        }
    }
}

/// From `start` until just before `end`, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first second.
    pub start: i64,
    /// The first second of the next one.
    pub end: i64,
}

impl Window {
    /// Whether a second is in it.
    pub const fn contains(&self, second: i64) -> bool {
        self.start <= second && second < self.end
    }
}

/// The present hour, day and month, in the order of [`Unit::ALL`].
pub type Windows = [Window; 3];

/// How many of each may be sent, in the order of [`Unit::ALL`]; none: any number.
pub type Caps = [Option<u64>; 3];

/// The time zone of this name.
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// The windows that a moment is in.
pub fn windows(zone: &TimeZone, now: Timestamp) -> Windows {
    Unit::ALL.map(|unit| window(unit, zone, now))
}

fn window(unit: Unit, zone: &TimeZone, now: Timestamp) -> Window {
    match unit {
        Unit::Hour => hour(zone, now),
        Unit::Day => calendar(zone, now, |day| Some((day, day.tomorrow().ok()?))),
        Unit::Month => calendar(zone, now, |day| {
            let first = day.first_of_month();
            Some((first, first.last_of_month().tomorrow().ok()?))
        }),
    }
}

/// An hour on the wall clock. Where clocks change by part of an hour, the hour is cut there.
fn hour(zone: &TimeZone, now: Timestamp) -> Window {
    const HOUR: i64 = 3600;
    let second = now.as_second();
    let offset = |second: i64| {
        Timestamp::from_second(second).map_or(0, |at| i64::from(zone.to_offset(at).seconds()))
    };
    let here = offset(second);
    let start = second - (second + here).rem_euclid(HOUR);
    let plain = Window {
        start,
        end: start + HOUR,
    };
    let before = (offset(plain.start) != here)
        .then(|| zone.preceding(now + SignedDuration::from_nanos(1)).next())
        .flatten();
    let after = (offset(plain.end - 1) != here)
        .then(|| zone.following(now).next())
        .flatten();
    Window {
        start: before.map_or(plain.start, |cut| {
            plain.start.max(cut.timestamp().as_second())
        }),
        end: after.map_or(plain.end, |cut| plain.end.min(cut.timestamp().as_second())),
    }
}

/// From the beginning of one day to the beginning of another.
fn calendar(
    zone: &TimeZone,
    now: Timestamp,
    days: impl Fn(jiff::civil::Date) -> Option<(jiff::civil::Date, jiff::civil::Date)>,
) -> Window {
    let begins = |day: jiff::civil::Date| {
        let midnight = day.to_zoned(zone.clone()).ok()?;
        Some(midnight.start_of_day().ok()?.timestamp().as_second())
    };
    let both = days(zone.to_datetime(now).date())
        .and_then(|(first, next)| Some((begins(first)?, begins(next)?)));
    match both {
        Some((start, end)) => Window { start, end },
        // At the end of all time there is no next day.
        None => Window {
            start: now.as_second(),
            end: i64::MAX,
        },
    }
}

/// Of plan and customer the smaller limit each.
pub fn effective(plan: Option<&SendLimits>, customer: Option<&SendLimits>) -> SendLimits {
    let smaller = |of: fn(&SendLimits) -> Option<i64>| {
        [plan, customer]
            .into_iter()
            .flatten()
            .filter_map(of)
            .min()
            .map(|limit| limit.max(0))
    };
    SendLimits {
        hourly: smaller(|limits| limits.hourly),
        daily: smaller(|limits| limits.daily),
        monthly: smaller(|limits| limits.monthly),
        recipients_per_message: smaller(|limits| limits.recipients_per_message),
    }
}

/// The caps of one customer.
pub fn caps(limits: &SendLimits) -> Caps {
    [limits.hourly, limits.daily, limits.monthly].map(cap)
}

/// The caps of a route or partner.
pub fn shared_caps(limits: Option<&SharedSendLimits>) -> Caps {
    limits.map_or([None; 3], |limits| {
        [limits.hourly, limits.daily, limits.monthly].map(cap)
    })
}

/// A limit as a number; a negative one, which no schema lets through, lets nothing through.
pub fn cap(limit: Option<i64>) -> Option<u64> {
    limit.map(|limit| u64::try_from(limit).unwrap_or_default())
}

/// How many tenths of a limit are used; of none and of nothing all are.
pub fn tenths(used: u64, cap: u64) -> u64 {
    match cap {
        0 => 10,
        cap => used.saturating_mul(10).checked_div(cap).unwrap_or(10),
    }
}

/// A moment for a person, in their own time zone: `15:00 on 2026-11-23 (Europe/Berlin)`. ASCII, as SMTP wants it.
pub fn spelled(second: i64, zone: &TimeZone) -> String {
    let Ok(at) = Timestamp::from_second(second) else {
        return "a time to come".to_owned();
    };
    let name = zone.iana_name().unwrap_or("UTC");
    format!(
        "{} ({name})",
        zone.to_datetime(at).strftime("%H:%M on %Y-%m-%d")
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn shown(unit: Unit, name: &str, now: &str) -> String {
        let window = window(unit, &zone(name).expect("a zone"), at(now));
        let text = |second| Timestamp::from_second(second).expect("a time").to_string();
        format!("{} {}", text(window.start), text(window.end))
    }

    #[rstest]
    #[case(
        Unit::Hour,
        "UTC",
        "2026-11-23T14:59:59.9Z",
        "2026-11-23T14:00:00Z 2026-11-23T15:00:00Z"
    )]
    #[case(
        Unit::Hour,
        "UTC",
        "2026-11-23T15:00:00Z",
        "2026-11-23T15:00:00Z 2026-11-23T16:00:00Z"
    )]
    // India is half an hour off.
    #[case(
        Unit::Hour,
        "Asia/Kolkata",
        "2026-11-23T14:15:00Z",
        "2026-11-23T13:30:00Z 2026-11-23T14:30:00Z"
    )]
    #[case(
        Unit::Day,
        "Europe/Berlin",
        "2026-11-23T22:59:59Z",
        "2026-11-22T23:00:00Z 2026-11-23T23:00:00Z"
    )]
    #[case(
        Unit::Day,
        "Europe/Berlin",
        "2026-11-23T23:00:00Z",
        "2026-11-23T23:00:00Z 2026-11-24T23:00:00Z"
    )]
    #[case(
        Unit::Month,
        "UTC",
        "2026-12-31T23:59:59Z",
        "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z"
    )]
    #[case(
        Unit::Month,
        "UTC",
        "2028-02-29T12:00:00Z",
        "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z"
    )]
    // Clocks go forward on 2026-03-29 and back on 2026-10-25: 23 and 25 hours.
    #[case(
        Unit::Day,
        "Europe/Berlin",
        "2026-03-29T12:00:00Z",
        "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"
    )]
    #[case(
        Unit::Day,
        "Europe/Berlin",
        "2026-10-25T12:00:00Z",
        "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z"
    )]
    #[case(
        Unit::Month,
        "Europe/Berlin",
        "2026-10-25T12:00:00Z",
        "2026-09-30T22:00:00Z 2026-10-31T23:00:00Z"
    )]
    // The hour that comes twice is two hours.
    #[case(
        Unit::Hour,
        "Europe/Berlin",
        "2026-10-25T00:30:00Z",
        "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z"
    )]
    #[case(
        Unit::Hour,
        "Europe/Berlin",
        "2026-10-25T01:30:00Z",
        "2026-10-25T01:00:00Z 2026-10-25T02:00:00Z"
    )]
    // Lord Howe changes by half an hour: at 2:00 it is 2:30, and at 2:00 it is 1:30.
    #[case(
        Unit::Hour,
        "Australia/Lord_Howe",
        "2026-10-03T15:45:00Z",
        "2026-10-03T15:30:00Z 2026-10-03T16:00:00Z"
    )]
    #[case(
        Unit::Hour,
        "Australia/Lord_Howe",
        "2026-04-04T15:15:00Z",
        "2026-04-04T15:00:00Z 2026-04-04T15:30:00Z"
    )]
    // There was no midnight: the day began at 1:00.
    #[case(
        Unit::Day,
        "Africa/Cairo",
        "2026-04-24T12:00:00Z",
        "2026-04-23T22:00:00Z 2026-04-24T21:00:00Z"
    )]
    fn a_window_is_one_on_the_wall(
        #[case] unit: Unit,
        #[case] zone: &str,
        #[case] now: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(shown(unit, zone, now), expected);
    }

    #[test]
    fn windows_follow_one_another_without_gap_or_overlap() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Africa/Cairo",
            "America/St_Johns",
        ] {
            let zone = zone(name).expect("a zone");
            for unit in Unit::ALL {
                let mut now = at("2026-01-01T00:00:00Z");
                let mut last = window(unit, &zone, now);
                let end = at("2027-02-01T00:00:00Z");
                while now < end {
                    let window = window(unit, &zone, now);
                    assert!(window.contains(now.as_second()), "{name} {unit:?} {now}");
                    if window != last {
                        assert_eq!(window.start, last.end, "{name} {unit:?} {now}");
                    }
                    last = window;
                    now += SignedDuration::from_mins(10);
                }
            }
        }
    }

    #[test]
    fn the_smaller_limit_holds_and_none_is_no_limit() {
        let plan = SendLimits {
            hourly: Some(1000),
            daily: Some(5),
            recipients_per_message: Some(9),
            ..SendLimits::default()
        };
        let customer = SendLimits {
            hourly: Some(100),
            daily: Some(10),
            ..SendLimits::default()
        };
        let both = effective(Some(&plan), Some(&customer));
        assert_eq!(
            both,
            SendLimits {
                hourly: Some(100),
                daily: Some(5),
                monthly: None,
                recipients_per_message: Some(9)
            }
        );
        assert_eq!(effective(None, None), SendLimits::default());
        assert_eq!(caps(&both), [Some(100), Some(5), None]);
    }

    #[test]
    fn unknown_zones_are_none_and_known_ones_need_no_files() {
        assert!(zone("Europe/Berlin").is_some());
        assert!(zone("Europe/Atlantis").is_none());
        assert!(zone("").is_none());
    }

    #[test]
    fn tenths_are_whole_and_of_nothing_all() {
        let all: Vec<u64> = [(0, 100), (79, 100), (80, 100), (100, 100), (7, 3), (0, 0)]
            .map(|(used, cap)| tenths(used, cap))
            .to_vec();
        assert_eq!(all, [0, 7, 8, 10, 23, 10]);
    }

    #[test]
    fn a_moment_is_told_in_the_readers_own_zone() {
        let second = at("2026-11-23T14:00:00Z").as_second();
        let berlin = zone("Europe/Berlin").expect("a zone");
        assert_eq!(
            spelled(second, &berlin),
            "15:00 on 2026-11-23 (Europe/Berlin)"
        );
        assert_eq!(spelled(second, &TimeZone::UTC), "14:00 on 2026-11-23 (UTC)");
    }
}
