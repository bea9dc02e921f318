//! What the staff and Git ask for.

use clientele::api::{Access, DeletionPhase, DeletionRequest, DeletionStep, Phase, meta};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::{
    access, cancel, filed, has_everything, is, jane, living, partner, request, steps, until_empty,
    until_gone, until_phase,
};
use crate::steps::{
    Who, annotate, break_glass, change, config_map, delete, message, namespace, settled, until_may,
    until_so,
};
use crate::support::{PATIENCE, World, customer, home, tenant};

#[tokio::test]
async fn what_the_staff_asks_for_stops_the_tenant_and_taken_back_it_has_everything() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    let place = tenant(&globex);
    let uid = namespace(&world, &place).await.uid();

    let requests: Api<DeletionRequest> = Api::namespaced(jane(&world).await, &home(&partner));
    // Who asks is not for the writer to say.
    let mut leaves = request(&globex, "leaves");
    let forged = (meta::ANNOTATION_REQUESTED_BY.to_owned(), "root".to_owned());
    leaves.metadata.annotations = Some([forged].into());
    let leaves = requests
        .create(&PostParams::default(), &leaves)
        .await
        .expect("a seller may");
    let leaves = until_phase(&world, &leaves, DeletionPhase::Pending).await;
    assert_eq!(
        steps(&leaves),
        [(DeletionStep::Requested, Some("jane@staff.example"))]
    );
    until_may(
        &world,
        &Who::User("ada@globex.example"),
        "get",
        "configmaps",
        &place,
        false,
    )
    .await;
    until_empty(&world, &place, PATIENCE).await;
    let told = until_so(&world, &globex, "PendingDeletion", |globex| {
        is(globex, Phase::PendingDeletion)
    })
    .await;
    assert_eq!(access(&told), Some(Access::Stopped));
    assert!(
        message(&told, "DeletionPending").contains("leaves"),
        "{told:?}"
    );
    world
        .reported(&told, "Ready", |ready| {
            ready.status == "True" && ready.reason == "DeletionPending"
        })
        .await;

    let leaves = cancel(&world, &leaves).await;
    has_everything(&world, &globex, uid).await;
    let leaves = until_phase(&world, &leaves, DeletionPhase::Cancelled).await;
    assert_eq!(
        steps(&leaves)
            .last()
            .map(|(what, by)| (*what, by.is_some())),
        Some((DeletionStep::Cancelled, true))
    );
}

#[tokio::test]
async fn when_its_grace_is_over_a_customer_is_gone_and_leaves_nothing_but_history() {
    let world = World::shared().await;
    let partner = partner(&world, "20s").await;
    let globex = living(&world, &partner).await;
    let place = tenant(&globex);
    let uid = globex.uid().expect("a uid");
    let leaves = world.create(&request(&globex, "leaves")).await;
    let leaves = until_phase(&world, &leaves, DeletionPhase::Pending).await;
    let status = leaves.status.clone().expect("a status");
    let waits = status
        .finalize_at
        .expect("an end")
        .0
        .duration_since(leaves.creation_timestamp().expect("a time").0);
    assert_eq!(waits.as_secs(), 20);
    // So many deletions may have come from other tests that a person has to confirm.
    let leaves = annotate(
        &world,
        &leaves,
        meta::ANNOTATION_CONFIRM_DELETE,
        Some("leaves"),
    )
    .await;
    until_gone(&world, &place).await;
    let leaves = until_phase(&world, &leaves, DeletionPhase::Completed).await;
    let done: Vec<_> = steps(&leaves).into_iter().map(|(what, _)| what).collect();
    assert_eq!(
        done,
        [
            DeletionStep::Requested,
            DeletionStep::Purging,
            DeletionStep::Completed
        ]
    );
    let globex = until_so(&world, &globex, "Deleted", |globex| {
        is(globex, Phase::Deleted)
    })
    .await;
    world
        .reported(&globex, "Ready", |ready| {
            ready.status == "True" && ready.reason == "Deleted"
        })
        .await;

    // Whatever still speaks of it is what people wrote, or history.
    let kinds = world.kubectl(&["api-resources", "--verbs=list", "-o", "name"]);
    let mut left = Vec::new();
    for kind in kinds.lines().filter(|kind| !kind.starts_with("events")) {
        let list: Value =
            serde_json::from_str(&world.kubectl(&["get", kind, "-A", "-o", "json"])).expect("JSON");
        let speaks = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|object| {
                let text = object.to_string();
                text.contains(&uid) || text.contains(&place)
            });
        left.extend(
            speaks.map(|object| format!("{} {}", object["kind"], object["metadata"]["name"])),
        );
    }
    left.sort();
    assert_eq!(
        left,
        [r#""Customer" "globex""#, r#""DeletionRequest" "leaves""#]
    );

    // It is still in Git, and does not come back by itself; made again it is a new tenant.
    delete(&world, &globex).await;
    let globex = settled(&world, &customer(&partner, "globex")).await;
    assert_eq!(access(&globex), Some(Access::Open));
}

