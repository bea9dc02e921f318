//! Requests for a deletion: `clientele-deletion-stamps` and `clientele-deletion-requests`, as people of a partner with the rights that
//! are shipped for them.

use kube::Client;
use serde_json::{Value, json};

use super::{given, let_in, platform};
use crate::attempt::{ALLOWED, Call, call, create, delete, get, patch, put, try_all};
use crate::support::{PATIENCE, Report as _, World, eventually};
use crate::tenancy::{OPERATOR, Tenant};

pub const REQUESTS: &str = "/apis/clientele.dev/v1alpha1/namespaces/{home}/deletionrequests";

/// A request beside the Customer `globex`.
pub fn request(name: &str, spec: Value) -> Value {
    let mut request = json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "DeletionRequest",
        "metadata": {"name": name, "namespace": "{home}"}, "spec": {"customer": "globex"}});
    if let (Some(fields), Value::Object(more)) = (request["spec"].as_object_mut(), spec) {
        fields.extend(more);
    }
    request
}

/// A person who has this role in the partner's namespace, once it counts.
pub async fn staff(world: &World, tenant: &Tenant, role: &str) -> Client {
    let name = format!("{role}@{}.example", tenant.partner);
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": "{home}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]});
    given(&world.admin, tenant, binding).await;
    let person = world.as_user(&name, &[]).await;
    let_in(&person, &tenant.home, "clientele.dev", "deletionrequests").await;
    person
}

/// Every mark of Clientele on a request, as somebody would forge them.
pub fn forged() -> Value {
    json!({
        "clientele.dev/requested-by": "somebody@else.example",
        "clientele.dev/may-purge": "true",
        "clientele.dev/cancelled-by": "somebody@else.example",
        "clientele.dev/purged-by": "somebody@else.example",
        "clientele.dev/source": "Deleted",
        "clientele.dev/form-uid": "u",
        "clientele.dev/customer-snapshot": "{}",
    })
}

/// The labels of requests that the operator files.
pub fn forged_labels() -> Value {
    json!({
        "app.kubernetes.io/managed-by": "clientele",
        "clientele.dev/partner": "other",
        "clientele.dev/customer": "other",
        "clientele.dev/customer-uid": "u",
    })
}

/// Sets how far a request in the partner's namespace is, as the operator does. It is about this tenant, which [`held`] keeps from
/// being gone: an operator beside the test then leaves the phase as it is.
pub fn phase(name: &str, phase: &str) -> Call {
    let status = json!({"phase": phase, "customerUID": "{uid}", "namespace": "{ns}"});
    patch(
        &format!("{REQUESTS}/{name}/status"),
        json!({"status": status}),
    )
}

/// Lets the tenant namespace go, held by something in it.
pub async fn held(world: &World, tenant: &Tenant) {
    let groups = ["system:masters", "clientele:break-glass"];
    let firefighter = world.as_user("firefighter@staff.example", &groups).await;
    let holds = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holds", "finalizers": ["example.com/held"]}});
    let attempts = vec![
        ("holds it", create(holds), ALLOWED),
        ("lets it go", delete("/api/v1/namespaces/{ns}"), ALLOWED),
    ];
    try_all(&firefighter, tenant, attempts).await;
}

/// Lets go what [`held`] holds.
pub async fn released(world: &World, tenant: &Tenant) {
    let unheld = json!({"metadata": {"finalizers": null}});
    let release = patch("/api/v1/namespaces/{ns}/configmaps/holds", unheld);
    try_all(
        &platform(world).await,
        tenant,
        vec![("releases it", release, ALLOWED)],
    )
    .await;
}

/// What an answer says of the annotations.
fn annotations(answer: kube::Result<Value>) -> Value {
    answer.expect("taken")["metadata"]["annotations"].take()
}

