//! The fence round the operator, for objects (`clientele-fence-objects`): where it writes, and what.

use serde_json::json;

use super::{customer, given, map};
use crate::attempt::{ALLOWED, create, delete, patch, post, try_all};
use crate::support::{World, unique};
use crate::tenancy::{OPERATOR, Tenant};

const ONLY_OURS: &str = "The operator writes only in namespaces that carry Clientele's labels";

#[tokio::test]
async fn it_writes_only_marked_objects_in_tenants_and_named_ones_in_partners() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    given(&world.admin, &tenant, map("{ns}", "theirs", &json!({}))).await;
    let marked = "writes only objects that carry the customer's UID";
    let named = "In a partner namespace the operator writes only";
    let managed = json!({"app.kubernetes.io/managed-by": "clientele"});
    let secret = |namespace: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": namespace, "labels": managed}});
    let mut theirs = map("{ns}", "theirs", &tenant.labels());
    theirs["data"] = json!({"a": "b"});
    let lease = |name: &str| json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": "clientele-system"}});
    let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": unique("event-"), "namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z", "action": "Tested", "reason": "Tested", "type": "Normal",
        "reportingController": "clientele", "reportingInstance": "test", "regarding": {"kind": "ServicePlan", "name": "x"}});
    try_all(
        &operator,
        &tenant,
        vec![
            (
                "writes where nothing is Clientele's",
                create(map("default", "x", &tenant.labels())),
                ONLY_OURS,
            ),
            (
                "writes in its own namespace",
                create(map("clientele-system", "x", &tenant.labels())),
                ONLY_OURS,
            ),
            ("takes another's lease", create(lease("other")), ONLY_OURS),
            (
                "makes an object without a mark",
                create(map("{ns}", "x", &json!({}))),
                marked,
            ),
            (
                "takes over the tenant's object",
                tenant.apply(theirs),
                marked,
            ),
            (
                "deletes the tenant's object",
                delete("/api/v1/namespaces/{ns}/configmaps/theirs"),
                marked,
            ),
            (
                "runs a program in the tenant's pod",
                post("/api/v1/namespaces/{ns}/pods/x/exec?command=sh", json!({})),
                marked,
            ),
            (
                "asks for a token of the tenant",
                post(
                    "/api/v1/namespaces/{ns}/serviceaccounts/default/token",
                    json!({"apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest", "spec": {"audiences": []}}),
                ),
                marked,
            ),
            (
                "writes Secrets of a partner",
                create(secret("{home}")),
                named,
            ),
            (
                "writes other names of a partner",
                create(map("{home}", "x", &managed)),
                named,
            ),
            (
                "writes a partner's ConfigMap without a mark",
                create(map("{home}", "partner", &json!({}))),
                named,
            ),
            (
                "writes a partner's ConfigMap",
                create(map("{home}", "partner", &managed)),
                ALLOWED,
            ),
            ("leads", tenant.apply(lease("clientele")).dry(), ALLOWED),
            ("reports an event anywhere", create(event), ALLOWED),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_its_own_kinds_it_writes_status_and_finalizers() {
    let only = "Of its own kinds the operator writes only the status, and the finalizers";
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/mine";
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, customer("mine")).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    try_all(
        &operator,
        &tenant,
        vec![
            ("makes a Customer", create(customer("more")), only),
            (
                "changes a spec",
                patch(path, json!({"spec": {"displayName": "Other"}})),
                only,
            ),
            (
                "labels",
                patch(path, json!({"metadata": {"labels": {"a": "b"}}})),
                only,
            ),
            (
                "annotates",
                patch(path, json!({"metadata": {"annotations": {"a": "b"}}})),
                only,
            ),
            ("deletes a Customer", delete(path), only),
            (
                "sets its finalizer",
                patch(
                    path,
                    json!({"metadata": {"finalizers": ["clientele.dev/tenant"]}}),
                ),
                ALLOWED,
            ),
            (
                "takes it off",
                patch(path, json!({"metadata": {"finalizers": null}})),
                ALLOWED,
            ),
            (
                "writes the status",
                patch(
                    &format!("{path}/status"),
                    json!({"status": {"observedGeneration": 1, "users": 3}}),
                ),
                ALLOWED,
            ),
        ],
    )
    .await;
}
