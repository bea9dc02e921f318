//! All kinds are removed from the cluster, and installed again: nothing is stopped, nothing is purged, and everything is as it was.

use clientele::api::{Customer, DeletionRequest, DeletionRequestSpec, Role};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::api::PostParams;

use crate::steps::{config_map, namespace, settled, until_so};
use crate::support::{PATIENCE, Report as _, World, eventually, home, namespace_of, tenant, user};
use crate::tenancy::OPERATOR;

/// How long kube's watcher may wait before it lists again what it could not list.
const WATCH_AGAIN: u32 = 3;

/// An object as its author would apply it again.
macro_rules! again {
    ($world:expr, $kind:ident, $object:expr) => {{
        let mut again = clientele::api::$kind::new(&$object.name_any(), $object.spec.clone());
        again.metadata.namespace = $object.namespace();
        let api = $world.api::<clientele::api::$kind>(&namespace_of(&again));
        eventually(&again.name_any(), WATCH_AGAIN * PATIENCE, async || {
            api.create(&PostParams::default(), &again).await.report()
        })
        .await
    }};
}

fn number(customer: &Customer) -> Option<String> {
    customer.status.as_ref()?.customer_number.clone()
}

#[tokio::test]
async fn the_loss_of_all_kinds_stops_and_purges_nothing_and_applied_again_all_is_as_it_was() {
    let world = World::alone().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let leaver = world.customer(&partner, "leaver").await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    world.create(&config_map(&tenant(&globex), "data")).await;
    let spec = DeletionRequestSpec {
        customer: Some("leaver".to_owned()),
        ..DeletionRequestSpec::default()
    };
    let mut leaves = DeletionRequest::new("leaves", spec);
    leaves.metadata.namespace = Some(home(&partner));
    world.ready(&world.create(&leaves).await).await;
    let leaver = until_so(&world, &leaver, "stopped", |leaver| {
        let told = leaver
            .status
            .as_ref()
            .and_then(|status| status.access_reason.as_deref());
        told == Some("DeletionPending")
    })
    .await;
    let leaver = world.ready(&leaver).await;
    let before = namespace(&world, &tenant(&globex)).await;
    let stopped = namespace(&world, &tenant(&leaver)).await;

    let mark = world.plane.audit().mark().await;
    let kinds = world.kubectl(&["get", "crd", "-o", "name"]);
    let ours = kinds
        .lines()
        .filter(|name| name.ends_with(".clientele.dev"));
    let mut delete = vec!["delete", "--timeout=90s"];
    delete.extend(ours);
    assert!(delete.len() > 7, "{kinds}");
    world.kubectl(&delete);
    for known in [&before, &stopped] {
        let now = namespace(&world, &known.name_any()).await;
        let name = known.name_any();
        assert_eq!(now.labels(), known.labels(), "{name}");
        assert_eq!(now.annotations(), known.annotations(), "{name}");
    }

    let calls = world.plane.audit().since(mark).await;
    let places = [before.name_any(), stopped.name_any()];
    let touched = calls.by(OPERATOR).writes().only(|call| {
        let there = places.contains(&call.namespace);
        let itself = call.resource == "namespaces" && places.contains(&call.name);
        (there || itself) && call.code < 400
    });
    assert_eq!(touched.count(), 0, "{touched:?}");

    world.plane.install().expect("installed again");
    let partner = again!(world, Partner, partner);
    world.ready(&partner).await;
    let again = again!(world, Customer, globex);
    let told = world.ready(&again).await;
    assert_eq!(number(&told), number(&globex));
    let ada = again!(world, CustomerUser, ada);
    world.ready(&ada).await;
    let now = namespace(&world, &tenant(&globex)).await;
    assert_eq!(now.uid(), before.uid());
    let maps = world.api::<ConfigMap>(&tenant(&globex));
    maps.get("data").await.expect("its data");
    // Nobody has asked for this one since: it is open, and not deleted.
    let again = again!(world, Customer, leaver);
    let again = until_so(&world, &again, "open", |again| {
        let told = again
            .status
            .as_ref()
            .and_then(|status| status.access_reason.as_deref());
        told == Some("Active")
    })
    .await;
    world.ready(&again).await;
    assert_eq!(
        namespace(&world, &tenant(&leaver)).await.uid(),
        stopped.uid()
    );
}
