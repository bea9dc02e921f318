//! The fence round the operator, for objects (`clientele-fence-objects`): where it writes, and what.

use serde_json::{Value, json};

use super::deletion::{held, phase, released, request};
use super::{customer, given, map, partner};
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

const OWN: &str = "Of its own kinds the operator writes the status, and the finalizers of Partners";

#[tokio::test]
async fn of_its_own_kinds_it_writes_status_and_finalizers() {
    let path = "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/mine";
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, customer("mine")).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let mut elsewhere = customer("more");
    elsewhere["metadata"]["namespace"] = "default".into();
    let mut inside = customer("more");
    inside["metadata"]["namespace"] = "{ns}".into();
    try_all(
        &operator,
        &tenant,
        vec![
            (
                "makes a Customer anew, where partners have theirs",
                create(customer("more")).dry(),
                ALLOWED,
            ),
            ("makes a Customer elsewhere", create(elsewhere), OWN),
            (
                "makes a Customer in a tenant",
                create(inside),
                "Of its own kinds the operator writes | cannot live in the tenant namespace",
            ),
            ("makes a partner", create(partner("more", &json!({}))), OWN),
            (
                "changes a spec",
                patch(path, json!({"spec": {"displayName": "Other"}})),
                OWN,
            ),
            (
                "labels",
                patch(path, json!({"metadata": {"labels": {"a": "b"}}})),
                OWN,
            ),
            (
                "annotates",
                patch(path, json!({"metadata": {"annotations": {"a": "b"}}})),
                OWN,
            ),
            (
                "marks a Customer like a request",
                patch(
                    path,
                    json!({"metadata": {"annotations": {"clientele.dev/customer-snapshot": "{}"}}}),
                ),
                OWN,
            ),
            ("deletes a Customer", delete(path), OWN),
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

#[tokio::test]
async fn of_requests_it_files_its_own_marks_them_and_clears_away_what_is_over() {
    let requests = "/apis/clientele.dev/v1alpha1/namespaces/{home}/deletionrequests";
    let (mine, theirs) = (format!("{requests}/mine"), format!("{requests}/theirs"));
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    given(&world.admin, &tenant, request("theirs", json!({}))).await;
    let mut form = request("form", json!({}));
    form["metadata"]["namespace"] = "{ns}".into();
    form["spec"] = json!({});
    given(&world.admin, &tenant, form.clone()).await;
    form["metadata"]["name"] = "another".into();
    let form_path = "/apis/clientele.dev/v1alpha1/namespaces/{ns}/deletionrequests/form";
    let mut filed = request("mine", json!({}));
    filed["metadata"]["annotations"] =
        json!({"clientele.dev/source": "Form", "clientele.dev/customer-snapshot": "{}"});
    let mut elsewhere = request("more", json!({}));
    elsewhere["metadata"]["namespace"] = "default".into();
    let annotate = |path: &str, key: &str, value: Value| {
        patch(path, json!({"metadata": {"annotations": {key: value}}}))
    };
    let unfinalized = json!({"metadata": {"finalizers": null}});
    let snapshot = "clientele.dev/customer-snapshot";
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    try_all(
        &operator,
        &tenant,
        vec![
            ("files a request", create(filed), ALLOWED),
            ("files one elsewhere", create(elsewhere), OWN),
            ("files one in a tenant", create(form), OWN),
            (
                "clears the snapshot",
                annotate(&mine, snapshot, json!(null)),
                ALLOWED,
            ),
            (
                "says later for whom it asked",
                annotate(&mine, "clientele.dev/requested-by", json!("x")),
                OWN,
            ),
            (
                "gives its request the right to purge",
                annotate(&mine, "clientele.dev/may-purge", json!("true")),
                OWN,
            ),
            (
                "makes another's request its own",
                annotate(&theirs, "clientele.dev/source", json!("Spec")),
                OWN,
            ),
            (
                "keeps a Customer on another's request",
                annotate(&theirs, snapshot, json!("{}")),
                ALLOWED,
            ),
            (
                "confirms for people",
                annotate(&mine, "clientele.dev/confirm-delete", json!("mine")),
                OWN,
            ),
            (
                "hurries its own request",
                patch(&mine, json!({"spec": {"mode": "Now"}})),
                OWN,
            ),
            (
                "cancels another's request",
                patch(&theirs, json!({"spec": {"cancel": {"note": "no"}}})),
                OWN,
            ),
            (
                "takes its finalizer off",
                patch(&theirs, unfinalized.clone()),
                ALLOWED,
            ),
            ("takes a form's off", patch(form_path, unfinalized), ALLOWED),
            ("deletes a form", delete(form_path), OWN),
            ("deletes what nobody has looked at", delete(&theirs), OWN),
        ],
    )
    .await;
    held(&world, &tenant).await;
    try_all(
        &operator,
        &tenant,
        vec![
            ("is Pending", phase("theirs", "Pending"), ALLOWED),
            ("deletes what is Pending", delete(&theirs), OWN),
            ("is Purging", phase("theirs", "Purging"), ALLOWED),
            ("deletes what is Purging", delete(&theirs), OWN),
            ("is Completed", phase("theirs", "Completed"), ALLOWED),
            ("deletes what is Completed", delete(&theirs), ALLOWED),
            ("is Cancelled", phase("mine", "Cancelled"), ALLOWED),
            ("deletes what is Cancelled", delete(&mine), ALLOWED),
        ],
    )
    .await;
    released(&world, &tenant).await;
}

/// An alias of a relay, as the operator makes it for the route of this name.
fn alias(name: &str, route: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "{home}",
        "labels": {"app.kubernetes.io/managed-by": "clientele", "clientele.dev/route": route}},
        "spec": {"type": "ExternalName", "externalName": "smtp.relay.example"}})
}