#[tokio::test]
async fn who_asks_and_whether_they_may_purge_is_stamped_and_stays() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let provider = staff(&world, &tenant, "clientele-provider").await;
    let path = tenant.fill(&format!("{REQUESTS}/a"));
    let (sells, provides) = (
        format!("clientele-seller@{}.example", tenant.partner),
        format!("clientele-provider@{}.example", tenant.partner),
    );

    let mut forgery = request("a", json!({}));
    forgery["metadata"]["annotations"] = forged();
    forgery["metadata"]["labels"] = forged_labels();
    forgery["metadata"]["annotations"]["example.com/mine"] = "kept".into();
    forgery["metadata"]["labels"]["example.com/mine"] = "kept".into();
    let made = call(&seller, &create(forgery.clone()).about(&tenant)).await;
    let made = made.expect("taken");
    let stamped = json!({"clientele.dev/requested-by": sells, "example.com/mine": "kept"});
    assert_eq!(made["metadata"]["annotations"], stamped);
    assert_eq!(
        made["metadata"]["labels"],
        json!({"example.com/mine": "kept"})
    );

    // Nobody changes that afterwards, whatever else they may do here, and however they write.
    let forge = patch(&path, json!({"metadata": {"annotations": forged()}}));
    let take_off = patch(
        &path,
        json!({"metadata": {"annotations": null, "finalizers": null}}),
    );
    for person in [&seller, &provider, &platform(&world).await] {
        assert_eq!(annotations(call(person, &forge).await), stamped);
    }
    let bare = call(&provider, &take_off).await.expect("restored");
    let stamp = json!({"clientele.dev/requested-by": sells});
    assert_eq!(bare["metadata"]["annotations"], stamp);
    assert_eq!(
        bare["metadata"]["finalizers"],
        json!(["clientele.dev/deletion"])
    );
    // As kubectl replaces: what is in a file, at the version that it has found. An operator beside this test may write in between.
    let replaced = eventually("it is replaced", PATIENCE, async || {
        let found = call(&provider, &get(&path)).await.report()?;
        let mut file = request("a", json!({}));
        file["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
        call(&provider, &put(&path, file).about(&tenant))
            .await
            .report()
    })
    .await;
    assert_eq!(replaced["metadata"]["annotations"], stamp);
    assert_eq!(
        replaced["metadata"]["finalizers"],
        json!(["clientele.dev/deletion"])
    );

    // Who cancels is stamped when they do; the next who writes is not taken for them.
    let cancelled = patch(&path, json!({"spec": {"cancel": {"note": "they stay"}}}));
    let stamped =
        json!({"clientele.dev/requested-by": sells, "clientele.dev/cancelled-by": provides});
    assert_eq!(annotations(call(&provider, &cancelled).await), stamped);
    assert_eq!(annotations(call(&seller, &forge).await), stamped);

    let made = call(&provider, &create(request("b", json!({}))).about(&tenant)).await;
    let stamped =
        json!({"clientele.dev/requested-by": provides, "clientele.dev/may-purge": "true"});
    assert_eq!(annotations(made), stamped);
    let now = request("c", json!({"mode": "Now"}));
    let made = call(&provider, &create(now).about(&tenant)).await;
    let stamped = json!({"clientele.dev/requested-by": provides, "clientele.dev/may-purge": "true",
        "clientele.dev/purged-by": provides});
    assert_eq!(annotations(made), stamped);
}

#[tokio::test]
async fn a_deletion_at_once_needs_the_right_to_purge() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let now = json!({"spec": {"mode": "Now"}});
    let hurry = patch(&format!("{REQUESTS}/a"), now);
    let at_once = |name: &str| create(request(name, json!({"mode": "Now"})));
    let refused = "mode Now needs the verb purge on deletionrequests.clientele.dev in {home}";
    let seller = staff(&world, &tenant, "clientele-seller").await;
    try_all(
        &seller,
        &tenant,
        vec![
            ("asks for it", create(request("a", json!({}))), ALLOWED),
            ("at once", at_once("b"), refused),
            ("at once after all", hurry.clone(), refused),
        ],
    )
    .await;
    // Without the verb in it, even everything else is not enough.
    let reseller = staff(&world, &tenant, "clientele-reseller").await;
    try_all(&reseller, &tenant, vec![("at once", at_once("b"), refused)]).await;
    let provider = staff(&world, &tenant, "clientele-provider").await;
    try_all(
        &provider,
        &tenant,
        vec![
            ("at once", at_once("b"), ALLOWED),
            ("at once after all", hurry, ALLOWED),
        ],
    )
    .await;
    // What is so already is nothing new, whoever writes.
    let label = patch(
        &format!("{REQUESTS}/a"),
        json!({"metadata": {"labels": {"a": "b"}}}),
    );
    try_all(&seller, &tenant, vec![("labels it", label, ALLOWED)]).await;
}

