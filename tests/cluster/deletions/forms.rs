//! What a customer's own admin asks for in the tenant.

use clientele::api::{DeletionPhase, DeletionRequest, DeletionStep, Role};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::{filed, has_everything, living, partner, request, steps, until_empty, until_phase};
use crate::steps::{Who, config_map, namespace, settled, until_may};
use crate::support::{PATIENCE, Report as _, World, eventually, namespace_of, tenant, until, user};

#[tokio::test]
async fn its_own_admin_asks_in_the_tenant_and_keeps_just_the_right_to_take_it_back() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    settled(&world, &user(&globex, "bob", Role::Admin)).await;
    let place = tenant(&globex);
    let uid = namespace(&world, &place).await.uid();
    let mut form = request(&globex, "leave");
    form.metadata.namespace = Some(place.clone());
    form.spec.customer = None;
    let ada = world.as_user("ada@globex.example", &[]).await;
    let form = counted(&world, &ada, &form).await;
    let form = until_phase(&world, &form, DeletionPhase::Pending).await;
    let beside = filed(&world, &globex).await;
    let beside = until_phase(&world, &beside, DeletionPhase::Pending).await;
    assert_eq!(
        steps(&beside),
        [(DeletionStep::Requested, Some("ada@globex.example"))]
    );
    until_empty(&world, &place, PATIENCE).await;
    let (ada_is, bob_is) = (
        Who::User("ada@globex.example"),
        Who::User("bob@globex.example"),
    );
    until_may(
        &world,
        &ada_is,
        "patch",
        "deletionrequests.clientele.dev",
        &place,
        true,
    )
    .await;
    until_may(&world, &ada_is, "get", "configmaps", &place, false).await;
    until_may(
        &world,
        &bob_is,
        "patch",
        "deletionrequests.clientele.dev",
        &place,
        false,
    )
    .await;

    let forms: Api<DeletionRequest> = Api::namespaced(ada, &place);
    let patch = json!({"spec": {"cancel": {"note": "we stay"}}});
    crate::steps::merged(&forms, &form.name_any(), patch).await;
    has_everything(&world, &globex, uid).await;
    let beside = until_phase(&world, &beside, DeletionPhase::Cancelled).await;
    assert_eq!(
        steps(&beside).last(),
        Some(&(DeletionStep::Cancelled, Some("ada@globex.example")))
    );
    until_phase(&world, &form, DeletionPhase::Cancelled).await;
    let bindings = world.api::<RoleBinding>(&place);
    until(
        bindings,
        "clientele-deletion-requester",
        "gone",
        |binding| binding.is_none(),
    )
    .await;
}

/// Makes a request inside a tenant namespace, as somebody who may. The quota counts such requests, and Kubernetes' quota controller
/// learns of our kinds only some time after they are installed.
async fn counted(world: &World, client: &Client, request: &DeletionRequest) -> DeletionRequest {
    let place = namespace_of(request);
    let requests: Api<DeletionRequest> = Api::namespaced(client.clone(), &place);
    let maps = world.api::<ConfigMap>(&place);
    eventually(
        "requests are counted",
        2 * PATIENCE,
        async || match requests.create(&PostParams::default(), request).await {
            Ok(request) => Ok(request),
            Err(kube::Error::Api(status)) if status.message.contains("status unknown") => {
                let map = world
                    .create(&config_map(&place, &crate::support::unique("counted-")))
                    .await;
                maps.delete(&map.name_any(), &DeleteParams::default())
                    .await
                    .report()?;
                Err(status.message)
            }
            Err(error) => panic!("{}: {error}", request.name_any()),
        },
    )
    .await
}
