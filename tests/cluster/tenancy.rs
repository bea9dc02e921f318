//! A tenant to break out of, and who tries.
//!
//! There are two kinds. One the operator has made: who breaks out of it breaks out of what is shipped. The other is built by
//! hand, as the operator builds one, by its own ServiceAccount and with its rights; no Customer stands behind it, so that
//! no operator puts back what a test about a policy changes in it.

use std::time::Duration;

use clientele::api::{ContainerDefaults, Role, ServicePlan};
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE, Report as _, World, customer, eventually, home, plan, unique, until, user,
};

use super::attempt::{Call, call, create, create_in_cluster, get, patch};

/// What the API server calls the operator.
pub const OPERATOR: &str = "system:serviceaccount:clientele-system:clientele";

/// Waits until Kubernetes counts CustomerUsers.
pub async fn users_are_counted(world: &World) {
    counted(world, "count/customerusers.clientele.dev").await;
}

/// Waits until Kubernetes counts objects of a kind. For one that is new to the cluster its controller takes half a minute to find
/// out; what is limited to a number of them by a quota from before is refused, and for minutes.
pub async fn counted(world: &World, resource: &str) {
    let name = unique("counted-");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    made(&world.admin, create_in_cluster(namespace)).await;
    eventually("it is counted", Duration::from_secs(90), async || {
        let probe = unique("probe-");
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": probe, "namespace": name},
            "spec": {"hard": {resource: "1", "pods": "1"}}});
        call(&world.admin, &create(quota)).await.report()?;
        let quotas = world.api::<ResourceQuota>(&name);
        let used = |quota: &ResourceQuota| quota.status.as_ref().and_then(|status| status.used.clone());
        let seen = until(quotas, &probe, "counted", |quota| quota.is_some_and(|quota| used(quota).is_some())).await;
        let counted = seen.as_ref().and_then(used).is_some_and(|used| used.contains_key(resource));
        counted.then_some(()).ok_or_else(|| "not yet".to_owned())
    })
    .await;
}

/// One customer's tenant, its partner, and their people.
pub struct Tenant {
    /// Name of the partner.
    pub partner: String,
    /// Name of the customer.
    pub customer: String,
    /// The partner's namespace.
    pub home: String,
    /// The tenant namespace.
    pub namespace: String,
    /// The UID of the customer.
    pub uid: String,
}

impl Tenant {
    /// An open tenant that the operator has made, with people of each role, under names nobody else has.
    pub async fn of_operator(world: &World) -> Self {
        let mut plan = plan();
        plan.spec.quota = [("pods", "20"), ("count/configmaps", "20")]
            .map(|(resource, amount)| (resource.to_owned(), Quantity(amount.to_owned())))
            .into();
        plan.spec.storage_classes = Some(vec!["standard".to_owned(), "fast".to_owned()]);
        plan.spec.container_defaults = Some(ContainerDefaults {
            limits: [("cpu".to_owned(), Quantity("500m".to_owned()))].into(),
            ..ContainerDefaults::default()
        });
        let plans: Api<ServicePlan> = Api::all(world.admin.clone());
        let plan = plans
            .create(&PostParams::default(), &plan)
            .await
            .expect("a plan");
        let partner = world.provider().await;
        let mut customer = customer(&partner, "globex");
        customer.spec.plan = Some(plan.name_any());
        customer.spec.domain = Some(format!("{}.example", partner.name_any()));
        let customer = world.ready(&world.create(&customer).await).await;
        for (name, role) in [
            ("admin", Role::Admin),
            ("member", Role::Member),
            ("viewer", Role::Viewer),
        ] {
            let mut user = user(&customer, name, role);
            user.spec.email = format!("{name}@{}.example", partner.name_any());
            world.ready(&world.create(&user).await).await;
        }
        let tenant = Self {
            home: home(&partner),
            namespace: crate::support::tenant(&customer),
            uid: customer.uid().expect("a UID"),
            partner: partner.name_any(),
            customer: customer.name_any(),
        };
        // A user is ready when the binding is written; the authorizer reads it from a cache a moment later.
        let pods = get(&format!("/api/v1/namespaces/{}/pods", tenant.namespace));
        for role in ["admin", "member", "viewer"] {
            let person = tenant.person(world, role).await;
            eventually("the person is let in", PATIENCE, async || {
                call(&person, &pods).await.map(drop).report()
            })
            .await;
        }
        tenant
    }

