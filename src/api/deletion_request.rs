//! `DeletionRequest`: the wish to delete a customer, which can be taken back until its time has come.
//!
//! A Kubernetes deletion cannot be undone, so what waits, and is cancelled or completed, is an object of its own; every
//! deletion of a customer has one. It lives beside its Customer and names it, and stays there as history. In a tenant
//! namespace, where the customer is implied, it is a form that its admin fills in, and counts through a request beside the
//! Customer that is made from it. What a Customer itself says of its deletion stands here too.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::shape;

/// The wish to delete a customer.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "clientele.dev",
    version = "v1alpha1",
    kind = "DeletionRequest",
    namespaced,
    status = "DeletionRequestStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A DeletionRequest asks for a customer to be deleted once a grace period is over, and can be cancelled until then. It lives beside its Customer and names it, or in the tenant namespace, where the customer is implied.",
    shortname = "delreq",
    category = "clientele",
    selectable = ".spec.customer",
    selectable = ".spec.mode",
    selectable = ".status.phase",
    printcolumn(name = "Customer", type_ = "string", json_path = ".spec.customer"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Finalize At",
        type_ = "string",
        json_path = ".status.finalizeAt"
    ),
    printcolumn(
        name = "Requested By",
        type_ = "string",
        json_path = ".status.requestedBy"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", priority = 1),
    printcolumn(
        name = "Blocked By",
        type_ = "string",
        json_path = ".status.blockedBy",
        priority = 1
    ),
    validation = shape::object_named("deletion request", 63)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = shape::kept_as_filed("customer"),
    validation = shape::kept_as_filed("reason"),
    validation = shape::kept_as_filed("gracePeriod"),
    validation = Rule::new("self.mode == oldSelf.mode || self.mode == 'Now'")
        .message("mode Now cannot be taken back; to keep the customer set cancel: {note: …} while the request is Pending")
        .field_path(".mode"),
    validation = Rule::new("!has(oldSelf.cancel) || has(self.cancel) && self.cancel == oldSelf.cancel")
        .message("a cancelled request stays cancelled, with its note; to delete the customer after all file another request")
        .field_path(".cancel"),
    validation = Rule::new("!has(self.cancel) || self.mode != 'Now' || oldSelf.hasValue() && oldSelf.value().mode == 'Now'")
        .message("give either mode Now or cancel: a request that is cancelled deletes nothing")
        .field_path(".mode")
        .optional_old_self(true)
)]
pub struct DeletionRequestSpec {
    /// Name of the Customer in the same namespace. Absent in a tenant namespace, whose customer is meant. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::customer_name")]
    pub customer: Option<String>,
    /// Why, on one line of at most 512 characters; kept in the history. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::reason")]
    pub reason: Option<String>,
    /// `AfterGrace`: when the grace period is over. `Now`: at once, which needs the verb `purge` on deletionrequests; may be set
    /// while the request is Pending.
    #[serde(default)]
    pub mode: DeletionMode,
    /// How long it can be taken back: a duration such as `10d`. Absent: the customer's, else the partner's, else `10d`. Shorter
    /// than the partner's only if the writer has the verb `purge`. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::positive_duration")]
    pub grace_period: Option<String>,
    /// Set while the request is Pending, it takes it back: the customer stays and gets its access again. Final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancellation>,
}

/// When a customer is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionMode {
    /// When the grace period is over.
    #[default]
    AfterGrace,
    /// At once.
    Now,
}

/// How a request was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// Why, in 1 to 512 characters; kept in the history.
    #[schemars(schema_with = "shape::note")]
    pub note: String,
}

/// What the operator last saw and made of the request. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionRequestStatus {
    /// Generation of the object this status speaks of; -1 until the operator has seen it.
    #[serde(default)]
    pub observed_generation: i64,
    /// How far the request is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<DeletionPhase>,
    /// UID of the customer that is meant; the request never acts on another.
    #[serde(
        default,
        rename = "customerUID",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "shape::status_word")]
    pub customer_uid: Option<String>,
    /// The tenant namespace that goes with the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub namespace: Option<String>,
    /// Who asked for it, as stamped at admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub requested_by: Option<String>,
    /// The grace period, fixed when the request was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_word")]
    pub grace_period: Option<String>,
    /// When the grace period is over (RFC 3339, UTC); nothing is destroyed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub finalize_at: Option<Time>,
    /// What still holds the tenant namespace while it is going: finalizers and kinds of objects; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::status_references")]
    pub blocked_by: Vec<String>,
    /// What has happened, oldest first; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_HISTORY), extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<DeletionEvent>,
    /// Ready, and while true Reconciling or Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::few_conditions")]
    pub conditions: Vec<Condition>,
}

/// Most events in the history of a request.
pub const MAX_HISTORY: usize = 8;

/// How far a request is: `Pending` (it waits, and can be cancelled), `Cancelled`, `Purging` (the tenant namespace is going) or
/// `Completed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPhase {
    /// It waits, and can be cancelled.
    #[default]
    Pending,
    /// It was taken back; nothing is lost.
    Cancelled,
    /// The tenant namespace is going, with everything in it.
    Purging,
    /// The customer is gone.
    Completed,
}

/// Something that happened to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionEvent {
    /// When (RFC 3339, UTC).
    #[schemars(schema_with = "shape::time")]
    pub at: Time,
    /// Who did it. Absent: the operator, or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_name")]
    pub by: Option<String>,
    /// What happened.
    pub what: DeletionStep,
    /// What was said to it; at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::status_note")]
    pub note: Option<String>,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionStep {
    /// It was filed.
    Requested,
    /// So many customers were deleted at a time that a person has to confirm it.
    Held,
    /// A person confirmed it.
    Confirmed,
    /// It was cancelled, or deleted while it was Pending.
    Cancelled,
    /// `spec.deletion.requested` was removed from the Customer.
    Withdrawn,
    /// The tenant namespace began to go.
    Purging,
    /// The customer was gone.
    Completed,
}

impl DeletionPhase {
    /// Every phase.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Cancelled,
        Self::Purging,
        Self::Completed,
    ];

    /// The name as it stands in status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Cancelled => "Cancelled",
            Self::Purging => "Purging",
            Self::Completed => "Completed",
        }
    }
}

/// What a Customer says of its own deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.requested) || !self.protected")
    .message("a protected customer is not deleted: set protected to false first, or remove requested")
    .field_path(".requested"))]
pub struct CustomerDeletion {
    /// How long a deletion of this customer can be taken back: a duration such as `10d`. Absent: the partner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::positive_duration")]
    pub grace_period: Option<String>,
    /// Whether the customer is kept from deletion: true refuses to delete the object, and requests.
    #[serde(default)]
    pub protected: bool,
    /// Set, it asks for the customer to be deleted; removed while that is Pending, it takes it back. Removed after completion,
    /// the customer begins anew with an empty tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<RequestedDeletion>,
}

/// A deletion asked for in the Customer itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedDeletion {
    /// Why, on one line of 1 to 512 characters; kept in the history of the request.
    #[schemars(schema_with = "shape::reason")]
    pub reason: String,
}

/// The request that stands for a customer's deletion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionStanding {
    /// Name of the DeletionRequest beside the Customer.
    #[schemars(schema_with = "shape::status_word")]
    pub request: String,
    /// When its grace period is over (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::time")]
    pub finalize_at: Option<Time>,
}
