//! ServicePlans.

use clientele::api::ServicePlan;
use serde_json::{Map, Value, json};

use super::{Row, check, many, refused, taken};

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

#[tokio::test]
async fn plans_are_checked() {
    let mut rows = vec![
        taken("a plan", json!({})),
        refused("a name with a dot", named("a.b"), "metadata.name", "the name of a plan must be"),
        refused("a name of 64 characters", named(&"a".repeat(64)), "metadata.name", "at most 63 characters"),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("no title", spec(json!({"displayName": null})), "spec.displayName", "Required"),
        refused("an empty title", spec(json!({"displayName": ""})), "spec.displayName", "must not be empty"),
        refused("a title on two lines", spec(json!({"displayName": "a\nb"})), "spec.displayName", "must be one line of text"),
        refused("a standard that is none", spec(json!({"podSecurity": "Restricted"})), "spec.podSecurity", "supported values"),
        refused("fewer than no users", spec(json!({"maxUsers": -1})), "spec.maxUsers", "greater than or equal to 0"),
        refused("more users than there can be", spec(json!({"maxUsers": 100_001})), "spec.maxUsers", "less than or equal to 100000"),
        refused("a Secret twice", spec(json!({"imagePullSecrets": ["a", "a"]})), "spec.imagePullSecrets[1]", "Duplicate"),
        refused("nine Secrets", spec(json!({"imagePullSecrets": many::<Vec<_>, _>(9, |i| format!("s{i}"))})), "spec.imagePullSecrets", "at most 8 items"),
        refused("a Secret of another namespace", spec(json!({"imagePullSecrets": ["a/b"]})), "spec.imagePullSecrets[0]", "must be the name of an object"),
        taken("no storage at all", spec(json!({"storageClasses": []}))),
        refused("a StorageClass in capitals", spec(json!({"storageClasses": ["Standard"]})), "spec.storageClasses[0]", "must be the name of an object"),
        refused("a StorageClass twice", spec(json!({"storageClasses": ["a", "a"]})), "spec.storageClasses[1]", "Duplicate"),
        refused("hosts that are none", spec(json!({"ingressDomains": "All"})), "spec.ingressDomains", "supported values"),
    ];
    rows.extend(amounts());
    rows.extend(peers());
    rows.extend(metadata());
    check::<ServicePlan>(json!({"spec": {"displayName": "Business"}}), rows).await;
}

