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
        let finalizers_only = call.body.as_object().is_some_and(|body| {
            let metadata = body.get("metadata").and_then(Value::as_object);
            body.len() == 1
                && metadata.is_some_and(|m| m.contains_key("finalizers") && m.len() == 3)
        });
        let allowed = call.subresource == "status" || (call.verb == Verb::Merge && finalizers_only);
        return (!allowed)
            .then_some("of people's own objects only status and finalizers are written");
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
        && call.namespace.contains("--")
        && call.verb == Verb::Apply
        && store.get(&id).is_none()
    {
        return opening_rule(store, &room);
    }
    None
}

fn namespace_rule(store: &Store, call: &Call) -> Option<&'static str> {
    if call.verb == Verb::Delete {
        return Some("no namespace is ever deleted");
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
