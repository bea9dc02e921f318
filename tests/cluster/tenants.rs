//! What lies in a tenant namespace: all of it there, kept as it is, and following the plan.

use clientele::api::{
    ContainerDefaults, Customer, NamespaceMetadata, NetworkPeer, PlanNetwork, Role, ServicePlan,
    ServicePlanSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::attempt::{call, create};
use crate::steps::{change, change_plan, namespace, namespace_until, offer, pod, settled};
use crate::support::{World, customer, refused, tenant, until, user};

/// A plan that says something about everything.
fn rich(spec: &mut ServicePlanSpec) {
    let amounts = |amounts: &[(&str, &str)]| {
        let amounts = amounts.iter();
        amounts
            .map(|(key, value)| ((*key).to_owned(), Quantity((*value).to_owned())))
            .collect()
    };
    let words = |words: &[(&str, &str)]| {
        let words = words.iter();
        words
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    spec.quota = amounts(&[
        ("pods", "10"),
        ("requests.cpu", "4"),
        ("services.nodeports", "1"),
    ]);
    spec.container_defaults = Some(ContainerDefaults {
        limits: amounts(&[("cpu", "500m"), ("memory", "512Mi")]),
        requests: amounts(&[("cpu", "50m")]),
    });
    let ingress = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}, "ports": [8080]});
    let internet = json!({"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"], "ports": [443]});
    let peer = |peer: Value| serde_json::from_value::<NetworkPeer>(peer).expect("a peer");
    spec.network = Some(PlanNetwork {
        allow_from: vec![peer(ingress)],
        allow_to: vec![peer(internet)],
    });
    spec.namespace_metadata = Some(NamespaceMetadata {
        labels: words(&[("team.example/cost", "retail")]),
        annotations: words(&[("team.example/note", "two\nlines")]),
    });
    spec.image_pull_secrets = vec!["registry".to_owned()];
    spec.storage_classes = Some(vec!["standard".to_owned(), "fast".to_owned()]);
}

/// A customer with that plan and an admin, both Ready.
pub async fn furnished(world: &World) -> (ServicePlan, Customer) {
    let plan = offer(world, rich).await;
    let partner = world.provider().await;
    let mut globex = customer(&partner, "globex");
    globex.spec.plan = Some(plan.name_any());
    globex.spec.attributes = [("segment".to_owned(), "gold".to_owned())].into();
    let globex = settled(world, &globex).await;
    settled(world, &user(&globex, "ada", Role::Admin)).await;
    (plan, globex)
}

#[tokio::test]
async fn a_tenant_namespace_is_shut_from_the_start_and_keeps_the_durable_facts() {
    let world = World::shared().await;
    let (plan, globex) = furnished(&world).await;
    let namespace = namespace(&world, &tenant(&globex)).await;
    let partner = tenant(&globex).replace("--globex", "");

    let labels = namespace.labels();
    let uid = globex.uid().expect("a UID");
    for (key, value) in [
        ("pod-security.kubernetes.io/enforce", "restricted"),
        ("pod-security.kubernetes.io/enforce-version", "latest"),
        ("pod-security.kubernetes.io/audit", "restricted"),
        ("pod-security.kubernetes.io/audit-version", "latest"),
        ("pod-security.kubernetes.io/warn", "restricted"),
        ("pod-security.kubernetes.io/warn-version", "latest"),
        ("clientele.dev/type", "tenant"),
        ("clientele.dev/partner", &partner),
        ("clientele.dev/customer", "globex"),
        ("clientele.dev/customer-uid", &uid),
        ("clientele.dev/access", "Open"),
        ("app.kubernetes.io/managed-by", "clientele"),
        ("team.example/cost", "retail"),
    ] {
        assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
    }
    let status = globex.status.as_ref().expect("a status");
    let since = status
        .customer_since
        .as_ref()
        .expect("a time")
        .0
        .to_string();
    let number = status.customer_number.clone().expect("a number");
    let annotations = namespace.annotations();
    for (key, value) in [
        ("clientele.dev/customer-number", &*number),
        ("clientele.dev/customer-since", &since),
        ("clientele.dev/contact-email", "ops@globex.example"),
        ("clientele.dev/plan", &plan.name_any()),
        ("clientele.dev/storage-classes", "standard,fast"),
        ("clientele.dev/ingress-domains", "Customer"),
        ("team.example/note", "two\nlines"),
    ] {
        let found = annotations.get(key).map(String::as_str);
        assert_eq!(found, Some(value), "{key}");
    }
    assert!(namespace.owner_references().is_empty());
}

