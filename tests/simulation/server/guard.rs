//! What no call of the operator may ever do, whatever the test is about.

use serde_json::Value;

use super::log::Call;
use super::object::Id;
use super::refusal::Refusal;
use super::resources::{Resource, Verb};
use super::store::Store;

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

/// The rule that a call breaks.
pub fn broken(store: &Store, call: &Call) -> Option<String> {
    if !call.verb.writes() || call.dry_run || call.is_event() {
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
    if call.verb == Verb::Delete {
        let may_go = match kind {
            "RoleBinding" | "LimitRange" => true,
            "ResourceQuota" => call.name == "clientele-stopped" && !stopped,
            "Pod" => stopped,
            _ => false,
        };
        if !may_go {
            return Some(
                "only bindings, limit ranges, the pods of the stopped and what keeps them out are ever taken away",
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
        && call.name != "clientele-deletion-requester"
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
            && id.name != "clientele-deletion-requester"
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