#[tokio::test]
async fn a_request_is_made_where_there_is_somebody_to_delete() {
    let at = |namespace: &str, customer: Value| {
        let mut request = request("a", json!({"customer": customer}));
        request["metadata"]["namespace"] = namespace.into();
        if customer.is_null() {
            request["spec"] = json!({});
        }
        create(request).dry()
    };
    let nowhere = "is no partner's and no tenant's";
    super::as_platform(vec![
        ("beside a customer", at("{home}", json!("globex")), ALLOWED),
        (
            "of nobody",
            at("{home}", json!(null)),
            "Say who is to be deleted",
        ),
        ("in the tenant", at("{ns}", json!(null)), ALLOWED),
        (
            "of a customer, in the tenant",
            at("{ns}", json!("globex")),
            "In a tenant namespace a DeletionRequest is about that customer",
        ),
        ("elsewhere", at("default", json!("globex")), nowhere),
        (
            "among providers",
            at("clientele-partners", json!("globex")),
            nowhere,
        ),
    ])
    .await;
}

/// What Flux does: an apply without effect, to see a difference, and an apply if there is one. Also of what nobody may say.
#[tokio::test]
async fn a_pipeline_that_applies_the_same_again_changes_nothing() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let path = tenant.fill(&format!("{REQUESTS}/a"));
    for spec in [
        json!({"reason": "ended"}),
        json!({"reason": "ended", "cancel": {"note": "they stay"}}),
    ] {
        let mut said = request("a", spec);
        said["metadata"]["annotations"] = forged();
        let apply = Call::apply(&path, said).about(&tenant);
        let first = call(&seller, &apply).await.expect("applied");
        for again in [apply.clone().dry(), apply] {
            let answer = call(&seller, &again).await.expect("applied again");
            // All that a pipeline compares. The version is not: an operator beside this test may tell something.
            assert_eq!(answer["spec"], first["spec"]);
            for part in ["annotations", "labels", "finalizers", "generation"] {
                assert_eq!(answer["metadata"][part], first["metadata"][part]);
            }
        }
    }
}

/// The operator files requests for others, and says for whom. People take them back like any other, and change nothing else of them.
#[tokio::test]
async fn the_operator_says_itself_for_whom_it_asks_and_people_take_that_back() {
    let world = World::without_operator().await;
    let tenant = Tenant::by_hand(&world).await;
    let operator = world.as_user(OPERATOR, &["system:masters"]).await;
    let mut mine = request("a", json!({}));
    let marks = json!({"clientele.dev/source": "Form", "clientele.dev/requested-by": "ada@globex.example", "clientele.dev/form-uid": "u"});
    mine["metadata"]["annotations"] = marks.clone();
    mine["metadata"]["labels"] = forged_labels();
    let made = call(&operator, &create(mine).about(&tenant)).await;
    let made = made.expect("filed");
    assert_eq!(made["metadata"]["annotations"], marks);
    assert_eq!(made["metadata"]["labels"], forged_labels());
    let path = tenant.fill(&format!("{REQUESTS}/a"));
    let seller = staff(&world, &tenant, "clientele-seller").await;
    let cancel = json!({"metadata": {"annotations": null, "labels": null, "finalizers": null},
        "spec": {"cancel": {"note": "they stay"}}});
    let cancelled = call(&seller, &patch(&path, cancel))
        .await
        .expect("taken back");
    let mut stamped = marks;
    stamped["clientele.dev/cancelled-by"] =
        format!("clientele-seller@{}.example", tenant.partner).into();
    assert_eq!(cancelled["metadata"]["annotations"], stamped);
    assert_eq!(cancelled["metadata"]["labels"], forged_labels());
    let relabelled = json!({"metadata": {"labels": {"clientele.dev/customer-uid": "v", "app.kubernetes.io/managed-by": "Helm"}}});
    let relabelled = call(&seller, &patch(&path, relabelled))
        .await
        .expect("restored");
    assert_eq!(relabelled["metadata"]["labels"], forged_labels());
    try_all(
        &seller,
        &tenant,
        vec![("deletes it", delete(&path), ALLOWED)],
    )
    .await;
}
