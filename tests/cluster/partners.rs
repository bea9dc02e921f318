//! Partners: the namespace of their own, who is refused one, their staff, and what they are shown.

use clientele::api::meta::PARTNERS_NAMESPACE;
use clientele::api::{
    CustomerDefaults, NamePolicy, Partner, PolicyKind, Staff, StaffRole, StaffScope,
};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::DeleteParams;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::steps::{
    Who, change, config_map, delete, do_as_told, make_namespace, message, namespace, namespaces,
    offer, purge, settled, until_may, until_so,
};
use crate::support::{World, home, partner_in, provider, refused, reseller, until};

#[tokio::test]
async fn a_partner_gets_a_namespace_that_says_whose_it_is() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let name = partner.name_any();

    let own = namespace(&world, &home(&partner)).await;
    let labels = own.labels();
    assert_eq!(labels["clientele.dev/type"], "partner");
    assert_eq!(labels["clientele.dev/partner"], name);
    assert_eq!(labels["clientele.dev/parent"], PARTNERS_NAMESPACE);
    assert_eq!(labels["app.kubernetes.io/managed-by"], "clientele");
    assert!(own.owner_references().is_empty());

    let shown = world.kubectl(&["get", "partners", &name, "-n", PARTNERS_NAMESPACE]);
    let (head, line) = shown.split_once('\n').expect("a table");
    assert!(
        head.starts_with("NAME") && head.contains("READY") && head.contains("REASON"),
        "{shown}"
    );
    for part in [&home(&partner), "True", "Settled"] {
        assert!(line.contains(part), "{part} in {shown}");
    }
}

#[tokio::test]
async fn a_namespace_declared_with_both_labels_is_adopted_with_what_is_in_it() {
    let world = World::shared().await;
    let partner = provider();
    let name = partner.name_any();
    let labels = [
        ("clientele.dev/partner", &*name),
        ("clientele.dev/parent", PARTNERS_NAMESPACE),
        ("team.example/cost", "retail"),
    ];
    let declared = make_namespace(&world, &home(&partner), &labels).await;
    let map = world.create(&config_map(&home(&partner), "theirs")).await;

    settled(&world, &partner).await;
    let own = namespace(&world, &home(&partner)).await;
    assert_eq!(own.uid(), declared.uid());
    assert_eq!(own.labels()["clientele.dev/type"], "partner");
    assert_eq!(own.labels()["team.example/cost"], "retail");
    let maps = world.api::<ConfigMap>(&home(&partner));
    let after = maps.get("theirs").await.expect("still there");
    assert_eq!(after.resource_version(), map.resource_version());
}

#[tokio::test]
async fn a_namespace_that_does_not_say_whose_it_is_is_left_alone_until_its_labels_do() {
    let world = World::shared().await;
    let partner = provider();
    let place = home(&partner);
    let before = make_namespace(&world, &place, &[]).await;
    let accounts = world.api::<ServiceAccount>(&place);
    until(accounts, "default", "there", |account| account.is_some()).await;
    let pod: Pod =
        serde_json::from_value(json!({"metadata": {"name": "theirs", "namespace": place},
        "spec": {"containers": [{"name": "a", "image": "example/a"}]}}))
        .expect("a pod");
    let pod = world.create(&pod).await;
    let map = world.create(&config_map(&place, "theirs")).await;

    let partner = world.create(&partner).await;
    let stalled = world.stalled(&partner, "NamespaceConflict").await;
    let after = namespace(&world, &place).await;
    assert_eq!(after.resource_version(), before.resource_version());
    let pods = world.api::<Pod>(&place);
    let after = pods.get("theirs").await.expect("still there");
    assert_eq!(after.resource_version(), pod.resource_version());

    let said = message(&stalled, "Stalled");
    assert!(said.contains("kubectl label namespace"), "{said}");
    do_as_told(&world, &said);
    world.ready(&partner).await;
    let adopted = namespace(&world, &place).await;
    assert_eq!(adopted.uid(), before.uid());
    let maps = world.api::<ConfigMap>(&place);
    let after = maps.get("theirs").await.expect("still there");
    assert_eq!(after.resource_version(), map.resource_version());
}

