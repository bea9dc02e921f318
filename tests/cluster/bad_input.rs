//! Mistakes and malice: a clear error at apply where one object shows it, else a status that says what to do; and nobody
//! else notices.

use clientele::api::meta::PARTNERS_NAMESPACE;
use clientele::api::{Customer, CustomerDefaults, Partner, Role};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ResourceQuota, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::attempt::{call, create, patch};
use crate::steps::{
    annotate, break_glass, change, condition, config_map, delete, make_namespace, message,
    namespace, namespace_until, namespaces, pod, settled,
};
use crate::support::{World, customer, home, provider, refused, tenant, unique, until, user};
use crate::tenancy::OPERATOR;

#[tokio::test]
async fn everything_applied_at_once_in_any_order_comes_out_right() {
    let world = World::shared().await;
    let partner = provider();
    let (name, place) = (partner.name_any(), home(&partner));
    let labels = [
        ("clientele.dev/partner", &*name),
        ("clientele.dev/parent", PARTNERS_NAMESPACE),
    ];
    make_namespace(&world, &place, &labels).await;
    // As a pipeline does that sorts by kind: the customer, its user, and only then the partner whose they are.
    let globex = world.create(&customer(&partner, "globex")).await;
    let ada = world.create(&user(&globex, "ada", Role::Admin)).await;
    let waiting = world
        .reported(&globex, "Reconciling", |it| it.reason == "PartnerNotReady")
        .await;
    // That is no mistake, so nothing is red.
    assert!(condition(&waiting, "Stalled").is_none());
    world.create(&partner).await;
    world.ready(&globex).await;
    world.ready(&ada).await;
}

#[tokio::test]
async fn a_namespace_of_a_tenants_name_that_is_somebody_elses_is_left_alone() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let place = tenant(&customer(&partner, "globex"));
    let before = make_namespace(&world, &place, &[("team", "theirs")]).await;
    let accounts = world.api::<ServiceAccount>(&place);
    until(accounts, "default", "there", |account| account.is_some()).await;
    call(&world.admin, &create(pod("app", &place)))
        .await
        .expect("a pod");
    let map = world.create(&config_map(&place, "customer")).await;

    let globex = world.create(&customer(&partner, "globex")).await;
    let stalled = world.stalled(&globex, "NamespaceConflict").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains(&place) && said.contains("another name"),
        "{said}"
    );
    assert_eq!(
        namespace(&world, &place).await.resource_version(),
        before.resource_version()
    );
    assert!(
        world
            .api::<Pod>(&place)
            .get_opt("app")
            .await
            .expect("an answer")
            .is_some()
    );
    let now = world
        .api::<ConfigMap>(&place)
        .get("customer")
        .await
        .expect("still there");
    assert_eq!(now.resource_version(), map.resource_version());
    let quotas = world.api::<ResourceQuota>(&place);
    assert!(
        quotas
            .get_opt("clientele")
            .await
            .expect("an answer")
            .is_none()
    );

    // When it is gone, whoever cannot wait for the next look says so.
    namespaces(&world)
        .delete(&place, &DeleteParams::default())
        .await
        .expect("deleted");
    until(
        namespaces(&world),
        &place,
        "gone",
        |namespace: Option<&Namespace>| namespace.is_none(),
    )
    .await;
    annotate(&world, &globex, "clientele.dev/reconcile-at", Some("now")).await;
    let ready = tokio::time::timeout(std::time::Duration::from_secs(10), world.ready(&globex));
    ready.await.expect("looked at at once");
}

#[tokio::test]
async fn a_customer_in_a_wrong_place_is_refused_or_told_where_it_belongs() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let mut inside = customer(&partner, "subtenant");
    inside.metadata.namespace = Some(tenant(&globex));
    let result = world
        .api::<Customer>(&tenant(&globex))
        .create(&PostParams::default(), &inside)
        .await;
    refused(result, "A Customer cannot live in the tenant namespace");
    for place in ["default", PARTNERS_NAMESPACE] {
        let mut lost = customer(&partner, &unique("lost-"));
        lost.metadata.namespace = Some(place.to_owned());
        let lost = world.create(&lost).await;
        let stalled = world.stalled(&lost, "NotAPartnerNamespace").await;
        let said = message(&stalled, "Stalled");
        assert!(said.contains("partner-<name>"), "{said}");
        delete(&world, &lost).await;
    }
}

/// A customer as somebody writes it, with one thing changed.
fn written(partner: &Partner, pointer: &str, value: Value) -> Value {
    let mut customer = json!({
        "apiVersion": "clientele.dev/v1alpha1", "kind": "Customer",
        "metadata": {"name": "globex", "namespace": home(partner)},
        "spec": {"displayName": "Globex", "contact": {"email": "ops@globex.example"}, "billing": {"currency": "EUR"}, "attributes": {"segment": "gold"}},
    });
    *customer.pointer_mut(pointer).expect("a field") = value;
    customer
}

