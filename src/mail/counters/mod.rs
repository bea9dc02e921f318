//! How many recipients were written to, and whether there is room for more: kept so that nothing is counted twice or forgotten.
//!
//! One question, [`Counters::take`], which takes everything a message needs or nothing, from the accounts of the customer, of the
//! route and of every partner on the path. Two places to keep them: [`file`], in a folder, for one process, and [`redis`], for
//! several. Both keep the same rules, and one suite (tests/mail) is run against both:
//!
//! - never over a cap, whoever else takes at the same time, and whoever dies meanwhile;
//! - what was granted was written down before it was answered: at most the message whose answer was lost counts for nothing;
//! - the key of a message is remembered, so that who asks again gets the same answer and pays once;
//! - a clock that jumps opens no window early (see [`ledger::turn`]).
//!
//! If a count cannot be known or kept, that is [`Unavailable`]: the message waits in its queue.

pub mod file;
pub mod ledger;
pub mod log;
pub mod redis;
mod script;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::domain::limits::{Caps, Unit, Windows};
use crate::error::Error;

/// How long the key of a message is remembered, in seconds.
pub const REMEMBERED: i64 = 4 * 60 * 60;

/// Somebody who is counted for: a customer, a route or a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, unique among all.
    pub name: Arc<str>,
    /// The present windows in its time zone.
    pub windows: Windows,
    /// What it may take in each.
    pub caps: Caps,
}

/// One message that wants to be sent.
#[derive(Clone, Debug)]
pub struct Take {
    /// Who is counted for; the first is the customer.
    pub accounts: Vec<Account>,
    /// Its recipients.
    pub recipients: u64,
    /// By what it is known again.
    pub key: Option<Key>,
    /// What is answered if it is granted; who asks again with its key gets it back.
    pub choice: u8,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// What a message is known by: a digest, so that it has one length.
pub type Key = [u8; 16];

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was taken, now or when the same message was asked about before.
    Granted {
        /// As it was asked for the first time.
        choice: u8,
    },
    /// There is no room, and nothing was taken.
    Full(Full),
}

/// The limit that keeps a message waiting longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Whose: its place in [`Take::accounts`].
    pub account: usize,
    /// Which of its limits.
    pub unit: Unit,
    /// When the window ends, in seconds since 1970.
    pub opens: i64,
    /// How much of it is used.
    pub used: u64,
    /// The limit.
    pub cap: u64,
}

/// A window of an account, and what was taken in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its first second.
    pub start: i64,
    /// The first second of the next one.
    pub end: i64,
    /// Recipients.
    pub used: u64,
}

/// The windows of an account, in the order of [`Unit::ALL`].
pub type Slots = [Slot; 3];

/// A count cannot be known or kept just now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Where counts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this folder, by one process.
    File(PathBuf),
    /// In the Redis of this URL, by any number.
    Redis(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("file", folder)) if !folder.is_empty() => Ok(Self::File(folder.into())),
            Some(("redis" | "rediss" | "redis+unix", _)) => Ok(Self::Redis(text.to_owned())),
            _ => Err(
                "is neither file:FOLDER nor redis://HOST:PORT (rediss:// with TLS, redis+unix:///PATH)"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(folder) => write!(f, "file:{}", folder.display()),
            // A URL can hold a password.
            Self::Redis(_) => f.write_str("redis"),
        }
    }
}

/// Puts a question to whoever answers at the other end, and waits for the answer.
async fn answered<Q, A>(
    questions: &mpsc::Sender<Q>,
    question: impl FnOnce(oneshot::Sender<Result<A, Unavailable>>) -> Q,
) -> Result<A, Unavailable> {
    let gone = || Unavailable("the counters are closed".to_owned());
    let (sender, answer) = oneshot::channel();
    let sent = questions.send(question(sender)).await;
    sent.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

/// The counts. Clones count together.
#[derive(Clone, Debug)]
pub enum Counters {
    /// Kept by this process alone.
    File(file::Store),
    /// Shared with other processes.
    Redis(redis::Store),
}

impl Counters {
    /// Opens them.
    ///
    /// # Errors
    /// When the place cannot be used: somebody else has it, it cannot be written, or the URL is none.
    pub async fn open(place: &Place) -> Result<Self, Error> {
        match place {
            Place::File(folder) => file::Store::open(folder).map(Self::File),
            Place::Redis(url) => redis::Store::open(url).await.map(Self::Redis),
        }
    }

    /// Takes everything a message needs, or nothing.
    ///
    /// # Errors
    /// When it cannot be known. Something may have been taken then; asked again with the same key, it is not taken twice.
    pub async fn take(&self, take: Take) -> Result<Taken, Unavailable> {
        match self {
            Self::File(store) => store.take(take).await,
            Self::Redis(store) => store.take(take).await,
        }
    }

    /// What accounts have used in their present windows; zeros for one that nothing is known of.
    ///
    /// # Errors
    /// When it cannot be known.
    pub async fn used(&self, names: Vec<Arc<str>>, now: i64) -> Result<Vec<Slots>, Unavailable> {
        match self {
            Self::File(store) => store.used(names, now).await,
            Self::Redis(store) => store.used(&names, now).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_url() {
        assert_eq!(
            "file:/var/lib/x".parse(),
            Ok(Place::File("/var/lib/x".into()))
        );
        assert!(matches!("redis://h:1/0".parse(), Ok(Place::Redis(_))));
        assert!(matches!("rediss://h".parse(), Ok(Place::Redis(_))));
        for wrong in ["", "file:", "memory:", "/var/lib/x", "http://x"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let place: Place = "redis://:secret@h/0".parse().expect("a place");
        assert_eq!(place.to_string(), "redis");
    }
}