#[tokio::test]
async fn a_name_is_taken_once_and_nobody_learns_by_whom() {
    let world = World::shared().await;
    let (one, other) = (world.provider().await, world.provider().await);
    let first = world.create(&reseller(&one)).await;
    world.ready(&first).await;
    let before = namespace(&world, &home(&first)).await;

    let second = world
        .create(&partner_in(&home(&other), &first.name_any()))
        .await;
    let stalled = world.stalled(&second, "NameTaken").await;
    let told = serde_json::to_string(&stalled.status).expect("JSON");
    assert!(!told.contains(&one.name_any()), "{told}");
    let after = namespace(&world, &home(&first)).await;
    assert_eq!(after.resource_version(), before.resource_version());
    world.ready(&first).await;

    // It ends with a name of one's own; the first owner never notices.
    delete(&world, &second).await;
    settled(&world, &reseller(&other)).await;
}

#[tokio::test]
async fn resellers_of_resellers_inherit_and_are_counted_all_the_way_up() {
    let world = World::shared().await;
    let mut top = provider();
    top.spec.domain = Some("top.example".to_owned());
    let top = settled(&world, &top).await;
    let middle = settled(&world, &reseller(&top)).await;
    let bottom = settled(&world, &reseller(&middle)).await;
    let names = [&top, &middle, &bottom].map(|partner| partner.name_any());

    let customer = world.customer(&bottom, "globex").await;
    let status = customer.status.expect("a status");
    assert_eq!(status.path, names);
    assert_eq!(status.domain.as_deref(), Some("top.example"));
    assert_eq!(status.ingress_domain.as_deref(), Some("globex.top.example"));
    assert_eq!(
        status.namespace,
        Some(format!("{}--globex", bottom.name_any()))
    );

    for (partner, place, counts) in [
        (&top, PARTNERS_NAMESPACE, (1, 2)),
        (&middle, &*home(&top), (1, 1)),
        (&bottom, &*home(&middle), (1, 0)),
    ] {
        let partners = world.api::<Partner>(place);
        until(partners, &partner.name_any(), "counted", |partner| {
            let status = partner.and_then(|partner| partner.status.as_ref());
            status.is_some_and(|status| (status.customers, status.partners) == counts)
        })
        .await;
    }
}

#[tokio::test]
async fn a_partner_in_a_wrong_place_is_told_where_it_belongs() {
    let world = World::shared().await;
    let lost = partner_in("default", &provider().name_any());
    let stalled = world
        .stalled(&world.create(&lost).await, "NotAPartnerNamespace")
        .await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains(PARTNERS_NAMESPACE), "{said}");
    let accepted = message(&stalled, "Accepted");
    assert_eq!(accepted, said);
    let made = namespaces(&world).get_opt(&home(&lost)).await;
    assert!(made.expect("an answer").is_none());
    delete(&world, &lost).await;
}

#[tokio::test]
async fn staff_is_bound_as_far_as_its_scope_goes_and_as_long_as_it_is_named() {
    let world = World::shared().await;
    let mut top = provider();
    let name = top.name_any();
    let staff = |group: &str, role, scope| Staff {
        group: Some(format!("{name}-{group}")),
        user: None,
        role,
        scope,
    };
    top.spec.staff = vec![
        staff("managers", StaffRole::Reseller, StaffScope::Path),
        staff("sales", StaffRole::Seller, StaffScope::Own),
        Staff {
            user: Some(format!("hotline@{name}.example")),
            group: None,
            ..staff("", StaffRole::Support, StaffScope::Path)
        },
    ];
    let top = settled(&world, &top).await;
    let below = settled(&world, &reseller(&top)).await;
    let (here, there) = (home(&top), home(&below));
    let managers = format!("{name}-managers");
    let (managers, sales) = (Who::Group(&managers), format!("{name}-sales"));
    let (sales, hotline) = (Who::Group(&sales), format!("hotline@{name}.example"));
    let hotline = Who::User(&hotline);
    let partners = "partners.clientele.dev";
    let customers = "customers.clientele.dev";
    for (who, verb, what, place, allowed) in [
        (&managers, "create", partners, &here, true),
        (&managers, "create", partners, &there, true),
        (&sales, "create", customers, &here, true),
        (&sales, "create", partners, &here, false),
        (&sales, "list", customers, &there, false),
        (&hotline, "list", customers, &there, true),
        (&hotline, "create", customers, &there, false),
        (&hotline, "get", "secrets", &here, false),
    ] {
        until_may(&world, who, verb, what, place, allowed).await;
    }

    change(&world, &top, json!({"spec": {"staff": null}})).await;
    for (who, place) in [
        (&managers, &here),
        (&managers, &there),
        (&sales, &here),
        (&hotline, &there),
    ] {
        until_may(&world, who, "list", customers, place, false).await;
    }
    let bindings = world.api::<RoleBinding>(&here);
    for name in ["reseller", "seller", "support"] {
        let name = format!("clientele-staff-{name}");
        until(bindings.clone(), &name, "gone", |binding| binding.is_none()).await;
    }
}