#[tokio::test]
async fn what_git_asks_for_is_taken_back_by_git_and_done_makes_room_for_a_new_tenant() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    let place = tenant(&globex);
    let uid = namespace(&world, &place).await.uid();
    let wish = json!({"spec": {"deletion": {"requested": {"reason": "contract ended"}}}});
    let globex = change(&world, &globex, wish.clone()).await;
    let first = filed(&world, &globex).await;
    until_empty(&world, &place, PATIENCE).await;
    let globex = change(&world, &globex, json!({"spec": {"deletion": null}})).await;
    has_everything(&world, &globex, uid.clone()).await;
    let first = until_phase(&world, &first, DeletionPhase::Cancelled).await;
    // Who asked and who took it back is known, here one and the same.
    let asked = first
        .status
        .iter()
        .find_map(|it| it.requested_by.as_deref());
    assert!(asked.is_some());
    assert_eq!(
        steps(&first),
        [
            (DeletionStep::Requested, asked),
            (DeletionStep::Withdrawn, asked)
        ]
    );

    let globex = change(&world, &globex, wish).await;
    let second = filed(&world, &globex).await;
    assert_ne!(second.name_any(), first.name_any());
    change(&world, &second, json!({"spec": {"mode": "Now"}})).await;
    until_gone(&world, &place).await;
    let globex = until_so(&world, &globex, "Deleted", |globex| {
        is(globex, Phase::Deleted)
    })
    .await;
    let globex = change(&world, &globex, json!({"spec": {"deletion": null}})).await;
    let globex = until_so(&world, &globex, "Open", |globex| {
        access(globex) == Some(Access::Open)
    })
    .await;
    world.ready(&globex).await;
    assert_ne!(namespace(&world, &place).await.uid(), uid);
}

#[tokio::test]
async fn what_holds_a_namespace_that_goes_is_named() {
    let world = World::shared().await;
    let partner = partner(&world, "10d").await;
    let globex = living(&world, &partner).await;
    let place = tenant(&globex);
    let mut held = config_map(&place, "held");
    held.metadata.finalizers = Some(vec!["example.com/keep".to_owned()]);
    let fire = break_glass(&world).await;
    let maps: Api<ConfigMap> = Api::namespaced(fire, &place);
    maps.create(&PostParams::default(), &held)
        .await
        .expect("made past the policies");
    let mut leaves = request(&globex, "leaves");
    leaves.spec.mode = clientele::api::DeletionMode::Now;
    let leaves = world.create(&leaves).await;
    let leaves = until_so(&world, &leaves, "blocked", |leaves| {
        let blocked = leaves.status.iter().flat_map(|status| &status.blocked_by);
        blocked
            .into_iter()
            .any(|by| by.contains("example.com/keep"))
    })
    .await;
    crate::steps::merged(&maps, "held", json!({"metadata": {"finalizers": null}})).await;
    until_gone(&world, &place).await;
    let leaves = until_phase(&world, &leaves, DeletionPhase::Completed).await;
    assert_eq!(leaves.status.expect("a status").blocked_by, [""; 0]);
}
