//! Condition types and reasons, each spelled once.
//!
//! Both are API: tools wait for types and people search for reasons, so a name given here stays. Messages
//! are prose and may change. When a condition holds is decided where plans are made, not here.

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use std::fmt;

/// Declares an enum of CamelCase names whose text is the variant's own name.
macro_rules! names {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$inner])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value of this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }

            /// The name as it stands in a condition.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// The type of a condition.
    ConditionType {
        /// The cluster is as spec, partner path and clock demand.
        Ready,
        /// Something is being made so. Present only while true.
        Reconciling,
        /// Nothing more happens until somebody changes something; reason and message say what. Present only while true.
        Stalled,
        /// The object is in a right place and what it names exists.
        Accepted,
        /// The tenant's people get in.
        AccessOpen,
        /// The tenant namespace exists with everything in it.
        NamespaceReady,
        /// The customer has at least one usable mail route, or needs none.
        RoutesReady,
        /// The customer's services are as they should be, and its objects are as they should be themselves.
        ServicesReady,
        /// The plan in force is no longer offered to the customer, and stays. Present only while true.
        PlanWithdrawn,
        /// The trial ends soon. Present only while true.
        TrialEnding,
        /// The deletion is asked for and can be taken back. Present only while true.
        DeletionPending,
        /// The list may be sent to.
        Approved,
        /// Four fifths of a limit on mail are used, and no limit is reached. Present only while true; written by `clientele mail`.
        SendLimitNear,
        /// A limit on mail is reached, and mail waits. Present only while true; written by `clientele mail`.
        SendLimited,
    }
}

