//! What no call of the operator may ever do, whatever the test is about.

use serde_json::Value;

use super::log::Call;
use super::object::Id;
use super::refusal::Refusal;
use super::resources::{Resource, Verb};
use super::store::Store;

/// Bindings in a tenant that let nobody in.
const INDIFFERENT: [&str; 4] = [
    "clientele-contact-lists",
    "clientele-deletion-requester",
    "clientele-list-approvers",
    "clientele-smtp",
];

/// The fence in deploy/policies, as far as readiness and creation meet it.
pub fn fence(call: &Call) -> Result<(), Refusal> {
    let ours = call.name.starts_with("partner-")
        || call.name.contains("--")
        || call.name == "clientele-partners";
    if call.resource.kind == "Namespace" && !ours {
        return Err(Refusal::denied(
            "clientele-fence-namespaces",
            "not a name of Clientele's",
        ));
    }
    Ok(())
}

/// The fence in deploy/policies, as far as objects in a tenant meet it that are the tenant's own.
pub fn tenants_own(store: &Store, call: &Call) -> Result<(), Refusal> {
    let core = [
        "resourcequotas/clientele",
        "limitranges/clientele",
        "networkpolicies/clientele",
        "configmaps/customer",
        "serviceaccounts/default",
    ];
    let name = format!("{}/{}", call.resource.plural, call.name);
    if call.verb != Verb::Apply || !call.namespace.contains("--") || core.contains(&&*name) {
        return Ok(());
    }
    let id = Id::new(call.resource, &call.namespace, &call.name);
    let foreign = store
        .get(&id)
        .is_some_and(|object| object["metadata"]["labels"]["clientele.dev/customer-uid"].is_null());
    if foreign && !call.resource.is_own() {
        return Err(Refusal::denied(
            "clientele-fence-objects",
            "never takes over another's",
        ));
    }
    Ok(())
}

/// The fence in deploy/policies, as far as next hops of routes meet it.
pub fn next_hops(store: &Store, call: &Call) -> Result<(), Refusal> {
    if call.resource.kind != "Service" || !call.namespace.starts_with("partner-") {
        return Ok(());
    }
    let id = Id::new(call.resource, &call.namespace, &call.name);
    let foreign = store.get(&id).is_some_and(|object| {
        let labels = &object["metadata"]["labels"];
        labels["app.kubernetes.io/managed-by"] != "clientele"
            && labels["clientele.dev/route"].is_null()
    });
    if foreign && call.is_write() {
        return Err(Refusal::denied(
            "clientele-fence-objects",
            "never takes over another's",
        ));
    }
    Ok(())
}

/// The rule that a call breaks.
pub fn broken(store: &Store, call: &Call) -> Option<String> {
    if !call.is_write() {
        return None;
    }
    let rule = rule(store, call)?;
    Some(format!("{rule}: {call}"))
}

fn rule(store: &Store, call: &Call) -> Option<&'static str> {
    let kind = call.resource.kind;
    if call.resource.is_own() {
        return own_rule(store, call);
    }
    if kind == "Namespace" {
        return namespace_rule(store, call);
    }
    let room = Id::new(Resource::named("namespaces"), "", &call.namespace);
    let stopped = store.get(&room).is_some_and(|namespace| {
        namespace["metadata"]["labels"]["clientele.dev/access"] == "Stopped"
    });
    if let Some(rule) = piece_rule(store, call, &room) {
        return rule;
    }
    if call.verb == Verb::Delete {
        let may_go = match kind {
            "RoleBinding" | "LimitRange" => true,
            "ResourceQuota" => call.name == "clientele-stopped" && !stopped,
            "Pod" => stopped,
            "Service" => call.namespace.starts_with("partner-"),
            _ => false,
        };
        if !may_go {
            return Some(
                "only bindings, limit ranges, next hops, the pods of the stopped and what keeps them out are ever taken away",
            );
        }
    }
    let ours = store.get(&room).is_none_or(|namespace| {
        ["tenant", "partner"]
            .iter()
            .any(|t| namespace["metadata"]["labels"]["clientele.dev/type"] == *t)
    });
    if !ours {
        return Some("nothing is written in a namespace that is not Clientele's");
    }
    let id = Id::new(call.resource, &call.namespace, &call.name);
    if kind == "RoleBinding"
        && !INDIFFERENT.contains(&&*call.name)
        && call.namespace.contains("--")
        && call.verb == Verb::Apply
        && store.get(&id).is_none()
    {
        return opening_rule(store, &room);
    }
    None
}

/// People's objects are theirs; requests, and the customers made again from them, are the exceptions.
fn own_rule(store: &Store, call: &Call) -> Option<&'static str> {
    let keys = |value: &Value| {
        let mut keys: Vec<_> = value
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect();
        keys.sort();
        keys
    };
    let touched = keys(&call.body["metadata"]);
    let metadata_only = call.verb == Verb::Merge && keys(&call.body) == ["metadata"];
    if call.subresource == "status"
        || (metadata_only && touched == ["finalizers", "resourceVersion", "uid"])
    {
        return None;
    }
    let request = call.resource.kind == "DeletionRequest";
    match call.verb {
        Verb::Create if request => (!call.namespace.starts_with("partner-"))
            .then_some("requests are filed beside customers"),
        Verb::Create if call.resource.kind == "Customer" => {
            let kept = store.of("deletionrequests").any(|(id, request)| {
                id.namespace == call.namespace
                    && request["spec"]["customer"] == call.name.as_str()
                    && (request["status"]["phase"] == "Pending"
                        || request["status"]["phase"] == "Purging")
            });
            (!kept).then_some("a customer is made only again, from a request that waits")
        }
        Verb::Merge if request && metadata_only && touched == ["annotations", "uid"] => None,
        Verb::Delete if request => {
            let id = Id::new(call.resource, &call.namespace, &call.name);
            let phase = store
                .get(&id)
                .map(|request| request["status"]["phase"].clone());
            let over = phase.is_none_or(|phase| phase == "Cancelled" || phase == "Completed");
            (!over).then_some("only requests that are over are taken away")
        }
        _ => Some("of people's own objects only status and finalizers are written"),
    }
}

