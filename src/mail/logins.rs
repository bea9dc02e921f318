//! Is this the password of this login?
//!
//! What a password is checked against is in the Secret `smtp-<customer>` in the partner's namespace, where tenants cannot read it:
//! `hash`, and after a change `previous-hash`, which holds until `previous-until`. It is read when somebody logs in and kept until
//! `status.sending.login.issuedAt` says that there is a new one. That, the Secret says too (`issued-at`): one that says another time
//! is read again after a second, so that whichever of both is seen first, the old one is not kept.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use lru::LruCache;

use super::counters::Unavailable;
use super::directory::Directory;
use super::metrics::Metrics;
use super::sender::Sender;
use super::throttle::{Origin, Throttle};
use super::vault::{Values, Vault};
use crate::api::meta;
use crate::domain::credential::Credential;
use crate::ops::clock::{self, Clock};

/// How many logins' credentials are kept; of more, those that were used longest ago are read again.
const KEPT: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The longest user name and password that are looked at.
const LONGEST: usize = 256;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is the right password, of this user name.
    Right(String),
    /// It is not, or there is no such login.
    Wrong,
    /// Too many attempts failed.
    TooMany,
    /// It cannot be said just now.
    Unavailable(Unavailable),
}

/// What the password of a login is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keys {
    issued_at: Timestamp,
    present: Credential,
    previous: Option<(Credential, Timestamp)>,
}

/// Checks passwords.
#[derive(Debug)]
pub struct Logins {
    directory: Arc<Directory>,
    vault: Arc<Vault>,
    clock: Clock,
    metrics: Metrics,
    kept: Mutex<LruCache<Arc<str>, Arc<Keys>>>,
    throttle: Mutex<Throttle>,
}

impl Logins {
    /// Of the customers in this directory.
    pub fn new(
        directory: Arc<Directory>,
        vault: Arc<Vault>,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            directory,
            vault,
            clock,
            metrics,
            kept: Mutex::new(LruCache::new(KEPT)),
            throttle: Mutex::default(),
        }
    }

    /// Checks the password of a user name, which is a login, and after a `+` whatever its owner likes.
    pub async fn check(&self, username: &str, password: &[u8], address: Option<IpAddr>) -> Attempt {
        let attempt = self.attempt(username, password, Origin::of(address)).await;
        self.metrics.login(match &attempt {
            Attempt::Right(_) => "right",
            Attempt::Wrong => "wrong",
            Attempt::TooMany => "too-many",
            Attempt::Unavailable(_) => "unavailable",
        });
        attempt
    }

    async fn attempt(&self, username: &str, password: &[u8], origin: Origin) -> Attempt {
        if username.len() > LONGEST || password.len() > LONGEST || !username.bytes().all(is_plain) {
            return Attempt::Wrong;
        }
        let username = username.to_ascii_lowercase();
        let login = username.split('+').next().unwrap_or_default();
        if !self.throttle().allows(login, origin, clock::tick()) {
            return Attempt::TooMany;
        }
        if !self.directory.is_whole() {
            return Attempt::Unavailable(Unavailable("customers are not known yet".to_owned()));
        }
        let keys = match self.keys(login).await {
            Ok(keys) => keys,
            Err(error) => return Attempt::Unavailable(error),
        };
        let right = matches(keys.as_deref(), password, self.clock.now());
        let mut throttle = self.throttle();
        if right {
            throttle.succeeded(login, origin, clock::tick());
            Attempt::Right(username)
        } else {
            throttle.failed(login, origin, clock::tick());
            Attempt::Wrong
        }
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a login's password is checked against; none if there is no such login.
    async fn keys(&self, login: &str) -> Result<Option<Arc<Keys>>, Unavailable> {
        let Some(sender) = self.directory.sender(login) else {
            return Ok(None);
        };
        let Some(issued_at) = sender.issued_at else {
            return Ok(None);
        };
        let known = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(login).cloned()
        };
        if let Some(known) = known.filter(|known| known.issued_at == issued_at) {
            return Ok(Some(known));
        }
        let Some(keys) = self.read(&sender).await?.map(Arc::new) else {
            return Ok(None);
        };
        if keys.issued_at == issued_at {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.put(Arc::clone(&sender.login), Arc::clone(&keys));
        }
        Ok(Some(keys))
    }

    async fn read(&self, sender: &Sender) -> Result<Option<Keys>, Unavailable> {
        let name = format!("{}{}", meta::SMTP_LOGIN_PREFIX, sender.name);
        let kind = meta::SECRET_TYPE_SMTP_LOGIN;
        match self.vault.open(&sender.namespace, &name, kind).await? {
            Ok(values) => Ok(keys(&values)),
            Err(missing) => {
                let login = &*sender.login;
                tracing::warn!(
                    login,
                    ?missing,
                    "the Secret {name} of a login is not to be had"
                );
                Ok(None)
            }
        }
    }
}

/// Names as they can be in a log and in a protocol of lines.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-+._@".contains(&byte)
}

/// The same work whether there are keys, how many, and which of them fits.
fn matches(keys: Option<&Keys>, password: &[u8], now: Timestamp) -> bool {
    let impossible = Credential::impossible();
    let present = keys.map_or(&impossible, |keys| &keys.present);
    let previous = keys.and_then(|keys| keys.previous.as_ref());
    let previous = previous.filter(|(_, until)| now < *until);
    let previous = previous.map_or(&impossible, |(previous, _)| previous);
    present.fits(password) | previous.fits(password)
}

fn keys(values: &Values) -> Option<Keys> {
    let time = |key: &str| values.get(key)?.trim_end().parse::<Timestamp>().ok();
    let credential = |key: &str| Credential::parse(values.get(key)?);
    Some(Keys {
        issued_at: time("issued-at")?,
        present: credential("hash")?,
        previous: credential("previous-hash").zip(time("previous-until")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_old_password_fits_until_its_time_is_over() {
        let (new, old) = (
            Credential::of("new", b"s").to_string(),
            Credential::of("old", b"t").to_string(),
        );
        let values = values(&[
            ("hash", &new),
            ("issued-at", "2026-11-23T10:00:00Z"),
            ("previous-hash", &old),
            ("previous-until", "2026-11-23T11:00:00Z"),
        ]);
        let keys = keys(&values).expect("keys");
        let (before, after) = (at("2026-11-23T10:59:59Z"), at("2026-11-23T11:00:00Z"));
        for (password, early, late) in [
            ("new", true, true),
            ("old", true, false),
            ("", false, false),
        ] {
            assert_eq!(
                matches(Some(&keys), password.as_bytes(), before),
                early,
                "{password}"
            );
            assert_eq!(
                matches(Some(&keys), password.as_bytes(), after),
                late,
                "{password}"
            );
        }
        assert!(!matches(None, b"new", before));
    }

    #[test]
    fn an_old_password_without_an_end_does_not_fit() {
        let hash = Credential::of("p", b"s").to_string();
        let values = values(&[
            ("hash", &hash),
            ("issued-at", "2026-11-23T10:00:00Z"),
            ("previous-hash", &hash),
        ]);
        assert_eq!(keys(&values).expect("keys").previous, None);
    }
}
