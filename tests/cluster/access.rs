//! Who gets into a tenant: its people while the customer is active and not on hold, at once and again, and what is told
//! about it.

use std::time::Duration;

use clientele::api::{Access, Customer, CustomerDefaults, Role};
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::attempt::{create, until_allowed};
use crate::steps::{
    Who, change, condition, may, message, namespace_until, offer, pod, settled, until_may,
};
use crate::support::{PATIENCE, World, customer, eventually, home, provider, tenant, unique, user};

/// How long people may still get in after a hold: less than what is fought over waits for, far more than it takes.
const PROMPT: Duration = Duration::from_secs(30);

/// Access and its reason, as the status has them.
fn access(customer: &Customer) -> (Option<Access>, Option<&str>) {
    let status = customer.status.as_ref();
    (
        status.and_then(|status| status.access),
        status.and_then(|status| status.access_reason.as_deref()),
    )
}

#[tokio::test]
async fn a_hold_keeps_people_out_and_workloads_running_and_a_release_lets_them_back() {
    let world = World::shared().await;
    let plan = offer(&world, |_| ()).await;
    let partner = world.provider().await;
    let mut globex = customer(&partner, "globex");
    globex.spec.plan = Some(plan.name_any());
    let globex = settled(&world, &globex).await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let place = tenant(&globex);
    let person = world.as_user(&ada.spec.email, &[]).await;
    until_allowed(&person, &create(pod("app", &place))).await;
    let pods: Api<Pod> = Api::namespaced(person.clone(), &place);

    let held = change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    eventually("people are out", PATIENCE, async || {
        match pods.list(&ListParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    // Ready all the same: a hold is no mistake, and must not turn a pipeline red.
    let held = world.ready(&held).await;
    assert_eq!(access(&held), (Some(Access::Locked), Some("OnHold")));
    let open = condition(&held, "AccessOpen").expect("AccessOpen");
    assert_eq!((&*open.status, &*open.reason), ("False", "OnHold"));
    assert!(open.message.contains("spec.onHold"), "{}", open.message);
    namespace_until(&world, &place, "locked", |namespace| {
        namespace.labels()["clientele.dev/access"] == "Locked"
    })
    .await;
    let runs = world
        .api::<Pod>(&place)
        .get("app")
        .await
        .expect("still there");
    assert!(runs.metadata.deletion_timestamp.is_none());
    let ada = world.ready(&ada).await;
    assert_eq!(
        condition(&ada, "Ready").expect("Ready").reason,
        "AccessClosed"
    );

    let released = change(&world, &held, json!({"spec": {"onHold": false}})).await;
    eventually("people are back", PATIENCE, async || {
        pods.list(&ListParams::default())
            .await
            .map_err(|error| error.to_string())
    })
    .await;
    let released = world.ready(&released).await;
    assert_eq!(access(&released), (Some(Access::Open), Some("Active")));
    let number = |customer: &Customer| {
        customer
            .status
            .as_ref()
            .and_then(|status| status.customer_number.clone())
    };
    assert_eq!(number(&released), number(&globex));
}

#[tokio::test]
async fn however_busy_a_customer_was_a_hold_comes_at_once() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    for number in 0..14 {
        settled(
            &world,
            &user(&globex, &format!("user-{number}"), Role::Member),
        )
        .await;
    }
    let place = tenant(&globex);
    let last = Who::User("user-13@globex.example");
    until_may(&world, &last, "list", "pods", &place, true).await;
    change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    let out = until_may(&world, &last, "list", "pods", &place, false);
    let out = tokio::time::timeout(PROMPT, out).await;
    out.expect("what went on before does not keep the door open");
}

#[tokio::test]
async fn a_customer_that_is_not_active_has_a_tenant_that_nobody_gets_into() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let mut globex = customer(&partner, "globex");
    globex.spec.active = Some(false);
    let globex = settled(&world, &globex).await;
    assert_eq!(
        access(&globex),
        (Some(Access::Locked), Some("NotActivated"))
    );
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let ada = Who::User(&ada.spec.email);
    let place = tenant(&globex);
    until_may(&world, &ada, "list", "pods", &place, false).await;

    let globex = change(&world, &globex, json!({"spec": {"active": true}})).await;
    until_may(&world, &ada, "list", "pods", &place, true).await;
    assert_eq!(
        access(&world.ready(&globex).await),
        (Some(Access::Open), Some("Active"))
    );
}

#[tokio::test]
async fn the_partners_defaults_for_access_are_taken_once() {
    let world = World::shared().await;
    let mut partner = provider();
    let defaults = |active, on_hold| CustomerDefaults {
        active: Some(active),
        on_hold: Some(on_hold),
        ..CustomerDefaults::default()
    };
    partner.spec.customer_defaults = Some(defaults(false, false));
    let partner = settled(&world, &partner).await;
    let fresh = |name: &str| {
        let mut customer = customer(&partner, name);
        customer.spec.active = None;
        customer
    };
    let early = settled(&world, &fresh("early")).await;
    assert_eq!(access(&early), (Some(Access::Locked), Some("NotActivated")));

    let later = json!({"spec": {"customerDefaults": {"active": true, "onHold": true}}});
    world.ready(&change(&world, &partner, later).await).await;
    let late = settled(&world, &fresh("late")).await;
    assert_eq!(access(&late), (Some(Access::Locked), Some("OnHold")));
    // What was taken when a customer was first made holds until its own spec says otherwise.
    let customers = world.api::<Customer>(&home(&partner));
    assert_eq!(
        access(&customers.get("early").await.expect("early")),
        (Some(Access::Locked), Some("NotActivated"))
    );
    let early = change(&world, &early, json!({"spec": {"active": true}})).await;
    assert_eq!(
        access(&world.ready(&early).await),
        (Some(Access::Open), Some("Active"))
    );
}

#[tokio::test]
async fn kubectl_shows_and_waits_for_what_is_so() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let place = home(&partner);
    let globex = world.create(&customer(&partner, "globex")).await;
    let waited = world.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "customer/globex",
        "-n",
        &place,
        "--timeout=30s",
    ]);
    assert!(waited.contains("condition met"), "{waited}");
    let globex = world.ready(&globex).await;
    let status = globex.status.as_ref().expect("a status");
    assert_eq!(Some(status.observed_generation), globex.metadata.generation);
    // kstatus: these two are there only while they are true.
    assert!(condition(&globex, "Reconciling").is_none() && condition(&globex, "Stalled").is_none());
    assert!(
        status
            .conditions
            .iter()
            .all(|condition| condition.observed_generation == globex.metadata.generation)
    );

    let number = status.customer_number.as_deref().expect("a number");
    let shown = world.kubectl(&["get", "cust", "-n", &place]);
    for part in [
        "Customer globex",
        number,
        "Preparation",
        "Open",
        "True",
        "Settled",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let wide = world.kubectl(&["get", "cust", "globex", "-n", &place, "-o", "wide"]);
    assert!(wide.contains(&tenant(&globex)), "{wide}");
    let selectors =
        format!("spec.testAccount=false,status.access=Open,status.customerNumber={number}");
    let found = world.kubectl(&[
        "get",
        "cust",
        "-n",
        &place,
        "--field-selector",
        &selectors,
        "-o",
        "name",
    ]);
    assert_eq!(found.trim(), "customer.clientele.dev/globex");
    let none = world.kubectl(&[
        "get",
        "cust",
        "-n",
        &place,
        "--field-selector",
        "spec.testAccount=true",
        "-o",
        "name",
    ]);
    assert_eq!(none.trim(), "");
    let all = world.kubectl(&["get", "clientele", "-n", &place, "-o", "name"]);
    assert!(all.contains("customer.clientele.dev/globex"), "{all}");
}

