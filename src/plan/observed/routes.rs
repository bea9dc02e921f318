//! What is known of a postal route: its Secret, and what came of connecting to its relay.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ChildSeen, Place};
use crate::api::PostalRoute;

/// Everything about one postal route.
#[derive(Clone, Debug)]
pub struct RouteObserved {
    /// The object.
    pub route: Arc<PostalRoute>,
    /// The namespace it is in.
    pub home: Place,
    /// Its credentials and its relay.
    pub checked: RouteChecked,
    /// `namespace/name` of the customers that have it on their list, sorted.
    pub used_by: Vec<String>,
    /// How many of them have no other route.
    pub only_route_of: i64,
    /// The partner namespace of a route of that name further up that this one hides.
    pub shadows: Option<String>,
    /// When the uses were last written by this process.
    pub counted_at: Option<Timestamp>,
    /// The Service of ours that names its next hop.
    pub next_hop: Option<ChildSeen>,
    /// `namespace/name` of the oldest route to the same address and port, if its host is an address and it is not that one itself.
    pub address_of: Option<String>,
}

/// What was found out about a route beyond the cluster's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChecked {
    /// Its credentials.
    pub secret: Tried<SecretSeen>,
    /// Its relay.
    pub relay: Tried<RelaySeen>,
    /// Whether the relay is being tried just now: the route is looked at again when that is done.
    pub trying: bool,
}

/// Something that is looked at now and then, because nothing tells when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried<T> {
    /// What was seen.
    pub seen: T,
    /// When.
    pub at: Timestamp,
    /// Since when it has not been in order.
    pub bad_since: Option<Timestamp>,
}

impl<T> Tried<T> {
    /// For how long it had not been in order when it was looked at.
    pub fn bad_for(&self) -> Duration {
        self.bad_since
            .map_or(Duration::ZERO, |since| since_then(since, self.at))
    }

    /// How long ago it was looked at.
    pub fn age(&self, now: Timestamp) -> Duration {
        since_then(self.at, now)
    }
}

/// The time from one point to another; none if the clock was set back.
fn since_then(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// What was read of a route's Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSeen {
    /// The route names none.
    NotNeeded,
    /// Right type, and both keys.
    Complete,
    /// There is none of that name.
    Missing,
    /// It has another type.
    WrongType(String),
    /// These keys are missing or empty.
    KeysMissing(Vec<&'static str>),
    /// It could not be read this time.
    Unreadable(String),
}

/// What came of connecting to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelaySeen {
    /// Nothing yet: it is being tried, or cannot be for want of credentials.
    NotTried,
    /// It would take mail.
    Works,
    /// It would not.
    Fails(RelayFault),
}

/// Why a relay would not take mail; with what it said, where it said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFault {
    /// Its name has no address.
    NotFound(String),
    /// It is where only this cluster or this machine can reach it: at this address.
    Private(String),
    /// A password would go over the network as it is.
    ClearPassword,
    /// No connection can be made.
    Refused(String),
    /// It does not answer in time.
    TimedOut(String),
    /// The connection cannot be encrypted, or the certificate is not the relay's.
    Tls(String),
    /// It does not take the username and password.
    Login(String),
    /// It answers, but not as one that takes mail.
    Rejected(String),
}

impl fmt::Display for RelayFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(why) => write!(f, "its name is not found ({why}). Correct spec.host."),
            Self::Private(address) => write!(
                f,
                "its address {address} is not one of the Internet. Correct spec.host, or have the operator run with --allow-private-relays."
            ),
            Self::ClearPassword => f.write_str(
                "its credentials would be sent without encryption. Set spec.tls to StartTLS or Implicit.",
            ),
            Self::Refused(why) => write!(
                f,
                "no connection can be made ({why}). Is the relay running, and spec.port right?"
            ),
            Self::TimedOut(why) => write!(
                f,
                "it does not answer ({why}). Is spec.port right, spec.tls what that port expects, and no firewall in between?"
            ),
            Self::Tls(why) => write!(
                f,
                "the connection cannot be encrypted ({why}). Is spec.tls what the port expects, and the certificate one for spec.host?"
            ),
            Self::Login(why) => write!(
                f,
                "it does not take the credentials ({why}). Correct the Secret."
            ),
            Self::Rejected(why) => write!(f, "it does not take mail from here ({why})."),
        }
    }
}
