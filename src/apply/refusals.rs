//! Objects that the API server refuses for a reason which a person has to know in other words than its own.

use super::failure;
use crate::api::Reason;
use crate::error::Cause;
use crate::plan::step::{Child, ChildKind, Failure};

/// The policy that refuses to take over an object that is not the operator's.
pub const FENCE: &str = "clientele-fence-objects";

/// What it says of one; it has other things to say.
const TAKE_OVER: &str = "never takes over another's";

/// What it means that an object cannot be put where it belongs.
pub fn of(child: &Child, what: &str, error: &kube::Error) -> Failure {
    let failure = failure(what, error);
    let fenced = failure.message.contains(FENCE) && failure.message.contains(TAKE_OVER);
    match (child.kind, Cause::of(error)) {
        (ChildKind::RoleBinding, Cause::Forbidden) => not_bound(child, failure),
        (ChildKind::Service, _) if fenced => taken(child, failure),
        _ => failure,
    }
}

/// A binding that is refused names a role that the operator may not bind, which only the cluster's administrator can change.
fn not_bound(child: &Child, failure: Failure) -> Failure {
    let role = child.body["roleRef"]["name"].as_str().unwrap_or_default();
    let message = format!(
        "The operator may not bind ClusterRole {role}: add it to the rule `bind` of ClusterRole clientele, or choose another adminRole. {}",
        failure.message
    );
    Failure {
        reason: Reason::AdminRoleNotBound,
        message,
        ..failure
    }
}

/// A Service of that name is somebody else's. Nothing tells us when it goes, so it is tried again.
fn taken(child: &Child, failure: Failure) -> Failure {
    let name = &child.name;
    let message = format!(
        "Service {name} in this namespace is not the operator's, and mail servers know the route by that name. Delete that Service, or make the route anew under another name."
    );
    Failure {
        reason: Reason::NextHopTaken,
        message,
        retryable: true,
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_says_what_is_looked_for_in_its_answer() {
        let policy = include_str!("../../deploy/policies/operator-objects.yaml");
        assert!(policy.contains(&format!("name: {FENCE}\n")));
        let (_, partners) = policy
            .split_once("In a partner namespace the operator")
            .expect("what it says of partners");
        assert!(partners.contains(TAKE_OVER));
    }
}
