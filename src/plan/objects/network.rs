//! The NetworkPolicy of a tenant: nothing in or out but the namespace itself, DNS, and what the plan says.
//!
//! One object that selects every pod and lists both directions denies by default and allows what it lists
//! (<https://kubernetes.io/docs/concepts/services-networking/network-policies/>).

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Owner, child};
use crate::api::{NetworkPeer, PlanNetwork};
use crate::domain::fingerprint::ChildKind;
use crate::plan::step::Child;

/// Name of the policy.
pub const NAME: &str = "clientele";

/// Where cluster DNS lives in every distribution that follows kubeadm; port 53 only.
const DNS_NAMESPACE: &str = "kube-system";

/// The policy for a tenant that is stopped: nothing in or out at all.
pub fn shut(owner: &Owner, namespace: &str) -> Child {
    whole(owner, namespace, Vec::new(), Vec::new())
}

/// The policy for a tenant.
pub fn policy(owner: &Owner, namespace: &str, network: Option<&PlanNetwork>) -> Child {
    let itself = || {
        vec![NetworkPolicyPeer {
            pod_selector: Some(LabelSelector::default()),
            ..NetworkPolicyPeer::default()
        }]
    };
    let mut ingress = vec![NetworkPolicyIngressRule {
        from: Some(itself()),
        ports: None,
    }];
    let mut egress = vec![
        NetworkPolicyEgressRule {
            to: Some(itself()),
            ports: None,
        },
        NetworkPolicyEgressRule {
            to: Some(vec![named_namespace(DNS_NAMESPACE)]),
            ports: Some(vec![port("UDP", 53), port("TCP", 53)]),
        },
    ];
    if let Some(PlanNetwork {
        allow_from,
        allow_to,
    }) = network
    {
        ingress.extend(allow_from.iter().map(|allowed| NetworkPolicyIngressRule {
            from: Some(vec![peer(allowed)]),
            ports: ports(&allowed.ports),
        }));
        egress.extend(allow_to.iter().map(|allowed| NetworkPolicyEgressRule {
            to: Some(vec![peer(allowed)]),
            ports: ports(&allowed.ports),
        }));
    }
    whole(owner, namespace, ingress, egress)
}

fn whole(
    owner: &Owner,
    namespace: &str,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> Child {
    let object = NetworkPolicy {
        metadata: owner.metadata(namespace, NAME),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(ingress),
            egress: Some(egress),
        }),
    };
    child(ChildKind::NetworkPolicy, namespace, NAME, &object)
}

fn named_namespace(name: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some(
                [("kubernetes.io/metadata.name".to_owned(), name.to_owned())].into(),
            ),
            ..LabelSelector::default()
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn peer(allowed: &NetworkPeer) -> NetworkPolicyPeer {
    let NetworkPeer {
        namespace_selector,
        pod_selector,
        cidr,
        except,
        ports: _,
    } = allowed;
    NetworkPolicyPeer {
        namespace_selector: namespace_selector.clone(),
        pod_selector: pod_selector.clone(),
        ip_block: cidr.as_ref().map(|cidr| IPBlock {
            cidr: cidr.clone(),
            except: (!except.is_empty()).then(|| except.clone()),
        }),
    }
}

/// No ports means all of them, as in a NetworkPolicy.
fn ports(ports: &[i32]) -> Option<Vec<NetworkPolicyPort>> {
    (!ports.is_empty()).then(|| ports.iter().map(|number| port("TCP", *number)).collect())
}

fn port(protocol: &str, number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(number)),
        end_port: None,
    }
}
