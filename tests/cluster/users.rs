//! Users of a customer: where they are made, what each role may, and who is not let in.

use clientele::api::{CustomerUser, CustomerUserSpec, Role};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::ResourceExt as _;
use kube::api::PostParams;
use serde_json::json;

use crate::steps::{
    Who, change, condition, delete, made_inside, may, message, offer, settled,
    until_another_second, until_may, until_so,
};
use crate::support::{World, customer, home, refused, tenant, unique, until, user};

/// A user inside a tenant namespace.
fn inside(place: &str, name: &str, email: &str) -> CustomerUser {
    let spec = CustomerUserSpec {
        email: email.to_owned(),
        ..CustomerUserSpec::default()
    };
    let mut user = CustomerUser::new(name, spec);
    user.metadata.namespace = Some(place.to_owned());
    user
}

#[tokio::test]
async fn users_are_made_by_staff_beside_the_customer_and_by_its_admin_inside() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let place = tenant(&globex);
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let of = format!("{}/globex", home(&partner));
    assert_eq!(
        ada.status
            .as_ref()
            .and_then(|status| status.customer.clone()),
        Some(of.clone())
    );

    // Ada lets Bob in herself.
    let client = world.as_user(&ada.spec.email, &[]).await;
    until_may(
        &world,
        &Who::User(&ada.spec.email),
        "create",
        "customerusers.clientele.dev",
        &place,
        true,
    )
    .await;
    let bob = inside(&place, "bob", "bob@globex.example");
    let bob = world.ready(&made_inside(&world, &client, &bob).await).await;
    assert_eq!(
        bob.status
            .as_ref()
            .and_then(|status| status.customer.clone()),
        Some(of.clone())
    );
    until_may(
        &world,
        &Who::User("bob@globex.example"),
        "create",
        "pods",
        &place,
        true,
    )
    .await;
    until_so(&world, &globex, "of two", |globex| {
        globex
            .status
            .as_ref()
            .is_some_and(|status| status.users == 2)
    })
    .await;
    let shown = world.kubectl(&["get", "cuser", "ada", "-n", &home(&partner)]);
    for part in [&*of, "ada@globex.example", "Admin", "true", "True"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    delete(&world, &bob).await;
    until_may(
        &world,
        &Who::User("bob@globex.example"),
        "create",
        "pods",
        &place,
        false,
    )
    .await;
}

#[tokio::test]
async fn each_role_may_what_it_is_for_and_no_more() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    for (name, role) in [
        ("ada", Role::Admin),
        ("mia", Role::Member),
        ("vic", Role::Viewer),
    ] {
        settled(&world, &user(&globex, name, role)).await;
    }
    let place = tenant(&globex);
    let users = "customerusers.clientele.dev";
    let bindings = "rolebindings.rbac.authorization.k8s.io";
    let policies = "networkpolicies.networking.k8s.io";
    // What may be done, by the admin, a member, a viewer.
    for (verb, what, allowed) in [
        ("list", "pods", [true, true, true]),
        ("create", "deployments.apps", [true, true, false]),
        ("create", "pods/exec", [true, true, false]),
        ("get", "secrets", [true, false, false]),
        ("create", "serviceaccounts", [true, false, false]),
        ("create", users, [true, false, false]),
        ("list", users, [true, true, true]),
        ("create", bindings, [true, false, false]),
        ("get", "resourcequotas", [true, true, true]),
        ("update", "resourcequotas", [false; 3]),
        ("create", policies, [false; 3]),
        ("delete", policies, [false; 3]),
        ("impersonate", "serviceaccounts", [false; 3]),
        ("create", "serviceaccounts/token", [false; 3]),
    ] {
        for (name, allowed) in ["ada", "mia", "vic"].iter().zip(allowed) {
            let email = format!("{name}@globex.example");
            until_may(&world, &Who::User(&email), verb, what, &place, allowed).await;
        }
    }
    // Nobody gets anywhere else.
    for name in ["ada", "mia", "vic"] {
        let email = format!("{name}@globex.example");
        for elsewhere in [&home(&partner), "default", "clientele-system"] {
            assert!(!may(&world, &Who::User(&email), "list", "pods", elsewhere).await);
        }
    }
}

#[tokio::test]
async fn a_user_who_is_switched_off_is_out_until_switched_on() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let place = tenant(&globex);
    settled(&world, &user(&globex, "stays", Role::Member)).await;
    let bob = settled(&world, &user(&globex, "bob", Role::Member)).await;
    let who = Who::User(&bob.spec.email);
    until_may(&world, &who, "list", "pods", &place, true).await;
    let off = change(&world, &bob, json!({"spec": {"enabled": false}})).await;
    until_may(&world, &who, "list", "pods", &place, false).await;
    let off = world.ready(&off).await;
    assert_eq!(condition(&off, "Ready").expect("Ready").reason, "Disabled");
    assert!(
        may(
            &world,
            &Who::User("stays@globex.example"),
            "list",
            "pods",
            &place
        )
        .await
    );
    let on = change(&world, &off, json!({"spec": {"enabled": true}})).await;
    until_may(&world, &who, "list", "pods", &place, true).await;
    world.ready(&on).await;
}

#[tokio::test]
async fn no_more_users_get_in_than_the_plan_allows() {
    let world = World::shared().await;
    let plan = offer(&world, |spec| spec.max_users = Some(2)).await;
    let partner = world.provider().await;
    let mut globex = customer(&partner, "globex");
    globex.spec.plan = Some(plan.name_any());
    let globex = settled(&world, &globex).await;
    let place = tenant(&globex);
    let first = settled(&world, &user(&globex, "a-first", Role::Admin)).await;
    settled(&world, &user(&globex, "b-second", Role::Member)).await;
    // The limit counts both places.
    let third = made_inside(
        &world,
        &world.admin,
        &inside(&place, "c-third", "third@globex.example"),
    )
    .await;
    let stalled = world.stalled(&third, "TooManyUsers").await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains("2 users"), "{said}");
    let who = Who::User("third@globex.example");
    until_may(&world, &who, "list", "pods", &place, false).await;

    change(&world, &first, json!({"spec": {"enabled": false}})).await;
    world.ready(&third).await;
    until_may(&world, &who, "list", "pods", &place, true).await;
}