#[tokio::test]
async fn a_tenant_is_furnished_as_its_plan_says() {
    let world = World::shared().await;
    let (plan, globex) = furnished(&world).await;
    let place = tenant(&globex);

    let quota = world.api::<ResourceQuota>(&place).get("clientele").await;
    let hard = json!(quota.expect("a quota").spec.expect("a spec").hard);
    let expected = json!({
        "pods": "10", "requests.cpu": "4", "services.nodeports": "1", "services.loadbalancers": "0",
        "count/configmaps": "200", "count/secrets": "200", "count/services": "100", "count/serviceaccounts": "50",
        "count/rolebindings.rbac.authorization.k8s.io": "50", "count/jobs.batch": "500", "count/persistentvolumeclaims": "100",
        "count/pods": "1k", "count/replicationcontrollers": "100", "count/deployments.apps": "200",
        "count/replicasets.apps": "2200", "count/statefulsets.apps": "100", "count/daemonsets.apps": "50",
        "count/cronjobs.batch": "100", "count/horizontalpodautoscalers.autoscaling": "200",
        "count/poddisruptionbudgets.policy": "200", "count/ingresses.networking.k8s.io": "100",
        "count/httproutes.gateway.networking.k8s.io": "100", "count/leases.coordination.k8s.io": "200",
        "count/customerusers.clientele.dev": "500", "count/deletionrequests.clientele.dev": "50", "count/contactlists.clientele.dev": "100",
    });
    assert_eq!(hard, expected);

    let limits = world.api::<LimitRange>(&place).get("clientele").await;
    let limits = json!(limits.expect("limits").spec.expect("a spec").limits);
    let expected = json!([{"type": "Container", "default": {"cpu": "500m", "memory": "512Mi"},
        "defaultRequest": {"cpu": "50m", "memory": "512Mi"}}]);
    assert_eq!(limits, expected);

    let policy = world.api::<NetworkPolicy>(&place).get("clientele").await;
    let named = |name: &str| json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
    let itself = json!([{"podSelector": {}}]);
    let port = |protocol: &str, port: i32| json!({"protocol": protocol, "port": port});
    let expected = json!({
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": itself}, {"from": [named("ingress-nginx")], "ports": [port("TCP", 8080)]}],
        "egress": [
            {"to": itself},
            {"to": [named("kube-system")], "ports": [port("UDP", 53), port("TCP", 53)]},
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], "ports": [port("TCP", 443)]},
        ],
    });
    assert_eq!(json!(policy.expect("a policy").spec), expected);

    let account = world.api::<ServiceAccount>(&place).get("default").await;
    let account = account.expect("an account");
    assert_eq!(account.automount_service_account_token, Some(false));
    assert_eq!(
        json!(account.image_pull_secrets),
        json!([{"name": "registry"}])
    );

    let map = world.api::<ConfigMap>(&place).get("customer").await;
    let data = map.expect("a map").data.expect("data");
    let status = globex.status.as_ref().expect("a status");
    for (key, value) in [
        ("name", "globex"),
        ("displayName", "Customer globex"),
        (
            "customerNumber",
            status.customer_number.as_deref().expect("a number"),
        ),
        ("plan", &plan.name_any()),
        ("phase", "Preparation"),
        ("access", "Open"),
        ("currency", "EUR"),
        ("attributes", r#"{"segment":"gold"}"#),
        ("path", &status.path.join(" / ")),
    ] {
        assert_eq!(data.get(key).map(String::as_str), Some(value), "{key}");
    }
}

