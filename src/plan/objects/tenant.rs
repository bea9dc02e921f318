//! What lies in every tenant namespace: quota, container defaults, the default ServiceAccount and the ConfigMap `customer`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, LimitRangeItem, LimitRangeSpec, LocalObjectReference, ResourceQuota,
    ResourceQuotaSpec, ServiceAccount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{Owner, child};
use crate::api::{ContainerDefaults, ServicePlanSpec};
use crate::domain::fingerprint::ChildKind;
use crate::plan::step::Child;

/// Name of the ResourceQuota and of the LimitRange.
pub const NAME: &str = "clientele";

/// Name of the ResourceQuota that lets no pod in while a tenant is stopped. It stands beside the plan's, which stays as it is.
pub const CLOSED: &str = "clientele-stopped";

/// Name of the ConfigMap with what the customer's software may know.
pub const CUSTOMER: &str = "customer";

/// Name of the ServiceAccount that Kubernetes puts into every namespace.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "default";

/// Ceilings of a tenant whose plan says nothing else. Ports of nodes and load balancers belong to the cluster, and the counts keep
/// a tenant from filling etcd.
const CEILINGS: [(&str, &str); 24] = [
    ("services.nodeports", "0"),
    ("services.loadbalancers", "0"),
    ("count/pods", "1000"),
    ("count/replicationcontrollers", "100"),
    ("count/deployments.apps", "200"),
    // Each Deployment keeps ten old ones by default.
    ("count/replicasets.apps", "2200"),
    ("count/statefulsets.apps", "100"),
    ("count/daemonsets.apps", "50"),
    ("count/cronjobs.batch", "100"),
    ("count/horizontalpodautoscalers.autoscaling", "200"),
    ("count/poddisruptionbudgets.policy", "200"),
    ("count/ingresses.networking.k8s.io", "100"),
    ("count/httproutes.gateway.networking.k8s.io", "100"),
    ("count/leases.coordination.k8s.io", "200"),
    ("count/configmaps", "200"),
    ("count/secrets", "200"),
    ("count/services", "100"),
    ("count/serviceaccounts", "50"),
    ("count/rolebindings.rbac.authorization.k8s.io", "50"),
    ("count/jobs.batch", "500"),
    ("count/persistentvolumeclaims", "100"),
    ("count/customerusers.clientele.dev", "500"),
    ("count/deletionrequests.clientele.dev", "50"),
    ("count/contactlists.clientele.dev", "100"),
];

/// The quota: the plan's, with ceilings for what it leaves open. Without a plan no pod is admitted.
pub fn quota(owner: &Owner, namespace: &str, plan: Option<&ServicePlanSpec>) -> Child {
    let mut hard: BTreeMap<String, Quantity> = CEILINGS
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Quantity((*value).to_owned())))
        .collect();
    match plan {
        Some(plan) => hard.extend(plan.quota.clone()),
        None => {
            hard.insert("pods".to_owned(), Quantity("0".to_owned()));
        }
    }
    let object = ResourceQuota {
        metadata: owner.metadata(namespace, NAME),
        spec: Some(ResourceQuotaSpec {
            hard: Some(hard),
            ..ResourceQuotaSpec::default()
        }),
        status: None,
    };
    child(ChildKind::ResourceQuota, namespace, NAME, &object)
}

/// The quota that lets no pod in.
pub fn closed(owner: &Owner, namespace: &str) -> Child {
    let none = BTreeMap::from([("pods".to_owned(), Quantity("0".to_owned()))]);
    let object = ResourceQuota {
        metadata: owner.metadata(namespace, CLOSED),
        spec: Some(ResourceQuotaSpec {
            hard: Some(none),
            ..ResourceQuotaSpec::default()
        }),
        status: None,
    };
    child(ChildKind::ResourceQuota, namespace, CLOSED, &object)
}

/// The container defaults of the plan, if it has any.
pub fn limits(
    owner: &Owner,
    namespace: &str,
    defaults: Option<&ContainerDefaults>,
) -> Option<Child> {
    let ContainerDefaults { limits, requests } = defaults?;
    // A limit without a request is the request too: the API server fills it in.
    let mut requests = requests.clone();
    for (resource, limit) in limits {
        requests
            .entry(resource.clone())
            .or_insert_with(|| limit.clone());
    }
    let some = |map: BTreeMap<String, Quantity>| (!map.is_empty()).then_some(map);
    let object = LimitRange {
        metadata: owner.metadata(namespace, NAME),
        spec: Some(LimitRangeSpec {
            limits: vec![LimitRangeItem {
                type_: "Container".to_owned(),
                default: some(limits.clone()),
                default_request: some(requests),
                ..LimitRangeItem::default()
            }],
        }),
    };
    Some(child(ChildKind::LimitRange, namespace, NAME, &object))
}

/// The default ServiceAccount: no token is mounted, and pods may pull with the plan's Secrets.
pub fn service_account(owner: &Owner, namespace: &str, pull_secrets: &[String]) -> Child {
    let secrets: Vec<_> = pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() })
        .collect();
    let object = ServiceAccount {
        metadata: owner.metadata(namespace, DEFAULT_SERVICE_ACCOUNT),
        automount_service_account_token: Some(false),
        image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
        secrets: None,
    };
    child(
        ChildKind::ServiceAccount,
        namespace,
        DEFAULT_SERVICE_ACCOUNT,
        &object,
    )
}

/// A read-only ConfigMap of this name and data.
pub fn config_map(
    owner: &Owner,
    namespace: &str,
    name: &str,
    data: BTreeMap<String, String>,
) -> Child {
    let object = ConfigMap {
        metadata: owner.metadata(namespace, name),
        data: Some(data),
        ..ConfigMap::default()
    };
    child(ChildKind::ConfigMap, namespace, name, &object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            partner: "emea".into(),
            customer: Some(("globex".into(), "u1".into())),
        }
    }

    #[test]
    fn without_a_plan_no_pod_is_admitted() {
        let quota = quota(&owner(), "emea--globex", None);
        assert_eq!(quota.body["spec"]["hard"]["pods"], "0");
    }

    #[test]
    fn a_plan_may_open_what_is_closed_by_default() {
        let plan = ServicePlanSpec {
            quota: [("services.nodeports".to_owned(), Quantity("2".to_owned()))].into(),
            ..ServicePlanSpec::default()
        };
        let hard = &quota(&owner(), "ns", Some(&plan)).body["spec"]["hard"];
        assert_eq!(hard["services.nodeports"], "2");
        assert_eq!(hard["services.loadbalancers"], "0");
        assert!(hard.get("pods").is_none());
    }

    #[test]
    fn a_limit_without_a_request_is_the_request_too() {
        let defaults = ContainerDefaults {
            limits: [("cpu".to_owned(), Quantity("1".to_owned()))].into(),
            ..ContainerDefaults::default()
        };
        let limits = limits(&owner(), "ns", Some(&defaults)).unwrap();
        assert_eq!(
            limits.body["spec"]["limits"][0]["defaultRequest"]["cpu"],
            "1"
        );
    }
}
