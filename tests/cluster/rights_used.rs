//! The operator uses every right that it has, and asks for none that it has not.
//!
//! One life is led that needs all of them: everything is made, changed behind the operator's back, taken away and deleted.
//! What was asked is read from the API server's audit log.

use std::collections::BTreeSet;
use std::time::Duration;

use clientele::api::{
    ContactList, ContainerDefaults, Customer, CustomerUser, DeletionMode, DeletionRequest,
    DeletionRequestSpec, Partner, PostalRoute, Role, ServicePlan, Staff, StaffRole,
};
use clientele::domain::contacts;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, Pod, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::attempt::{call, create};
use crate::rbac::{Right, operators_rules, rights};
use crate::steps::{config_map, pod};
use crate::support::{
    AuditEvent, Calls, Report as _, World, customer, eventually, namespace_of, plan, provider,
    reseller, route_with_credentials, tenant, unique, until, user,
};
use crate::tenancy::{OPERATOR, counted};

#[tokio::test]
async fn every_right_is_used_and_none_is_missing() {
    let world = World::alone().await;
    counted(&world, "count/contactlists.clientele.dev").await;
    let before = world.plane.audit().mark().await;
    live(&world).await;
    let everything = Duration::from_secs(60);
    let granted = rights(&operators_rules(&world).await);
    eventually("every right is used", everything, async || {
        let used = used(&world.plane.audit().all().await);
        // Whether a role may be bound, the API server asks of itself. The default ServiceAccount is made by Kubernetes or by the
        // operator, whoever comes first.
        let unseen = |(_, resource, verb): &Right| {
            verb == "bind" || (resource == "serviceaccounts" && verb == "create")
        };
        let unused: Vec<_> = granted
            .difference(&used)
            .filter(|&right| !unseen(right))
            .collect();
        if unused.is_empty() {
            Ok(())
        } else {
            Err(format!("{unused:?}"))
        }
    })
    .await;
    let calls = world.plane.audit().since(before).await.only(by_itself).0;
    // A binding counts a moment after it is written; what is refused at first and then not is no right that is missing.
    let missing = |event: &&AuditEvent| {
        let call = |of: &AuditEvent| {
            (
                of.verb.clone(),
                of.resource.clone(),
                of.namespace.clone(),
                of.name.clone(),
            )
        };
        let mut again = calls.iter().filter(|other| call(other) == call(event));
        event.code == 403 && again.all(|other| other.code >= 400)
    };
    let refused: Vec<_> = calls.iter().filter(missing).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

fn by_itself(event: &AuditEvent) -> bool {
    event.user == OPERATOR && !event.impersonated
}

/// What the operator itself has asked for.
fn used(calls: &Calls) -> BTreeSet<Right> {
    let mut used = BTreeSet::new();
    for event in calls.0.iter().filter(|event| by_itself(event)) {
        let right = |verb: &str| (event.group.clone(), event.resource.clone(), verb.to_owned());
        used.insert(right(&event.verb));
        // Server-side apply of what is not there yet.
        if event.verb == "patch" && event.code == 201 {
            used.insert(right("create"));
        }
    }
    used
}

async fn live(world: &World) {
    let plans: Api<ServicePlan> = Api::all(world.admin.clone());
    let mut business = plan();
    business.spec.container_defaults = Some(ContainerDefaults {
        limits: [("cpu".to_owned(), Quantity("1".to_owned()))].into(),
        ..ContainerDefaults::default()
    });
    let business = plans
        .create(&PostParams::default(), &business)
        .await
        .expect("a plan")
        .name_any();
    let mut top = provider();
    top.spec.history_retention = Some("1s".to_owned());
    top.spec.staff = vec![Staff {
        group: Some("sales".to_owned()),
        role: StaffRole::Seller,
        ..Staff::default()
    }];
    let top = world.ready(&world.create(&top).await).await;
    let below = world.ready(&world.create(&reseller(&top)).await).await;
    let (route, secret) = route_with_credentials(&top, "relay");
    world.create(&secret).await;
    world.ready(&world.create(&route).await).await;

    let mut globex = customer(&top, "globex");
    globex.spec.plan = Some(business.clone());
    globex.spec.postal_routes = Some(vec!["relay".to_owned()]);
    globex.spec.domain = Some(format!("{}.example", unique("rights-")));
    let service = crate::services::everyday(world).await;
    let asked = json!([{"name": service}]);
    globex.spec.services = serde_json::from_value(asked).expect("services");
    let globex = world.ready(&world.create(&globex).await).await;
    let bob = world
        .ready(&world.create(&user(&globex, "bob", Role::Admin)).await)
        .await;
    let namespace = tenant(&globex);

    crate::services::come_and_go(world, &service, &namespace).await;

    contact_lists(world, &namespace).await;
    meddle::<ResourceQuota>(world, &namespace, "clientele").await;
    meddle::<LimitRange>(world, &namespace, "clientele").await;
    meddle::<NetworkPolicy>(world, &namespace, "clientele").await;
    meddle::<ServiceAccount>(world, &namespace, "default").await;
    meddle::<ConfigMap>(world, &namespace, "customer").await;
    meddle::<RoleBinding>(world, &namespace, "globex-admin").await;
    let home = namespace_of(&globex);
    meddle::<Service>(world, &home, "relay").await;
    let by_address = json!({"spec": {"host": "127.0.0.1"}});
    change(&world.api::<PostalRoute>(&home), "relay", by_address).await;
    gone::<Service>(world, &home, "relay").await;

    change(
        &plans,
        &business,
        json!({"spec": {"containerDefaults": null}}),
    )
    .await;
    gone::<LimitRange>(world, &namespace, "clientele").await;
    let users = world.api::<CustomerUser>(&namespace_of(&bob));
    change(&users, "bob", json!({"spec": {"enabled": false}})).await;
    gone::<RoleBinding>(world, &namespace, "globex-admin").await;

    let customers = world.api::<Customer>(&namespace_of(&globex));
    // The second time an Event says the same it is counted up, not made anew.
    for hold in [true, false, true, false] {
        change(&customers, "globex", json!({"spec": {"onHold": hold}})).await;
        let reason = if hold { "OnHold" } else { "Active" };
        until(customers.clone(), "globex", reason, |customer| {
            customer
                .and_then(|c| c.status.as_ref())
                .and_then(|status| status.access_reason.as_deref())
                == Some(reason)
        })
        .await;
    }
    let web = call(&world.admin, &create(pod("web", &namespace))).await;
    web.expect("a pod");
    let over = json!({"spec": {"trial": {"endsAt": "2026-01-01T00:00:00Z"}}});
    change(&customers, "globex", over).await;
    gone::<Pod>(world, &namespace, "web").await;
    let paid = json!({"spec": {"trial": {"endsAt": null, "mode": "None"}}});
    change(&customers, "globex", paid).await;
    gone::<ResourceQuota>(world, &namespace, "clientele-stopped").await;
    customers
        .delete("globex", &DeleteParams::default())
        .await
        .expect("deleted");
    gone::<Customer>(world, &namespace_of(&globex), "globex").await;
    deletions(world, &globex).await;
    let partners = world.api::<Partner>(&namespace_of(&below));
    partners
        .delete(&below.name_any(), &DeleteParams::default())
        .await
        .expect("deleted");
    gone::<Partner>(world, &namespace_of(&below), &below.name_any()).await;
}

/// Lists that can be read, which is what ConfigMaps are read for, and one Secret of a tenant's.
async fn contact_lists(world: &World, namespace: &str) {
    let one = "ada@globex.example\n";
    let mut map = config_map(namespace, "lists");
    map.data = Some([("one".to_owned(), one.to_owned())].into());
    world.create(&map).await;
    let secret = json!({"metadata": {"name": "contact-lists", "namespace": namespace}, "stringData": {"one": one}});
    let secret: Secret = serde_json::from_value(secret).expect("a Secret");
    world.create(&secret).await;
    let places = [
        ("map", json!({"configMap": {"name": "lists", "key": "one"}})),
        ("secret", json!({"secretKey": "one"})),
    ];
    for (name, contents) in places {
        let list = json!({
            "apiVersion": "clientele.dev/v1alpha1", "kind": "ContactList", "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "entries": 1, "sha256": contacts::checked(one.as_bytes()).sha256, "source": "sign-up form", "contents": contents,
            },
        });
        let list: ContactList = serde_json::from_value(list).expect("a list");
        world.ready(&world.create(&list).await).await;
    }
}

