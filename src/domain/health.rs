//! How an object is, by what it says of itself: the rules of kstatus
//! (<https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>), which Flux, Argo CD and Helm follow too.
//!
//! Built-in workloads are judged by their counts; everything else by `observedGeneration` and the conditions `Stalled`,
//! `Reconciling` and `Ready`, which the objects of Flux and Crossplane carry. What has no status is as it should be.

use serde_json::Value;

use super::pieces::group;

/// How an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    #[default]
    Current,
    /// On the way there, and what is missing.
    InProgress(String),
    /// It says itself that it cannot get there, and why.
    Failed(String),
}

/// Most bytes of what an object says that are passed on.
const LONGEST: usize = 160;

/// How an object is.
pub fn of(object: &Value) -> Health {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Health::InProgress("is being deleted".into());
    }
    let status = &object["status"];
    if let (Some(seen), Some(is)) = (
        status["observedGeneration"].as_i64(),
        object["metadata"]["generation"].as_i64(),
    ) && seen < is
    {
        return Health::InProgress("its controller has not seen the latest change".into());
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    match (group(api_version), kind) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => replicas(object, "readyReplicas", "updatedReplicas"),
        ("apps", "ReplicaSet") => replicas(object, "readyReplicas", "replicas"),
        ("", "ReplicationController") => replicas(object, "readyReplicas", "replicas"),
        ("apps", "DaemonSet") => daemon_set(status),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(status),
        ("", "PersistentVolumeClaim") => claim(status),
        ("", "Service") => service(object),
        _ => by_conditions(status),
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    let mut conditions = status["conditions"].as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind)
}

fn is_true(status: &Value, kind: &str) -> bool {
    condition(status, kind).is_some_and(|condition| condition["status"] == "True")
}

/// What a condition says, its message before its reason.
fn said(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    let said = if text("message").is_empty() {
        text("reason")
    } else {
        text("message")
    };
    let mut said = said.replace(char::is_control, " ");
    if said.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| said.is_char_boundary(at));
        said.truncate(end.unwrap_or_default());
        said.push('…');
    }
    said
}

fn by_conditions(status: &Value) -> Health {
    if let Some(stalled) = condition(status, "Stalled").filter(|it| it["status"] == "True") {
        return Health::Failed(said(stalled));
    }
    if let Some(reconciling) = condition(status, "Reconciling").filter(|it| it["status"] == "True")
    {
        return Health::InProgress(said(reconciling));
    }
    match condition(status, "Ready") {
        Some(ready) if ready["status"] != "True" => Health::InProgress(said(ready)),
        _ => Health::Current,
    }
}

fn deployment(object: &Value) -> Health {
    let status = &object["status"];
    if let Some(progressing) = condition(status, "Progressing")
        && progressing["reason"] == "ProgressDeadlineExceeded"
    {
        return Health::Failed(said(progressing));
    }
    let refused = condition(status, "ReplicaFailure").filter(|it| it["status"] == "True");
    match (
        replicas(object, "availableReplicas", "updatedReplicas"),
        refused,
    ) {
        (Health::Current, _) | (_, None) => {
            replicas(object, "availableReplicas", "updatedReplicas")
        }
        (_, Some(refused)) => Health::Failed(said(refused)),
    }
}

fn replicas(object: &Value, ready: &str, updated: &str) -> Health {
    let (spec, status) = (&object["spec"], &object["status"]);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let (ready, updated) = (number(&status[ready]), number(&status[updated]));
    if ready.min(updated) < wanted {
        Health::InProgress(format!(
            "{} of {wanted} replicas are ready",
            ready.min(updated)
        ))
    } else if number(&status["replicas"]) > wanted {
        Health::InProgress("surplus replicas are ending".into())
    } else {
        Health::Current
    }
}

fn daemon_set(status: &Value) -> Health {
    let wanted = number(&status["desiredNumberScheduled"]);
    let ready = number(&status["numberReady"]).min(number(&status["updatedNumberScheduled"]));
    if status["observedGeneration"].is_null() {
        Health::InProgress("its controller has not seen it".into())
    } else if ready < wanted {
        Health::InProgress(format!("{ready} of {wanted} pods are ready"))
    } else {
        Health::Current
    }
}

