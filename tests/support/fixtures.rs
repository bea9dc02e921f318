//! Objects as tests begin with them: valid, small, and named so that tests do not meet. A test changes the fields it
//! is about.

use clientele::api::meta::{PARTNER_NAMESPACE_PREFIX, PARTNERS_NAMESPACE, SECRET_TYPE_RELAY};
use clientele::api::{
    Billing, Condition, Contact, ContactList, Customer, CustomerSpec, CustomerUser,
    CustomerUserSpec, DeletionRequest, Partner, PartnerSpec, PostalRoute, PostalRouteSpec, Role,
    RouteTls, SecretRef, ServicePlan, ServicePlanSpec,
};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::relay::Relay;
pub use super::world::{namespace_of, unique};

/// A provider (a top-level partner) under a name of its own.
pub fn provider() -> Partner {
    partner_in(PARTNERS_NAMESPACE, &unique("provider-"))
}

/// A reseller of this partner, under a name of its own.
pub fn reseller(of: &Partner) -> Partner {
    partner_in(&home(of), &unique("reseller-"))
}

/// A partner of this name in this namespace.
pub fn partner_in(namespace: &str, name: &str) -> Partner {
    let spec = PartnerSpec {
        display_name: format!("Partner {name}"),
        ..PartnerSpec::default()
    };
    placed(Partner::new(name, spec), namespace)
}

/// The namespace a partner owns.
pub fn home(partner: &Partner) -> String {
    format!("{PARTNER_NAMESPACE_PREFIX}{}", partner.name_any())
}

/// A customer of this partner, without a plan.
pub fn customer(of: &Partner, name: &str) -> Customer {
    let spec = CustomerSpec {
        display_name: format!("Customer {name}"),
        contact: Contact {
            email: format!("ops@{name}.example"),
            ..Contact::default()
        },
        billing: Some(Billing {
            currency: Some("EUR".to_owned()),
        }),
        active: Some(true),
        ..CustomerSpec::default()
    };
    placed(Customer::new(name, spec), &home(of))
}

/// The namespace a customer's tenant has.
pub fn tenant(customer: &Customer) -> String {
    let home = namespace_of(customer);
    let partner = home.strip_prefix(PARTNER_NAMESPACE_PREFIX).unwrap_or(&home);
    format!("{partner}--{}", customer.name_any())
}

/// A user of this customer, beside it.
pub fn user(of: &Customer, name: &str, role: Role) -> CustomerUser {
    let spec = CustomerUserSpec {
        customer: Some(of.name_any()),
        email: format!("{name}@{}.example", of.name_any()),
        role,
        ..CustomerUserSpec::default()
    };
    placed(CustomerUser::new(name, spec), &namespace_of(of))
}

/// A mail route of this partner to the relay of the run, without credentials.
pub fn route(of: &Partner, name: &str) -> PostalRoute {
    let spec = PostalRouteSpec {
        host: "localhost".to_owned(),
        port: Relay::of_this_run().address.port().into(),
        tls: RouteTls::None,
        ..PostalRouteSpec::default()
    };
    placed(PostalRoute::new(name, spec), &home(of))
}

/// A mail route with credentials, and the Secret that holds them.
pub fn route_with_credentials(of: &Partner, name: &str) -> (PostalRoute, Secret) {
    let mut route = route(of, name);
    route.spec.credentials_secret = Some(SecretRef {
        name: name.to_owned(),
    });
    let mut secret = Secret {
        type_: Some(SECRET_TYPE_RELAY.to_owned()),
        ..Secret::default()
    };
    secret.metadata.name = Some(name.to_owned());
    secret.string_data = Some(
        [("username", "relay"), ("password", "secret")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    );
    (route, placed(secret, &home(of)))
}

/// A plan under a name of its own. Plans are cluster-scoped, so no two tests share one.
pub fn plan() -> ServicePlan {
    let name = unique("plan-");
    let spec = ServicePlanSpec {
        display_name: format!("Plan {name}"),
        quota: [("pods", "10"), ("requests.cpu", "4")]
            .map(|(resource, amount)| (resource.to_owned(), Quantity(amount.to_owned())))
            .into(),
        ..ServicePlanSpec::default()
    };
    ServicePlan::new(&name, spec)
}

fn placed<K: Resource>(mut object: K, namespace: &str) -> K {
    object.meta_mut().namespace = Some(namespace.to_owned());
    object
}

/// A namespaced kind of ours with the status that all of them share.
pub trait Reports:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + std::fmt::Debug
    + Serialize
    + DeserializeOwned
    + Send
    + 'static
{
    /// The generation its status speaks of; -1: none.
    fn observed_generation(&self) -> i64;
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
}

macro_rules! reports {
    ($($kind:ty),+) => {$(
        impl Reports for $kind {
            fn observed_generation(&self) -> i64 {
                self.status.as_ref().map_or(-1, |status| status.observed_generation)
            }
            fn conditions(&self) -> &[Condition] {
                self.status.as_ref().map_or(&[], |status| &status.conditions)
            }
        }
    )+};
}

reports!(
    Partner,
    PostalRoute,
    Customer,
    CustomerUser,
    DeletionRequest,
    ContactList
);
