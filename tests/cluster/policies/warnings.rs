//! `clientele-delete-warnings`: what kubectl tells whoever deletes, and what the audit log keeps of it.

use serde_json::{Value, json};

use super::deletion::request;
use super::{customer, given};
use crate::attempt::{ALLOWED, patch, try_all};
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant};

const KINDS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{home}";

/// Gives this object a status, as the operator does.
async fn told(world: &World, tenant: &Tenant, what: &str, status: Value) {
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let status = patch(&format!("{KINDS}/{what}/status"), json!({"status": status}));
    try_all(&operator, tenant, vec![("status", status, ALLOWED)]).await;
}

/// What kubectl warns of when this is deleted, without effect.
fn warned(world: &World, tenant: &Tenant, what: &[&str]) -> Vec<String> {
    let mut arguments = vec![
        "delete",
        "-n",
        &tenant.home,
        "--dry-run=server",
        "--warnings-as-errors",
    ];
    arguments.extend(what);
    let said = world.plane.try_kubectl(&arguments);
    let said = said.err().unwrap_or_default();
    let warnings = said.lines().filter(|line| line.contains("Warning: "));
    warnings.map(str::to_owned).collect()
}

#[tokio::test]
async fn whoever_deletes_a_customer_is_told_what_that_does_and_how_it_is_undone() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    // Should an operator run beside this test, it leaves them alone.
    let paused = |name: &str| {
        let mut customer = customer(name);
        customer["metadata"]["annotations"] = json!({"clientele.dev/paused": "true"});
        customer
    };
    let mut globex = paused("globex");
    globex["spec"]["deletion"] = json!({"gracePeriod": "30d"});
    for object in [globex, paused("initech")] {
        given(&world.admin, &tenant, object).await;
    }
    // Nothing is lost with a customer that never had a tenant.
    assert!(warned(&world, &tenant, &["customer", "globex"]).is_empty());

    for name in ["globex", "initech"] {
        let namespace = format!("{}--{name}", tenant.partner);
        told(
            &world,
            &tenant,
            &format!("customers/{name}"),
            json!({"namespace": namespace}),
        )
        .await;
    }
    let one = warned(&world, &tenant, &["customer", "globex"]).join("\n");
    for part in [
        "The people of globex are out now, and its workloads stop after a minute".to_owned(),
        format!(
            "The tenant namespace {}--globex is kept with all its data for the grace period (30d), then destroyed",
            tenant.partner
        ),
        "apply the Customer again, or cancel its DeletionRequest".to_owned(),
        format!(
            "kubectl get delreq -n {} --field-selector spec.customer=globex",
            tenant.home
        ),
    ] {
        assert!(one.contains(&part), "{part}\n{one}");
    }
    // One by one, and as a collection.
    let all = warned(&world, &tenant, &["customers", "--all"]).join("\n");
    for name in ["globex", "initech"] {
        assert!(
            all.contains(&format!("The people of {name} are out")),
            "{all}"
        );
    }

    let request = json!({"phase": "PendingDeletion", "deletion": {"request": "globex-leaves"}});
    told(&world, &tenant, "customers/globex", request).await;
    let pending = warned(&world, &tenant, &["customer", "globex"]).join("\n");
    assert!(
        pending.contains("asked for already, by the DeletionRequest globex-leaves"),
        "{pending}"
    );
    assert!(!pending.contains("are out now"), "{pending}");
    told(
        &world,
        &tenant,
        "customers/globex",
        json!({"phase": "Deleted"}),
    )
    .await;
    assert!(warned(&world, &tenant, &["customer", "globex"]).is_empty());
}

#[tokio::test]
async fn whoever_deletes_a_request_that_waits_is_told_that_this_takes_it_back() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, request("a", json!({}))).await;
    let back = "Deleting the DeletionRequest a takes it back: the customer globex stays";
    let said = || warned(&world, &tenant, &["delreq", "a"]).join("\n");
    assert!(said().contains(back), "{}", said());
    told(
        &world,
        &tenant,
        "deletionrequests/a",
        json!({"phase": "Pending", "customerUID": "{uid}"}),
    )
    .await;
    assert!(said().contains(back), "{}", said());
    told(
        &world,
        &tenant,
        "deletionrequests/a",
        json!({"phase": "Cancelled"}),
    )
    .await;
    assert_eq!(said(), "");
}

#[tokio::test]
async fn the_audit_log_says_who_deleted_a_customer() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, customer("globex")).await;
    let before = world.plane.audit().mark().await;
    world.kubectl(&[
        "delete",
        "customer",
        "globex",
        "-n",
        &tenant.home,
        "--wait=false",
        "--as=jane",
        "--as-group=system:masters",
    ]);
    let calls = world
        .plane
        .audit()
        .since(before)
        .await
        .in_namespace(&tenant.home);
    let deletes = calls
        .only(|call| call.verb == "delete" && call.name == "globex")
        .0;
    let who = "clientele-delete-warnings/deleted-by";
    let said: Vec<_> = deletes
        .iter()
        .map(|call| call.annotations.get(who).cloned())
        .collect();
    assert_eq!(said, [Some("jane".to_owned())]);
}