    /// An open tenant built by hand, with an admin, under names nobody else has.
    pub async fn by_hand(world: &World) -> Self {
        let partner = unique("hand-");
        let customer = "globex".to_owned();
        let tenant = Self {
            home: format!("partner-{partner}"),
            namespace: format!("{partner}--{customer}"),
            uid: format!("uid-of-{partner}"),
            partner,
            customer,
        };
        let operator = world.as_user(OPERATOR, &[]).await;
        // What is there already was made by another test.
        let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "clientele-partners"}});
        call(&operator, &create_in_cluster(home)).await.ok();
        for object in [tenant.home_namespace(), tenant.tenant_namespace("Open")] {
            made(&operator, create_in_cluster(object)).await;
        }
        let mut children = tenant.children();
        let bindings = children.split_off(children.len() - 3);
        for object in children {
            made(&operator, tenant.apply(object)).await;
        }
        // A quota holds once its controller has counted; bindings come last for that reason.
        let quotas = world.api::<ResourceQuota>(&tenant.namespace);
        until(quotas, "clientele", "in force", |quota| {
            quota.is_some_and(|quota| quota.status.as_ref().is_some_and(|s| s.hard.is_some()))
        })
        .await;
        for object in bindings {
            made(&operator, tenant.apply(object)).await;
        }
        tenant
    }

    /// The tenant's own admin.
    pub async fn admin(&self, world: &World) -> Client {
        self.person(world, "admin").await
    }

    /// One of the tenant's people: its `admin`, `member` or `viewer`.
    pub async fn person(&self, world: &World, role: &str) -> Client {
        let email = format!("{role}@{}.example", self.partner);
        world.as_user(&email, &[]).await
    }

    /// Fills in the names of this tenant where a text says `{ns}`, `{home}`, `{partner}`, `{customer}`, `{uid}`.
    pub fn fill(&self, text: &str) -> String {
        [
            ("{ns}", &self.namespace),
            ("{home}", &self.home),
            ("{partner}", &self.partner),
            ("{customer}", &self.customer),
            ("{uid}", &self.uid),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
    }

    /// Server-side apply of an object, as the operator does it.
    pub fn apply(&self, object: Value) -> Call {
        let Call { path, body, .. } = create(object);
        let body = body.expect("an object");
        let name = body["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        Call::apply(&format!("{path}/{name}"), body)
    }

    /// The partner's namespace, as the operator makes it.
    pub fn home_namespace(&self) -> Value {
        let mut labels = self.labels();
        for (key, value) in [
            ("clientele.dev/type", "partner"),
            ("clientele.dev/parent", "clientele-partners"),
        ] {
            labels[key] = value.into();
        }
        for key in ["clientele.dev/customer", "clientele.dev/customer-uid"] {
            labels.as_object_mut().expect("labels").remove(key);
        }
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.home, "labels": labels}})
    }

    /// The tenant namespace, as the operator makes it.
    pub fn tenant_namespace(&self, access: &str) -> Value {
        let mut labels = self.labels();
        labels["clientele.dev/type"] = "tenant".into();
        labels["clientele.dev/access"] = access.into();
        for mode in ["enforce", "audit", "warn"] {
            labels[format!("pod-security.kubernetes.io/{mode}")] = "restricted".into();
            labels[format!("pod-security.kubernetes.io/{mode}-version")] = "latest".into();
        }
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels, "annotations": {
            "clientele.dev/ingress-domains": "Customer",
            "clientele.dev/ingress-domain": format!("{}.example", self.partner),
            "clientele.dev/storage-classes": "standard,fast",
        }}})
    }

    /// The labels of everything in the tenant.
    pub fn labels(&self) -> Value {
        json!({
            "app.kubernetes.io/managed-by": "clientele",
            "clientele.dev/partner": self.partner,
            "clientele.dev/customer": self.customer,
            "clientele.dev/customer-uid": self.uid,
        })
    }

    /// What stands in a tenant, the three bindings last.
    pub fn children(&self) -> Vec<Value> {
        let child = |api: &str, kind: &str, name: &str, rest: Value| {
            let mut object = json!({"apiVersion": api, "kind": kind,
                "metadata": {"name": name, "namespace": self.namespace, "labels": self.labels()}});
            let fields = object.as_object_mut().expect("an object");
            fields.extend(rest.as_object().expect("fields").clone());
            object
        };
        let binding = |role: &str| {
            let rest = json!({
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("clientele-tenant-{role}")},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("{role}@{}.example", self.partner)}],
            });
            let name = format!("{}-{role}", self.customer);
            child("rbac.authorization.k8s.io/v1", "RoleBinding", &name, rest)
        };
        vec![
            child(
                "v1",
                "ResourceQuota",
                "clientele",
                json!({"spec": {"hard": {"pods": "10", "services.nodeports": "0", "services.loadbalancers": "0", "count/configmaps": "20"}}}),
            ),
            child(
                "v1",
                "LimitRange",
                "clientele",
                json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "500m"}}]}}),
            ),
            child(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "clientele",
                json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
            ),
            child(
                "v1",
                "ServiceAccount",
                "default",
                json!({"automountServiceAccountToken": false}),
            ),
            child(
                "v1",
                "ConfigMap",
                "customer",
                json!({"data": {"name": self.customer}}),
            ),
            binding("admin"),
            binding("member"),
            binding("viewer"),
        ]
    }

    /// Sets the access level, as the operator does.
    pub async fn set_access(&self, world: &World, access: &str) {
        let labels = json!({"metadata": {"labels": {"clientele.dev/access": access}}});
        let operator = world.as_user(OPERATOR, &[]).await;
        made(
            &operator,
            patch(&format!("/api/v1/namespaces/{}", self.namespace), labels),
        )
        .await;
    }
}

async fn made(client: &Client, what: Call) {
    if let Err(error) = call(client, &what).await {
        panic!("{} {}: {error}", what.method, what.path);
    }
}
