//! The request that one's own customer be deleted: what else a tenant's admin could make of it.
//!
//! The tenants here are built by hand, so that no operator stops them while somebody tries.

use serde_json::{Value, json};

use crate::attempt::{ALLOWED, call, create, delete, get, patch, try_all};
use crate::policies::deletion::{forged, forged_labels, request};
use crate::support::World;
use crate::tenancy::{OPERATOR, Tenant, counted};

const FORMS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{ns}/deletionrequests";
const REQUESTS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{home}/deletionrequests";

/// A request in the tenant, with this spec.
fn form(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "DeletionRequest", "metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn nobody_asks_in_anothers_name_or_with_rights_they_have_not() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let admin = tenant.admin(&world).await;
    let mut forgery = form("mine", json!({}));
    forgery["metadata"]["annotations"] = forged();
    forgery["metadata"]["labels"] = forged_labels();
    let stamped = json!({"clientele.dev/requested-by": tenant.fill("admin@{partner}.example")});
    let made = call(&admin, &create(forgery.clone()).about(&tenant)).await;
    let path = tenant.fill(&format!("{FORMS}/mine"));
    let again = json!({"metadata": {"annotations": forged(), "labels": forged_labels()}});
    let changed = call(&admin, &patch(&path, again)).await;
    for answer in [made, changed] {
        let metadata = answer.expect("taken")["metadata"].take();
        assert_eq!(metadata["annotations"], stamped);
        let labels = metadata["labels"].as_object().into_iter().flatten();
        assert_eq!(labels.count(), 0);
    }
    let purge = "mode Now needs the verb purge on deletionrequests.clientele.dev in {ns}";
    let attempts = vec![
        (
            "asks for it at once",
            create(form("now", json!({"mode": "Now"}))),
            purge,
        ),
        (
            "hurries it",
            patch(&path, json!({"spec": {"mode": "Now"}})),
            purge,
        ),
        (
            "shortens it",
            patch(&path, json!({"spec": {"gracePeriod": "1s"}})),
            "stays as it was when the request was filed",
        ),
    ];
    try_all(&admin, &tenant, attempts).await;
}

#[tokio::test]
async fn nobody_reaches_beyond_their_own_tenant() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let admin = tenant.admin(&world).await;
    let staffs = create(request("staffs", json!({}))).about(&tenant);
    call(&world.admin, &staffs)
        .await
        .expect("a request of the staff");
    let staffs = format!("{REQUESTS}/staffs");
    let own = "In a tenant namespace a DeletionRequest is about that customer";
    let elsewhere = |namespace: &str| {
        let mut request = form("x", json!({"customer": "other"}));
        request["metadata"]["namespace"] = namespace.into();
        create(request)
    };
    let cannot = "cannot create resource \"deletionrequests\"";
    let attempts = vec![
        (
            "names another customer",
            create(form("x", json!({"customer": "other"}))),
            own,
        ),
        (
            "names its own",
            create(form("x", json!({"customer": "{customer}"}))),
            own,
        ),
        ("asks beside its Customer", elsewhere("{home}"), cannot),
        (
            "asks beside another partner's",
            elsewhere("partner-other"),
            cannot,
        ),
        (
            "asks in another tenant",
            elsewhere("{partner}--other"),
            cannot,
        ),
        (
            "reads the partner's",
            get(REQUESTS),
            "cannot list resource \"deletionrequests\"",
        ),
        (
            "reads the staff's",
            get(&staffs),
            "cannot get resource \"deletionrequests\"",
        ),
        (
            "takes the staff's back",
            patch(&staffs, json!({"spec": {"cancel": {"note": "no"}}})),
            "cannot patch resource \"deletionrequests\"",
        ),
        (
            "deletes the staff's",
            delete(&staffs),
            "cannot delete resource \"deletionrequests\"",
        ),
        (
            "confirms what is held",
            patch(
                &staffs,
                json!({"metadata": {"annotations": {"clientele.dev/confirm-delete": "staffs"}}}),
            ),
            "cannot patch resource \"deletionrequests\"",
        ),
        (
            "deletes the Customer",
            delete("/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/{customer}"),
            "cannot delete resource \"customers\"",
        ),
        (
            "asks in its Customer, in another's name",
            patch(
                "/apis/clientele.dev/v1alpha1/namespaces/{home}/customers/{customer}",
                json!({"metadata": {"annotations": {"clientele.dev/deletion-requested-by": "staff"}},
                    "spec": {"deletion": {"requested": {"reason": "over"}}}}),
            ),
            "cannot patch resource \"customers\"",
        ),
        (
            "marks its own namespace for the end",
            patch(
                "/api/v1/namespaces/{ns}",
                json!({"metadata": {"annotations": {"clientele.dev/purge": "u"}}}),
            ),
            "cannot patch resource \"namespaces\"",
        ),
        (
            "asks for its own",
            create(form("mine", json!({"reason": "we leave"}))),
            ALLOWED,
        ),
        (
            "turns it to another customer",
            patch(
                &format!("{FORMS}/mine"),
                json!({"spec": {"customer": "other"}}),
            ),
            "spec",
        ),
    ];
    try_all(&admin, &tenant, attempts).await;
}