#[tokio::test]
async fn names_and_texts_that_are_not_what_they_seem_are_refused_at_apply() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let (name, display, email) = ("/metadata/name", "/spec/displayName", "/spec/contact/email");
    for (pointer, value, refusal) in [
        // A Cyrillic о; upper case; a seam that tenants are cut at; one too long; a name of ours.
        (name, "gl\u{43e}bex", "metadata.name"),
        (name, "Globex", "metadata.name"),
        (name, "glo--bex", "single dashes"),
        (
            name,
            "a-name-that-is-longer-than-a-tenant",
            "at most 31 characters",
        ),
        (name, "clientele-x", "kept for the system"),
        (
            display,
            "Globex\u{202e}xebolG",
            "without control, bidirectional or invisible characters",
        ),
        (
            display,
            "Glo\u{200b}bex",
            "without control, bidirectional or invisible characters",
        ),
        (
            display,
            "Globex\u{0}",
            "without control, bidirectional or invisible characters",
        ),
        (
            display,
            "Globex\r\nBcc: all@globex.example",
            "must be one line of text",
        ),
        (display, "", "must not be empty"),
        (email, "ops@gl\u{43e}bex.example", "the domain in ASCII"),
        (email, "Ops@globex.example", "must be in lower case"),
        (email, "ops@globex.example\r\nBcc: a@b.example", "no spaces"),
        (email, "ops@@globex.example", "one @"),
    ] {
        let result = call(
            &world.admin,
            &create(written(&partner, pointer, value.into())),
        )
        .await;
        refused(result, refusal);
    }
    // What merely is not English is welcome.
    let customer = written(&partner, display, "Müller & Søn 株式会社".into());
    call(&world.admin, &create(customer))
        .await
        .expect("accepted");
}

#[tokio::test]
async fn attributes_of_a_mebibyte_are_refused_at_apply() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let huge = written(
        &partner,
        "/spec/attributes/segment",
        "x".repeat(1 << 20).into(),
    );
    for arguments in [
        &["apply", "-f", "-"][..],
        &["apply", "--server-side", "-f", "-"],
        &["create", "-f", "-"],
    ] {
        let said = world.plane.kubectl_with_input(arguments, &huge.to_string());
        let said = said.expect_err("a mebibyte");
        let short: String = said.chars().take(2_000).collect();
        assert!(
            short.contains("Too long") || short.contains("may not be more than"),
            "{short}"
        );
    }
    let many: Value = (0..10_000)
        .map(|n| (format!("key-{n}"), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let many = written(&partner, "/spec/attributes", many);
    refused(call(&world.admin, &create(many)).await, "must have at most");
    world.customer(&partner, "globex").await;
}

#[tokio::test]
async fn mistakes_on_top_of_a_good_state_change_nothing_and_are_told_one_after_the_other() {
    let world = World::shared().await;
    let mut partner = provider();
    partner.spec.customer_defaults = Some(CustomerDefaults {
        currency: Some("EUR".to_owned()),
        ..CustomerDefaults::default()
    });
    let partner = settled(&world, &partner).await;
    let globex = world.customer(&partner, "globex").await;
    settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let place = tenant(&globex);
    let bindings = world.api::<RoleBinding>(&place);
    let ada = bindings.get("globex-admin").await.expect("a binding");
    let quotas = world.api::<ResourceQuota>(&place);
    let quota = quotas.get("clientele").await.expect("a quota");

    change(
        &world,
        &partner,
        json!({"spec": {"customerDefaults": {"currency": null}}}),
    )
    .await;
    let wrong = json!({"spec": {"plan": "no-such-plan", "postalRoutes": ["no-such-route"], "billing": null}});
    let mut now = change(&world, &globex, wrong).await;
    for (reason, correction) in [
        ("PlanNotFound", json!({"spec": {"plan": null}})),
        ("NoUsableRoute", json!({"spec": {"postalRoutes": null}})),
        (
            "CurrencyMissing",
            json!({"spec": {"billing": {"currency": "CHF"}}}),
        ),
    ] {
        let stalled = world.stalled(&now, reason).await;
        assert_eq!(
            condition(&stalled, "AccessOpen")
                .expect("AccessOpen")
                .status,
            "True"
        );
        assert_eq!(
            condition(&stalled, "NamespaceReady")
                .expect("NamespaceReady")
                .status,
            "True"
        );
        now = change(&world, &now, correction).await;
    }
    world.ready(&now).await;
    let after = bindings
        .get("globex-admin")
        .await
        .expect("nobody was shut out");
    assert_eq!(after.resource_version(), ada.resource_version());
    let after = quotas.get("clientele").await.expect("a quota");
    assert_eq!(after.metadata.generation, quota.metadata.generation);
    assert_eq!(after.spec, quota.spec);
}

#[tokio::test]
async fn a_fight_over_a_label_is_slow_and_ends_right() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let (place, fire) = (tenant(&globex), break_glass(&world).await);
    let key = "pod-security.kubernetes.io/enforce";
    let worse = patch(
        &format!("/api/v1/namespaces/{place}"),
        json!({"metadata": {"labels": {key: "privileged"}}}),
    );
    let before = world.plane.audit().mark().await;
    // Another controller that is as quick as the operator and never gives in.
    let other = async {
        let all: Api<Namespace> = Api::all(fire.clone());
        let mut seen = std::pin::pin!(watcher::watch_object(all, &place).default_backoff());
        while let Some(now) = seen.next().await {
            if now.is_ok_and(|now| now.is_some_and(|now| now.labels()[key] != "privileged")) {
                call(&fire, &worse).await.expect("break-glass may");
            }
        }
    };
    let fight = std::time::Duration::from_secs(5);
    tokio::time::timeout(fight, other)
        .await
        .expect_err("it never ends by itself");
    let writes = world
        .plane
        .audit()
        .since(before)
        .await
        .by(OPERATOR)
        .in_namespace(&place)
        .writes();
    let patches = writes
        .only(|event| event.verb == "patch" && event.resource == "namespaces")
        .count();
    assert!((2..20).contains(&patches), "{patches} patches in {fight:?}");

    namespace_until(&world, &place, "as it should be", |namespace| {
        namespace.labels()[key] == "restricted"
    })
    .await;
    // Whoever else lives here was not held up.
    let held = change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    let held = tokio::time::timeout(std::time::Duration::from_secs(5), world.ready(&held)).await;
    held.expect("what is new is never held back");
}