#[tokio::test]
async fn transitions_are_told_as_events_once_each() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let place = home(&partner);
    let globex = world.customer(&partner, "globex").await;
    let wrong = change(&world, &globex, json!({"spec": {"plan": "no-such-plan"}})).await;
    world.stalled(&wrong, "PlanNotFound").await;
    let right = change(&world, &wrong, json!({"spec": {"plan": null}})).await;
    world.ready(&right).await;
    let held = change(&world, &right, json!({"spec": {"onHold": true}})).await;
    world.ready(&held).await;
    let renamed = change(
        &world,
        &held,
        json!({"spec": {"displayName": "Globex Two"}}),
    )
    .await;
    world.ready(&renamed).await;

    let events = world.api::<Event>(&place);
    let about =
        ListParams::default().fields("involvedObject.kind=Customer,involvedObject.name=globex");
    let told = eventually("all events are there", PATIENCE, async || {
        let events = events
            .list(&about)
            .await
            .map_err(|error| error.to_string())?;
        let mut told: Vec<_> = events
            .iter()
            .map(|event| {
                let kind = event.type_.clone().unwrap_or_default();
                let reason = event.reason.clone().unwrap_or_default();
                (kind, reason, event.count.unwrap_or(1))
            })
            .collect();
        told.sort();
        if told.len() >= 3 {
            Ok(told)
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await;
    let expected = [
        ("Normal", "OnHold"),
        ("Normal", "Recovered"),
        ("Warning", "PlanNotFound"),
    ];
    let told: Vec<_> = told
        .iter()
        .map(|(kind, reason, count)| (&**kind, &**reason, *count))
        .collect();
    assert_eq!(told, expected.map(|(kind, reason)| (kind, reason, 1)));
    // An Event names the object in full, so that `kubectl describe` finds it.
    let described = world.kubectl(&["describe", "customer", "globex", "-n", &place]);
    assert!(
        described.contains("PlanNotFound") && described.contains("no-such-plan"),
        "{described}"
    );
}

#[tokio::test]
async fn a_partners_own_role_for_admins_needs_to_be_granted_to_the_operator_by_name() {
    let world = World::shared().await;
    let role = unique("helpdesk-");
    let made = json!({"metadata": {"name": role}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]});
    let roles: Api<ClusterRole> = Api::all(world.admin.clone());
    let made = serde_json::from_value(made).expect("a role");
    roles
        .create(&PostParams::default(), &made)
        .await
        .expect("a role");
    let mut partner = provider();
    partner.spec.admin_role = Some(role.clone());
    let partner = settled(&world, &partner).await;
    let globex = world.customer(&partner, "globex").await;
    settled(&world, &user(&globex, "mia", Role::Member)).await;
    world.create(&user(&globex, "ada", Role::Admin)).await;
    let stalled = world.stalled(&globex, "AdminRoleNotBound").await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains(&role), "{said}");

    let bind = json!({"metadata": {"name": format!("bind-{role}")}, "rules": [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": [role]}]});
    let bind = serde_json::from_value(bind).expect("a role");
    roles
        .create(&PostParams::default(), &bind)
        .await
        .expect("a role");
    let given = json!({"metadata": {"name": format!("bind-{role}")},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("bind-{role}")},
        "subjects": [{"kind": "ServiceAccount", "name": "clientele", "namespace": "clientele-system"}]});
    let given = serde_json::from_value(given).expect("a binding");
    let bindings: Api<ClusterRoleBinding> = Api::all(world.admin.clone());
    bindings
        .create(&PostParams::default(), &given)
        .await
        .expect("a binding");
    world.ready(&globex).await;
    let who = Who::User("ada@globex.example");
    until_may(&world, &who, "list", "pods", &tenant(&globex), true).await;
    assert!(!may(&world, &who, "get", "secrets", &tenant(&globex)).await);
}
