//! The present windows by time zone, found once an hour instead of once a message.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::limits::{Windows, windows};

/// Windows as last found. There are as many as time zones in use, a few hundred at most.
#[derive(Debug, Default)]
pub struct Almanac(RwLock<HashMap<Box<str>, Windows>>);

impl Almanac {
    /// The windows that a moment is in.
    pub fn windows(&self, zone: &TimeZone, now: Timestamp) -> Windows {
        let name = zone.iana_name().unwrap_or("UTC");
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied();
        let second = now.as_second();
        match known {
            Some(known) if known.iter().all(|window| window.contains(second)) => known,
            _ => {
                let found = windows(zone, now);
                let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
                all.insert(name.into(), found);
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::zone;

    #[test]
    fn what_was_found_is_right_at_every_moment_and_in_every_zone() {
        let almanac = Almanac::default();
        let zones =
            ["UTC", "Europe/Berlin", "Asia/Kolkata"].map(|name| zone(name).expect("a zone"));
        let mut now: Timestamp = "2026-10-24T21:13:00Z".parse().expect("a time");
        for step in 0..200 {
            for zone in &zones {
                assert_eq!(almanac.windows(zone, now), windows(zone, now), "{now}");
            }
            // Forward, and now and then back.
            now += jiff::SignedDuration::from_mins(if step % 7 == 0 { -31 } else { 13 });
        }
    }
}
