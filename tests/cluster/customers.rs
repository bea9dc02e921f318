//! Customers: number, domain, currency and plan, who is refused them, and how a mistake is mended.

use clientele::api::{
    Customer, CustomerDefaults, CustomerSpec, NamePolicy, Partner, PolicyKind, ServicePlan,
};
use k8s_openapi::api::core::v1::{ConfigMap, ResourceQuota};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::steps::{change, condition, delete, message, namespace, offer, settled, until_so};
use crate::support::{
    World, customer, namespace_of, plan, provider, refused, reseller, tenant, unique, until,
};

/// A customer with these changes.
fn with(of: &Partner, name: &str, adjust: impl FnOnce(&mut CustomerSpec)) -> Customer {
    let mut customer = customer(of, name);
    adjust(&mut customer.spec);
    customer
}

fn number(customer: &Customer) -> Option<&str> {
    let status = customer.status.as_ref()?;
    status.customer_number.as_deref()
}

/// A change that must be refused at apply.
async fn try_change(world: &World, customer: &Customer, spec: Value, refusal: &str) {
    let customers = world.api::<Customer>(&namespace_of(customer));
    let patch = Patch::Merge(json!({"spec": spec}));
    let result = customers
        .patch(&customer.name_any(), &PatchParams::default(), &patch)
        .await;
    refused(result, refusal);
}

/// Waits until the tenant admits so many pods.
async fn until_pods(world: &World, customer: &Customer, pods: &str) {
    let quotas = world.api::<ResourceQuota>(&tenant(customer));
    until(quotas, "clientele", "as the plan says", |quota| {
        let spec = quota.and_then(|quota| quota.spec.as_ref());
        let hard = spec.and_then(|spec| spec.hard.as_ref());
        hard.is_some_and(|hard| hard.get("pods").is_some_and(|found| found.0 == pods))
    })
    .await;
}

/// A plan with room for so many pods.
async fn plan_of(world: &World, pods: &str) -> ServicePlan {
    offer(world, |spec| {
        spec.quota.entry("pods".to_owned()).or_default().0 = pods.to_owned();
    })
    .await
}

/// What a partner offers.
fn only(plans: &[&ServicePlan]) -> Option<NamePolicy> {
    Some(NamePolicy {
        policy: PolicyKind::Only,
        names: plans.iter().map(|plan| plan.name_any()).collect(),
    })
}

#[tokio::test]
async fn a_number_is_generated_once_and_stays() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let generated = number(&globex).expect("a number").to_owned();
    assert!(generated.starts_with("C-"), "{generated}");

    let edited = change(
        &world,
        &globex,
        json!({"spec": {"displayName": "Globex Two", "onHold": true}}),
    )
    .await;
    assert_eq!(number(&world.ready(&edited).await), Some(&*generated));
    let another = "this customer has a number already";
    try_change(&world, &globex, json!({"customerNumber": "C-1"}), another).await;
    let written = change(
        &world,
        &globex,
        json!({"spec": {"customerNumber": generated}}),
    )
    .await;
    assert_eq!(number(&world.ready(&written).await), Some(&*generated));
    let kept = "cannot be changed or removed";
    try_change(&world, &globex, json!({"customerNumber": null}), kept).await;
}

#[tokio::test]
async fn a_number_belongs_to_one_customer_of_a_provider() {
    let world = World::shared().await;
    let (one, other) = (world.provider().await, world.provider().await);
    let below = settled(&world, &reseller(&one)).await;
    let wanted = unique("N-");
    let numbered = |of: &Partner, name: &str, number: &str| {
        with(of, name, |spec| {
            spec.customer_number = Some(number.to_owned())
        })
    };
    let first = settled(&world, &numbered(&one, "first", &wanted)).await;
    assert_eq!(number(&first), Some(&*wanted));
    // Under another provider the same number is another number.
    settled(&world, &numbered(&other, "first", &wanted)).await;

    let second = world.create(&numbered(&below, "second", &wanted)).await;
    let stalled = world.stalled(&second, "NumberTaken").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains(&wanted) && !said.contains(&one.name_any()),
        "{said}"
    );
    assert_eq!(number(&stalled), None);
    let free = unique("N-");
    let corrected = change(&world, &second, json!({"spec": {"customerNumber": free}})).await;
    assert_eq!(number(&world.ready(&corrected).await), Some(&*free));
    let kept = "cannot be changed or removed";
    try_change(&world, &corrected, json!({"customerNumber": wanted}), kept).await;
}