/// The deletion is taken back, and another one comes to its end; both are history soon.
async fn deletions(world: &World, globex: &Customer) {
    let home = namespace_of(globex);
    let requests = world.api::<DeletionRequest>(&home);
    let filed = requests
        .list(&ListParams::default())
        .await
        .expect("requests");
    let filed = filed.items.first().expect("it was filed").name_any();
    let cancel = json!({"spec": {"cancel": {"note": "a mistake"}}});
    change(&requests, &filed, cancel).await;
    until(
        world.api::<Customer>(&home),
        "globex",
        "made again",
        |globex| globex.is_some(),
    )
    .await;
    gone::<DeletionRequest>(world, &home, &filed).await;
    let mut leaves = DeletionRequest::new(
        "leaves",
        DeletionRequestSpec {
            customer: Some("globex".to_owned()),
            mode: DeletionMode::Now,
            ..DeletionRequestSpec::default()
        },
    );
    leaves.metadata.namespace = Some(home.clone());
    world.create(&leaves).await;
    let namespaces: Api<Namespace> = Api::all(world.admin.clone());
    until(namespaces, &tenant(globex), "gone", |namespace| {
        namespace.is_none()
    })
    .await;
    let customers = world.api::<Customer>(&home);
    customers
        .delete("globex", &DeleteParams::default())
        .await
        .expect("deleted");
    gone::<DeletionRequest>(world, &home, "leaves").await;
}

/// Somebody with the right to break the glass adds a label that is Clientele's to an object of the operator's. An apply does not
/// take it away, so the operator puts the object anew.
async fn meddle<K>(world: &World, namespace: &str, name: &str)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + serde::Serialize
        + Send
        + 'static,
{
    let firefighter = world
        .as_user(
            "firefighter@staff.example",
            &["system:masters", "clientele:break-glass"],
        )
        .await;
    let objects: Api<K> = Api::namespaced(firefighter, namespace);
    let key = "clientele.dev/foreign";
    change(&objects, name, json!({"metadata": {"labels": {key: "x"}}})).await;
    let what = format!("{namespace}/{name} without the foreign label");
    until(objects, name, &what, |object| {
        object.is_some_and(|object| !object.labels().contains_key(key))
    })
    .await;
}

async fn change<K: Clone + std::fmt::Debug + DeserializeOwned>(
    objects: &Api<K>,
    name: &str,
    patch: Value,
) {
    let changed = objects
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    if let Err(error) = changed.report() {
        panic!("{name}: {patch}: {error}");
    }
}

async fn gone<K>(world: &World, namespace: &str, name: &str)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + serde::Serialize
        + Send
        + 'static,
{
    until(world.api::<K>(namespace), name, "gone", |object| {
        object.is_none()
    })
    .await;
}
