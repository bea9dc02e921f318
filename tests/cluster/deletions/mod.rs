//! Deletions on the real controllers: asked for, taken back, come to their end.

mod departures;
mod forms;
mod requests;

use clientele::api::{
    Access, Customer, CustomerDefaults, DeletionPhase, DeletionRequest, DeletionRequestSpec,
    DeletionStep, Partner, Phase, Role, StaffRole, meta,
};
use clientele::api::{Staff, StaffScope};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::ListParams;
use kube::{Client, ResourceExt as _};
use serde_json::json;

use crate::attempt::{create, until_allowed};
use crate::steps::{
    Who, annotate, change, config_map, namespace, namespaces, offer, pod, settled, until_may,
    until_so,
};
use crate::support::{
    PATIENCE, Report as _, World, customer, eventually, namespace_of, provider, tenant, until, user,
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
        until_allowed(&person, &create(object)).await;
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
