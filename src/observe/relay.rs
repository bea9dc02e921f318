//! Whether a relay takes our mail: found out by connecting to it as a mail server would. No mail is sent.
//!
//! ```text
//! resolve ──▶ may we go there? ──▶ connect ──▶ EHLO ──▶ STARTTLS ──▶ AUTH ──▶ QUIT
//! ```
//!
//! What is done here is SMTP (RFC 5321) with TLS (RFC 3207, RFC 8314) and AUTH (RFC 4954); what follows from it is the plan's.

mod address;

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::api::{PostalRoute, RouteTls};
use crate::plan::observed::routes::{RelayFault, RelaySeen};

/// How long looking up the name, or one step with the relay, may take.
const STEP: Duration = Duration::from_secs(10);

/// How long all of it may take.
const ALL: Duration = Duration::from_secs(30);

/// Addresses of a name that are tried.
const ADDRESSES: usize = 3;

/// Longest text that is told of what somebody else's server said, in characters.
const LONGEST: usize = 300;

/// How one may authenticate. Whoever asks for more than a password cannot be served.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What to connect to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// DNS name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: RouteTls,
    /// Absent: without authentication.
    pub login: Option<Login>,
}

impl Relay {
    /// The relay of a route.
    pub fn of(route: &PostalRoute, login: Option<Login>) -> Self {
        Self {
            host: route.spec.host.clone(),
            // The schema holds it between 1 and 65535.
            port: u16::try_from(route.spec.port).unwrap_or_default(),
            tls: route.spec.tls,
            login,
        }
    }
}

/// Whoever finds out whether a relay takes our mail.
pub trait Probe: Send + Sync {
    /// Finds out.
    fn look(&self, relay: Relay) -> BoxFuture<'static, RelaySeen>;
}

/// Finds out by connecting.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Whether relays may be where only this cluster or this machine can reach them, and get passwords without encryption.
    pub allow_private: bool,
}

impl Probe for Network {
    fn look(&self, relay: Relay) -> BoxFuture<'static, RelaySeen> {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let seen = match timeout(ALL, connect(&relay, allow_private)).await {
                Ok(seen) => seen,
                Err(_) => Err(timed_out("it did not come to an end", ALL)),
            };
            seen.map_or_else(RelaySeen::Fails, |()| RelaySeen::Works)
        })
    }
}

async fn connect(relay: &Relay, allow_private: bool) -> Result<(), RelayFault> {
    if relay.login.is_some() && relay.tls == RouteTls::None && !allow_private {
        return Err(RelayFault::ClearPassword);
    }
    let addresses = resolve(relay).await?;
    if let Some(address) = addresses.iter().find(|it| !address::is_public(it.ip()))
        && !allow_private
    {
        return Err(RelayFault::Private(address.ip().to_string()));
    }
    let mut last = RelayFault::NotFound("the name has no address".to_owned());
    for address in addresses.iter().take(ADDRESSES) {
        match greet(relay, *address).await {
            Ok(mut connection) => return authenticate(relay, &mut connection).await,
            Err(fault @ (RelayFault::Refused(_) | RelayFault::TimedOut(_))) => last = fault,
            Err(fault) => return Err(fault),
        }
    }
    Err(last)
}

async fn resolve(relay: &Relay) -> Result<Vec<SocketAddr>, RelayFault> {
    let found = timeout(STEP, tokio::net::lookup_host((&*relay.host, relay.port))).await;
    match found {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(RelayFault::NotFound(said(&error.to_string()))),
        Err(_) => Err(RelayFault::NotFound(format!(
            "the name servers did not answer within {} s",
            STEP.as_secs()
        ))),
    }
}

/// Connects, and encrypts as the route wants it.
async fn greet(relay: &Relay, address: SocketAddr) -> Result<AsyncSmtpConnection, RelayFault> {
    let hello = ClientId::default();
    let tls = || TlsParameters::new_rustls(relay.host.clone()).map_err(|error| tls_failed(&error));
    let implicit = match relay.tls {
        RouteTls::Implicit => Some(tls()?),
        RouteTls::None | RouteTls::StartTls => None,
    };
    let encrypted = implicit.is_some();
    let connecting =
        AsyncSmtpConnection::connect_tokio1(address, Some(STEP), &hello, implicit, None);
    // Its own limit ends with the connection; a relay may also take one and say nothing.
    let mut connection = timeout(STEP, connecting)
        .await
        .map_err(|_| timed_out("it did not answer", STEP))?
        .map_err(|error| not_connected(&error, encrypted))?;
    if relay.tls == RouteTls::StartTls {
        if !connection.can_starttls() {
            connection.abort().await;
            let what = "the relay does not offer STARTTLS".to_owned();
            return Err(RelayFault::Tls(what));
        }
        let begun = timeout(STEP, connection.starttls(tls()?, &hello)).await;
        begun
            .map_err(|_| timed_out("STARTTLS did not come to an end", STEP))?
            .map_err(|error| tls_failed(&error))?;
    }
    Ok(connection)
}

async fn authenticate(
    relay: &Relay,
    connection: &mut AsyncSmtpConnection,
) -> Result<(), RelayFault> {
    if let Some(Login { username, password }) = &relay.login {
        let credentials = Credentials::new(username.clone(), password.clone());
        let answered = timeout(STEP, connection.auth(MECHANISMS, &credentials)).await;
        let answered = answered.map_err(|_| timed_out("AUTH was not answered", STEP))?;
        if let Err(error) = answered {
            connection.abort().await;
            // RFC 4954: 5xx is a refusal, 454 a relay that cannot say just now.
            return Err(match error.status() {
                Some(_) if error.is_transient() => RelayFault::Rejected(told(&error)),
                _ => RelayFault::Login(told(&error)),
            });
        }
    }
    // It has answered all that was asked; whether it also says good-bye does not matter.
    let _ = timeout(STEP, connection.quit()).await;
    Ok(())
}

/// Why there is no connection over which one can talk.
fn not_connected(error: &SmtpError, encrypted: bool) -> RelayFault {
    match cause(error) {
        Some(ErrorKind::TimedOut) => timed_out("it did not answer", STEP),
        Some(
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::PermissionDenied,
        ) => RelayFault::Refused(told(error)),
        _ if error.status().is_some() => RelayFault::Rejected(told(error)),
        _ if encrypted || error.is_tls() => tls_failed(error),
        _ => RelayFault::Rejected(told(error)),
    }
}

/// The first error of the operating system in the chain.
fn cause(error: &SmtpError) -> Option<ErrorKind> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

fn tls_failed(error: &SmtpError) -> RelayFault {
    RelayFault::Tls(told(error))
}

fn timed_out(what: &str, after: Duration) -> RelayFault {
    RelayFault::TimedOut(format!("{what} within {} s", after.as_secs()))
}

/// An error with what caused it.
fn told(error: &SmtpError) -> String {
    said(&crate::error::chain(error))
}

/// What somebody else's server says, fit for a status: one line of bounded length.
fn said(text: &str) -> String {
    let printable = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it });
    printable.take(LONGEST).collect()
}