#[tokio::test]
async fn of_domains_in_each_others_way_the_older_customer_keeps_its_own() {
    let world = World::shared().await;
    let (one, other) = (world.provider().await, world.provider().await);
    let domain = format!("{}.example", unique("domain-"));
    let at = |of: &Partner, name: &str, domain: &str| {
        with(of, name, |spec| spec.domain = Some(domain.to_owned()))
    };
    let older = settled(&world, &at(&one, "older", &domain)).await;
    let shop = format!("shop.{domain}");
    let younger = world.create(&at(&other, "younger", &shop)).await;
    let stalled = world.stalled(&younger, "DomainConflict").await;
    let status = stalled.status.as_ref().expect("a status");
    assert_eq!(status.ingress_domain, None);
    assert!(!message(&stalled, "Stalled").contains(&one.name_any()));
    let place = namespace(&world, &tenant(&younger)).await;
    assert!(
        !place
            .annotations()
            .contains_key("clientele.dev/ingress-domain")
    );
    world.ready(&older).await;

    // When the older one lets go, the younger one has it without anybody touching it.
    let elsewhere = format!("{}.example", unique("domain-"));
    change(&world, &older, json!({"spec": {"domain": elsewhere}})).await;
    let younger = world.ready(&younger).await;
    let status = younger.status.as_ref().expect("a status");
    assert_eq!(status.ingress_domain.as_deref(), Some(&*shop));
    let place = namespace(&world, &tenant(&younger)).await;
    assert_eq!(place.annotations()["clientele.dev/ingress-domain"], shop);
}

#[tokio::test]
async fn a_currency_comes_from_the_customer_or_from_its_partner() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let globex = with(&partner, "globex", |spec| spec.billing = None);
    let globex = world.create(&globex).await;
    let stalled = world.stalled(&globex, "CurrencyMissing").await;
    let said = message(&stalled, "Stalled");
    assert!(said.contains("spec.billing.currency"), "{said}");
    let defaults = json!({"spec": {"customerDefaults": {"currency": "CHF", "locale": "de-CH"}}});
    change(&world, &partner, defaults).await;
    world.ready(&globex).await;
    let maps = world.api::<ConfigMap>(&tenant(&globex));
    let map = maps.get("customer").await.expect("a map");
    let data = map.data.expect("data");
    assert_eq!((&*data["currency"], &*data["locale"]), ("CHF", "de-CH"));
}

