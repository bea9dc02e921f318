//! `clientele-deletes`: what stays while others hang on it, by what the operator itself has counted; and what stays because it says
//! so, or is history.

use clientele::api::{Customer, Partner, PostalRoute};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::deletion::{held, phase, released, request};
use super::{given, platform};
use crate::attempt::{ALLOWED, delete, patch, try_all};
use crate::steps::purge;
use crate::support::{World, customer, home, namespace_of, refused, reseller, route, until};
use crate::tenancy::{OPERATOR, Tenant};

/// Waits until a partner's status counts so many customers and partners.
async fn counts(partners: &Api<Partner>, name: &str, customers: i64, below: i64) {
    let what = format!("a partner with {customers} customers and {below} partners");
    until(partners.clone(), name, &what, |partner| {
        let status = partner.and_then(|partner| partner.status.as_ref());
        status.is_some_and(|status| {
            (status.customers, status.partners, status.retained) == (customers, below, 0)
        })
    })
    .await;
}

#[tokio::test]
async fn a_partner_with_customers_or_partners_stays() {
    let world = World::shared().await;
    let provider = world.provider().await;
    let name = provider.name_any();
    let partners = world.api::<Partner>(&namespace_of(&provider));
    let delete = async || partners.delete(&name, &DeleteParams::default()).await;

    let globex = world.customer(&provider, "globex").await;
    counts(&partners, &name, 1, 0).await;
    refused(
        delete().await,
        &format!("Partner {name} still has 1 customers and 0 partners in or below partner-{name}"),
    );

    let below = world.ready(&world.create(&reseller(&provider)).await).await;
    purge(&world, &globex).await;
    counts(&partners, &name, 0, 1).await;
    refused(delete().await, "still has 0 customers and 1 partners");

    let resellers = world.api::<Partner>(&home(&provider));
    resellers
        .delete(&below.name_any(), &DeleteParams::default())
        .await
        .expect("deleted");
    counts(&partners, &name, 0, 0).await;
    delete().await.expect("nothing stands on it");
    until(partners.clone(), &name, "gone", |partner| partner.is_none()).await;
}

#[tokio::test]
async fn a_partner_stays_as_long_as_a_deleted_customer_can_be_had_back() {
    let world = World::shared().await;
    let provider = world.provider().await;
    let name = provider.name_any();
    let partners = world.api::<Partner>(&namespace_of(&provider));
    let globex = world.customer(&provider, "globex").await;
    let customers = world.api::<Customer>(&namespace_of(&globex));
    let deleted = customers.delete("globex", &DeleteParams::default()).await;
    deleted.expect("deleted");
    until(
        partners.clone(),
        &name,
        "a partner with a kept tenant",
        |partner| {
            let status = partner.and_then(|partner| partner.status.as_ref());
            status.is_some_and(|status| (status.customers, status.retained) == (0, 1))
        },
    )
    .await;
    refused(
        partners.delete(&name, &DeleteParams::default()).await,
        &format!(
            "Partner {name} still has 1 tenants of deleted customers, in or below partner-{name}"
        ),
    );
}

#[tokio::test]
async fn a_partners_namespace_goes_with_all_that_is_in_it_once_confirmed() {
    let world = World::shared().await;
    let provider = world.provider().await;
    let below = world.ready(&world.create(&reseller(&provider)).await).await;
    world.customer(&below, "globex").await;
    let partners = world.api::<Partner>(&home(&provider));
    counts(&partners, &below.name_any(), 1, 0).await;
    let confirm =
        json!({"metadata": {"annotations": {"clientele.dev/confirm-delete": home(&provider)}}});
    let namespaces: Api<Namespace> = Api::all(world.admin.clone());
    namespaces
        .patch(
            &home(&provider),
            &PatchParams::default(),
            &Patch::Merge(&confirm),
        )
        .await
        .expect("confirmed");
    namespaces
        .delete(&home(&provider), &DeleteParams::default())
        .await
        .expect("deleted");
    until(namespaces.clone(), &home(&provider), "gone", |namespace| {
        namespace.is_none()
    })
    .await;
    // What is another's to confirm stays: the reseller's own namespace, and the tenant below it.
    for name in [home(&below), format!("{}--globex", below.name_any())] {
        namespaces.get(&name).await.expect("still there");
    }
}