names! {
    /// Why a condition is as it is.
    Reason {
        /// Accepted, and nothing is wrong.
        Accepted,
        /// All is as it should be.
        Settled,
        /// Being made so.
        Progressing,
        /// The annotation `clientele.dev/paused` holds it as it is.
        Paused,
        /// An object cannot be decoded and is left alone.
        Unreadable,
        /// What was wrong is no longer.
        Recovered,
        /// The API server refused or failed; tried again by itself.
        ApplyFailed,
        /// The spec cannot be made true as it stands.
        InvalidSpec,
        /// The object is in a namespace that is no partner's.
        NotAPartnerNamespace,
        /// The partner would be further down than partners can be.
        TooDeep,
        /// Another partner has this name.
        NameTaken,
        /// A namespace of the needed name exists and is not ours.
        NamespaceConflict,
        /// The namespace is being deleted.
        NamespaceTerminating,
        /// A retained tenant of another customer has this name.
        TenantRetained,
        /// Another customer of the same provider has this number.
        NumberTaken,
        /// The domain equals, contains or is part of an older customer's.
        DomainConflict,
        /// The plan does not exist.
        PlanNotFound,
        /// The partner path does not offer the plan.
        PlanNotOffered,
        /// Neither the customer nor the partner says which currency is billed.
        CurrencyMissing,
        /// The partner is not known or not in order.
        PartnerNotReady,
        /// The ClusterRole for the tenant's admins does not exist, or the operator may not bind it.
        AdminRoleNotBound,
        /// No route is asked for.
        NoRoutes,
        /// A route of that name is not usable here.
        RouteNotFound,
        /// A route in force is no longer inheritable, and stays.
        RouteWithdrawn,
        /// None of the routes asked for is usable.
        NoUsableRoute,
        /// The credentials Secret does not exist.
        SecretNotFound,
        /// The credentials Secret has another type than `clientele.dev/relay`.
        SecretWrongType,
        /// The credentials Secret lacks `username` or `password`.
        SecretKeysMissing,
        /// An older route leads to the same address and port.
        AddressShared,
        /// A Service that is not the operator's has the name of the route's next hop.
        NextHopTaken,
        /// The relay was tried and takes mail.
        RelayWorks,
        /// The relay's name has no address.
        RelayNotFound,
        /// The relay's address is one that routes may not lead to.
        RelayAddressRefused,
        /// The relay's credentials would be sent without encryption.
        RelayWithoutEncryption,
        /// No connection to the relay can be made.
        RelayRefused,
        /// The relay does not answer in time.
        RelayTimedOut,
        /// The connection to the relay cannot be encrypted, or its certificate is not right.
        RelayTLSFailed,
        /// The relay does not take the username and password.
        RelayLoginFailed,
        /// The relay answers, but not as one that takes mail.
        RelayRejected,
        /// No service is asked for.
        NoServices,
        /// The partner path does not offer a service that is asked for.
        ServiceNotOffered,
        /// There is no offering of a service that is asked for.
        ServiceNotFound,
        /// The partner path no longer offers a service that was in use.
        ServiceWithdrawn,
        /// A service is in use.
        ServiceActivated,
        /// A service is stopped until it is asked for again.
        ServicePaused,
        /// A service is stopped, because its trial is over.
        ServiceTrialEnded,
        /// A service that was in use is no longer asked for.
        ServiceRemoved,
        /// The objects of a service that was withdrawn or removed are deleted.
        ServicePruned,
        /// A service waits for one that it requires.
        ServiceWaiting,
        /// The offering of a service is not in order.
        OfferingNotReady,
        /// The parameters of a service do not fit its schema.
        ServiceParametersInvalid,
        /// An expression of an offering has no value for this customer.
        ServiceNotRendered,
        /// An object of a service's is in the way of another one's.
        ServiceConflict,
        /// The API server refuses an object of a service.
        ServiceRefused,
        /// An object of a service says that it cannot become what it should be.
        ServiceUnhealthy,
        /// Offerings require each other.
        RequiresCycle,
        /// An offering requires one that does not exist.
        RequirementNotFound,
        /// The cluster has no such kind, or not in namespaces.
        KindNotFound,
        /// The operator has no right to a kind.
        RightsMissing,
        /// Open: active and not on hold.
        Active,
        /// Locked: `active` is false.
        NotActivated,
        /// Locked: `onHold` is true.
        OnHold,
        /// Stopped or locked: the trial is over.
        TrialEnded,
        /// Stopped: the deletion is asked for and can be taken back.
        DeletionPending,
        /// The trial ends soon.
        TrialEnding,
        /// So many deletions came at a time that a person has to confirm this one.
        DeletionHeld,
        /// The deletion was taken back.
        Cancelled,
        /// The tenant namespace is going, with everything in it.
        Purging,
        /// The deletion is done.
        Deleted,
        /// The operator's clock and the API server's disagree, so nothing is destroyed.
        ClockSkew,
        /// The customer is not there.
        CustomerNotFound,
        /// The customer named is another one than the namespace's.
        CustomerMismatch,
        /// The user is not bound, because the customer's access is not open.
        AccessClosed,
        /// The user is switched off.
        Disabled,
        /// An older user of the same customer has this e-mail.
        EmailTaken,
        /// The plan's `maxUsers` is reached.
        TooManyUsers,
        /// There is no time zone of that name.
        TimeZoneUnknown,
        /// The list is approved.
        Approved,
        /// The list waits until the partner's staff have approved it.
        Pending,
        /// The object is in a namespace that is no customer's tenant.
        NotATenantNamespace,
        /// Where the list is to be read, there is nothing.
        ContentsNotFound,
        /// Where the list is to be read, there is another one.
        DigestMismatch,
        /// The list has more or fewer entries than it says.
        EntriesMismatch,
        /// Entries of the list are no mail addresses.
        ListInvalid,
        /// Four fifths of a limit on mail are used.
        LimitNear,
        /// A limit on mail is reached.
        LimitReached,
    }
}

/// Whether a condition of this type is there and true.
pub fn holds(conditions: &[Condition], kind: ConditionType) -> bool {
    let mut all = conditions.iter();
    all.any(|condition| condition.type_ == kind.as_str() && condition.status == "True")
}
