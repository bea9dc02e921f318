//! What was observed for one DeletionRequest, and what of requests matters to the customer they are about.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Children, Departure, NamespaceSeen};
use crate::api::{Customer, DeletionMode, DeletionPhase, DeletionRequest, DeletionStep, meta};
use crate::domain::lineage::Place;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person wrote it.
    Person,
    /// The operator filed it for `spec.deletion.requested` of the Customer.
    Spec,
    /// The operator filed it because the Customer object was deleted.
    Deleted,
    /// The operator filed it for a form in the tenant namespace.
    Form,
}

impl Source {
    /// As it stands in the annotation.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Person => None,
            Self::Spec => Some(meta::SOURCE_SPEC),
            Self::Deleted => Some(meta::SOURCE_DELETED),
            Self::Form => Some(meta::SOURCE_FORM),
        }
    }

    /// Of this request.
    pub fn of(request: &DeletionRequest) -> Self {
        match request
            .annotations()
            .get(meta::ANNOTATION_SOURCE)
            .map(String::as_str)
        {
            Some(meta::SOURCE_SPEC) => Self::Spec,
            Some(meta::SOURCE_DELETED) => Self::Deleted,
            Some(meta::SOURCE_FORM) => Self::Form,
            _ => Self::Person,
        }
    }

    /// Whether a tool may have asked for it, or for many at once, without a person who meant each one.
    pub const fn is_automatic(self) -> bool {
        matches!(self, Self::Spec | Self::Deleted)
    }
}

/// A request beside a customer, as far as the customer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Where it comes from.
    pub source: Source,
    /// UID of the customer it is about; none as long as nobody knows.
    pub customer_uid: Option<String>,
    /// How far it has come; none before it was looked at.
    pub phase: Option<DeletionPhase>,
    /// Who asked.
    pub requested_by: Option<String>,
    /// When its grace is over.
    pub finalize_at: Option<Timestamp>,
    /// Whether it waits for a person's word.
    pub held: bool,
    /// Whether `spec.deletion.requested`, for which it was filed, has been removed since.
    pub withdrawn: bool,
    /// Whether it carries what the customer is made again from.
    pub has_snapshot: bool,
}

impl RequestSeen {
    /// What is to be known of this request.
    pub fn of(request: &DeletionRequest) -> Self {
        let status = request.status.as_ref();
        let source = Source::of(request);
        // Only what the operator filed says itself whom it is about.
        let filed = (source != Source::Person)
            .then(|| request.labels().get(meta::LABEL_CUSTOMER_UID).cloned())
            .flatten();
        Self {
            name: request.name_any(),
            uid: request.uid().unwrap_or_default(),
            source,
            customer_uid: status
                .and_then(|status| status.customer_uid.clone())
                .or(filed),
            phase: status.and_then(|status| status.phase),
            requested_by: status.and_then(|status| status.requested_by.clone()),
            finalize_at: status
                .and_then(|status| status.finalize_at.as_ref())
                .map(|time| time.0),
            held: is_held(request),
            withdrawn: did(request, DeletionStep::Withdrawn),
            has_snapshot: request
                .annotations()
                .contains_key(meta::ANNOTATION_CUSTOMER_SNAPSHOT),
        }
    }

    /// Whether it is under way, or will be once it was looked at.
    pub fn is_open(&self) -> bool {
        match self.phase {
            None | Some(DeletionPhase::Pending | DeletionPhase::Purging) => true,
            Some(DeletionPhase::Cancelled | DeletionPhase::Completed) => false,
        }
    }
}

/// Whether a step is in the request's history.
pub fn did(request: &DeletionRequest, what: DeletionStep) -> bool {
    let history = request.status.as_ref().map(|status| &status.history);
    history.is_some_and(|history| history.iter().any(|event| event.what == what))
}

/// Whether a breaker holds it, and nobody has confirmed it.
pub fn is_held(request: &DeletionRequest) -> bool {
    did(request, DeletionStep::Held) && !is_confirmed(request)
}

/// Whether a person has said that it is meant.
pub fn is_confirmed(request: &DeletionRequest) -> bool {
    let confirmed = request.annotations().get(meta::ANNOTATION_CONFIRM_DELETE);
    confirmed == Some(&request.name_any()) || is_immediate(request)
}

/// Whether somebody who may has asked for no grace at all. Admission stamps who that was; without the stamp the word does not count.
pub fn is_immediate(request: &DeletionRequest) -> bool {
    request.spec.mode == DeletionMode::Now
        && request
            .annotations()
            .contains_key(meta::ANNOTATION_PURGED_BY)
}

/// The form that a request was filed for.
#[derive(Clone, Debug)]
pub enum FormSeen {
    /// It was filed for none.
    None,
    /// It is there.
    There(Arc<DeletionRequest>),
    /// It is gone, though its namespace is there.
    Gone,
    /// It went with its namespace, or is going with it.
    SweptAlong,
}

/// How many tenants are being purged, and were lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgesSeen {
    /// Under way, those not counted that are stuck.
    pub under_way: usize,
    /// Begun lately, those under way among them.
    pub lately: usize,
    /// How many may be begun in that time without a person's word.
    pub limit: usize,
}

/// Everything about one request.
#[derive(Clone, Debug)]
pub struct RequestObserved {
    /// The object.
    pub request: Arc<DeletionRequest>,
    /// The namespace it is in.
    pub place: Place,
    /// That namespace, if it is a tenant's: then the request is a form.
    pub form_in: Option<NamespaceSeen>,
    /// Form: the request that was filed for it.
    pub filed: Option<Arc<DeletionRequest>>,
    /// The customer it names.
    pub customer: Option<Arc<Customer>>,
    /// Whether that customer is there and cannot be read.
    pub customer_unreadable: bool,
    /// The tenant namespace of that customer's name.
    pub tenant: Option<NamespaceSeen>,
    /// Our objects in it.
    pub children: Children,
    /// The form it was filed for.
    pub form: FormSeen,
    /// An older request about the same customer that is under way.
    pub rival: Option<String>,
    /// Whether it was taken back, and so many later ones about the same customer were too that it need not be kept.
    pub superseded: bool,
    /// Whether it came in a crowd of deletions.
    pub crowded: bool,
    /// Purges of other requests.
    pub purges: PurgesSeen,
    /// Whether the local clock and the API server's agree.
    pub clock_agrees: bool,
    /// Set while the object has a deletion timestamp.
    pub departure: Option<Departure>,
}
