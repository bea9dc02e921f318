//! Objects as people write them: valid, small, named like in the documentation. A test changes the fields it is about.

use clientele::api::{
    Billing, Contact, ContainerDefaults, Customer, CustomerSpec, CustomerUser, CustomerUserSpec,
    Partner, PartnerSpec, PostalRoute, PostalRouteSpec, Role, SecretRef, ServicePlan,
    ServicePlanSpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

/// Where the providers are.
pub const ROOT: &str = "clientele-partners";

/// A partner in the namespace of the one above it, or in [`ROOT`].
pub fn partner(above: &str, name: &str) -> Partner {
    let spec = PartnerSpec {
        display_name: format!("Partner {name}"),
        ..PartnerSpec::default()
    };
    placed(Partner::new(name, spec), above)
}

/// A customer with a plan, in a partner's namespace.
pub fn customer(namespace: &str, name: &str) -> Customer {
    let spec = CustomerSpec {
        display_name: format!("Customer {name}"),
        contact: Contact {
            email: format!("ops@{name}.example"),
            ..Contact::default()
        },
        billing: Some(Billing {
            currency: Some("EUR".to_owned()),
        }),
        plan: Some("business".to_owned()),
        ..CustomerSpec::default()
    };
    placed(Customer::new(name, spec), namespace)
}

/// A user beside its customer.
pub fn user(namespace: &str, of: &str, name: &str, role: Role) -> CustomerUser {
    let spec = CustomerUserSpec {
        customer: Some(of.to_owned()),
        email: format!("{name}@{of}.example"),
        role,
        ..CustomerUserSpec::default()
    };
    placed(CustomerUser::new(name, spec), namespace)
}

/// A user in the tenant namespace, its customer implied.
pub fn inner_user(tenant: &str, name: &str, role: Role) -> CustomerUser {
    let spec = CustomerUserSpec {
        email: format!("{name}@inner.example"),
        role,
        ..CustomerUserSpec::default()
    };
    placed(CustomerUser::new(name, spec), tenant)
}

/// A plan with a quota and container defaults.
pub fn plan(name: &str) -> ServicePlan {
    let quantities = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), Quantity((*v).to_owned())));
        pairs.collect()
    };
    let spec = ServicePlanSpec {
        display_name: format!("Plan {name}"),
        quota: quantities(&[("pods", "10"), ("requests.cpu", "4")]),
        container_defaults: Some(ContainerDefaults {
            limits: quantities(&[("cpu", "500m")]),
            requests: quantities(&[("cpu", "50m")]),
        }),
        ..ServicePlanSpec::default()
    };
    ServicePlan::new(name, spec)
}

/// An offering that puts these objects into a tenant, each named and with the fields given.
pub fn offering(name: &str, manifests: &[Value]) -> Value {
    let manifests: Vec<_> = manifests
        .iter()
        .map(|object| json!({ "object": object }))
        .collect();
    json!({
        "apiVersion": "clientele.dev/v1alpha1",
        "kind": "ServiceOffering",
        "metadata": { "name": name },
        "spec": { "displayName": format!("Service {name}"), "manifests": manifests },
    })
}

/// A ConfigMap in a manifest.
pub fn map_manifest(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
}

/// A Deployment in a manifest.
pub fn deployment_manifest(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": { "replicas": replicas, "template": { "spec": { "containers": [{ "name": "a", "image": "example/a" }] } } },
    })
}

/// A mail route without credentials.
pub fn route(namespace: &str, name: &str) -> PostalRoute {
    let spec = PostalRouteSpec {
        host: "smtp.relay.example".to_owned(),
        port: 587,
        ..PostalRouteSpec::default()
    };
    placed(PostalRoute::new(name, spec), namespace)
}

/// A mail route with credentials in a Secret of its name.
pub fn route_with_secret(namespace: &str, name: &str) -> PostalRoute {
    let mut route = route(namespace, name);
    route.spec.credentials_secret = Some(SecretRef {
        name: name.to_owned(),
    });
    route
}

/// The Secret of a route.
pub fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace },
        "type": "clientele.dev/relay",
        "data": { "username": "cmVsYXk=", "password": "c2VjcmV0" },
    })
}

fn placed<K: Resource + ResourceExt>(mut object: K, namespace: &str) -> K {
    object.meta_mut().namespace = Some(namespace.to_owned());
    object
}