#[tokio::test]
async fn a_route_stays_while_it_is_somebodys_only_one() {
    let world = World::shared().await;
    let provider = world.provider().await;
    for name in ["first", "second"] {
        world
            .ready(&world.create(&route(&provider, name)).await)
            .await;
    }
    let routes = world.api::<PostalRoute>(&home(&provider));
    let only_route_of = async |wanted: i64| {
        until(
            routes.clone(),
            "first",
            &format!("the only route of {wanted}"),
            |route| {
                let status = route.and_then(|route| route.status.as_ref());
                status.is_some_and(|status| status.customers == 1 && status.only_route_of == wanted)
            },
        )
        .await
    };
    let mut globex = customer(&provider, "globex");
    globex.spec.postal_routes = Some(vec!["first".to_owned()]);
    let globex = world.ready(&world.create(&globex).await).await;
    only_route_of(1).await;
    let deleted = routes.delete("first", &DeleteParams::default()).await;
    refused(
        deleted,
        "PostalRoute first is the only route of 1 customers",
    );

    let both = json!({"spec": {"postalRoutes": ["first", "second"]}});
    let customers = world.api::<Customer>(&namespace_of(&globex));
    customers
        .patch("globex", &PatchParams::default(), &Patch::Merge(&both))
        .await
        .expect("changed");
    only_route_of(0).await;
    routes
        .delete("first", &DeleteParams::default())
        .await
        .expect("others are there");
}

#[tokio::test]
async fn a_protected_customer_stays_until_that_is_lifted() {
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/kept";
    let mut kept = super::customer("kept");
    kept["spec"]["deletion"] = json!({"protected": true});
    let protected = "Customer kept is protected from deletion. If it is to go, lift that first: kubectl patch customer kept -n {home}";
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, kept).await;
    let person = platform(&world).await;
    let all = delete("/apis/clientele.dev/v1alpha1/namespaces/{home}/customers");
    try_all(
        &person,
        &tenant,
        vec![
            ("deletes it", delete(path), protected),
            ("deletes all there are", all, protected),
        ],
    )
    .await;
    // What a cascade may do, the one who set it off may not, either; but Kubernetes empties a namespace that goes.
    for (who, refused) in [
        (
            "system:serviceaccount:kube-system:generic-garbage-collector",
            protected,
        ),
        (
            "system:serviceaccount:kube-system:namespace-controller",
            ALLOWED,
        ),
    ] {
        let controller = world.as_user(who, &["system:masters"]).await;
        try_all(
            &controller,
            &tenant,
            vec![(who, delete(path).dry(), refused)],
        )
        .await;
    }
    let lifted = json!({"spec": {"deletion": {"protected": false}}});
    try_all(
        &person,
        &tenant,
        vec![
            ("lifts it", patch(path, lifted), ALLOWED),
            ("deletes it", delete(path), ALLOWED),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_request_that_has_begun_is_history() {
    // An operator would act on what the request is said to have come to.
    let world = World::alone().await;
    world.operator().stop();
    let tenant = Tenant::by_hand(&world).await;
    let person = platform(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let namespaces = "system:serviceaccount:kube-system:namespace-controller";
    let namespaces = world.as_user(namespaces, &["system:masters"]).await;
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/deletionrequests/a";
    given(&person, &tenant, request("a", json!({}))).await;
    held(&world, &tenant).await;
    let gone = || vec![("deletes it", delete(path).dry(), ALLOWED)];
    try_all(&person, &tenant, gone()).await;
    for (name, stays) in [
        ("Pending", ALLOWED),
        ("Cancelled", ALLOWED),
        (
            "Purging",
            "DeletionRequest a is Purging: the customer cannot be had back",
        ),
        (
            "Completed",
            "DeletionRequest a is Completed: the customer cannot be had back",
        ),
    ] {
        try_all(&operator, &tenant, vec![(name, phase("a", name), ALLOWED)]).await;
        try_all(&person, &tenant, vec![(name, delete(path).dry(), stays)]).await;
        try_all(&namespaces, &tenant, gone()).await;
    }
    try_all(&operator, &tenant, gone()).await;
    released(&world, &tenant).await;
    world.operator().start().expect("started");
    world.operator().await_ready().expect("ready");
}