/// Only a request that has come to its end, after its grace or by the word of somebody who may, ever deletes a namespace, and only that
/// of the very customer it is about.
fn purge_rule(store: &Store, call: &Call) -> Option<&'static str> {
    let id = Id::new(Resource::named("namespaces"), "", &call.name);
    let namespace = store.get(&id)?;
    let labels = &namespace["metadata"]["labels"];
    let mark = &namespace["metadata"]["annotations"]["clientele.dev/purge"];
    let request = store
        .of("deletionrequests")
        .find(|(_, request)| request["metadata"]["uid"] == *mark);
    let Some((_, request)) = request else {
        return Some("no namespace is deleted without a request");
    };
    let status = &request["status"];
    let stays = request["spec"]["cancel"].is_object()
        || status["phase"] != "Purging"
        || labels["clientele.dev/type"] != "tenant"
        || labels["clientele.dev/customer-uid"] != status["customerUID"];
    if stays {
        return Some("only the tenant of a request in phase Purging is deleted");
    }
    let exact = call.body["preconditions"]["uid"].is_string()
        && call.body["preconditions"]["resourceVersion"].is_string();
    if !exact {
        return Some("a namespace is deleted with uid and resourceVersion only");
    }
    let time = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
    };
    let now = request["spec"]["mode"] == "Now";
    let over = time(&status["finalizeAt"]) <= time(&status["history"].as_array()?.last()?["at"]);
    (!now && !over).then_some("nothing is deleted before its grace is over")
}

/// Objects of services: made only when they are written down on the namespace, deleted only by the UID that is written down, claims
/// to storage never. Nothing if it is none.
fn piece_rule(store: &Store, call: &Call, room: &Id) -> Option<Option<&'static str>> {
    let id = Id::new(call.resource, &call.namespace, &call.name);
    let stored = store.get(&id);
    let labels = |object: &Value| object["metadata"]["labels"]["clientele.dev/service"].clone();
    let service = stored.map(|object| labels(object)).unwrap_or_default();
    let service = if service.is_null() {
        labels(&call.body)
    } else {
        service
    };
    if service.is_null() {
        return None;
    }
    let uid = stored
        .map(|object| object["metadata"]["uid"].clone())
        .unwrap_or_default();
    let namespace = store.get(room)?;
    let records = &namespace["metadata"]["annotations"]["clientele.dev/services"];
    let records: Value =
        serde_json::from_str(records.as_str().unwrap_or_default()).unwrap_or_default();
    let services = records["services"].as_object().into_iter().flatten();
    let mut pieces =
        services.flat_map(|(_, service)| service["pieces"].as_array().into_iter().flatten());
    let record =
        pieces.find(|piece| piece["kind"] == call.resource.kind && piece["name"] == *call.name);
    Some(match (call.verb, record) {
        (_, None) => Some("what a service puts into a tenant is written down first"),
        (Verb::Delete, _) if call.resource.kind == "PersistentVolumeClaim" => {
            Some("claims to storage are never deleted")
        }
        (Verb::Delete, Some(record)) if !record["uid"].is_null() && record["uid"] != uid => {
            Some("only what was made is ever pruned")
        }
        _ => None,
    })
}

fn namespace_rule(store: &Store, call: &Call) -> Option<&'static str> {
    if call.verb == Verb::Delete {
        return purge_rule(store, call);
    }
    if call.verb == Verb::Create {
        return None;
    }
    let id = Id::new(Resource::named("namespaces"), "", &call.name);
    let labelled = store.get(&id).is_none_or(|namespace| {
        !namespace["metadata"]["labels"]["clientele.dev/partner"].is_null()
    });
    if !labelled {
        return Some("a namespace without Clientele's labels is never changed");
    }
    let access = &call.body["metadata"]["labels"]["clientele.dev/access"];
    let locks = access == "Locked" || access == "Stopped";
    let bound = store.of("rolebindings").any(|(id, binding)| {
        id.namespace == call.name
            && !INDIFFERENT.contains(&&*id.name)
            && binding["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "clientele"
    });
    (locks && bound).then_some("bindings go before the label says Locked")
}

/// Bindings come last: the label says Open and the quota is in force.
fn opening_rule(store: &Store, room: &Id) -> Option<&'static str> {
    let namespace = store.get(room)?;
    if namespace["metadata"]["labels"]["clientele.dev/access"] != "Open" {
        return Some("nobody is let in while the label does not say Open");
    }
    let quota = Id::new(Resource::named("resourcequotas"), &room.name, "clientele");
    let in_force = store
        .get(&quota)
        .is_some_and(|quota| quota["status"]["hard"] == quota["spec"]["hard"]);
    (!in_force).then_some("nobody is let in before the quota is in force")
}