#[tokio::test]
async fn of_services_it_writes_the_next_hops_of_routes() {
    let named = "In a partner namespace the operator writes only";
    let taken = "never takes over another's";
    let path = "/api/v1/namespaces/{home}/services";
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let unlabelled = |name: &str| {
        let mut service = alias(name, name);
        service["metadata"]["labels"] = json!({});
        service
    };
    given(&world.admin, &tenant, unlabelled("theirs")).await;
    let mut selecting = alias("relay", "relay");
    selecting["spec"] = json!({"selector": {"app": "x"}, "ports": [{"port": 25}]});
    let mut unmanaged = alias("relay", "relay");
    unmanaged["metadata"]["labels"] = json!({"clientele.dev/route": "relay"});
    let mut elsewhere = alias("relay", "relay");
    elsewhere["metadata"]["namespace"] = "default".into();
    let mut inside = alias("relay", "relay");
    inside["metadata"]["namespace"] = "{ns}".into();
    inside["metadata"]["labels"]["clientele.dev/customer-uid"] = "{uid}".into();
    try_all(
        &operator,
        &tenant,
        vec![
            ("makes one that selects pods", create(selecting), named),
            ("makes one that is no route's", create(unlabelled("relay")), named),
            ("makes one under another name", create(alias("relay", "other")), named),
            ("makes one without its mark", create(unmanaged), named),
            ("makes one elsewhere", create(elsewhere), ONLY_OURS),
            ("makes one in a tenant", create(inside), "cannot be an alias for another name"),
            ("takes over another's", tenant.apply(alias("theirs", "theirs")), taken),
            ("deletes another's", delete(&format!("{path}/theirs")), named),
            ("makes a next hop", tenant.apply(alias("relay", "relay")), ALLOWED),
            (
                "loses the mark on it",
                patch(&format!("{path}/relay"), json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}})),
                named,
            ),
            (
                "makes it select pods",
                patch(&format!("{path}/relay"), json!({"spec": {"type": "ClusterIP", "externalName": null, "ports": [{"port": 25}]}})),
                named,
            ),
            (
                "leads it elsewhere",
                patch(&format!("{path}/relay"), json!({"spec": {"externalName": "other.relay.example"}})),
                ALLOWED,
            ),
            ("deletes it", delete(&format!("{path}/relay")), ALLOWED),
        ],
    )
    .await;
}
