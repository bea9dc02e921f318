//! Short words for what the tests of behaviour do all the time: change something, and look at what a person would see.

use std::fmt::Debug;

use clientele::api::meta::{self, BREAK_GLASS_GROUP};
use clientele::api::{
    Condition, Customer, CustomerUser, DeletionRequest, ServicePlan, ServicePlanSpec,
};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, Report as _, Reports, World, eventually, namespace_of, plan, tenant, unique, until,
};

/// Makes an object and waits until it is Ready.
pub async fn settled<K: Reports>(world: &World, object: &K) -> K {
    world.ready(&world.create(object).await).await
}

/// Changes an object by merge patch and returns it with its new generation, which waits then are about.
pub async fn change<K: Reports>(world: &World, object: &K, patch: Value) -> K {
    let api = world.api::<K>(&namespace_of(object));
    merged(&api, &object.name_any(), patch).await
}

/// Sets an annotation, or takes it away.
pub async fn annotate<K: Reports>(world: &World, object: &K, key: &str, value: Option<&str>) -> K {
    change(
        world,
        object,
        json!({"metadata": {"annotations": {key: value}}}),
    )
    .await
}

/// A merge patch that must be accepted.
pub async fn merged<K>(api: &Api<K>, name: &str, patch: Value) -> K
where
    K: Clone + Debug + DeserializeOwned,
{
    match api
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
    {
        Ok(object) => object,
        Err(error) => panic!("{name}: {patch}: {error}"),
    }
}

/// Deletes an object and waits until it is gone.
pub async fn delete<K: Reports>(world: &World, object: &K) {
    let api = world.api::<K>(&namespace_of(object));
    let name = object.name_any();
    if let Err(error) = api.delete(&name, &DeleteParams::default()).await {
        panic!("{name}: {error}");
    }
    let uid = object.uid();
    until(api, &name, "gone", |now| {
        now.is_none_or(|now| now.uid() != uid)
    })
    .await;
}

/// Deletes a customer, and has its tenant destroyed at once.
pub async fn purge(world: &World, customer: &Customer) {
    delete(world, customer).await;
    let home = namespace_of(customer);
    let requests = world.api::<DeletionRequest>(&home);
    let filed = requests
        .list(&ListParams::default())
        .await
        .expect("requests");
    let mut filed = filed.items.into_iter().filter(|request| {
        let label = request.labels().get(meta::LABEL_CUSTOMER_UID);
        label.is_some() && label == customer.uid().as_ref()
    });
    let filed = filed
        .next()
        .expect("a request is filed before the object goes");
    change(world, &filed, json!({"spec": {"mode": "Now"}})).await;
    until(namespaces(world), &tenant(customer), "gone", |namespace| {
        namespace.is_none()
    })
    .await;
}

/// Waits until an object is as wanted.
pub async fn until_so<K: Reports>(
    world: &World,
    object: &K,
    what: &str,
    wanted: impl Fn(&K) -> bool,
) -> K {
    let api = world.api::<K>(&namespace_of(object));
    until(api, &object.name_any(), what, |now| {
        now.is_some_and(&wanted)
    })
    .await
    .expect("it is there")
}

/// A plan of a test's own, which it may adjust. Making one concerns every partner of the run, so tests that need just
/// any plan do without.
pub async fn offer(world: &World, adjust: impl FnOnce(&mut ServicePlanSpec)) -> ServicePlan {
    let mut plan = plan();
    adjust(&mut plan.spec);
    let plans: Api<ServicePlan> = Api::all(world.admin.clone());
    plans
        .create(&PostParams::default(), &plan)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", plan.name_any()))
}

/// Changes a plan.
pub async fn change_plan(world: &World, plan: &ServicePlan, patch: Value) -> ServicePlan {
    merged(&Api::all(world.admin.clone()), &plan.name_any(), patch).await
}

/// A namespace as it is.
pub async fn namespace(world: &World, name: &str) -> Namespace {
    namespaces(world)
        .get(name)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All namespaces.
pub fn namespaces(world: &World) -> Api<Namespace> {
    Api::all(world.admin.clone())
}

/// A namespace that somebody makes by hand.
pub async fn make_namespace(world: &World, name: &str, labels: &[(&str, &str)]) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    let labels = labels
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    namespace.metadata.labels = Some(labels.collect());
    namespaces(world)
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Waits until a namespace is as wanted.
pub async fn namespace_until(
    world: &World,
    name: &str,
    what: &str,
    wanted: impl Fn(&Namespace) -> bool,
) -> Namespace {
    until(namespaces(world), name, what, |namespace| {
        namespace.is_some_and(&wanted)
    })
    .await
    .expect("it is there")
}

/// Somebody whom no policy holds: the group for emergencies. What such a person does by hand, the operator puts back.
pub async fn break_glass(world: &World) -> Client {
    world
        .as_user("fire@staff.example", &["system:masters", BREAK_GLASS_GROUP])
        .await
}

/// A condition of an object, if it has it.
pub fn condition<'a, K: Reports>(object: &'a K, kind: &str) -> Option<&'a Condition> {
    object.conditions().iter().find(|one| one.type_ == kind)
}

