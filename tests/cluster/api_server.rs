//! The API server dies and is started again while the operator works.

use clientele::api::{Access, Customer, DeletionPhase, DeletionRequest, DeletionRequestSpec, Role};
use kube::ResourceExt as _;
use serde_json::json;

use crate::steps::{Who, change, namespace, settled, until_may, until_so};
use crate::support::{OPERATOR_USER, World, home, tenant, user};

#[tokio::test]
async fn the_api_server_dies_and_everything_goes_on_when_it_is_back() {
    let world = World::alone().await;
    let partner = world.provider().await;
    let globex = world.customer(&partner, "globex").await;
    let leaver = world.customer(&partner, "leaver").await;
    let ada = settled(&world, &user(&globex, "ada", Role::Admin)).await;
    let spec = DeletionRequestSpec {
        customer: Some("leaver".to_owned()),
        ..DeletionRequestSpec::default()
    };
    let mut leaves = DeletionRequest::new("leaves", spec);
    leaves.metadata.namespace = Some(home(&partner));
    let leaves = world.ready(&world.create(&leaves).await).await;
    let before = [
        namespace(&world, &tenant(&globex)).await,
        namespace(&world, &tenant(&leaver)).await,
    ];

    let mark = world.plane.audit().mark().await;
    world.plane.crash_api_server().await;
    // What was asked for before goes on, what is asked for now is done.
    let person = Who::User(&ada.spec.email);
    until_may(&world, &person, "list", "pods", &tenant(&globex), true).await;
    world.customer(&partner, "initech").await;
    let globex = change(&world, &globex, json!({"spec": {"onHold": true}})).await;
    until_may(&world, &person, "list", "pods", &tenant(&globex), false).await;
    let globex: Customer = world.ready(&globex).await;
    let access = globex.status.as_ref().and_then(|status| status.access);
    assert_eq!(access, Some(Access::Locked));
    until_so(&world, &leaves, "waiting as before", |leaves| {
        let phase = leaves.status.as_ref().and_then(|status| status.phase);
        phase == Some(DeletionPhase::Pending)
    })
    .await;
    // And nothing was done that nobody has asked for.
    for (old, name) in before.iter().zip([tenant(&globex), tenant(&leaver)]) {
        assert_eq!(old.uid(), namespace(&world, &name).await.uid());
    }
    let calls = world.plane.audit().since(mark).await;
    let deleted = calls
        .by(OPERATOR_USER)
        .only(|call| call.verb.starts_with("delete") && call.resource != "rolebindings");
    assert!(deleted.counts().is_empty(), "{:?}", deleted.counts());
}