fn amounts() -> Vec<Row> {
    const AMOUNT: &str = "must be a quantity such as 2, 500m or 2Gi";
    const WHOLE: &str = "must be a whole number";
    const COUNTED: &str = "names must be of what a ResourceQuota can count";
    let quota = |name: &str, amount: Value| spec(json!({"quota": {name: amount}}));
    let containers = |defaults: Value| spec(json!({"containerDefaults": defaults}));
    let flood: Map<String, Value> = many(33, |i| (format!("count/kind{i}"), json!("1")));
    vec![
        taken("amounts as text", spec(json!({"quota": {"pods": "50", "requests.cpu": "8", "limits.memory": "1.5Gi", "requests.storage": "1e3"}}))),
        taken("an amount as a number", quota("pods", json!(50))),
        taken("nothing", quota("services.nodeports", json!("0"))),
        taken("a large amount", quota("requests.storage", json!("4Ei"))),
        refused("an amount that would be cut off", quota("requests.storage", json!("8Ei")), "spec.quota[requests.storage]", AMOUNT),
        refused("an amount as a number that would be cut off", quota("requests.storage", json!(i64::MAX)), "spec.quota[requests.storage]", AMOUNT),
        refused("an amount beyond all bounds", quota("cpu", json!("1e40")), "spec.quota[cpu]", AMOUNT),
        refused("an amount that would be rounded", quota("cpu", json!("0.0001")), "spec.quota[cpu]", AMOUNT),
        refused("a fraction of a thousandth", quota("cpu", json!("0.5m")), "spec.quota[cpu]", AMOUNT),
        refused("an amount with a sign", quota("cpu", json!("+1")), "spec.quota[cpu]", AMOUNT),
        taken("what is counted by kind", quota("count/deployments.apps", json!("10"))),
        taken("storage of a class", quota("gold.storageclass.storage.k8s.io/requests.storage", json!("1.5Gi"))),
        taken("a device", quota("requests.nvidia.com/gpu", json!("1"))),
        taken("huge pages", quota("requests.hugepages-2Mi", json!("64Mi"))),
        refused("a count in words", quota("pods", json!("many")), "spec.quota[pods]", AMOUNT),
        refused("a negative amount", quota("cpu", json!("-1")), "spec.quota[cpu]", AMOUNT),
        refused("a negative number", quota("pods", json!(-1)), "spec.quota[pods]", AMOUNT),
        refused("an amount in words", quota("cpu", json!("many")), "spec.quota[cpu]", AMOUNT),
        refused("an amount with a wrong unit", quota("memory", json!("2GB")), "spec.quota[memory]", AMOUNT),
        refused("an amount with a space", quota("memory", json!("2 Gi")), "spec.quota[memory]", AMOUNT),
        refused("an empty amount", quota("memory", json!("")), "spec.quota[memory]", AMOUNT),
        refused("an amount of 33 characters", quota("cpu", json!("1".repeat(33))), "spec.quota.cpu", "more than 32"),
        refused("half a pod", quota("pods", json!("0.5")), "spec.quota", WHOLE),
        refused("half a deployment", quota("count/deployments.apps", json!("500m")), "spec.quota", WHOLE),
        refused("what nobody counts", quota("cpus", json!("1")), "spec.quota", COUNTED),
        refused("a name with a space", quota("requests cpu", json!("1")), "spec.quota", COUNTED),
        refused("33 amounts", spec(json!({"quota": flood})), "spec.quota", "at most 32"),
        taken("defaults for containers", containers(json!({"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "50m", "ephemeral-storage": "1Gi"}}))),
        refused("a request above its limit", containers(json!({"limits": {"cpu": "500m"}, "requests": {"cpu": 1}})), "spec.containerDefaults", "a request must not be greater"),
        refused("a limit in words", containers(json!({"limits": {"cpu": "much"}, "requests": {"cpu": "1"}})), "spec.containerDefaults.limits[cpu]", AMOUNT),
        refused("a container that asks for pods", containers(json!({"limits": {"pods": "1"}})), "spec.containerDefaults.limits", "what a container can ask for"),
        refused("a container that requests pods", containers(json!({"requests": {"pods": "1"}})), "spec.containerDefaults.requests", "what a container can ask for"),
        refused("a container that asks for less than nothing", containers(json!({"requests": {"cpu": "-50m"}})), "spec.containerDefaults.requests[cpu]", AMOUNT),
    ]
}

fn peers() -> Vec<Row> {
    const PEER: &str = "give either cidr, or namespaceSelector and podSelector";
    const NETWORK: &str = "must be a network such as 10.0.0.0/8";
    const EXCEPT: &str = "except needs cidr";
    const ONE: &str = "spec.network.allowTo[0]";
    let to = |peer: Value| spec(json!({"network": {"allowTo": [peer]}}));
    let pods =
        |selector: Value| spec(json!({"network": {"allowFrom": [{"podSelector": selector}]}}));
    let requirement = |operator: &str, values: Value| {
        pods(json!({"matchExpressions": [{"key": "tier", "operator": operator, "values": values}]}))
    };
    let flood: Vec<Value> = many(9, |_| json!({"podSelector": {}}));
    vec![
        taken("the world but private networks", to(json!({"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"], "ports": [443]}))),
        taken("the world of version 6", to(json!({"cidr": "::/0", "except": ["fc00::/7"]}))),
        taken("ingress controllers", spec(json!({"network": {"allowFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}, "ports": [8080]}]}}))),
        taken("some pods", requirement("In", json!(["web", "api"]))),
        refused("nobody", to(json!({"ports": [443]})), ONE, PEER),
        refused("nobody, inwards", spec(json!({"network": {"allowFrom": [{"ports": [443]}]}})), "spec.network.allowFrom[0]", PEER),
        refused("pods and a network", to(json!({"cidr": "10.0.0.0/8", "podSelector": {}})), ONE, PEER),
        refused("an address without a prefix", to(json!({"cidr": "10.0.0.1"})), "spec.network.allowTo[0].cidr", NETWORK),
        refused("a prefix too long", to(json!({"cidr": "10.0.0.0/33"})), "spec.network.allowTo[0].cidr", NETWORK),
        refused("bits beyond the prefix", to(json!({"cidr": "10.0.0.1/8"})), "spec.network.allowTo[0].cidr", NETWORK),
        refused("an exception of pods", to(json!({"podSelector": {}, "except": ["10.0.0.0/8"]})), ONE, EXCEPT),
        refused("an exception outside", to(json!({"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]})), ONE, EXCEPT),
        refused("an exception of all", to(json!({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]})), ONE, EXCEPT),
        refused("an exception of another version", to(json!({"cidr": "0.0.0.0/0", "except": ["fc00::/7"]})), ONE, EXCEPT),
        refused("an exception that is no network", to(json!({"cidr": "10.0.0.0/8", "except": ["10.x/16"]})), "spec.network.allowTo[0].except[0]", NETWORK),
        refused("port 0", to(json!({"cidr": "0.0.0.0/0", "ports": [0]})), "spec.network.allowTo[0].ports[0]", "greater than or equal to 1"),
        refused("port 65536", to(json!({"cidr": "0.0.0.0/0", "ports": [65_536]})), "spec.network.allowTo[0].ports[0]", "less than or equal to 65535"),
        refused("a port twice", to(json!({"cidr": "0.0.0.0/0", "ports": [80, 80]})), "spec.network.allowTo[0].ports[1]", "Duplicate"),
        refused("nine peers", spec(json!({"network": {"allowFrom": flood}})), "spec.network.allowFrom", "at most 8 items"),
        refused("a selector of nothing", requirement("In", json!([])), "spec.network.allowFrom[0].podSelector.matchExpressions[0]", "In and NotIn need values"),
        refused("a selector of too much", requirement("Exists", json!(["web"])), "spec.network.allowFrom[0].podSelector.matchExpressions[0]", "In and NotIn need values"),
        refused("a selector with a wrong operator", requirement("Is", json!(["web"])), "spec.network.allowFrom[0].podSelector.matchExpressions[0].operator", "supported values"),
        refused("a requirement with a wrong key", pods(json!({"matchExpressions": [{"key": "a b", "operator": "Exists"}]})), "spec.network.allowFrom[0].podSelector.matchExpressions[0].key", "must be the key of a label"),
        refused("a requirement with a wrong value", requirement("In", json!(["a b"])), "spec.network.allowFrom[0].podSelector.matchExpressions[0].values[0]", "must be the value of a label"),
        refused("a selector of four labels", pods(json!({"matchLabels": {"a": "", "b": "", "c": "", "d": ""}})), "spec.network.allowFrom[0].podSelector.matchLabels", "at most 3"),
        refused("a selector with a wrong key", pods(json!({"matchLabels": {"a b": "c"}})), "spec.network.allowFrom[0].podSelector.matchLabels", "keys must be like"),
        refused("a selector with a wrong value", pods(json!({"matchLabels": {"a": "b c"}})), "spec.network.allowFrom[0].podSelector.matchLabels[a]", "must be the value of a label"),
    ]
}

fn metadata() -> Vec<Row> {
    const LABELS: &str = "spec.namespaceMetadata.labels";
    const FOREIGN: &str = "are not for plans";
    let label =
        |key: &str, value: &str| spec(json!({"namespaceMetadata": {"labels": {key: value}}}));
    let flood: Map<String, Value> = many(17, |i| (format!("team.example/{i}"), json!("x")));
    vec![
        taken("a label", label("team.example/cost", "retail")),
        taken("a label without a domain", label("istio-injection", "enabled")),
        taken("a domain that only ends like ours", label("notclientele.dev/a", "b")),
        taken("an annotation", spec(json!({"namespaceMetadata": {"annotations": {"team.example/owner": "Vertrieb Süd"}}}))),
        refused("our label", label("clientele.dev/access", "Open"), LABELS, FOREIGN),
        refused("a label of a domain below ours", label("x.clientele.dev/a", "b"), LABELS, FOREIGN),
        refused("a label that relaxes pod security", label("pod-security.kubernetes.io/enforce", "privileged"), LABELS, FOREIGN),
        refused("a label of Kubernetes", label("kubernetes.io/metadata.name", "x"), LABELS, FOREIGN),
        refused("a label of its short domain", label("node.k8s.io/a", "x"), LABELS, FOREIGN),
        refused("our annotation", spec(json!({"namespaceMetadata": {"annotations": {"clientele.dev/customer-number": "1"}}})), "spec.namespaceMetadata.annotations", FOREIGN),
        refused("an annotation with a wrong key", spec(json!({"namespaceMetadata": {"annotations": {"a b": "c"}}})), "spec.namespaceMetadata.annotations", "keys must be like"),
        refused("an annotation with a control character", spec(json!({"namespaceMetadata": {"annotations": {"a": "\u{1b}"}}})), "spec.namespaceMetadata.annotations[a]", "must be text without control"),
        refused("a label with a wrong key", label("team.example/a/b", "x"), LABELS, "keys must be like"),
        refused("a label with a domain in upper case", label("Kubernetes.IO/a", "x"), LABELS, "keys must be like"),
        refused("a label with a wrong value", label("team.example/a", "b c"), "spec.namespaceMetadata.labels[team.example/a]", "must be the value of a label"),
        refused("seventeen labels", spec(json!({"namespaceMetadata": {"labels": flood}})), LABELS, "at most 16"),
    ]
}
