//! Which kinds of objects a service may put into a tenant, and how each is stopped.

use serde_json::{Value, json};

use crate::api::meta;
use crate::domain::pieces::group;

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// A node label that no node has: pods of a DaemonSet that is stopped are scheduled nowhere.
pub const STOPPED_NODES: &str = "clientele.dev/stopped";

/// Kinds in the cluster as such, by group. Others are found by discovery.
const CLUSTER: &[(&str, &[&str])] = &[
    (
        "",
        &["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &["IngressClass", "IPAddress", "ServiceCIDR"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "StorageClass",
            "VolumeAttachment",
            "CSIDriver",
            "CSINode",
            "VolumeAttributesClass",
        ],
    ),
];

/// Why no service may have objects of this kind, if so.
pub fn refusal(api_version: &str, kind: &str) -> Option<String> {
    let group = group(api_version);
    if group == meta::GROUP {
        return Some(format!(
            "{kind} is a kind of Clientele itself, which people write: remove it"
        ));
    }
    let is_cluster = CLUSTER
        .iter()
        .any(|(of, kinds)| *of == group && kinds.contains(&kind));
    if is_cluster {
        return Some(in_cluster(kind));
    }
    match (group, kind) {
        ("", "ResourceQuota" | "LimitRange") => Some(format!("the {kind} of a tenant is its plan's: change quota or containerDefaults there")),
        ("rbac.authorization.k8s.io", "Role" | "RoleBinding") => {
            Some("rights in a tenant are its users' (CustomerUser) and its partner's (adminRole): remove it".into())
        }
        ("", "List") => Some("a List is several objects: give each a manifest of its own".into()),
        ("", "Binding" | "Event") | ("events.k8s.io", "Event") => Some(format!("a {kind} is not kept as it is written: remove it")),
        ("authorization.k8s.io" | "authentication.k8s.io", _) => Some(format!("a {kind} is a question, not an object: remove it")),
        _ => None,
    }
}

/// Why no service may have this object, if so.
pub fn name_refusal(api_version: &str, kind: &str, name: &str) -> Option<String> {
    let taken = match (group(api_version), kind, name) {
        ("networking.k8s.io", "NetworkPolicy", "clientele") => "isolates the tenant",
        ("", "ServiceAccount", "default") => "is the tenant's own",
        ("", "ConfigMap", "customer") => "tells the tenant about itself",
        ("", "Secret", "smtp") => "is the tenant's SMTP login",
        ("", "ConfigMap", "kube-root-ca.crt") => "is Kubernetes' own",
        _ => return None,
    };
    Some(format!(
        "the {kind} {name} {taken}: give yours another name"
    ))
}

/// What discovery says against this kind, if it says anything.
pub fn scope_refusal(kind: &str, scope: Option<Scope>) -> Option<String> {
    match scope {
        Some(Scope::Namespaced) => None,
        Some(Scope::Cluster) => Some(in_cluster(kind)),
        None => Some(format!(
            "this cluster has no kind {kind} in this version: install it, or correct apiVersion and kind"
        )),
    }
}

fn in_cluster(kind: &str) -> String {
    format!(
        "a {kind} is cluster-scoped; a service puts only namespaced objects into the tenant: remove it"
    )
}

/// How an object of a kind is kept from running while its service is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It runs nothing.
    Nothing,
    /// It cannot stay without running, and goes.
    Goes,
    /// By setting this field to this value.
    Sets(&'static [&'static str], Value),
}

/// How an object of this kind is kept from running.
///
/// Deployments, StatefulSets, ReplicaSets and ReplicationControllers get 0 replicas (an autoscaler leaves such alone), Jobs
/// and CronJobs are suspended, and a DaemonSet, which has no number, selects nodes that there are none of. A Pod goes. All
/// else stays as it is: who hands a service to another operator chooses `onStop: Delete` if it is to stop.
pub fn stop(api_version: &str, kind: &str) -> Stop {
    match (group(api_version), kind) {
        ("", "Pod") => Stop::Goes,
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") | ("", "ReplicationController") => {
            Stop::Sets(&["spec", "replicas"], json!(0))
        }
        ("batch", "Job" | "CronJob") => Stop::Sets(&["spec", "suspend"], json!(true)),
        ("apps", "DaemonSet") => Stop::Sets(
            &["spec", "template", "spec", "nodeSelector", STOPPED_NODES],
            json!("true"),
        ),
        _ => Stop::Nothing,
    }
}

impl Stop {
    /// Whether an object runs nothing as it is.
    pub fn holds(&self, object: &Value) -> bool {
        match self {
            Self::Nothing => true,
            Self::Goes => false,
            Self::Sets(path, value) => {
                let found = path.iter().try_fold(object, |at, field| at.get(field));
                found == Some(value)
            }
        }
    }

    /// The fields to set, as an object.
    pub fn fields(&self) -> Option<Value> {
        let Self::Sets(path, value) = self else {
            return None;
        };
        let wrapped = path.iter().rev();
        Some(wrapped.fold(value.clone(), |inner, field| json!({ *field: inner })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_stopped_by_one_field_and_the_rest_left_alone() {
        for (api_version, kind, fields) in [
            ("apps/v1", "Deployment", json!({"spec": {"replicas": 0}})),
            ("apps/v1", "StatefulSet", json!({"spec": {"replicas": 0}})),
            ("batch/v1", "CronJob", json!({"spec": {"suspend": true}})),
            (
                "apps/v1",
                "DaemonSet",
                json!({"spec": {"template": {"spec": {"nodeSelector": {STOPPED_NODES: "true"}}}}}),
            ),
        ] {
            let stop = stop(api_version, kind);
            assert_eq!(stop.fields(), Some(fields.clone()), "{kind}");
            assert!(stop.holds(&fields) && !stop.holds(&json!({"spec": {"replicas": 1}})));
        }
        assert_eq!(stop("v1", "Pod"), Stop::Goes);
        assert_eq!(stop("example.org/v1", "Deployment"), Stop::Nothing);
    }
}
