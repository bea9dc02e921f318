//! What deploy/rbac gives to whom: no more than is used, and nothing that gives everything.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::Api;

use crate::support::World;

/// One right: API group, resource with subresource, verb.
pub type Right = (String, String, String);

/// Every right that these rules give.
pub fn rights(rules: &[PolicyRule]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    rights.insert((group.clone(), resource.clone(), verb.clone()));
                }
            }
        }
    }
    rights
}

/// The rules of a ClusterRole that is shipped.
pub async fn rules(world: &World, name: &str) -> Vec<PolicyRule> {
    let roles: Api<ClusterRole> = Api::all(world.admin.clone());
    let role = roles.get(name).await;
    role.expect("a ClusterRole").rules.expect("rules")
}

/// Every rule that is the operator's.
pub async fn operators_rules(world: &World) -> Vec<PolicyRule> {
    let mut all = rules(world, "clientele").await;
    for role in [
        "clientele-contact-lists",
        "clientele-secrets",
        "clientele-smtp",
        "clientele-smtp-logins",
    ] {
        all.extend(rules(world, role).await);
    }
    all.extend(rules(world, "clientele-services-workloads").await);
    let roles = world.api::<Role>("clientele-system");
    let leader = roles.get("clientele-leader").await;
    all.extend(leader.expect("a Role").rules.expect("rules"));
    all
}

const SHIPPED: [&str; 18] = [
    "clientele",
    "clientele-contact-lists",
    "clientele-list-approver",
    "clientele-mail",
    "clientele-mail-secrets",
    "clientele-secrets",
    "clientele-smtp",
    "clientele-smtp-logins",
    "clientele-services",
    "clientele-services-workloads",
    "clientele-provider",
    "clientele-reseller",
    "clientele-seller",
    "clientele-support",
    "clientele-tenant-admin",
    "clientele-tenant-member",
    "clientele-tenant-viewer",
    "clientele-tenant-requester",
];

