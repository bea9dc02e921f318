//! Requests that the operator files itself, and the Customer that is made again from one.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::{Customer, DeletionRequest, meta};
use crate::domain::number;
use crate::plan::observed::deletion::Source;
use crate::plan::step::Step;
use crate::plan::subject::{Key, Kind};

/// kubectl's own copy of the object, which doubles it. With it `kubectl apply` goes on as before with a Customer that was made again, and
/// takes away what is in the file no more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Most bytes of a snapshot: the API server takes 256 KiB of annotations.
const MAX_SNAPSHOT: usize = 128 << 10;

/// The step that files a request because the Customer object was deleted, with what it takes to make it again.
pub fn for_deleted(customer: &Customer, partner: &str) -> Step {
    let uid = customer.uid().unwrap_or_default();
    let mut filed = Filed::new(
        customer,
        partner,
        Source::Deleted,
        &format!("{uid}/deleted"),
    );
    filed.annotations[meta::ANNOTATION_CUSTOMER_SNAPSHOT] = snapshot(customer).into();
    filed.spec["reason"] = "The Customer object was deleted.".into();
    filed.step()
}

/// The step that files a request for `spec.deletion.requested`.
pub fn for_spec(customer: &Customer, partner: &str, reason: &str) -> Step {
    let uid = customer.uid().unwrap_or_default();
    let generation = customer.metadata.generation.unwrap_or_default();
    // The generation tells one wish from the next; as long as the spec stays, so does the name.
    let mut filed = Filed::new(
        customer,
        partner,
        Source::Spec,
        &format!("{uid}/{generation}"),
    );
    if let Some(who) = customer.annotations().get(meta::ANNOTATION_WISHED_BY) {
        filed.annotations[meta::ANNOTATION_REQUESTED_BY] = who.clone().into();
    }
    filed.spec["reason"] = reason.into();
    filed.step()
}

/// The step that files the request which a form in the tenant namespace asks for.
pub fn for_form(customer: &Customer, partner: &str, form: &DeletionRequest) -> Step {
    let uid = form.uid().unwrap_or_default();
    let mut filed = Filed::new(customer, partner, Source::Form, &uid);
    filed.annotations[meta::ANNOTATION_FORM_UID] = uid.clone().into();
    for stamp in [meta::ANNOTATION_REQUESTED_BY, meta::ANNOTATION_MAY_PURGE] {
        if let Some(value) = form.annotations().get(stamp) {
            filed.annotations[stamp] = value.clone().into();
        }
    }
    if let Some(reason) = &form.spec.reason {
        filed.spec["reason"] = reason.clone().into();
    }
    if let Some(grace) = &form.spec.grace_period {
        filed.spec["gracePeriod"] = grace.clone().into();
    }
    filed.step()
}

/// The step that puts what it takes to make the customer again onto a request that is under way already.
pub fn snapshot_for(customer: &Customer, request: &str, request_uid: &str) -> Step {
    let namespace = customer.namespace().unwrap_or_default();
    annotate(
        Key::new(Kind::DeletionRequest, &namespace, request),
        request_uid,
        meta::ANNOTATION_CUSTOMER_SNAPSHOT,
        snapshot(customer).into(),
    )
}

/// The step that sets one annotation of a request, or takes it away with `null`.
pub fn annotate(request: Key, uid: &str, annotation: &str, value: Value) -> Step {
    let patch = json!({ "metadata": { "uid": uid, "annotations": { annotation: value } } });
    Step::Amend {
        object: request,
        patch,
    }
}

/// The step that makes the customer of a request again, to take over the tenant of this UID; none if the request does not say what
/// it was.
pub fn made_again(request: &DeletionRequest, tenant: Option<&str>) -> Option<Step> {
    let snapshot = request
        .annotations()
        .get(meta::ANNOTATION_CUSTOMER_SNAPSHOT)?;
    let mut body: Value = serde_json::from_str(snapshot).ok()?;
    let name = body["metadata"]["name"].as_str()?.to_owned();
    let namespace = request.namespace()?;
    body["apiVersion"] = format!("{}/{}", meta::GROUP, meta::VERSION).into();
    body["kind"] = Kind::Customer.as_str().into();
    body["metadata"]["namespace"] = namespace.clone().into();
    if let Some(tenant) = tenant {
        body["metadata"]["annotations"][meta::ANNOTATION_ADOPT_RETAINED] = tenant.into();
    }
    // The wish was taken back: made again with it, the customer would file the next one. Who had it is told by the request.
    if let Some(annotations) = body["metadata"]["annotations"].as_object_mut() {
        annotations.remove(meta::ANNOTATION_WISHED_BY);
        annotations.remove(meta::ANNOTATION_WITHDRAWN_BY);
    }
    if let Some(deletion) = body["spec"]["deletion"].as_object_mut() {
        deletion.remove("requested");
    }
    Some(Step::Make {
        object: Key::new(Kind::Customer, &namespace, &name),
        body,
    })
}

fn snapshot(customer: &Customer) -> String {
    let name = customer.name_any();
    let whole = |annotations: &BTreeMap<String, String>| {
        json!({
            "metadata": { "name": name, "labels": customer.labels(), "annotations": annotations },
            "spec": customer.spec,
        })
        .to_string()
    };
    let mut annotations = customer.annotations().clone();
    let everything = whole(&annotations);
    if everything.len() <= MAX_SNAPSHOT {
        return everything;
    }
    annotations.remove(LAST_APPLIED);
    let most = whole(&annotations);
    if most.len() <= MAX_SNAPSHOT {
        return most;
    }
    // The spec is what counts, and its size is bounded.
    json!({ "metadata": { "name": name, "annotations": {} }, "spec": customer.spec }).to_string()
}

struct Filed {
    name: String,
    namespace: String,
    labels: Value,
    annotations: Value,
    spec: Value,
}

impl Filed {
    /// A request of a name that the same cause always comes to, so that none is filed twice.
    fn new(customer: &Customer, partner: &str, source: Source, cause: &str) -> Self {
        let name = customer.name_any();
        Self {
            name: format!("{name}-{}", number::short(cause)),
            namespace: customer.namespace().unwrap_or_default(),
            labels: json!({
                meta::LABEL_MANAGED_BY: meta::MANAGED_BY,
                meta::LABEL_PARTNER: partner,
                meta::LABEL_CUSTOMER: name,
                meta::LABEL_CUSTOMER_UID: customer.uid().unwrap_or_default(),
            }),
            annotations: json!({ meta::ANNOTATION_SOURCE: source.as_str() }),
            spec: json!({ "customer": name }),
        }
    }

    fn step(self) -> Step {
        let Self {
            name,
            namespace,
            labels,
            annotations,
            spec,
        } = self;
        let body = json!({
            "apiVersion": format!("{}/{}", meta::GROUP, meta::VERSION),
            "kind": Kind::DeletionRequest.as_str(),
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "annotations": annotations,
                "finalizers": [meta::FINALIZER_DELETION],
            },
            "spec": spec,
        });
        Step::Make {
            object: Key::new(Kind::DeletionRequest, &namespace, &name),
            body,
        }
    }
}
