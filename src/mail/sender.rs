//! What is kept of a customer, a partner and a route, and what of it says whether mail is taken.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kube::ResourceExt;

use crate::api::{
    self, Access, ConditionType, CustomerStatus, RouteTls, SendLimits, SendUsed, SharedSendLimits,
    meta,
};
use crate::domain::limits::zone;
use crate::domain::names::{partner_namespace, tenant_of};
use crate::observe::tolerant::Tolerant;

/// A customer, as far as mail is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// Its login, which is the name of its tenant namespace.
    pub login: Arc<str>,
    /// The namespace of the Customer.
    pub namespace: Box<str>,
    /// The name of the Customer.
    pub name: Box<str>,
    /// The UID of the Customer.
    pub uid: Box<str>,
    /// Limits in force.
    pub limits: SendLimits,
    /// Names of partners from the top down.
    pub path: Box<[Box<str>]>,
    /// Names of routes in force, in order of preference.
    pub routes: Box<[Box<str>]>,
    /// When the password in force was made; none: it has no login.
    pub issued_at: Option<Timestamp>,
    /// What its status says of what was sent.
    pub told: Told,
    going: bool,
    /// Whether the operator has placed it where it says it is.
    placed: bool,
    active: bool,
    on_hold: bool,
    access: Option<Access>,
    trial_ends_at: Option<Timestamp>,
}

/// What a customer's status says of what was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Recipients in the present windows.
    pub used: Option<SendUsed>,
    /// Since when a limit is near.
    pub near: Option<Timestamp>,
    /// Since when a limit is reached.
    pub limited: Option<Timestamp>,
}

/// Why somebody may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has this login.
    Unknown,
    /// The customer is being deleted.
    Going,
    /// It is not activated.
    NotActivated,
    /// It is on hold.
    OnHold,
    /// Its trial is over.
    TrialOver,
    /// Its access is not open, for a reason that only the operator knows.
    Closed,
    /// A partner on its path is not known.
    PartnerUnknown,
}

impl Refusal {
    /// For the person who sent the message.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "this login belongs to no customer",
            Self::Going => "the customer is being deleted",
            Self::NotActivated => "the customer is not activated",
            Self::OnHold => "the customer is on hold",
            Self::TrialOver => "the trial is over",
            Self::Closed => "the customer's access is not open",
            Self::PartnerUnknown => "the customer's partner is not known",
        }
    }
}

impl Sender {
    /// What is kept of a Customer; none of one that cannot be read.
    pub fn read(customer: &Tolerant<api::Customer>) -> Option<Self> {
        let customer = customer.object().ok()?;
        let namespace = customer.namespace()?;
        let login = tenant_of(&namespace, &customer.name_any())?;
        let nothing = CustomerStatus::default();
        let status = customer.status.as_ref().unwrap_or(&nothing);
        let sending = status.sending.clone().unwrap_or_default();
        let since = |kind: ConditionType| {
            let mut all = status.conditions.iter();
            let found = all.find(|it| it.type_ == kind.as_str() && it.status == "True")?;
            Some(found.last_transition_time.0)
        };
        let own_login = sending.login.filter(|own| own.username == login);
        Some(Self {
            namespace: namespace.as_str().into(),
            name: customer.name_any().into(),
            uid: customer.uid()?.into(),
            limits: sending.limits.unwrap_or_default(),
            path: status
                .path
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            routes: status
                .postal_routes
                .iter()
                .map(|id| id.as_str().into())
                .collect(),
            issued_at: own_login.and_then(|own| Some(own.issued_at?.0)),
            told: Told {
                used: sending.used,
                near: since(ConditionType::SendLimitNear),
                limited: since(ConditionType::SendLimited),
            },
            going: customer.metadata.deletion_timestamp.is_some(),
            placed: status.namespace.as_deref() == Some(login.as_str())
                && status
                    .path
                    .last()
                    .map(|name| partner_namespace(name))
                    .as_ref()
                    == Some(&namespace),
            active: customer.spec.active != Some(false),
            on_hold: customer.spec.on_hold == Some(true),
            access: status.access,
            trial_ends_at: status.trial_ends_at.as_ref().map(|end| end.0),
            login: login.into(),
        })
    }

