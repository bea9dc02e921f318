//! Customers whose objects are deleted, one by one and by the dozen.

use clientele::api::{Customer, DeletionPhase, DeletionRequest, Partner, meta};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::{cancel, filed, has_everything, living, partner, pods, until_empty, until_phase};
use crate::steps::{Who, change, delete, message, namespace, settled, until_may, until_so};
use crate::support::{PATIENCE, Report as _, World, customer, eventually, home, refused, tenant};

#[tokio::test]
async fn a_customer_that_is_deleted_and_applied_again_has_everything() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    let place = tenant(&globex);
    let uid = namespace(&world, &place).await.uid();
    delete(&world, &globex).await;
    until_may(
        &world,
        &Who::User("ada@globex.example"),
        "get",
        "configmaps",
        &place,
        false,
    )
    .await;
    assert_eq!(
        namespace(&world, &place).await.labels()[meta::LABEL_RETAINED],
        "true"
    );
    assert_eq!(
        pods(&world, &place).await,
        ["web"],
        "stopped before the settle time"
    );
    let filed = filed(&world, &globex).await;

    let mut again = globex.clone();
    again.metadata = kube::api::ObjectMeta {
        name: globex.metadata.name.clone(),
        namespace: globex.metadata.namespace.clone(),
        ..Default::default()
    };
    again.status = None;
    let again = settled(&world, &again).await;
    has_everything(&world, &again, uid).await;
    assert_eq!(pods(&world, &place).await, ["web"]);
    until_phase(&world, &filed, DeletionPhase::Cancelled).await;
}

#[tokio::test]
async fn a_deleted_customer_stops_after_a_minute_and_comes_back_by_cancelling() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    let globex = change(
        &world,
        &globex,
        json!({"metadata": {"labels": {"team": "blue"}}, "spec": {"description": "likes tea"}}),
    )
    .await;
    let globex = world.ready(&globex).await;
    let place = tenant(&globex);
    let uid = namespace(&world, &place).await.uid();
    delete(&world, &globex).await;
    let filed = filed(&world, &globex).await;
    until_empty(
        &world,
        &place,
        clientele::domain::deletion::SETTLE + PATIENCE,
    )
    .await;
    until_so(&world, &filed, "settled", |filed| {
        crate::steps::condition(filed, "Ready").is_some_and(|ready| ready.status == "True")
    })
    .await;
    // As long as its tenant is kept, the partner stays.
    until_so(&world, &partner, "counts it", |partner| {
        partner
            .status
            .as_ref()
            .is_some_and(|status| status.retained == 1)
    })
    .await;
    let partners = world.api::<Partner>(meta::PARTNERS_NAMESPACE);
    let status = refused(
        partners
            .delete(&partner.name_any(), &DeleteParams::default())
            .await,
        "1 tenant",
    );
    assert!(status.code == 422 || status.code == 403, "{status:?}");

    let filed = cancel(&world, &filed).await;
    until_phase(&world, &filed, DeletionPhase::Cancelled).await;
    let again = world
        .api::<Customer>(&home(&partner))
        .get("globex")
        .await
        .expect("made again");
    assert_eq!(
        (
            again.spec.description.as_deref(),
            again.labels().get("team").map(String::as_str)
        ),
        (Some("likes tea"), Some("blue"))
    );
    has_everything(&world, &again, uid).await;
}

#[tokio::test]
async fn a_crowd_of_deletions_waits_for_a_person_and_git_puts_it_right() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let names: Vec<String> = (0..8).map(|number| format!("crowd-{number}")).collect();
    for name in &names {
        world.customer(&partner, name).await;
    }
    let uid = namespace(&world, &format!("{}--crowd-7", partner.name_any()))
        .await
        .uid();
    world.kubectl(&["delete", "customers", "--all", "-n", &home(&partner)]);
    let requests = world.api::<DeletionRequest>(&home(&partner));
    eventually("all of them are held", PATIENCE, async || {
        let list = requests.list(&ListParams::default()).await.report()?;
        let held = list.iter().filter(|request| {
            crate::steps::condition(*request, "Stalled")
                .is_some_and(|stalled| stalled.reason == "DeletionHeld")
        });
        let held = held.count();
        if held == 8 {
            Ok(())
        } else {
            Err(format!("{held}"))
        }
    })
    .await;
    let list = requests
        .list(&ListParams::default())
        .await
        .expect("requests");
    // The message says how to go on, and that does.
    let first = &list.items[0];
    crate::steps::do_as_told(&world, &message(first, "Stalled"));
    until_so(&world, first, "confirmed", |first| {
        crate::steps::condition(first, "Stalled").is_none()
    })
    .await;
    for name in &names {
        world.customer(&partner, name).await;
    }
    assert_eq!(
        namespace(&world, &format!("{}--crowd-7", partner.name_any()))
            .await
            .uid(),
        uid
    );
}

#[tokio::test]
async fn after_a_cancelled_deletion_kubectl_apply_goes_on_as_before() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let mut manifest = json!(customer(&partner, "globex"));
    manifest["spec"]["description"] = "likes tea".into();
    let apply = |manifest: &serde_json::Value| {
        let applied = world
            .plane
            .kubectl_with_input(&["apply", "-f", "-"], &manifest.to_string());
        applied.expect("it is applied")
    };
    apply(&manifest);
    let globex = world.ready(&customer(&partner, "globex")).await;
    delete(&world, &globex).await;
    let filed = filed(&world, &globex).await;
    let filed = cancel(&world, &filed).await;
    until_phase(&world, &filed, DeletionPhase::Cancelled).await;

    // What is in the file no more goes.
    let spec = manifest["spec"].as_object_mut().expect("a spec");
    spec.remove("description");
    apply(&manifest);
    let customers = world.api::<Customer>(&home(&partner));
    let again = customers.get("globex").await.expect("made again");
    assert_eq!(again.spec.description, None);
}
