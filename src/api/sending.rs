//! How much may be sent, and how much was: the parts of several kinds that speak of mail.
//!
//! What a window is and when a limit is reached is decided in `domain::limits`; `clientele mail` counts.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape;

/// How many recipients may be written to. Each limit counts for a calendar window of its own, all of them hold; absent: no such
/// limit; 0: nothing may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendLimits {
    /// Recipients in a calendar hour, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub hourly: Option<i64>,
    /// Recipients in a calendar day, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub daily: Option<i64>,
    /// Recipients in a calendar month, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub monthly: Option<i64>,
    /// Recipients of one message, 0 to 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub recipients_per_message: Option<i64>,
}

/// How many recipients all customers together may write to. Each limit counts for a calendar window of its own, all of them hold;
/// absent: no such limit; 0: nothing may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharedSendLimits {
    /// Recipients in a calendar hour, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub hourly: Option<i64>,
    /// Recipients in a calendar day, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub daily: Option<i64>,
    /// Recipients in a calendar month, 0 to 1000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub monthly: Option<i64>,
}

/// How a customer sends mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerSending {
    /// Limits of its own, beside the plan's: of each the smaller one holds. Absent: none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<SendLimits>,
    /// In which order the customer's software is to work off the sends that wait: `FIFO` (the one that was asked for first is sent to its
    /// end, then the next), `LIFO` (the one that was asked for last goes first; those before it go on when it is done) or `RoundRobin` (all
    /// take turns, so that a large one does not hold up small ones). It is passed on in the ConfigMap `customer`. Absent: as the software
    /// does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funnel_order: Option<FunnelOrder>,
    /// Whether each ContactList of the customer waits until the partner's staff have approved it. `false`: it is approved at once.
    /// Absent: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_lists: Option<bool>,
}

impl CustomerSending {
    /// Whether lists wait for approval.
    pub fn validates_lists(&self) -> bool {
        self.validate_lists.unwrap_or(true)
    }
}

/// In which order the sends that wait are worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FunnelOrder {
    /// What was asked for first is sent to its end, then the next.
    #[serde(rename = "FIFO")]
    Fifo,
    /// What was asked for last goes first.
    #[serde(rename = "LIFO")]
    Lifo,
    /// All take turns.
    RoundRobin,
}

impl FunnelOrder {
    /// The name as users write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fifo => "FIFO",
            Self::Lifo => "LIFO",
            Self::RoundRobin => "RoundRobin",
        }
    }
}

/// What a customer may send, and has sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendingStatus {
    /// Limits in force: of plan and customer the smaller one each. Those of routes and partners hold beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<SendLimits>,
    /// Recipients written to in the present windows. Written by `clientele mail`, not by the operator, and now and then only; its
    /// metrics and `GET /v1/usage` are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<SendUsed>,
    /// Whether mail is taken at all: access is open, and there is a route. Limits apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    /// The SMTP login in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<SmtpLogin>,
}

/// Recipients written to in the present windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendUsed {
    /// In the present calendar hour.
    #[serde(default)]
    pub hourly: i64,
    /// In the present calendar day.
    #[serde(default)]
    pub daily: i64,
    /// In the present calendar month.
    #[serde(default)]
    pub monthly: i64,
}

/// An SMTP login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmtpLogin {
    /// User name: that of the tenant namespace.
    #[schemars(schema_with = "shape::status_word")]
    pub username: String,
    /// When its password was made (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub issued_at: Option<Time>,
}
