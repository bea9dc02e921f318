//! One plan: nothing is made for it; its status tells how many customers live by it.

use jiff::Timestamp;

use super::observed::ServicePlanObserved;
use super::{Draft, Plan, Subject, Verdict, status, subject::Kind};
use crate::api::{Reason, ServicePlanStatus};

/// What to do about a plan.
pub fn plan(observed: &ServicePlanObserved, now: Timestamp) -> Plan<ServicePlanStatus> {
    let subject = Subject::of(Kind::ServicePlan, observed.plan.as_ref());
    let (customers, wake) = status::paced(
        observed
            .plan
            .status
            .as_ref()
            .map(|status| &status.customers),
        &observed.customers,
        observed.counted_at,
        now,
    );
    let fields = ServicePlanStatus {
        customers: *customers,
        ..ServicePlanStatus::default()
    };
    let verdict = Verdict::Ready(
        Reason::Accepted,
        "Customers can be given this plan.".to_owned(),
    );
    Plan {
        draft: Some(Draft::new(fields, verdict)),
        wake,
        ..Plan::nothing(subject)
    }
}
