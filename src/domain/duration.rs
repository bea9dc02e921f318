//! Durations as people write them: Go's units plus `d` for a day of 24 hours (`10d`, `36h`, `1h30m`).

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// The longest duration that anything may be given: about a century.
pub const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

/// Reads a duration.
///
/// # Errors
/// What is wrong with the text, for a person: it is no duration, or longer than a century.
pub fn parse(text: &str) -> Result<Duration, String> {
    match read(text) {
        Some(duration) if duration > LONGEST => Err(format!("{text:?} is longer than a century")),
        Some(duration) => Ok(duration),
        None => Err(format!(
            "{text:?} is not a duration such as 14d, 36h or 1h30m"
        )),
    }
}

/// Reads a duration where one that is longer than a century means a century; none if it is no duration.
pub fn at_most_a_century(text: &str) -> Option<Duration> {
    read(text).map(|duration| duration.min(LONGEST))
}

fn read(text: &str) -> Option<Duration> {
    // The schema lets nothing else through; jiff alone would also read words and ISO 8601.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".nusmhd".contains(&byte))
    {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// How long it is until a moment; nothing once it has passed.
pub fn left(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

/// A duration for a person, in its largest units.
pub fn spelled(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let mut spelled = String::new();
    for (unit, name) in units {
        if left >= unit {
            spelled.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    if spelled.is_empty() {
        "1s".to_owned()
    } else {
        spelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_go_units_are_read() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("10d"), Ok(864_000.0));
        assert_eq!(seconds("36h"), Ok(129_600.0));
        assert_eq!(seconds("1d12h"), Ok(129_600.0));
        assert_eq!(seconds("1h30m"), Ok(5_400.0));
        assert_eq!(seconds("1.5h"), Ok(5_400.0));
        assert_eq!(seconds("5s"), Ok(5.0));
        assert_eq!(seconds("100ms"), Ok(0.1));
        assert_eq!(seconds("0s"), Ok(0.0));
    }

    #[test]
    fn they_are_spelled_in_their_largest_units() {
        let spelled = |text| spelled(parse(text).unwrap());
        assert_eq!(
            ["7d", "36h", "90m", "100ms"].map(spelled),
            ["7d", "1d12h", "1h30m", "1s"]
        );
    }

    #[test]
    fn where_that_is_meant_what_is_longer_than_a_century_is_one() {
        assert_eq!(at_most_a_century("40000d"), Some(LONGEST));
        assert_eq!(at_most_a_century("1h"), parse("1h").ok());
        assert_eq!(at_most_a_century("soon"), None);
    }

    #[test]
    fn what_is_none_or_too_long_is_refused() {
        for text in [
            "",
            "10",
            "d",
            "-5s",
            "5 s",
            "P1D",
            "five days",
            "10y",
            "99999999999999999999d",
            "40000d",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
