//! The namespace itself, other namespaces, and the cluster.

use serde_json::json;

use super::as_admin;
use crate::attempt::{create, create_in_cluster, delete, get, patch, post, put};

const OWN: &str = "/api/v1/namespaces/{ns}";
const REFUSED: &str = "cannot patch resource \"namespaces";

#[tokio::test]
async fn its_own_namespace_stays_as_the_operator_made_it() {
    let finalized = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{ns}"}, "spec": {"finalizers": []}});
    as_admin(vec![
        (
            "lifts Pod Security by its label",
            patch(OWN, json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})),
            REFUSED,
        ),
        (
            "opens a lock",
            patch(OWN, json!({"metadata": {"labels": {"clientele.dev/access": "Open"}}})),
            REFUSED,
        ),
        (
            "takes another domain by annotation",
            patch(OWN, json!({"metadata": {"annotations": {"clientele.dev/ingress-domain": "other.example"}}})),
            REFUSED,
        ),
        (
            "takes the owner away (Capsule, CVE-2022-46167)",
            patch(OWN, json!({"metadata": {"ownerReferences": []}})),
            REFUSED,
        ),
        (
            "labels through /status (Capsule, GHSA-2ww6-hf35-mfjm)",
            patch("/api/v1/namespaces/{ns}/status", json!({"metadata": {"labels": {"a": "b"}}})),
            "cannot patch resource \"namespaces/status\"",
        ),
        (
            "labels through /finalize (Capsule, GHSA-2ww6-hf35-mfjm)",
            put("/api/v1/namespaces/{ns}/finalize", finalized),
            "cannot update resource \"namespaces/finalize\"",
        ),
        ("deletes it", delete(OWN), "cannot delete resource \"namespaces\""),
    ])
    .await;
}

#[tokio::test]
async fn other_namespaces_are_out_of_reach() {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "kube-system"}});
    let home = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "{home}"}});
    as_admin(vec![
        (
            "takes over a system namespace by its owner (Capsule, CVE-2024-39690)",
            patch("/api/v1/namespaces/kube-system", json!({"metadata": {"ownerReferences": []}})),
            REFUSED,
        ),
        (
            "labels a system namespace (Capsule, CVE-2025-55205)",
            patch("/api/v1/namespaces/kube-system", json!({"metadata": {"labels": {"clientele.dev/type": "tenant"}}})),
            REFUSED,
        ),
        (
            "makes a namespace of its own",
            create_in_cluster(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{partner}--mine"}})),
            "cannot create resource \"namespaces\"",
        ),
        (
            "names another namespace in a manifest (Capsule, GHSA-qjjm-7j9w-pw72)",
            create(map),
            "cannot create resource \"configmaps\"",
        ),
        ("writes beside its Customer", create(home), "cannot create resource \"configmaps\""),
        ("lists all namespaces", get("/api/v1/namespaces"), "cannot list resource \"namespaces\""),
        ("lists all customers", get("/apis/clientele.dev/v1alpha1/customers"), "cannot list resource \"customers\""),
        (
            "reads its own Customer with what staff wrote there",
            get("/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/{customer}"),
            "cannot get resource \"customers\"",
        ),
        ("lists Secrets of all", get("/api/v1/secrets"), "cannot list resource \"secrets\""),
        (
            "reads the credentials of a mail route",
            get("/api/v1/namespaces/{home}/secrets/relay"),
            "cannot get resource \"secrets\"",
        ),
        (
            "reads the operator's Secrets",
            get("/api/v1/namespaces/clientele-system/secrets"),
            "cannot list resource \"secrets\"",
        ),
        (
            "steals the operator's lease",
            patch("/apis/coordination.k8s.io/v1/namespaces/clientele-system/leases/clientele", json!({"spec": {"holderIdentity": "me"}})),
            "cannot patch resource \"leases\"",
        ),
        (
            "reads the operator's metrics through the API server",
            get("/api/v1/namespaces/clientele-system/pods/clientele:8080/proxy/metrics"),
            "cannot get resource \"pods/proxy\"",
        ),
        ("reads the API server's metrics", get("/metrics"), "cannot get path \"/metrics\""),
    ])
    .await;
}

#[tokio::test]
async fn nothing_of_the_cluster_can_be_made() {
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "{partner}"}});
    let request = json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "{partner}"},
        "spec": {"request": "", "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}});
    as_admin(vec![
        (
            "makes a ClusterRole (Capsule, CVE-2026-22872)",
            create_in_cluster(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "{partner}"},
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]})),
            "cannot create resource \"clusterroles\"",
        ),
        (
            "binds cluster-admin to itself",
            create_in_cluster(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "{partner}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}})),
            "cannot create resource \"clusterrolebindings\"",
        ),
        (
            "puts a webhook before everybody's requests (Capsule, CVE-2026-22872)",
            create_in_cluster(webhook),
            "cannot create resource \"validatingwebhookconfigurations\"",
        ),
        (
            "takes the fence away",
            delete("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/clientele-fence-objects"),
            "cannot delete resource \"validatingadmissionpolicybindings\"",
        ),
        (
            "makes a volume of a node's disk",
            create_in_cluster(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "{partner}"}})),
            "cannot create resource \"persistentvolumes\"",
        ),
        (
            "makes a priority of its own",
            create_in_cluster(json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "{partner}"}, "value": 1_000_000_000})),
            "cannot create resource \"priorityclasses\"",
        ),
        (
            "asks for a certificate in the name of another",
            create_in_cluster(request),
            "cannot create resource \"certificatesigningrequests\"",
        ),
        (
            "gives itself a larger plan",
            create_in_cluster(json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ServicePlan", "metadata": {"name": "{partner}"}, "spec": {"displayName": "Mine"}})),
            "cannot create resource \"serviceplans\"",
        ),
        (
            "untaints a node",
            patch("/api/v1/nodes/any", json!({"spec": {"taints": []}})),
            "cannot patch resource \"nodes\"",
        ),
        (
            "learns who another token is",
            post("/apis/authentication.k8s.io/v1/tokenreviews", json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}})),
            "cannot create resource \"tokenreviews\"",
        ),
    ])
    .await;
}