/// What a condition says to a person.
pub fn message<K: Reports>(object: &K, kind: &str) -> String {
    let found = condition(object, kind).map(|condition| condition.message.clone());
    found.unwrap_or_else(|| panic!("no {kind} in {:?}", object.conditions()))
}

/// Runs the kubectl command with which a message ends, as a person would who does what it says.
pub fn do_as_told(world: &World, message: &str) {
    let (_, command) = message
        .split_once("kubectl ")
        .unwrap_or_else(|| panic!("no command in: {message}"));
    world.kubectl(&command.split_whitespace().collect::<Vec<_>>());
}

/// Whether somebody may do something in a namespace, as `kubectl auth can-i` tells. The resource may name its group:
/// `customers.clientele.dev`.
pub async fn may(world: &World, who: &Who<'_>, verb: &str, resource: &str, place: &str) -> bool {
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let (user, groups) = match who {
        Who::User(name) => ((*name).to_owned(), Vec::new()),
        Who::Group(name) => (
            "somebody@staff.example".to_owned(),
            vec![(*name).to_owned()],
        ),
    };
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: Some(place.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user),
            groups: Some(groups),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(world.admin.clone());
    let answer = reviews.create(&PostParams::default(), &review).await;
    answer
        .expect("an answer")
        .status
        .is_some_and(|status| status.allowed)
}

/// Of whom [`may`] asks.
pub enum Who<'a> {
    /// A person.
    User(&'a str),
    /// A member of a group.
    Group(&'a str),
}

/// Waits until somebody may do something, or may not any more: the API server's authorizer learns of a binding by a
/// watch of its own.
pub async fn until_may(
    world: &World,
    who: &Who<'_>,
    verb: &str,
    resource: &str,
    place: &str,
    wanted: bool,
) {
    let what = format!("may {verb} {resource} in {place}: {wanted}");
    eventually(&what, PATIENCE, async || {
        if may(world, who, verb, resource, place).await == wanted {
            Ok(())
        } else {
            Err("the other way round".to_owned())
        }
    })
    .await;
}

/// An object without what changes with every write, to compare it with what it was.
pub fn essence(object: &impl Serialize) -> Value {
    let mut object = serde_json::to_value(object).expect("JSON");
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "resourceVersion",
            "managedFields",
            "uid",
            "creationTimestamp",
            "generation",
        ] {
            metadata.remove(field);
        }
    }
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    object
}

/// A ConfigMap, for the sake of something being there.
pub fn config_map(namespace: &str, name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map.metadata.namespace = Some(namespace.to_owned());
    map
}

/// A pod that Pod Security lets through at `restricted`.
pub fn pod(name: &str, namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "image": "example/a", "resources": {"requests": {"cpu": "1m"}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
    }})
}

/// Waits until an object made now would be younger, by the clock of the API server, which counts seconds.
pub async fn until_another_second(world: &World, than: &CustomerUser) {
    let users = world.api::<CustomerUser>(&namespace_of(than));
    let mut probe = than.clone();
    probe.metadata = ObjectMeta {
        name: Some(unique("probe-")),
        ..ObjectMeta::default()
    };
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    eventually("another second", PATIENCE, async || {
        let now = users.create(&dry_run, &probe).await.report()?;
        let (now, then) = (now.creation_timestamp(), than.creation_timestamp());
        if now > then {
            Ok(())
        } else {
            Err(format!("{now:?}"))
        }
    })
    .await;
}

/// Has Kubernetes count anew what is in a tenant namespace, where objects of a kind are refused with "status unknown".
///
/// The quota counts them, and Kubernetes' quota controller learns of our kinds only half a minute after they are installed. A quota
/// that is older than that it looks at again every five minutes, or when something that the quota counts goes: here a ConfigMap.
pub async fn count_again(world: &World, place: &str) -> Result<(), String> {
    let maps = world.api::<ConfigMap>(place);
    let map = config_map(place, &unique("counted-"));
    let name = map.name_any();
    maps.create(&PostParams::default(), &map).await.report()?;
    maps.delete(&name, &DeleteParams::default())
        .await
        .report()?;
    Ok(())
}

/// Makes a user inside a tenant namespace, as somebody who may, once users are counted there.
pub async fn made_inside(world: &World, client: &Client, user: &CustomerUser) -> CustomerUser {
    let place = namespace_of(user);
    let users: Api<CustomerUser> = Api::namespaced(client.clone(), &place);
    eventually("users are counted", 2 * PATIENCE, async || {
        match users.create(&PostParams::default(), user).await {
            Ok(user) => Ok(user),
            Err(kube::Error::Api(status)) if status.message.contains("status unknown") => {
                count_again(world, &place).await?;
                Err(status.message)
            }
            Err(error) => panic!("{}: {error}", user.name_any()),
        }
    })
    .await
}