#[tokio::test]
async fn nobody_makes_up_history_or_takes_it_away() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let admin = tenant.admin(&world).await;
    let path = format!("{FORMS}/mine");
    let finalizer = json!({"metadata": {"finalizers": ["example.com/never"]}});
    let mut held = form("held", json!({}));
    held["metadata"]["finalizers"] = json!(["clientele.dev/deletion"]);
    let block = "A finalizer of your own would keep this object";
    let status = json!({"status": {"phase": "Completed", "requestedBy": "staff"}});
    let binding = |name: &str, role: &str| {
        create(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": "{ns}"}]}),
        )
    };
    let attempts = vec![
        ("asks", create(form("mine", json!({}))), ALLOWED),
        ("holds it up", patch(&path, finalizer), block),
        ("holds another up", create(held), block),
        (
            "says how far it is",
            patch(&format!("{path}/status"), status),
            "cannot patch resource \"deletionrequests/status\"",
        ),
        (
            "keeps a right past the stop",
            binding("clientele-deletion-requester", "clientele-tenant-viewer"),
            "An object of this name belongs to Clientele",
        ),
        (
            "gives that right to its software",
            binding("more", "clientele-tenant-requester"),
            "In a tenant namespace only the ClusterRoles clientele-tenant-admin",
        ),
    ];
    try_all(&admin, &tenant, attempts).await;

    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    for (phase, stays) in [
        ("Purging", "is Purging: the customer cannot be had back"),
        ("Completed", "is Completed: the customer cannot be had back"),
    ] {
        let told = patch(
            &format!("{path}/status"),
            json!({"status": {"phase": phase}}),
        );
        try_all(&operator, &tenant, vec![(phase, told, ALLOWED)]).await;
        try_all(&admin, &tenant, vec![(phase, delete(&path), stays)]).await;
    }
}

#[tokio::test]
async fn a_flood_of_requests_ends_at_the_quota() {
    let world = World::without_operator().await;
    let resource = "count/deletionrequests.clientele.dev";
    counted(&world, resource).await;
    let tenant = Tenant::by_hand(&world).await;
    let admin = tenant.admin(&world).await;
    let limit = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limit", "namespace": tenant.namespace},
        "spec": {"hard": {resource: "3"}}});
    call(&world.admin, &create(limit)).await.expect("a limit");
    // The API server learns of a new limit a moment later, so a few more may pass; unlimited they would all.
    for made in 0..50 {
        let form = create(form(&format!("flood-{made}"), json!({}))).about(&tenant);
        if let Err(error) = call(&admin, &form).await {
            let error = error.to_string();
            if error.contains("status unknown for quota") {
                continue;
            }
            assert!(error.contains("exceeded quota"), "{error}");
            return;
        }
    }
    panic!("as many DeletionRequests as one likes");
}