#[tokio::test]
async fn what_changes_in_a_plan_reaches_its_tenants() {
    let world = World::shared().await;
    let (plan, globex) = furnished(&world).await;
    let place = tenant(&globex);
    let spec = json!({"spec": {
        "podSecurity": "baseline",
        "quota": {"pods": "3", "requests.cpu": null},
        "containerDefaults": null,
        "network": null,
        "namespaceMetadata": {"labels": {"team.example/cost": null, "team.example/tier": "low"}, "annotations": null},
        "imagePullSecrets": null,
        "storageClasses": null,
        "ingressDomains": "Any",
    }});
    change_plan(&world, &plan, spec).await;

    namespace_until(&world, &place, "as the plan says", |namespace| {
        let (labels, annotations) = (namespace.labels(), namespace.annotations());
        let levels = ["enforce", "audit", "warn"]
            .map(|mode| labels.get(&format!("pod-security.kubernetes.io/{mode}")));
        levels
            .iter()
            .all(|level| level.is_some_and(|level| level == "baseline"))
            && labels
                .get("team.example/tier")
                .is_some_and(|tier| tier == "low")
            && !labels.contains_key("team.example/cost")
            && !annotations.contains_key("team.example/note")
            && !annotations.contains_key("clientele.dev/storage-classes")
            && annotations["clientele.dev/ingress-domains"] == "Any"
    })
    .await;
    let quotas = world.api::<ResourceQuota>(&place);
    until(quotas, "clientele", "as the plan says", |quota| {
        let spec = quota.and_then(|quota| quota.spec.as_ref());
        let hard = spec.and_then(|spec| spec.hard.as_ref());
        hard.is_some_and(|hard| hard["pods"].0 == "3" && !hard.contains_key("requests.cpu"))
    })
    .await;
    let limits = world.api::<LimitRange>(&place);
    until(limits, "clientele", "gone", |limits| limits.is_none()).await;
    let policies = world.api::<NetworkPolicy>(&place);
    until(policies, "clientele", "shut again", |policy| {
        let spec = policy.and_then(|policy| policy.spec.as_ref());
        spec.is_some_and(|spec| {
            spec.ingress.as_ref().is_some_and(|rules| rules.len() == 1)
                && spec.egress.as_ref().is_some_and(|rules| rules.len() == 2)
        })
    })
    .await;
    let accounts = world.api::<ServiceAccount>(&place);
    until(accounts, "default", "without pull secrets", |account| {
        account.is_some_and(|account| account.image_pull_secrets.is_none())
    })
    .await;
    world.ready(&globex).await;
}

#[tokio::test]
async fn without_a_plan_no_pod_is_admitted() {
    let world = World::shared().await;
    let (plan, globex) = furnished(&world).await;
    let place = tenant(&globex);
    call(&world.admin, &create(pod("before", &place)))
        .await
        .expect("the plan has room");

    let globex = change(&world, &globex, json!({"spec": {"plan": null}})).await;
    let globex = world.ready(&globex).await;
    let status = globex.status.as_ref().expect("a status");
    assert_eq!(status.plan, None);
    let quotas = world.api::<ResourceQuota>(&place);
    until(quotas, "clientele", "in force without a plan", |quota| {
        let status = quota.and_then(|quota| quota.status.as_ref());
        let hard = status.and_then(|status| status.hard.as_ref());
        hard.is_some_and(|hard| hard["pods"].0 == "0" && hard["services.nodeports"].0 == "0")
    })
    .await;
    let result = call(&world.admin, &create(pod("after", &place))).await;
    refused(result, "exceeded quota: clientele");
    let plans: Api<ServicePlan> = Api::all(world.admin.clone());
    until(plans, &plan.name_any(), "nobody's", |plan| {
        let status = plan.and_then(|plan| plan.status.as_ref());
        status.is_some_and(|status| status.customers == 0)
    })
    .await;
    // What the plan had put on the namespace went with it; what runs is left alone.
    let namespace = namespace(&world, &place).await;
    assert!(!namespace.labels().contains_key("team.example/cost"));
    assert!(!namespace.annotations().contains_key("clientele.dev/plan"));
    let pods = world.api::<k8s_openapi::api::core::v1::Pod>(&place);
    assert!(pods.get_opt("before").await.expect("an answer").is_some());
}