#[tokio::test]
async fn a_partner_reads_what_it_is_offered_and_who_refuses_the_rest() {
    let world = World::shared().await;
    let (small, large) = (offer(&world, |_| ()).await, offer(&world, |_| ()).await);
    let (small, large) = (small.name_any(), large.name_any());
    let mut top = provider();
    top.spec.domain = Some("top.example".to_owned());
    top.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Only,
        names: vec![small.clone()],
    });
    top.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some(small.clone()),
        currency: Some("CHF".to_owned()),
        ..CustomerDefaults::default()
    });
    let top = settled(&world, &top).await;
    let mut below = reseller(&top);
    // Nothing below lifts a ceiling.
    below.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Only,
        names: vec![small.clone(), large.clone()],
    });
    let below = settled(&world, &below).await;

    // The operator may hear of a partner before it hears of a plan that was made before.
    let below = until_so(&world, &below, "offered one", |below| {
        let status = below.status.as_ref();
        status.is_some_and(|status| status.plans == std::slice::from_ref(&small))
    })
    .await;
    let status = below.status.clone().expect("a status");
    assert_eq!(status.domain.as_deref(), Some("top.example"));
    let maps = world.api::<ConfigMap>(&home(&below));
    let refusal = format!("{large}: not offered by partner {}", top.name_any());
    let map = until(maps, "partner", "as it should be", |map| {
        let data = map.and_then(|map| map.data.as_ref());
        data.is_some_and(|data| {
            data.get("plansRefused")
                .is_some_and(|text| text.lines().any(|line| line == refusal))
        })
    });
    let data = map.await.and_then(|map| map.data).expect("data");
    assert_eq!(data["plans"], small);
    assert_eq!(data["name"], below.name_any());
    assert_eq!(
        data["path"],
        format!("{} / {}", top.name_any(), below.name_any())
    );
    assert_eq!(data["domain"], "top.example");
    assert_eq!(data["default.plan"], small);
    assert_eq!(data["default.currency"], "CHF");

    // What the parent adds comes down by itself.
    let names = json!({"spec": {"plans": {"names": [small, large]}}});
    change(&world, &top, names).await;
    let partners = world.api::<Partner>(&home(&top));
    until(partners, &below.name_any(), "offered both", |partner| {
        let status = partner.and_then(|partner| partner.status.as_ref());
        status.is_some_and(|status| status.plans.contains(&large) && status.plans.contains(&small))
    })
    .await;
}

#[tokio::test]
async fn a_partner_goes_when_nobody_is_below_it_and_its_namespace_stays() {
    let world = World::shared().await;
    let mut partner = provider();
    let boss = format!("boss@{}.example", partner.name_any());
    partner.spec.staff = vec![Staff {
        user: Some(boss.clone()),
        group: None,
        role: StaffRole::Reseller,
        scope: StaffScope::Own,
    }];
    let partner = settled(&world, &partner).await;
    let globex = world.customer(&partner, "globex").await;
    let partners = world.api::<Partner>(PARTNERS_NAMESPACE);
    let counted = async |wanted| {
        let name = partner.name_any();
        until(partners.clone(), &name, "counted", |now| {
            let status = now.and_then(|now| now.status.as_ref());
            status.is_some_and(|status| status.customers == wanted)
        })
        .await
    };
    counted(1).await;
    let result = partners
        .delete(&partner.name_any(), &DeleteParams::default())
        .await;
    let refusal = refused(result, "still has 1 customers");
    assert!(
        refusal.message.contains("Delete those first"),
        "{refusal:?}"
    );

    purge(&world, &globex).await;
    until(
        partners.clone(),
        &partner.name_any(),
        "nobody left",
        |now| {
            let status = now.and_then(|now| now.status.as_ref());
            status.is_some_and(|status| (status.customers, status.retained) == (0, 0))
        },
    )
    .await;
    delete(&world, &partner).await;
    let own = namespace(&world, &home(&partner)).await;
    assert!(own.metadata.deletion_timestamp.is_none());
    let boss = Who::User(&boss);
    let place = home(&partner);
    until_may(
        &world,
        &boss,
        "list",
        "customers.clientele.dev",
        &place,
        false,
    )
    .await;

    // The same partner, applied again, has its namespace back.
    let again = partner_in(PARTNERS_NAMESPACE, &partner.name_any());
    settled(&world, &again).await;
    let maps: Api<ConfigMap> = world.api(&place);
    assert!(maps.get_opt("partner").await.expect("an answer").is_some());
    assert_eq!(namespace(&world, &place).await.uid(), own.uid());
}
