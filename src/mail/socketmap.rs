//! Postfix's socketmap protocol (socketmap_table(5)): netstrings `map key`, and back `OK value`, `NOTFOUND `, `TEMP why` or `PERM why`.
//!
//! | map | for Postfix's | answers |
//! | --- | --- | --- |
//! | `credentials` | `smtp_sasl_password_maps` | `username:password` of the route that the next hop is |
//! | `tls` | `smtp_tls_policy_maps` | how its connection is encrypted, and which name its certificate has to have |
//!
//! The next hop is the route's own name, not the relay's, so the certificate is held against the relay's. Whoever can connect here
//! can read every relay's credentials: only Postfix may, which a NetworkPolicy sees to.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::directory::Directory;
use super::metrics::Metrics;
use super::sender::Route;
use super::serve::Protocol;
use super::vault::{Missing, Vault};
use super::wire::{Broken, Wire, within};
use crate::api::{RouteTls, meta};

/// Longest request: a map's name and a next hop, which is a DNS name and a port.
pub const REQUEST: usize = 1024;

/// Digits of a length up to that.
const DIGITS: usize = 4;

/// Answers Postfix's questions about relays.
#[derive(Debug)]
pub struct Socketmap {
    directory: Arc<Directory>,
    vault: Arc<Vault>,
    metrics: Metrics,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Found(String),
    NotFound,
    /// Ask again later.
    Temporary(String),
    /// It cannot be answered until somebody mends something.
    Permanent(String),
}

impl Socketmap {
    /// About the routes in this directory.
    pub fn new(directory: Arc<Directory>, vault: Arc<Vault>, metrics: Metrics) -> Self {
        Self {
            directory,
            vault,
            metrics,
        }
    }

    async fn look(&self, request: &str) -> Answer {
        let Some((map, key)) = request.split_once(' ') else {
            return Answer::Permanent("a request is a map's name and a key".to_owned());
        };
        if !self.directory.is_whole() {
            return Answer::Temporary("routes are not known yet".to_owned());
        }
        let route = next_hop(key).and_then(|(host, port)| self.directory.route_at(host, port));
        match (map, route) {
            ("credentials" | "tls", None) => Answer::NotFound,
            ("credentials", Some(route)) => self.credentials(&route).await,
            ("tls", Some(route)) => Answer::Found(tls(&route)),
            _ => Answer::Permanent("there is no such map".to_owned()),
        }
    }

    async fn credentials(&self, route: &Route) -> Answer {
        let Some(secret) = &route.secret else {
            return Answer::NotFound;
        };
        let place = format!("Secret {}/{secret}", route.namespace);
        let found = self
            .vault
            .open(&route.namespace, secret, meta::SECRET_TYPE_RELAY)
            .await;
        let values = match found {
            Err(error) => return Answer::Temporary(error.to_string()),
            Ok(Err(missing)) => {
                let why = match missing {
                    Missing::NotThere => "does not exist",
                    Missing::WrongType => "is not of type clientele.dev/relay",
                    Missing::Unreadable => "cannot be decoded",
                };
                // Somebody is about to put it right, or the route would not be ready for long.
                return Answer::Temporary(format!("{place} {why}"));
            }
            Ok(Ok(values)) => values,
        };
        match (values.get("username"), values.get("password")) {
            (Some(username), Some(password)) => {
                let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
                // Postfix cuts at the first colon.
                if plain(username) && plain(password) && !username.contains(':') {
                    Answer::Found(format!("{username}:{password}"))
                } else {
                    Answer::Permanent(format!(
                        "{place} has a user name or password that Postfix cannot use"
                    ))
                }
            }
            _ => Answer::Temporary(format!("{place} lacks username or password")),
        }
    }
}

/// What `smtp_tls_policy_maps` wants.
fn tls(route: &Route) -> String {
    let host = &route.host;
    match (route.tls, route.address()) {
        (RouteTls::None, _) => "none".to_owned(),
        // An address cannot be asked for by name (RFC 6066, 3).
        (RouteTls::StartTls | RouteTls::Implicit, Some(_)) => format!("secure match={host}"),
        (RouteTls::StartTls | RouteTls::Implicit, None) => {
            format!("secure match={host} servername={host}")
        }
    }
}

/// Host and port of a next hop: `[host]:port`, `[host]`, `host:port` or `host`.
pub fn next_hop(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

/// The length of a netstring, from what stands before its colon.
fn length(digits: &[u8]) -> Result<usize, Broken> {
    let wrong = Broken::Wrong("this is no netstring");
    if digits.is_empty() || digits.len() > DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong);
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    if number > REQUEST {
        return Err(Broken::Wrong("a request is too long"));
    }
    Ok(number)
}

/// Reads one request, and nothing of the next one.
///
/// # Errors
/// When it is none, or the connection breaks.
pub async fn read<S>(wire: &mut Wire<S>) -> Result<String, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let length = length(wire.until(b':', DIGITS).await?)?;
    match wire.exactly(length + 1).await?.split_last() {
        Some((b',', text)) => std::str::from_utf8(text)
            .map(str::to_owned)
            .map_err(|_| Broken::Wrong("a request is no text")),
        _ => Err(Broken::Wrong("this is no netstring")),
    }
}

/// Text as a netstring.
pub fn netstring(text: &str) -> String {
    format!("{}:{text},", text.len())
}

impl Protocol for Socketmap {
    type Session = ();

    const NAME: &'static str = "credentials";

    async fn greet(&self, _: &mut Wire<TcpStream>, _: SocketAddr) -> Result<(), Broken> {
        Ok(())
    }

    async fn answer(&self, wire: &mut Wire<TcpStream>, (): &mut ()) -> Result<(), Broken> {
        let request = within(read(wire)).await?;
        let answer = self.look(&request).await;
        let (result, text) = match answer {
            Answer::Found(value) => ("found", format!("OK {value}")),
            Answer::NotFound => ("not-found", "NOTFOUND ".to_owned()),
            Answer::Temporary(why) => ("temporary", format!("TEMP {why}")),
            Answer::Permanent(why) => ("permanent", format!("PERM {why}")),
        };
        self.metrics.lookup(result);
        wire.send(netstring(&text).as_bytes()).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn next_hops_are_read_as_postfix_writes_them() {
        for (text, expected) in [
            ("[a.b.svc]:587", Some(("a.b.svc", Some(587)))),
            ("[a.b.svc]", Some(("a.b.svc", None))),
            ("a.b.svc:25", Some(("a.b.svc", Some(25)))),
            ("a.b.svc", Some(("a.b.svc", None))),
            ("[2001:db8::1]:465", Some(("2001:db8::1", Some(465)))),
            ("[a]x", None),
            ("[a]:", None),
            ("[a", None),
            ("a:99999", None),
        ] {
            assert_eq!(next_hop(text), expected, "{text}");
        }
    }

    #[test]
    fn lengths_are_bounded_before_anything_is_read() {
        assert_eq!(length(b"1024"), Ok(1024));
        for wrong in [b"".as_slice(), b"1025", b"99999", b"-1", b"+1", b"1 "] {
            assert!(length(wrong).is_err(), "{}", String::from_utf8_lossy(wrong));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_next_hop_or_none(text in ".{0,80}") {
            let _ = next_hop(&text);
        }

        #[test]
        fn any_bytes_are_a_length_or_none(digits in proptest::collection::vec(any::<u8>(), 0..8)) {
            prop_assert!(length(&digits).is_ok_and(|length| length <= REQUEST) || length(&digits).is_err());
        }
    }
}