#[tokio::test]
async fn no_role_gives_everything_of_anything() {
    let world = World::without_operator().await;
    for name in SHIPPED {
        for rule in rules(&world, name).await {
            assert!(rule.non_resource_urls.is_none(), "{name}");
            for (group, resource, verb) in rights(std::slice::from_ref(&rule)) {
                let right = format!("{name}: {verb} {group}/{resource}");
                assert!(!format!("{group}{resource}{verb}").contains('*'), "{right}");
                let never = [
                    "escalate",
                    "impersonate",
                    "deletecollection",
                    "approve",
                    "sign",
                ];
                let lists =
                    (&*group, &*resource, &*verb) == ("clientele.dev", "contactlists", "approve");
                assert!(lists || !never.contains(&verb.as_str()), "{right}");
                let never = [
                    "pods/proxy",
                    "services/proxy",
                    "serviceaccounts/token",
                    "pods/binding",
                    "nodes",
                ];
                assert!(!never.contains(&resource.as_str()), "{right}");
                if verb == "bind" {
                    assert!(rule.resource_names.is_some(), "{right}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_operator_reads_secrets_only_where_a_route_has_some_and_writes_no_rights() {
    let world = World::without_operator().await;
    let everywhere = rights(&rules(&world, "clientele").await);
    let secrets = rights(&rules(&world, "clientele-secrets").await);
    let named = |rights: &BTreeSet<Right>, resource: &str| -> Vec<String> {
        let of = rights.iter().filter(|(_, of, _)| of == resource);
        of.map(|(_, _, verb)| verb.clone()).collect()
    };
    assert!(named(&everywhere, "secrets").is_empty());
    assert_eq!(named(&secrets, "secrets"), ["get"]);
    // In a tenant it writes one Secret, for logins, and reads another one, for lists.
    for (role, secret, verbs) in [
        ("clientele-smtp", "smtp", &["create", "patch"][..]),
        ("clientele-contact-lists", "contact-lists", &["get"]),
    ] {
        let rules = rules(&world, role).await;
        let only = |rule: &PolicyRule| rule.resource_names.as_deref() == Some(&[secret.to_owned()]);
        assert!(rules.iter().all(only), "{rules:?}");
        assert_eq!(named(&rights(&rules), "secrets"), verbs, "{role}");
    }
    let logins = rights(&rules(&world, "clientele-smtp-logins").await);
    assert_eq!(named(&logins, "secrets"), ["create", "get", "patch"]);
    let mail = rights(&rules(&world, "clientele-mail").await);
    assert!(named(&mail, "secrets").is_empty());
    let mut writes = mail.iter().filter(|(_, _, verb)| verb == "patch");
    assert!(writes.all(|(_, of, _)| ["customers/status", "events"].contains(&of.as_str())));
    let mails = rights(&rules(&world, "clientele-mail-secrets").await);
    assert_eq!(named(&mails, "secrets"), ["get"]);
    // People's objects are theirs: what it makes and takes away is requests, and customers anew.
    let mut own: Vec<_> = everywhere
        .iter()
        .filter(|(group, _, verb)| {
            group == "clientele.dev" && ["create", "update", "delete"].contains(&verb.as_str())
        })
        .map(|(_, resource, verb)| format!("{verb} {resource}"))
        .collect();
    own.sort();
    assert_eq!(
        own,
        [
            "create customers",
            "create deletionrequests",
            "delete deletionrequests"
        ]
    );
    for resource in [
        "roles",
        "clusterrolebindings",
        "pods/exec",
        "nodes",
        "mutatingadmissionpolicies",
    ] {
        assert!(named(&everywhere, resource).is_empty(), "{resource}");
    }
    assert_eq!(named(&everywhere, "pods"), ["delete", "list"]);
    // Where these may be and of what type is the fence's.
    let all = ["create", "delete", "patch", "update", "watch"];
    assert_eq!(named(&everywhere, "services"), all);
    assert_eq!(named(&everywhere, "clusterroles"), ["bind"]);
    assert_eq!(
        named(&everywhere, "validatingadmissionpolicies"),
        ["list", "watch"]
    );
}

#[tokio::test]
async fn for_services_the_operator_reads_no_secrets_and_deletes_no_storage() {
    let world = World::without_operator().await;
    let workloads = rights(&rules(&world, "clientele-services-workloads").await);
    let verbs = |resource: &str| -> Vec<&str> {
        let of = workloads.iter().filter(|(_, of, _)| of == resource);
        of.map(|(_, _, verb)| verb.as_str()).collect()
    };
    assert!(verbs("secrets").is_empty() && verbs("serviceaccounts").is_empty());
    assert!(verbs("networkpolicies").is_empty() && verbs("pods").is_empty());
    assert_eq!(
        verbs("persistentvolumeclaims"),
        ["create", "patch", "watch"]
    );
}

/// Whoever makes a binding needs every right that it gives: a tenant's admin could bind nothing otherwise.
#[tokio::test]
async fn each_role_holds_what_the_lesser_ones_hold() {
    let world = World::without_operator().await;
    for (greater, lesser) in [
        ("clientele-tenant-admin", "clientele-tenant-member"),
        ("clientele-tenant-member", "clientele-tenant-viewer"),
        ("clientele-provider", "clientele-reseller"),
        ("clientele-reseller", "clientele-seller"),
        ("clientele-seller", "clientele-support"),
    ] {
        let held = rights(&rules(&world, greater).await);
        let needed = rights(&rules(&world, lesser).await);
        let missing: Vec<_> = needed.difference(&held).collect();
        assert!(
            missing.is_empty(),
            "{greater} lacks of {lesser}: {missing:?}"
        );
    }
}

#[tokio::test]
async fn people_get_the_secrets_and_kinds_that_are_theirs() {
    let world = World::without_operator().await;
    let table: BTreeMap<&str, [&[&str]; 4]> = [
        // Secrets; Customers; Partners; plans given away
        (
            "clientele-provider",
            [
                &["get", "create"] as &[_],
                &["create", "delete"],
                &["create"],
                &["assign"],
            ],
        ),
        (
            "clientele-reseller",
            [
                &["get", "create"],
                &["create", "delete"],
                &["create"],
                &["assign"],
            ],
        ),
        (
            "clientele-seller",
            [&[], &["create", "delete"], &["get"], &["assign"]],
        ),
        (
            "clientele-support",
            [&[], &["get", "list"], &["get"], &["get"]],
        ),
        (
            "clientele-tenant-admin",
            [&["get", "create"], &[], &[], &[]],
        ),
        ("clientele-tenant-member", [&[], &[], &[], &[]]),
        ("clientele-tenant-viewer", [&[], &[], &[], &[]]),
    ]
    .into();
    for (name, expected) in table {
        let held = rights(&rules(&world, name).await);
        for (resource, verbs) in ["secrets", "customers", "partners", "serviceplans"]
            .iter()
            .zip(expected)
        {
            let of: Vec<&str> = held
                .iter()
                .filter(|(_, of, _)| of == resource)
                .map(|(_, _, verb)| verb.as_str())
                .collect();
            assert_eq!(
                of.is_empty(),
                verbs.is_empty(),
                "{name}: {resource}: {of:?}"
            );
            assert!(
                verbs.iter().all(|verb| of.contains(verb)),
                "{name}: {resource}: {of:?}"
            );
        }
        let reads_only = name == "clientele-support" || name == "clientele-tenant-viewer";
        let writes = held
            .iter()
            .any(|(_, _, verb)| !["get", "list", "watch"].contains(&verb.as_str()));
        assert_eq!(writes, !reads_only, "{name}");
    }
}

#[tokio::test]
async fn who_asks_for_deletions_who_hurries_them_and_who_only_looks() {
    let world = World::without_operator().await;
    let look = ["get", "list", "watch"];
    let back = ["delete", "patch", "update"];
    for (name, more) in [
        ("clientele-provider", &["create", "purge"] as &[_]),
        ("clientele-reseller", &["create"]),
        ("clientele-seller", &["create"]),
        ("clientele-tenant-admin", &["create"]),
        ("clientele-tenant-requester", &[]),
    ] {
        let wanted: BTreeSet<&str> = look.iter().chain(&back).chain(more).copied().collect();
        assert_eq!(of_requests(&world, name).await, set(&wanted), "{name}");
    }
    for name in [
        "clientele-support",
        "clientele-tenant-member",
        "clientele-tenant-viewer",
    ] {
        let wanted: BTreeSet<&str> = look.into();
        assert_eq!(of_requests(&world, name).await, set(&wanted), "{name}");
    }
    // To whom nothing else is left, nothing else is given.
    let requester = rights(&rules(&world, "clientele-tenant-requester").await);
    let mut others = requester.iter().filter(|(_, of, _)| {
        !["deletionrequests", "deletionrequests/status"].contains(&of.as_str())
    });
    assert_eq!(others.next(), None);
}

#[tokio::test]
async fn who_registers_contact_lists_and_who_approves_them() {
    let world = World::without_operator().await;
    let all = [
        "create", "delete", "get", "list", "patch", "update", "watch",
    ];
    let look = ["get", "list", "watch"];
    let approves = ["approve", "get", "list", "patch", "update", "watch"];
    for (name, wanted) in [
        ("clientele", &["watch"] as &[_]),
        ("clientele-provider", &[&["approve"], &all[..]].concat()),
        ("clientele-list-approver", &approves),
        ("clientele-reseller", &[]),
        ("clientele-seller", &[]),
        ("clientele-support", &[]),
        ("clientele-tenant-admin", &all),
        ("clientele-tenant-member", &all),
        ("clientele-tenant-viewer", &look),
    ] {
        let held = rights(&rules(&world, name).await);
        let of = held.iter().filter(|(_, of, _)| of == "contactlists");
        let verbs: Vec<&str> = of.map(|(_, _, verb)| verb.as_str()).collect();
        assert_eq!(verbs, wanted, "{name}");
    }
    // Approving takes no look at anything else of a tenant's.
    let approver = rights(&rules(&world, "clientele-list-approver").await);
    assert!(
        approver
            .iter()
            .all(|(_, of, _)| of.starts_with("contactlists"))
    );
}

/// What a role may do with DeletionRequests.
async fn of_requests(world: &World, role: &str) -> BTreeSet<String> {
    let held = rights(&rules(world, role).await);
    let of = held
        .into_iter()
        .filter(|(group, of, _)| group == "clientele.dev" && of == "deletionrequests");
    of.map(|(_, _, verb)| verb).collect()
}

fn set(verbs: &BTreeSet<&str>) -> BTreeSet<String> {
    verbs.iter().map(|&verb| verb.to_owned()).collect()
}
