//! The deletion of a customer, as its own object sees it: asked for, under way, or done.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::api::{
    Access, ConditionType, CustomerStatus, DeletionPhase, DeletionStanding, Phase, Reason, meta,
};
use crate::plan::deletion::{closing, filed};
use crate::plan::observed::deletion::{RequestSeen, Source};
use crate::plan::observed::{CustomerObserved, Departure};
use crate::plan::status::second;
use crate::plan::step::Step;
use crate::plan::{Draft, Plan, Stages, Subject, Verdict};

/// Where the deletion of the customer stands.
#[derive(Clone, Copy, Debug)]
pub enum Leaving<'a> {
    /// Nobody wants it.
    No,
    /// The spec asks for it, and the request is still to be filed or looked at.
    Asked,
    /// It was asked for, and the request is gone with its CRD or namespace: nobody has taken it back.
    SweptAlong,
    /// It is asked for, and waits for a person to confirm it.
    Held(&'a RequestSeen),
    /// It is asked for and can be taken back.
    Pending(&'a RequestSeen),
    /// The tenant is being destroyed.
    Purging(&'a RequestSeen),
    /// The tenant is gone for good.
    Done(&'a RequestSeen),
}

impl<'a> Leaving<'a> {
    /// As the requests about this very customer say.
    pub fn of(observed: &'a CustomerObserved) -> Self {
        let find = |phase: DeletionPhase, wanted: fn(&RequestSeen) -> bool| {
            own(observed).find(|request| request.phase == Some(phase) && wanted(request))
        };
        if let Some(request) = find(DeletionPhase::Purging, |_| true) {
            return Self::Purging(request);
        }
        if let Some(request) = find(DeletionPhase::Completed, |request| !request.withdrawn) {
            return Self::Done(request);
        }
        match find(DeletionPhase::Pending, |_| true) {
            Some(request) if request.held => Self::Held(request),
            Some(request) => Self::Pending(request),
            None if observed.request_swept_along => Self::SweptAlong,
            None if is_asked(observed) => Self::Asked,
            None => Self::No,
        }
    }

    /// Whether the customer is on its way out.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Asked | Self::SweptAlong) || self.request().is_some()
    }

    /// Whether the tenant is stopped for it.
    pub const fn stops(self) -> bool {
        matches!(
            self,
            Self::Asked | Self::SweptAlong | Self::Pending(_) | Self::Purging(_)
        )
    }

    /// The request that is under way.
    pub const fn request(self) -> Option<&'a RequestSeen> {
        match self {
            Self::No | Self::Asked | Self::SweptAlong | Self::Done(_) => None,
            Self::Held(request) | Self::Pending(request) | Self::Purging(request) => Some(request),
        }
    }

    /// Name of the request on which the deletion of the tenant hangs, there or not.
    pub fn hangs_on(self, observed: &'a CustomerObserved) -> Option<&'a str> {
        if let Self::SweptAlong = self {
            let tenant = observed.tenant.as_ref();
            return tenant.map(|tenant| tenant.annotation(meta::ANNOTATION_DELETION_REQUEST));
        }
        self.request().map(|request| request.name.as_str())
    }

    /// Who asked for it in the tenant itself, and may therefore take it back there.
    pub fn requester(self) -> Option<&'a str> {
        let request = self
            .request()
            .filter(|request| request.source == Source::Form)?;
        let requester = request.requested_by.as_deref()?;
        // ServiceAccounts and the like are not people; nothing is bound to them.
        (!requester.starts_with("system:")).then_some(requester)
    }

    /// What the status says of it.
    pub fn standing(self) -> Option<DeletionStanding> {
        let request = match self {
            Self::Done(request) => request,
            _ => self.request()?,
        };
        Some(DeletionStanding {
            request: request.name.clone(),
            finalize_at: request.finalize_at.map(|at| Time(second(at))),
        })
    }

    /// The condition that it is asked for.
    pub fn condition(self) -> Option<(ConditionType, bool, Reason, String)> {
        let request = self.request()?;
        let name = &request.name;
        let (reason, message) = match self {
            Self::Held(_) => (
                Reason::DeletionHeld,
                format!("DeletionRequest {name} waits for a person to confirm it; see its status."),
            ),
            Self::Purging(_) => (
                Reason::Purging,
                format!("DeletionRequest {name}: the tenant is being deleted."),
            ),
            _ => {
                let at = request.finalize_at.map(|at| second(at).to_string());
                let way = match request.source {
                    Source::Spec => "remove spec.deletion.requested",
                    Source::Person | Source::Deleted | Source::Form => "set its spec.cancel.note",
                };
                let message = format!(
                    "DeletionRequest {name}: everything is deleted at {}. To take it back, {way}.",
                    at.unwrap_or_default()
                );
                (Reason::DeletionPending, message)
            }
        };
        Some((ConditionType::DeletionPending, true, reason, message))
    }
}

fn own(observed: &CustomerObserved) -> impl Iterator<Item = &RequestSeen> {
    let uid = observed.customer.uid();
    observed
        .requests
        .iter()
        .filter(move |request| uid.is_some() && request.customer_uid == uid)
}

/// Whether the spec asks for it and nobody has taken that back.
fn is_asked(observed: &CustomerObserved) -> bool {
    let deletion = observed.customer.spec.deletion.as_ref();
    let asked = deletion.is_some_and(|deletion| deletion.requested.is_some());
    asked && filed_for_wish(observed).all(RequestSeen::is_open)
}

/// What was filed for the wish in the spec, and not withdrawn since.
fn filed_for_wish(observed: &CustomerObserved) -> impl Iterator<Item = &RequestSeen> {
    own(observed).filter(|request| request.source == Source::Spec && !request.withdrawn)
}

/// The step that files the request which the spec asks for: once for each time it is asked.
pub fn wish(observed: &CustomerObserved, partner: &str) -> Option<Step> {
    let customer = &observed.customer;
    let wish = customer.spec.deletion.as_ref()?.requested.as_ref()?;
    let filed = filed_for_wish(observed).next().is_some();
    (!filed).then(|| filed::for_spec(customer, partner, &wish.reason))
}

/// The object is going. Its tenant stays, closed, and a request is filed on which its deletion hangs; unless the object was merely
/// swept along with its namespace or CRD.
pub fn leave(
    observed: &CustomerObserved,
    subject: Subject,
    departure: Departure,
) -> Plan<CustomerStatus> {
    let mut stages = Stages::default();
    let ours = observed
        .tenant
        .as_ref()
        .filter(|tenant| tenant.label(meta::LABEL_CUSTOMER_UID) == subject.uid)
        .filter(|tenant| !tenant.deleting);
    if let (Departure::Deleted, Some(tenant)) = (departure, ours) {
        let customer = &observed.customer;
        let open = own(observed).find(|request| request.is_open());
        let filing = match open {
            Some(request) if request.has_snapshot => None,
            Some(request) => Some(filed::snapshot_for(customer, &request.name, &request.uid)),
            None => Some(filed::for_deleted(
                customer,
                tenant.label(meta::LABEL_PARTNER),
            )),
        };
        let name = match (&filing, open) {
            (Some(Step::Make { object, .. }), _) => object.name.to_string(),
            (_, Some(request)) => request.name.clone(),
            (_, None) => String::new(),
        };
        // First of all: without it nobody could take the deletion back.
        stages.then(filing);
        let closing = closing::close(tenant, &observed.children, &name, false);
        stages.append(closing.stages);
    }
    stages.then(crate::plan::remove_finalizer(
        observed.customer.as_ref(),
        meta::FINALIZER_TENANT,
    ));
    Plan {
        stages,
        ..Plan::nothing(subject)
    }
}

/// The tenant is being destroyed, or is gone: nothing is made until it is asked for again.
pub fn stay_away(
    observed: &CustomerObserved,
    subject: Subject,
    leaving: Leaving<'_>,
) -> Plan<CustomerStatus> {
    let old = observed.customer.status.clone().unwrap_or_default();
    let (phase, reason, message) = match leaving {
        Leaving::Done(_) => (
            Phase::Deleted,
            Reason::Deleted,
            "The tenant is deleted. To begin anew, remove spec.deletion.requested, or delete the Customer and apply it again.",
        ),
        Leaving::Purging(_) => (
            Phase::PendingDeletion,
            Reason::Purging,
            "The tenant is being deleted.",
        ),
        Leaving::No
        | Leaving::Asked
        | Leaving::SweptAlong
        | Leaving::Held(_)
        | Leaving::Pending(_) => (
            Phase::PendingDeletion,
            Reason::DeletionPending,
            "Its deletion is asked for before it had a tenant; none is made.",
        ),
    };
    let gone = matches!(leaving, Leaving::Done(_));
    let fields = CustomerStatus {
        namespace: old.namespace.filter(|_| !gone),
        phase: Some(phase),
        access: Some(Access::Stopped),
        access_reason: Some(reason.as_str().to_owned()),
        deletion: leaving.standing(),
        users: 0,
        ingress_domain: None,
        sending: None,
        ..old
    };
    let closed = |kind| (kind, false, reason, message.to_owned());
    let mut others = vec![
        closed(ConditionType::AccessOpen),
        closed(ConditionType::NamespaceReady),
    ];
    others.extend(leaving.condition());
    let mut stages = Stages::default();
    if let (Leaving::Asked, Some(lineage)) = (leaving, observed.home.partner()) {
        let partner = lineage.nearest().map(|partner| partner.name_any());
        stages.then(wish(observed, &partner.unwrap_or_default()));
    }
    Plan {
        stages,
        draft: Some(Draft {
            others,
            ..Draft::new(fields, Verdict::Ready(reason, message.to_owned()))
        }),
        ..Plan::nothing(subject)
    }
}
