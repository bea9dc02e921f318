//! Notices watches that are dead without saying so.
//!
//! A cache is only as good as the watch that feeds it. A watch can end up with an API server that accepts it and
//! never sends anything, or be refused again and again while its cache goes stale; after a restore from backup the
//! cluster may be older than the cache. Reconciling on such a cache is worse than not running, so each of these ends
//! the process, and a new one starts clean.
//!
//! The client's call layer tells what it sees ([`Guard::hear`]); nobody else needs to take part. The judgement is
//! [`Watchdog`], which is handed the time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::clock;
use crate::error::Error;

/// A quiet watch gives no sign but its restart, every five minutes; two of these may fail.
const SILENT: Duration = Duration::from_secs(12 * 60);
/// After an API server starts, good clients are refused for part of a second.
const REFUSED: Duration = Duration::from_secs(10);
/// Refusals further apart are not one run: nobody insists.
const RUN: Duration = Duration::from_secs(60);
/// How often silence is looked for.
const EVERY: Duration = Duration::from_secs(5);

/// Something heard about a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It is asked for, from this version on (none: from the beginning).
    Asked(Option<u128>),
    /// It gave a sign of life: it was accepted, or sent something.
    Alive,
    /// Its objects were listed.
    Listed,
    /// This verb on it was refused for lack of a right.
    Refused(&'static str),
}

/// What is known of all watches.
#[derive(Debug, Default)]
pub struct Watchdog(BTreeMap<String, Life>);

#[derive(Debug)]
struct Life {
    /// The latest sign; none for what is only listed, which need not give any.
    sign: Option<Instant>,
    version: u128,
    went_back: Option<u128>,
    refused: Option<Refusals>,
}

#[derive(Debug)]
struct Refusals {
    first: Instant,
    latest: Instant,
    verb: &'static str,
}

impl Watchdog {
    /// Takes note of a sign from the watch of that name.
    pub fn hear(&mut self, watch: &str, sign: Sign, now: Instant) {
        let life = self.0.entry(watch.to_owned()).or_insert(Life {
            sign: None,
            version: 0,
            went_back: None,
            refused: None,
        });
        match sign {
            Sign::Asked(version) => {
                life.sign.get_or_insert(now);
                if let Some(version) = version {
                    if version < life.version {
                        life.went_back = Some(version);
                    }
                    life.version = life.version.max(version);
                }
            }
            Sign::Alive => {
                life.sign = Some(now);
                life.refused = None;
            }
            Sign::Listed => life.refused = None,
            Sign::Refused(verb) => {
                let run = life
                    .refused
                    .take()
                    .filter(|run| now.duration_since(run.latest) < RUN);
                let first = run.map_or(now, |run| run.first);
                life.refused = Some(Refusals {
                    first,
                    latest: now,
                    verb,
                });
            }
        }
    }

    /// The reason to start clean, if there is one.
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        for (watch, life) in &self.0 {
            if let Some(listed) = life.went_back {
                return Err(Error::WentBack {
                    watch: watch.clone(),
                    seen: life.version,
                    listed,
                });
            }
            if let Some(Refusals {
                first,
                latest,
                verb,
            }) = &life.refused
            {
                let during = latest.duration_since(*first);
                if during >= REFUSED {
                    return Err(Error::MissingRight {
                        verb,
                        resource: watch.clone(),
                        during,
                    });
                }
            }
            let silent = life
                .sign
                .map_or(Duration::ZERO, |sign| now.duration_since(sign));
            if silent >= SILENT {
                return Err(Error::WatchSilent {
                    watch: watch.clone(),
                    silent,
                });
            }
        }
        Ok(())
    }
}

/// The watchdog of this process, fed by its client. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Guard(Arc<Mutex<Watchdog>>);

impl Guard {
    /// Takes note of a sign from the watch of that name.
    pub fn hear(&self, watch: &str, sign: Sign) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .hear(watch, sign, clock::tick());
    }

    /// Waits for a reason to start clean. Never returns while all watches live.
    pub async fn barks(&self) -> Error {
        loop {
            tokio::time::sleep(EVERY).await;
            let checked = self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .check(clock::tick());
            if let Err(error) = checked {
                return error;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: &str = "customers.clientele.dev";

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn a_quiet_watch_that_is_restarted_in_time_is_left_alone() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        for n in 0..20 {
            dog.hear(WATCH, Sign::Asked(Some(5)), start + minutes(5 * n));
            dog.hear(WATCH, Sign::Alive, start + minutes(5 * n));
            dog.check(start + minutes(5 * n + 5)).expect("alive");
        }
    }

    #[test]
    fn a_watch_that_is_asked_for_and_never_answers_is_silent() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        for n in 0..=12 {
            dog.hear(WATCH, Sign::Asked(Some(5)), start + minutes(n));
        }
        dog.check(start + minutes(11)).expect("not yet");
        let error = dog.check(start + minutes(12)).expect_err("twelve minutes");
        assert_eq!(
            error.to_string(),
            "no sign of life from the watch on customers.clientele.dev for 12 minutes; starting clean"
        );
        assert_eq!(error.exit_code(), 6);
    }

    #[test]
    fn one_live_watch_does_not_speak_for_another() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        dog.hear(WATCH, Sign::Asked(None), start);
        dog.hear("namespaces", Sign::Asked(None), start);
        dog.hear("namespaces", Sign::Alive, start + minutes(11));
        assert!(
            matches!(dog.check(start + minutes(12)), Err(Error::WatchSilent { watch, .. }) if watch == WATCH)
        );
    }

    #[test]
    fn a_cluster_older_than_its_cache_is_noticed() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        dog.hear(WATCH, Sign::Asked(Some(900)), start);
        dog.hear(WATCH, Sign::Asked(None), start);
        dog.check(start)
            .expect("a list from the beginning has no version");
        dog.hear(WATCH, Sign::Asked(Some(899)), start);
        assert!(matches!(
            dog.check(start),
            Err(Error::WentBack {
                seen: 900,
                listed: 899,
                ..
            })
        ));
    }

    #[test]
    fn a_right_that_is_missing_for_a_moment_is_not_missing() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        dog.hear(WATCH, Sign::Refused("list"), start);
        dog.hear(WATCH, Sign::Listed, start + Duration::from_secs(1));
        dog.hear(WATCH, Sign::Refused("list"), start + REFUSED);
        dog.check(start + REFUSED).expect("granted in between");
        dog.hear(WATCH, Sign::Refused("list"), start + minutes(60));
        dog.check(start + minutes(60))
            .expect("twice in an hour is no run");
    }

    #[test]
    fn a_right_that_stays_missing_is_named() {
        let (start, mut dog) = (clock::tick(), Watchdog::default());
        dog.hear(WATCH, Sign::Refused("list"), start);
        dog.hear(WATCH, Sign::Refused("list"), start + REFUSED);
        let error = dog
            .check(start + REFUSED)
            .expect_err("refused all the time");
        assert!(
            error
                .to_string()
                .starts_with("missing right: list customers.clientele.dev (refused for 10 s)"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 4);
    }
}
