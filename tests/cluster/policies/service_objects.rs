//! `clientele-service-objects`: who may change what a service has put into a tenant, and who may not.

use kube::Client;
use serde_json::{Value, json};

use super::{map, platform};
use crate::attempt::{ALLOWED, Attempt, call, create, delete, patch, put, try_all};
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant};

const MAP: &str = "/api/v1/namespaces/{ns}/configmaps/web";
const REFUSED: &str = "This ConfigMap is the service web's and is written only by the operator. Change the parameters of the service";

/// What marks an object as a service's.
fn labels() -> Value {
    json!({"clientele.dev/service": "web", "clientele.dev/customer-uid": "{uid}",
        "clientele.dev/customer": "{customer}", "clientele.dev/partner": "{partner}"})
}

/// A tenant with two ConfigMaps of the service `web` and one of its own.
async fn with_web(world: &World) -> Tenant {
    let tenant = Tenant::by_hand(world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    for name in ["web", "spare"] {
        let made = tenant.apply(map("{ns}", name, &labels())).about(&tenant);
        call(&operator, &made).await.expect("the operator makes it");
    }
    let own = create(map("{ns}", "own", &json!({}))).about(&tenant);
    call(&world.admin, &own).await.expect("somebody's own");
    tenant
}

/// Somebody with every right that RBAC can give, so that nothing but the policy is tried.
async fn mighty(world: &World, tenant: &Tenant, name: &str) -> Client {
    world.as_user(&tenant.fill(name), &["system:masters"]).await
}

/// All that would make a service's object another one, without effect.
fn changes() -> Vec<Attempt> {
    let unlabelled = json!({"metadata": {"labels": null}});
    let other = json!({"metadata": {"labels": {"clientele.dev/service": "other"}}});
    let all = vec![
        ("changes it", patch(MAP, json!({"data": {"a": "b"}}))),
        (
            "annotates it",
            patch(MAP, json!({"metadata": {"annotations": {"a": "b"}}})),
        ),
        (
            "labels it",
            patch(MAP, json!({"metadata": {"labels": {"a": "b"}}})),
        ),
        ("takes the labels off", patch(MAP, unlabelled)),
        ("replaces it", put(MAP, map("{ns}", "web", &json!({})))),
        ("deletes it", delete(MAP)),
        (
            "deletes all there are",
            delete("/api/v1/namespaces/{ns}/configmaps?labelSelector=clientele.dev/service"),
        ),
    ];
    let all = all.into_iter();
    let mut all: Vec<Attempt> = all
        .map(|(what, request)| (what, request.dry(), REFUSED))
        .collect();
    let either = "This ConfigMap is the service web's | Labels that begin with clientele.dev/";
    all.push((
        "gives it to another service",
        patch(MAP, other).dry(),
        either,
    ));
    all
}

#[tokio::test]
async fn neither_people_nor_the_tenants_software_change_what_a_service_has_made() {
    let world = World::without_operator().await;
    let tenant = with_web(&world).await;
    for who in [
        "admin@{partner}.example",
        "platform@staff.example",
        "system:serviceaccount:{ns}:default",
        "system:serviceaccount:{ns}:robot",
    ] {
        let client = mighty(&world, &tenant, who).await;
        let own = "/api/v1/namespaces/{ns}/configmaps/own";
        let mut tries = changes();
        tries.push((
            "changes what is no service's",
            patch(own, json!({"data": {"a": "b"}})).dry(),
            ALLOWED,
        ));
        tries.push(("deletes it", delete(own).dry(), ALLOWED));
        try_all(&client, &tenant, tries).await;
    }
}

#[tokio::test]
async fn other_controllers_the_operator_and_break_glass_get_on_with_their_work() {
    let world = World::without_operator().await;
    let tenant = with_web(&world).await;
    let theirs = json!({"metadata": {"finalizers": ["example.com/theirs"], "annotations": {"example.com/a": "b"}}});
    for who in [
        "system:serviceaccount:widgets:operator",
        "system:serviceaccount:flux-system:flux",
        // Of a tenant whose name begins like this one's.
        "system:serviceaccount:{ns}-x:robot",
        "system:serviceaccount:kube-system:generic-garbage-collector",
        "system:kube-controller-manager",
        OPERATOR,
    ] {
        let client = mighty(&world, &tenant, who).await;
        let tries = vec![
            (
                "adds what is its own",
                patch(MAP, theirs.clone()).dry(),
                ALLOWED,
            ),
            (
                "changes it",
                patch(MAP, json!({"data": {"a": "b"}})).dry(),
                ALLOWED,
            ),
            ("deletes it", delete(MAP).dry(), ALLOWED),
        ];
        try_all(&client, &tenant, tries).await;
    }
    let groups = ["system:masters", "clientele:break-glass"];
    let firefighter = world.as_user("firefighter@staff.example", &groups).await;
    let tries = vec![
        (
            "changes it",
            patch(MAP, json!({"data": {"a": "b"}})).dry(),
            ALLOWED,
        ),
        ("deletes it", delete(MAP).dry(), ALLOWED),
    ];
    try_all(&firefighter, &tenant, tries).await;
}

#[tokio::test]
async fn a_subresource_is_held_where_it_shows_the_labels_and_elsewhere_nothing_is() {
    let world = World::without_operator().await;
    let tenant = with_web(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "{ns}"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": "a:1"}]}}}});
    deployment["metadata"]["labels"] = labels();
    let made = tenant.apply(deployment).about(&tenant);
    call(&operator, &made).await.expect("the operator makes it");
    let path = "/apis/apps/v1/namespaces/{ns}/deployments/web";
    let status = json!({"status": {"replicas": 7}});
    let person = platform(&world).await;
    let tries = vec![
        (
            "forges what its controller says",
            patch(&format!("{path}/status"), status.clone()).dry(),
            "This Deployment is the service web's",
        ),
        (
            "scales it, which shows no labels and is put back",
            patch(&format!("{path}/scale"), json!({"spec": {"replicas": 0}})).dry(),
            ALLOWED,
        ),
        (
            "makes one like it where no tenant is",
            create(map(
                "{home}",
                "web",
                &json!({"clientele.dev/service": "web"}),
            )),
            ALLOWED,
        ),
        (
            "changes that",
            patch(
                "/api/v1/namespaces/{home}/configmaps/web",
                json!({"data": {"a": "b"}}),
            ),
            ALLOWED,
        ),
    ];
    try_all(&person, &tenant, tries).await;
    let controller = mighty(
        &world,
        &tenant,
        "system:serviceaccount:kube-system:deployment-controller",
    )
    .await;
    let tries = vec![(
        "says how it is",
        patch(&format!("{path}/status"), status).dry(),
        ALLOWED,
    )];
    try_all(&controller, &tenant, tries).await;
    // An Ingress controller's solver carries labels that it has copied: nobody's business but its own.
    let solver = create(map("{ns}", "solver", &labels())).dry();
    let copier = mighty(
        &world,
        &tenant,
        "system:serviceaccount:cert-manager:cert-manager",
    )
    .await;
    try_all(
        &copier,
        &tenant,
        vec![("copies the labels", solver, ALLOWED)],
    )
    .await;
}
