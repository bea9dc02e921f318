//! What is shipped as a whole: that all of it loads and means what it says.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};

use crate::support::{World, unique, until};

async fn policies(world: &World) -> Vec<ValidatingAdmissionPolicy> {
    let all: Api<ValidatingAdmissionPolicy> = Api::all(world.admin.clone());
    let mut found = all
        .list(&ListParams::default())
        .await
        .expect("policies")
        .items;
    found.retain(|policy| policy.name_any().starts_with("clientele-"));
    assert!(!found.is_empty());
    found
}

/// The policy that only warns.
const WARNS: &str = "clientele-delete-warnings";

#[tokio::test]
async fn every_policy_fails_closed_and_is_bound_to_deny() {
    let world = World::without_operator().await;
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(world.admin.clone());
    for policy in policies(&world).await {
        let name = policy.name_any();
        let spec = policy.spec.expect("a spec");
        let (failure, action) = if name == WARNS {
            ("Ignore", "Warn")
        } else {
            ("Fail", "Deny")
        };
        assert_eq!(spec.failure_policy.as_deref(), Some(failure), "{name}");
        let matches = spec.match_constraints.expect("constraints");
        assert_eq!(
            matches.match_policy.as_deref(),
            Some("Equivalent"),
            "{name}"
        );
        for rule in matches.resource_rules.expect("rules") {
            assert_eq!(rule.api_versions, Some(vec!["*".to_owned()]), "{name}");
        }
        let binding = bindings
            .get(&name)
            .await
            .expect("a binding of the policy's name")
            .spec;
        assert_eq!(binding.policy_name, name);
        assert_eq!(binding.validation_actions, [action], "{name}");
        assert!(binding.match_resources.is_none(), "{name}");
    }
}

#[tokio::test]
async fn every_refusal_says_something_to_people() {
    let world = World::without_operator().await;
    for policy in policies(&world).await {
        let name = policy.name_any();
        for validation in policy
            .spec
            .and_then(|spec| spec.validations)
            .expect("validations")
        {
            let message = validation
                .message
                .or(validation.message_expression)
                .unwrap_or_default();
            assert!(
                message.len() > 40,
                "{name}: {:?} has no message",
                validation.expression
            );
        }
    }
}

/// Policies for all versions are not type-checked by the API server. So each is checked as a copy for those versions that are
/// served, which is never bound and so holds nobody.
#[tokio::test]
async fn every_policy_type_checks() {
    let world = World::without_operator().await;
    let all: Api<ValidatingAdmissionPolicy> = Api::all(world.admin.clone());
    let served = world.kubectl(&["api-versions"]);
    for policy in policies(&world).await {
        let name = policy.name_any();
        let settled = |found: Option<&ValidatingAdmissionPolicy>| {
            found.is_some_and(|policy| {
                let seen = policy
                    .status
                    .as_ref()
                    .and_then(|status| status.observed_generation);
                seen.is_some() && seen == policy.metadata.generation
            })
        };
        let warnings = |policy: Option<ValidatingAdmissionPolicy>| {
            policy
                .and_then(|policy| policy.status?.type_checking?.expression_warnings)
                .unwrap_or_default()
        };
        let found = warnings(until(all.clone(), &name, "checked", settled).await);
        assert!(found.is_empty(), "{name}: {found:?}");

        let mut spec = policy.spec.expect("a spec");
        let matches = spec.match_constraints.as_mut().expect("constraints");
        matches.exclude_resource_rules = None;
        let mut rules = Vec::new();
        for rule in matches.resource_rules.take().unwrap_or_default() {
            for group in rule.api_groups.clone().unwrap_or_default() {
                let version = served.lines().find_map(|line| match line.split_once('/') {
                    Some((of, version)) if of == group => Some(version),
                    None if group.is_empty() => Some(line),
                    _ => None,
                });
                if let Some(version) = version {
                    let mut rule = rule.clone();
                    rule.api_groups = Some(vec![group]);
                    rule.api_versions = Some(vec![version.to_owned()]);
                    rules.push(rule);
                }
            }
        }
        if rules.is_empty() {
            continue; // for all groups
        }
        matches.resource_rules = Some(rules);
        let copy = unique(&format!("typed-{name}-"));
        let mut typed = ValidatingAdmissionPolicy {
            spec: Some(spec),
            ..ValidatingAdmissionPolicy::default()
        };
        typed.metadata.name = Some(copy.clone());
        all.create(&PostParams::default(), &typed)
            .await
            .expect("a copy");
        let found = warnings(until(all.clone(), &copy, "checked", settled).await);
        assert!(found.is_empty(), "{name}: {found:?}");
        all.delete(&copy, &kube::api::DeleteParams::default())
            .await
            .expect("gone");
    }
}

/// A pipeline applies it again and again: what it finds must be what it brings, with the API server's defaults written out.
#[tokio::test]
async fn installing_again_changes_nothing() {
    let world = World::without_operator().await;
    let said = world.kubectl(&["apply", "-k", "deploy/"]);
    let changed: Vec<_> = said
        .lines()
        .filter(|line| !line.ends_with(" unchanged"))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
}