    /// Whether it may send at this moment, limits apart.
    ///
    /// # Errors
    /// Why not.
    pub fn may_send(&self, now: Timestamp) -> Result<(), Refusal> {
        match () {
            () if self.going => Err(Refusal::Going),
            () if !self.active => Err(Refusal::NotActivated),
            () if self.on_hold => Err(Refusal::OnHold),
            () if self.trial_ends_at.is_some_and(|end| end <= now) => Err(Refusal::TrialOver),
            () if self.access != Some(Access::Open) || !self.placed => Err(Refusal::Closed),
            () => Ok(()),
        }
    }

    /// Where the partners on its path are, as `namespace/name`.
    pub fn partner_places(&self) -> impl Iterator<Item = String> {
        let above = std::iter::once(None).chain(self.path.iter().map(Some));
        above.zip(&self.path).map(|(above, name)| match above {
            None => format!("{}/{name}", meta::PARTNERS_NAMESPACE),
            Some(above) => format!("{}/{name}", partner_namespace(above)),
        })
    }
}

/// A partner, as far as mail is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Partner {
    /// What it is counted under.
    pub account: Arc<str>,
    /// What all its customers share.
    pub limits: Option<SharedSendLimits>,
    /// Its time zone, if it has one of its own that is known.
    pub zone: Option<TimeZone>,
    namespace: Box<str>,
}

impl Partner {
    /// What is kept of a Partner; none of one that cannot be read.
    pub fn read(partner: &Tolerant<api::Partner>) -> Option<Self> {
        let partner = partner.object().ok()?;
        let name = partner.name_any();
        Some(Self {
            account: format!("partner/{}/{name}", partner.namespace()?).into(),
            limits: partner.spec.send_limits,
            zone: partner.spec.time_zone.as_deref().and_then(zone),
            namespace: partner_namespace(&name).into(),
        })
    }

    /// The namespace that it owns.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// A mail route.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `namespace/name`.
    pub id: Arc<str>,
    /// What it is counted under.
    pub account: Arc<str>,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The relay.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: RouteTls,
    /// The Secret with its credentials.
    pub secret: Option<Box<str>>,
    /// What all its customers share.
    pub limits: Option<SharedSendLimits>,
    /// Whether customers of partners below may use it.
    pub inheritable: bool,
    /// Whether mail can go that way.
    pub ready: bool,
    /// When it was made.
    pub made: Option<Timestamp>,
}

impl Route {
    /// What is kept of a PostalRoute; none of one that cannot be read.
    pub fn read(route: &Tolerant<api::PostalRoute>) -> Option<Self> {
        let route = route.object().ok()?;
        let (namespace, name) = (route.namespace()?, route.name_any());
        let conditions = route
            .status
            .as_ref()
            .map(|status| status.conditions.as_slice());
        let spec = &route.spec;
        let secret = spec.credentials_secret.as_ref();
        Some(Self {
            id: format!("{namespace}/{name}").into(),
            account: format!("route/{namespace}/{name}").into(),
            host: spec.host.as_str().into(),
            port: u16::try_from(spec.port).ok()?,
            tls: spec.tls,
            secret: secret.map(|secret| secret.name.as_str().into()),
            limits: spec.send_limits,
            inheritable: spec.inheritable,
            ready: route.metadata.deletion_timestamp.is_none()
                && api::holds(conditions.unwrap_or_default(), ConditionType::Ready),
            made: route
                .metadata
                .creation_timestamp
                .as_ref()
                .map(|made| made.0),
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    /// Its address, if its host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// What Postfix connects to, and knows credentials by: a name of the route's own, because resellers often share a relay and
    /// have credentials of their own there. An address has no second name.
    pub fn next_hop(&self) -> String {
        let (name, namespace, port) = (&self.name, &self.namespace, self.port);
        match self.address() {
            Some(address) => format!("[{address}]:{port}"),
            None => format!("[{name}.{namespace}.svc]:{port}"),
        }
    }

    /// The service in Postfix's master.cf that speaks to it.
    pub const fn transport(&self) -> &'static str {
        match self.tls {
            RouteTls::None | RouteTls::StartTls => "smtp",
            RouteTls::Implicit => "smtps",
        }
    }
}
