//! One user: whether it is let in, and whether its binding is there. The bindings themselves are the customer's (one a role).

use kube::ResourceExt;

use super::observed::UserObserved;
use super::trouble::Trouble;
use super::{Draft, Plan, Subject, Verdict, subject::Kind};
use crate::api::{Access, CustomerUserStatus, Reason};
use crate::domain::fingerprint::ChildKind;
use crate::domain::people::{self, Standing};

/// What to do about a user.
pub fn plan(observed: &UserObserved) -> Plan<CustomerUserStatus> {
    let subject = Subject::of(Kind::CustomerUser, observed.user.as_ref());
    // What belongs to an object that cannot be read is left alone with it.
    if observed.user.metadata.deletion_timestamp.is_some() || observed.customer_unreadable {
        return Plan::nothing(subject);
    }
    let customer = observed.customer.as_ref().map(|customer| {
        format!(
            "{}/{}",
            customer.namespace().unwrap_or_default(),
            customer.name_any()
        )
    });
    let verdict = verdict(observed, &subject.key.id());
    let fields = CustomerUserStatus {
        customer,
        ..CustomerUserStatus::default()
    };
    Plan {
        draft: Some(Draft::new(fields, verdict)),
        ..Plan::nothing(subject)
    }
}

fn verdict(observed: &UserObserved, id: &str) -> Verdict {
    let spec = &observed.user.spec;
    let stalled = |reason, message: String| Verdict::Stalled(reason, message);
    let in_partner = observed.place.partner().is_some();
    match (observed.in_tenant, in_partner, spec.customer.as_deref()) {
        (false, false, _) => {
            let message = "A CustomerUser belongs beside its Customer in a partner's namespace, or into the customer's own tenant namespace.";
            return Trouble::misplaced(&observed.place, message).verdict;
        }
        (true, _, Some(_)) => {
            let message = "In a tenant namespace the customer is implied: remove spec.customer.";
            return stalled(Reason::CustomerMismatch, message.to_owned());
        }
        (false, true, None) => {
            let message = "Set spec.customer to the name of the Customer in this namespace.";
            return stalled(Reason::CustomerNotFound, message.to_owned());
        }
        (true, _, None) | (false, true, Some(_)) => {}
    }
    let Some(customer) = &observed.customer else {
        let name = spec.customer.as_deref().unwrap_or("of this namespace");
        return stalled(
            Reason::CustomerNotFound,
            format!("There is no Customer {name} here. Create it, or name another one."),
        );
    };

    let people: Vec<_> = observed
        .users
        .iter()
        .map(|user| user.person.clone())
        .collect();
    let max = observed
        .plan
        .as_ref()
        .and_then(|plan| plan.spec.max_users)
        .and_then(|max| usize::try_from(max).ok());
    let standings = people::standings(&people, max);
    let standing = people
        .iter()
        .zip(standings)
        .find(|(person, _)| person.id == id)
        .map(|(_, standing)| standing);
    match standing {
        Some(Standing::EmailTaken { by }) => {
            let message = format!(
                "CustomerUser {by} of this customer has the e-mail {} already. Delete one of them.",
                spec.email
            );
            stalled(Reason::EmailTaken, message)
        }
        Some(Standing::OverLimit { max }) => {
            let message = format!(
                "The plan allows {max} users. Disable or delete another one, or give the customer a larger plan."
            );
            stalled(Reason::TooManyUsers, message)
        }
        Some(Standing::Disabled) => Verdict::Ready(
            Reason::Disabled,
            "Kept out: spec.enabled is false.".to_owned(),
        ),
        Some(Standing::Admitted) => bound(
            observed,
            &customer.name_any(),
            customer.status.as_ref().and_then(|status| status.access),
        ),
        None => Verdict::Waiting(Reason::Progressing, "Waiting for the customer.".to_owned()),
    }
}

/// Whether the binding names the user, if access is open.
fn bound(observed: &UserObserved, customer: &str, access: Option<Access>) -> Verdict {
    let name = people::binding(customer, observed.user.spec.role);
    let binding = observed
        .children
        .get(&(ChildKind::RoleBinding, name.clone()));
    let named = binding.is_some_and(|binding| binding.subjects.contains(&observed.user.spec.email));
    match access {
        Some(Access::Open) if named => {
            Verdict::Ready(Reason::Settled, format!("Let in by RoleBinding {name}."))
        }
        Some(Access::Locked | Access::Stopped) if !named => Verdict::Ready(
            Reason::AccessClosed,
            "Kept out while the customer's access is not Open.".to_owned(),
        ),
        _ => Verdict::Waiting(
            Reason::Progressing,
            "Waiting for the customer's binding.".to_owned(),
        ),
    }
}
