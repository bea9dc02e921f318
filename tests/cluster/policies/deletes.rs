//! `clientele-deletes`, on what the operator itself has counted.

use clientele::api::{Customer, Partner, PostalRoute};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::support::{World, customer, home, namespace_of, refused, reseller, route, until};

/// Waits until a partner's status counts so many customers and partners.
async fn counts(partners: &Api<Partner>, name: &str, customers: i64, below: i64) {
    let what = format!("a partner with {customers} customers and {below} partners");
    until(partners.clone(), name, &what, |partner| {
        let status = partner.and_then(|partner| partner.status.as_ref());
        status.is_some_and(|status| (status.customers, status.partners) == (customers, below))
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
    let customers = world.api::<Customer>(&namespace_of(&globex));
    customers
        .delete("globex", &DeleteParams::default())
        .await
        .expect("deleted");
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
