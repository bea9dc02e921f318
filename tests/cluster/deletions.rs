//! Deletions on the real controllers: asked for, taken back, come to their end.

use clientele::api::{
    Access, Customer, CustomerDefaults, DeletionPhase, DeletionRequest, DeletionRequestSpec,
    DeletionStep, Partner, Phase, Role, StaffRole, meta,
};
use clientele::api::{Staff, StaffScope};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::attempt::{call, create};
use crate::steps::{
    Who, annotate, break_glass, change, config_map, delete, message, namespace, namespaces, offer,
    pod, settled, until_may, until_so,
};
use crate::support::{
    PATIENCE, Report as _, World, customer, eventually, home, namespace_of, provider, refused,
    tenant, until, user,
};

/// A partner whose deletions wait so long, with a seller and a reseller among its staff.
async fn partner(world: &World, grace: &str) -> Partner {
    let mut partner = provider();
    partner.spec.customer_defaults = Some(CustomerDefaults {
        grace_period: Some(grace.to_owned()),
        ..CustomerDefaults::default()
    });
    let staff = |user: &str, role| Staff {
        user: Some(user.to_owned()),
        group: None,
        role,
        scope: StaffScope::Own,
    };
    partner.spec.staff = vec![staff("jane@staff.example", StaffRole::Seller)];
    settled(world, &partner).await
}

async fn jane(world: &World) -> Client {
    world.as_user("jane@staff.example", &[]).await
}

/// A customer that may run pods, with an admin and something of its own.
async fn living(world: &World, partner: &Partner) -> Customer {
    let plan = offer(world, |_| {}).await;
    let mut globex = customer(partner, "globex");
    globex.spec.plan = Some(plan.name_any());
    let globex = settled(world, &globex).await;
    let ada = settled(world, &user(&globex, "ada", Role::Admin)).await;
    let person = world.as_user(&ada.spec.email, &[]).await;
    let place = tenant(&globex);
    for object in [pod("web", &place), json!(data(&place))] {
        call(&person, &create(object)).await.expect("an admin may");
    }
    globex
}

fn data(place: &str) -> ConfigMap {
    config_map(place, "data")
}

fn request(of: &Customer, name: &str) -> DeletionRequest {
    let spec = DeletionRequestSpec {
        customer: Some(of.name_any()),
        reason: Some("contract ended".to_owned()),
        ..DeletionRequestSpec::default()
    };
    let mut request = DeletionRequest::new(name, spec);
    request.metadata.namespace = Some(namespace_of(of));
    request
}

fn phase(request: &DeletionRequest) -> Option<DeletionPhase> {
    request.status.as_ref()?.phase
}

fn steps(request: &DeletionRequest) -> Vec<(DeletionStep, Option<&str>)> {
    let history = request.status.iter().flat_map(|status| &status.history);
    history
        .map(|event| (event.what, event.by.as_deref()))
        .filter(|(what, _)| !matches!(what, DeletionStep::Held | DeletionStep::Confirmed))
        .collect()
}

async fn until_phase(
    world: &World,
    request: &DeletionRequest,
    wanted: DeletionPhase,
) -> DeletionRequest {
    until_so(world, request, &format!("{wanted:?}"), |now| {
        phase(now) == Some(wanted)
    })
    .await
}

/// The request that the operator has filed for a customer, which a person confirms: deletions of other tests count for the breaker.
async fn filed(world: &World, of: &Customer) -> DeletionRequest {
    let requests = world.api::<DeletionRequest>(&namespace_of(of));
    let found = eventually("a request", PATIENCE, async || {
        let list = requests.list(&ListParams::default()).await.report()?;
        let mut open = list.into_iter().filter(|request| {
            let over = matches!(
                phase(request),
                Some(DeletionPhase::Cancelled | DeletionPhase::Completed)
            );
            request.spec.customer.as_deref() == Some(&of.name_any()) && !over
        });
        open.next().ok_or_else(|| "none".to_owned())
    })
    .await;
    annotate(
        world,
        &found,
        meta::ANNOTATION_CONFIRM_DELETE,
        Some(&found.name_any()),
    )
    .await
}

async fn cancel(world: &World, request: &DeletionRequest) -> DeletionRequest {
    change(
        world,
        request,
        json!({"spec": {"cancel": {"note": "they stay"}}}),
    )
    .await
}

async fn pods(world: &World, place: &str) -> Vec<String> {
    let pods = world
        .api::<Pod>(place)
        .list(&ListParams::default())
        .await
        .expect("pods");
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .map(kube::ResourceExt::name_any)
        .collect()
}

async fn until_empty(world: &World, place: &str, patience: std::time::Duration) {
    eventually("no pods", patience, async || {
        let left = pods(world, place).await;
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;
}

async fn until_gone(world: &World, place: &str) {
    until(
        namespaces(world),
        place,
        "gone",
        |namespace: Option<&Namespace>| namespace.is_none(),
    )
    .await;
}

fn access(customer: &Customer) -> Option<Access> {
    customer.status.as_ref()?.access
}

fn is(customer: &Customer, phase: Phase) -> bool {
    customer.status.as_ref().and_then(|status| status.phase) == Some(phase)
}

/// Open again, with its people and what was its own.
async fn has_everything(world: &World, globex: &Customer, uid: Option<String>) {
    let globex = until_so(world, globex, "Open", |globex| {
        access(globex) == Some(Access::Open)
    })
    .await;
    let place = tenant(&globex);
    assert_eq!(
        namespace(world, &place).await.uid(),
        uid,
        "another namespace"
    );
    world
        .api::<ConfigMap>(&place)
        .get("data")
        .await
        .expect("its data");
    until_may(
        world,
        &Who::User("ada@globex.example"),
        "create",
        "configmaps",
        &place,
        true,
    )
    .await;
    let quotas = world.api::<k8s_openapi::api::core::v1::ResourceQuota>(&place);
    until(quotas, "clientele-stopped", "gone", |quota| quota.is_none()).await;
}

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
    until_phase(&world, &first, DeletionPhase::Cancelled).await;

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