fn job(object: &Value) -> Health {
    let status = &object["status"];
    if let Some(failed) = condition(status, "Failed").filter(|it| it["status"] == "True") {
        Health::Failed(said(failed))
    } else if is_true(status, "Complete")
        || !status["startTime"].is_null()
        || object["spec"]["suspend"] == true
    {
        Health::Current
    } else {
        Health::InProgress("has not started".into())
    }
}

fn pod(status: &Value) -> Health {
    match status["phase"].as_str().unwrap_or_default() {
        "Succeeded" => Health::Current,
        "Failed" => Health::Failed(said(status)),
        _ if is_true(status, "Ready") => Health::Current,
        _ => Health::InProgress("is not ready".into()),
    }
}

fn claim(status: &Value) -> Health {
    match status["phase"].as_str().unwrap_or_default() {
        "Bound" => Health::Current,
        "Lost" => Health::Failed("has lost its volume".into()),
        _ => Health::InProgress("is not bound to a volume".into()),
    }
}

fn service(object: &Value) -> Health {
    let balanced = object["spec"]["type"] == "LoadBalancer";
    let given = object.pointer("/status/loadBalancer/ingress/0").is_some();
    if balanced && !given {
        Health::InProgress("has no address yet".into())
    } else {
        Health::Current
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(status: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status})
    }

    fn other(status: Value) -> Health {
        of(
            &json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"generation": 3}, "status": status}),
        )
    }

    #[test]
    fn a_deployment_is_current_when_all_its_replicas_are() {
        let on_its_way = |object: &Value| matches!(of(object), Health::InProgress(_));
        assert!(on_its_way(&deployment(json!({}))));
        assert!(on_its_way(&deployment(
            json!({"observedGeneration": 1, "replicas": 2, "availableReplicas": 2, "updatedReplicas": 2})
        )));
        assert!(on_its_way(&deployment(
            json!({"observedGeneration": 2, "replicas": 2, "availableReplicas": 1, "updatedReplicas": 2})
        )));
        assert!(on_its_way(&deployment(
            json!({"observedGeneration": 2, "replicas": 3, "availableReplicas": 2, "updatedReplicas": 2})
        )));
        let good = json!({"observedGeneration": 2, "replicas": 2, "availableReplicas": 2, "updatedReplicas": 2});
        assert_eq!(of(&deployment(good)), Health::Current);
    }

    #[test]
    fn a_deployment_that_gets_no_further_has_failed() {
        let stuck = json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no progress"}]});
        assert_eq!(of(&deployment(stuck)), Health::Failed("no progress".into()));
        let refused = json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]});
        assert_eq!(
            of(&deployment(refused)),
            Health::Failed("exceeded quota".into())
        );
    }

    #[test]
    fn what_others_make_is_judged_by_its_conditions() {
        let says = |kind: &str, status: &str| json!({"observedGeneration": 3, "conditions": [{"type": kind, "status": status, "message": "why"}]});
        assert_eq!(other(json!({})), Health::Current);
        assert_eq!(other(says("Ready", "True")), Health::Current);
        assert_eq!(
            other(says("Ready", "False")),
            Health::InProgress("why".into())
        );
        assert_eq!(
            other(says("Ready", "Unknown")),
            Health::InProgress("why".into())
        );
        assert_eq!(
            other(says("Reconciling", "True")),
            Health::InProgress("why".into())
        );
        assert_eq!(other(says("Stalled", "True")), Health::Failed("why".into()));
        let late =
            json!({"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]});
        assert!(matches!(other(late), Health::InProgress(_)));
    }

    #[test]
    fn what_is_said_is_passed_on_in_short_and_without_line_breaks() {
        let long = json!({"conditions": [{"type": "Stalled", "status": "True", "message": format!("a\n{}", "ö".repeat(500))}]});
        let Health::Failed(said) = other(long) else {
            panic!("failed")
        };
        assert!(
            said.starts_with("a ö") && said.len() <= LONGEST + 3,
            "{said}"
        );
    }
}