#[tokio::test]
async fn a_plan_that_is_not_there_yet_is_taken_up_when_it_comes() {
    let world = World::shared().await;
    let partner = world.provider().await;
    let late = plan();
    let globex = with(&partner, "globex", |spec| spec.plan = Some(late.name_any()));
    let globex = world.create(&globex).await;
    let stalled = world.stalled(&globex, "PlanNotFound").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains(&late.name_any()) && said.contains("kubectl get serviceplans"),
        "{said}"
    );
    // Until then there is a tenant, shut off, and without a single pod.
    until_pods(&world, &globex, "0").await;

    let plans: Api<ServicePlan> = Api::all(world.admin.clone());
    plans
        .create(&PostParams::default(), &late)
        .await
        .expect("a plan");
    let globex = world.ready(&globex).await;
    assert_eq!(
        globex
            .status
            .as_ref()
            .and_then(|status| status.plan.clone()),
        Some(late.name_any())
    );
    until_pods(&world, &globex, "10").await;
    until(plans, &late.name_any(), "counted", |plan| {
        let status = plan.and_then(|plan| plan.status.as_ref());
        status.is_some_and(|status| status.customers == 1)
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_is_not_offered_leaves_the_last_good_one_in_force() {
    let world = World::shared().await;
    let (small, large) = (plan_of(&world, "1").await, plan_of(&world, "9").await);
    let mut top = provider();
    top.spec.plans = only(&[&small]);
    let top = settled(&world, &top).await;
    let below = settled(&world, &reseller(&top)).await;
    let globex = with(&below, "globex", |spec| spec.plan = Some(small.name_any()));
    let globex = settled(&world, &globex).await;

    let wrong = change(&world, &globex, json!({"spec": {"plan": large.name_any()}})).await;
    let stalled = world.stalled(&wrong, "PlanNotOffered").await;
    let said = message(&stalled, "Stalled");
    assert!(
        said.contains(&large.name_any()) && said.contains(&top.name_any()),
        "{said}"
    );
    assert_eq!(
        stalled
            .status
            .as_ref()
            .and_then(|status| status.plan.clone()),
        Some(small.name_any())
    );
    // People work on meanwhile.
    assert_eq!(
        condition(&stalled, "AccessOpen")
            .expect("AccessOpen")
            .status,
        "True"
    );
    until_pods(&world, &globex, "1").await;

    // It is mended above; the customer is not touched.
    change(
        &world,
        &top,
        json!({"spec": {"plans": {"names": [small.name_any(), large.name_any()]}}}),
    )
    .await;
    world.ready(&wrong).await;
    until_pods(&world, &globex, "9").await;
}

#[tokio::test]
async fn a_plan_that_is_withdrawn_stays_in_force_and_is_given_to_nobody_else() {
    let world = World::shared().await;
    let (old, new) = (plan_of(&world, "3").await, plan_of(&world, "4").await);
    let mut partner = provider();
    partner.spec.plans = only(&[&old]);
    partner.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some(old.name_any()),
        ..CustomerDefaults::default()
    });
    let partner = settled(&world, &partner).await;
    // One that says which plan it wants, and one that has the partner's default.
    let early = with(&partner, "early", |spec| spec.plan = Some(old.name_any()));
    let early = settled(&world, &early).await;
    let default = settled(&world, &customer(&partner, "default")).await;
    until_pods(&world, &default, "3").await;

    let names = json!({"spec": {"plans": {"names": [new.name_any()]}, "customerDefaults": {"plan": new.name_any()}}});
    world.ready(&change(&world, &partner, names).await).await;
    // A default is live.
    until_pods(&world, &default, "4").await;
    let late = with(&partner, "late", |spec| spec.plan = Some(old.name_any()));
    let late = world.create(&late).await;
    world.stalled(&late, "PlanNotOffered").await;
    world.ready(&early).await;
    until_pods(&world, &early, "3").await;

    // Even the loss of the plan changes nothing in the tenant but what is said about it.
    let plans: Api<ServicePlan> = Api::all(world.admin.clone());
    let gone = plans
        .delete(&old.name_any(), &DeleteParams::default())
        .await;
    gone.expect("deleted");
    let stalled = world.stalled(&early, "PlanNotFound").await;
    assert_eq!(
        stalled
            .status
            .as_ref()
            .and_then(|status| status.plan.clone()),
        Some(old.name_any())
    );
    until_pods(&world, &early, "3").await;
    let moved = change(&world, &early, json!({"spec": {"plan": null}})).await;
    world.ready(&moved).await;
    until_pods(&world, &early, "4").await;
}

#[tokio::test]
async fn what_the_customer_card_says_follows_the_customer() {
    let world = World::shared().await;
    let mut partner = provider();
    partner.spec.domain = Some(format!("{}.example", partner.name_any()));
    let partner = settled(&world, &partner).await;
    let globex = world.customer(&partner, "globex").await;
    let said = json!({"spec": {
        "displayName": "Globex & Söhne 株式会社", "externalID": "crm/4711", "testAccount": true, "sector": "Public",
        "attributes": {"segment": "gold"}, "onHold": true, "seller": "jane@emea.example",
    }});
    let globex = change(&world, &globex, said).await;
    world.ready(&globex).await;
    let maps = world.api::<ConfigMap>(&tenant(&globex));
    let data = maps
        .get("customer")
        .await
        .expect("a map")
        .data
        .expect("data");
    for (key, value) in [
        ("displayName", "Globex & Söhne 株式会社"),
        ("externalID", "crm/4711"),
        ("testAccount", "true"),
        ("sector", "Public"),
        ("access", "Locked"),
        ("accessReason", "OnHold"),
        (
            "ingressDomain",
            &format!("globex.{}.example", partner.name_any()),
        ),
    ] {
        assert_eq!(data.get(key).map(String::as_str), Some(value), "{key}");
    }
    delete(&world, &globex).await;
    until_so(&world, &partner, "counted", |partner| {
        partner
            .status
            .as_ref()
            .is_some_and(|status| status.customers == 0)
    })
    .await;
}
