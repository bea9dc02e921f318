//! May this message be sent, and where to: the one decision, whoever asks for it and over whichever protocol.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::almanac::Almanac;
use super::counters::{Account, Counters, Full, Key, Take, Taken};
use super::directory::{Directory, Standing, Unknown};
use super::metrics::Metrics;
use super::sender::{Refusal, Route};
use super::touched::Touched;
use crate::domain::limits::{self, Caps, Unit, spelled};
use crate::ops::clock::Clock;

/// A message that somebody wants to send.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// The login, and after a `+` the route that is wanted.
    pub login: &'m str,
    /// Its recipients.
    pub recipients: u64,
    /// What it is known again by, beside who sends it.
    pub id: Option<Id<'m>>,
}

/// What a message is known again by. Each protocol has its own, so that nobody pays over one for what is sent over the other.
#[derive(Clone, Copy, Debug)]
pub enum Id<'m> {
    /// Postfix's `instance`.
    Instance(&'m str),
    /// What an application chose.
    Chosen(&'m str),
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It may go, by this route.
    Send(Arc<Route>),
    /// Not now.
    Later {
        /// Why, for the person who sent it.
        text: String,
        /// When there is room again, in seconds since 1970.
        opens: Option<i64>,
    },
    /// Never.
    Refuse {
        /// Why, for the person who sent it.
        text: String,
    },
}

/// Decides.
#[derive(Debug)]
pub struct Decider {
    /// Who is who.
    pub directory: Arc<Directory>,
    /// What was sent.
    pub counters: Counters,
    /// What time it is.
    pub clock: Clock,
    /// Whose counts have changed.
    pub touched: Arc<Touched>,
    /// What is counted about decisions.
    pub metrics: Metrics,
    almanac: Almanac,
}

impl Decider {
    /// Over this directory and these counters.
    pub fn new(
        directory: Arc<Directory>,
        counters: Counters,
        clock: Clock,
        touched: Arc<Touched>,
        metrics: Metrics,
    ) -> Self {
        Self {
            directory,
            counters,
            clock,
            touched,
            metrics,
            almanac: Almanac::default(),
        }
    }

    /// Decides about a message, and counts it if it may go.
    pub async fn decide(&self, message: &Message<'_>) -> Verdict {
        let verdict = self.judge(message, self.clock.now()).await;
        self.metrics.decided(match verdict {
            Verdict::Send(_) => "send",
            Verdict::Later { opens: Some(_), .. } => "limit",
            Verdict::Later { opens: None, .. } => "later",
            Verdict::Refuse { .. } => "refuse",
        });
        verdict
    }

    async fn judge(&self, message: &Message<'_>, now: Timestamp) -> Verdict {
        let (login, wanted) = match message.login.split_once('+') {
            Some((login, route)) => (login, Some(route)),
            None => (message.login, None),
        };
        let standing = match self.directory.look(login, now) {
            Ok(standing) => standing,
            Err(Unknown::NotYet) => {
                return later("This service is starting; the message waits and is tried again");
            }
            // Whoever is not known here is not repeated: it may be anything.
            Err(Unknown::Refused(Refusal::Unknown)) => {
                return refuse("This login belongs to no customer");
            }
            Err(Unknown::Refused(refusal)) => {
                return refuse(format!("{login} cannot send: {}", refusal.text()));
            }
        };
        let most = limits::cap(standing.sender.limits.recipients_per_message);
        match (message.recipients, most) {
            (0, _) => return later("The number of recipients is not known"),
            (recipients, Some(most)) if recipients > most => {
                return refuse(format!(
                    "This message has {recipients} recipients; {login} may write to {most} at a time"
                ));
            }
            _ => {}
        }
        self.route(message, &standing, wanted, now).await
    }

    /// Takes the first of the routes that is ready and has room; one that was asked for by name has no substitute.
    async fn route(
        &self,
        message: &Message<'_>,
        standing: &Standing,
        wanted: Option<&str>,
        now: Timestamp,
    ) -> Verdict {
        let login = &standing.sender.login;
        let mut usable = Vec::with_capacity(standing.routes.len());
        for candidate in &standing.routes {
            if wanted.is_none_or(|wanted| *candidate.1.name == *wanted) {
                usable.push(candidate);
            }
        }
        if usable.is_empty() {
            return match wanted {
                Some(_) => refuse(format!("{login} has no mail route of the name after the +")),
                None => later(format!(
                    "{login} has no mail route; its partner has to give it one"
                )),
            };
        }
        let mut verdict = later(format!(
            "No mail route of {login} is ready; the message waits and is tried again"
        ));
        for (place, route, zone) in usable {
            if !route.ready {
                continue;
            }
            let accounts = self.accounts(standing, route, zone, now);
            if let Some(text) = too_large(message.recipients, &accounts, login) {
                verdict = refuse(text);
                continue;
            }
            let take = Take {
                recipients: message.recipients,
                key: message.id.map(|id| key(message, id)),
                choice: *place,
                now: now.as_second(),
                accounts,
            };
            let shared = take.accounts.len() - 1;
            match self.counters.take(take).await {
                Err(error) => {
                    tracing::warn!(%error, "a message cannot be counted and waits");
                    self.metrics.uncounted();
                    return later(
                        "Sending cannot be counted just now; the message waits and is tried again",
                    );
                }
                Ok(Taken::Granted { choice }) => {
                    self.touched.touch(login);
                    let chosen = standing.routes.iter().find(|(place, ..)| *place == choice);
                    return Verdict::Send(Arc::clone(
                        chosen.map_or(route, |(_, chosen, _)| chosen),
                    ));
                }
                Ok(Taken::Full(full)) => {
                    self.touched.touch(login);
                    verdict = limited(&full, standing, route, zone);
                    // What another route has no room for either is the customer's or a partner's limit.
                    if full.account != shared {
                        return verdict;
                    }
                }
            }
        }
        verdict
    }

    /// Who is counted for: the customer first, the route last.
    fn accounts(
        &self,
        standing: &Standing,
        route: &Route,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Vec<Account> {
        let account = |name: &Arc<str>, zone: &TimeZone, caps: Caps| Account {
            name: Arc::clone(name),
            windows: self.almanac.windows(zone, now),
            caps,
        };
        let sender = &standing.sender;
        let mut accounts = Vec::with_capacity(standing.partners.len() + 2);
        accounts.push(account(
            &sender.login,
            &standing.zone(),
            limits::caps(&sender.limits),
        ));
        for (partner, zone) in &standing.partners {
            let caps = limits::shared_caps(partner.limits.as_ref());
            accounts.push(account(&partner.account, zone, caps));
        }
        let caps = limits::shared_caps(route.limits.as_ref());
        accounts.push(account(&route.account, zone, caps));
        accounts
    }
}

fn later(text: impl Into<String>) -> Verdict {
    Verdict::Later {
        text: text.into(),
        opens: None,
    }
}

fn refuse(text: impl Into<String>) -> Verdict {
    Verdict::Refuse { text: text.into() }
}

/// A message with more recipients than a whole window has room for would wait for ever.
fn too_large(recipients: u64, accounts: &[Account], login: &str) -> Option<String> {
    accounts.iter().enumerate().find_map(|(place, account)| {
        let mut limits = Unit::ALL.into_iter().zip(account.caps);
        let (unit, cap) = limits.find_map(|(unit, cap)| Some((unit, cap.filter(|cap| recipients > *cap)?)))?;
        let (limit, own) = (unit.limit(), place == 0);
        Some(match (own, cap) {
            (true, 0) => format!("{login} may send nothing: its {limit} limit is 0"),
            (true, cap) => format!("This message has {recipients} recipients; {login} may write to {cap} at most, its {limit} limit"),
            (false, 0) => format!("Nothing may be sent: a {limit} limit that {login} shares with others is 0"),
            (false, _) => format!("This message has {recipients} recipients, more than a {limit} limit that {login} shares with others"),
        })
    })
}

/// The customer is told its own numbers; those that it shares with others are not its business.
fn limited(full: &Full, standing: &Standing, route: &Route, zone: &TimeZone) -> Verdict {
    let (login, limit) = (&standing.sender.login, full.unit.limit());
    let last = standing.partners.len() + 1;
    let mut whose = standing.zone();
    let what = match full.account {
        0 => format!(
            "The {limit} limit of {} recipients is reached for {login} ({} used)",
            full.cap, full.used
        ),
        place if place == last => {
            whose = zone.clone();
            format!(
                "The {limit} limit of mail route {}, which customers share, is reached",
                route.name
            )
        }
        place => {
            if let Some((_, zone)) = standing.partners.get(place - 1) {
                whose = zone.clone();
            }
            format!("A {limit} limit that {login} shares with other customers is reached")
        }
    };
    Verdict::Later {
        text: format!(
            "{what}; sending opens again at {}",
            spelled(full.opens, &whose)
        ),
        opens: Some(full.opens),
    }
}

/// A digest of all that makes it this message: one with other recipients is another one, whatever it is called.
fn key(message: &Message<'_>, id: Id<'_>) -> Key {
    let (kind, id) = match id {
        Id::Instance(id) => ("instance", id),
        Id::Chosen(id) => ("chosen", id),
    };
    let mut digest = Sha256::new();
    for part in [kind, message.login, id] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.update(message.recipients.to_le_bytes());
    let whole: [u8; 32] = digest.finalize().into();
    std::array::from_fn(|place| whole[place])
}