#[tokio::test]
async fn of_two_users_with_one_e_mail_the_older_is_let_in() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let place = tenant(&globex);
    let older = settled(&world, &user(&globex, "ada", Role::Viewer)).await;
    until_may(
        &world,
        &Who::User(&older.spec.email),
        "list",
        "pods",
        &place,
        true,
    )
    .await;
    // Objects of one second are told apart by place and name, so this one waits for the next.
    until_another_second(&world, &older).await;
    let mut younger = inside(&place, "ada", &older.spec.email);
    younger.spec.role = Role::Admin;
    let younger = made_inside(&world, &world.admin, &younger).await;
    let stalled = world.stalled(&younger, "EmailTaken").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains("partner-") && said.contains(&older.spec.email),
        "{said}"
    );
    world.ready(&older).await;
    // The younger one's role gives nothing.
    let who = Who::User(&older.spec.email);
    assert!(!may(&world, &who, "create", "pods", &place).await);

    delete(&world, &older).await;
    world.ready(&younger).await;
    until_may(&world, &who, "create", "pods", &place, true).await;
}

#[tokio::test]
async fn a_user_of_a_customer_that_is_not_there_waits_for_it() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = customer(&partner, "globex");
    let ada = world.create(&user(&globex, "ada", Role::Admin)).await;
    let stalled = world.stalled(&ada, "CustomerNotFound").await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains("globex"), "{said}");
    let globex = settled(&world, &globex).await;
    world.ready(&ada).await;
    until_may(
        &world,
        &Who::User(&ada.spec.email),
        "list",
        "pods",
        &tenant(&globex),
        true,
    )
    .await;
}

#[tokio::test]
async fn a_user_says_whose_it_is_where_that_is_a_question_and_only_there() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let initech = world.customer(&partner, "initech").await;
    let mut nobodys = user(&globex, "ada", Role::Admin);
    nobodys.spec.customer = None;
    let users = world.api::<CustomerUser>(&home(&partner));
    let result = users.create(&PostParams::default(), &nobodys).await;
    refused(result, "Set spec.customer to the name of the Customer");

    let mut anothers = inside(&tenant(&globex), "ada", "ada@globex.example");
    anothers.spec.customer = Some(initech.name_any());
    let users = world.api::<CustomerUser>(&tenant(&globex));
    let result = users.create(&PostParams::default(), &anothers).await;
    refused(result, "Leave spec.customer out");

    let mut lost = user(&globex, &unique("lost-"), Role::Admin);
    lost.metadata.namespace = Some("default".to_owned());
    let lost = world.create(&lost).await;
    let stalled = world.stalled(&lost, "NotAPartnerNamespace").await;
    assert!(message(&stalled, "Stalled").contains("beside its Customer"));
    delete(&world, &lost).await;
}

#[tokio::test]
async fn a_change_of_role_or_customer_moves_the_right_with_it() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let initech = world.customer(&partner, "initech").await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let (here, there) = (tenant(&globex), tenant(&initech));
    let who = Who::User("ada@globex.example");
    until_may(&world, &who, "get", "secrets", &here, true).await;

    let viewer = change(&world, &ada, json!({"spec": {"role": "Viewer"}})).await;
    until_may(&world, &who, "get", "secrets", &here, false).await;
    until_may(&world, &who, "list", "pods", &here, true).await;
    let bindings = world.api::<RoleBinding>(&here);
    until(bindings, "globex-admin", "gone", |binding| {
        binding.is_none()
    })
    .await;
    let viewer = world.ready(&viewer).await;
    assert!(message(&viewer, "Ready").contains("globex-viewer"));

    let moved = change(&world, &viewer, json!({"spec": {"customer": "initech"}})).await;
    until_may(&world, &who, "list", "pods", &there, true).await;
    until_may(&world, &who, "list", "pods", &here, false).await;
    world.ready(&moved).await;
}

#[tokio::test]
async fn one_person_of_two_customers_gets_into_both_and_takes_nobody_along() {
    let world = World::shared().await;
    let (one, other) = (world.provider().await, world.provider().await);
    let globex = world.customer(&one, "globex").await;
    let initech = world.customer(&other, "initech").await;
    let carla = format!("{}@auditors.example", unique("carla-"));
    for customer in [&globex, &initech] {
        let mut auditor = user(customer, "auditor", Role::Viewer);
        auditor.spec.email = carla.clone();
        settled(&world, &auditor).await;
        until_may(
            &world,
            &Who::User(&carla),
            "list",
            "pods",
            &tenant(customer),
            true,
        )
        .await;
    }
    settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let ada = Who::User("ada@globex.example");
    until_may(&world, &ada, "list", "pods", &tenant(&globex), true).await;
    for what in ["pods", "customerusers.clientele.dev"] {
        assert!(!may(&world, &ada, "list", what, &tenant(&initech)).await);
    }
    // A hold on one says nothing about the other.
    change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    until_may(
        &world,
        &Who::User(&carla),
        "list",
        "pods",
        &tenant(&globex),
        false,
    )
    .await;
    assert!(
        may(
            &world,
            &Who::User(&carla),
            "list",
            "pods",
            &tenant(&initech)
        )
        .await
    );
}
