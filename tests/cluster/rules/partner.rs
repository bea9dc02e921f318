//! Partners.

use clientele::api::Partner;
use serde_json::{Value, json};

use super::{check, many, refused, taken};

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

fn staff(staff: Value) -> Value {
    spec(json!({"staff": [staff]}))
}

fn defaults(defaults: Value) -> Value {
    spec(json!({"customerDefaults": defaults}))
}

#[tokio::test]
async fn partners_are_checked() {
    const NAME: &str = "metadata.name";
    const PERSON: &str = "must not begin with system:";
    let plans = |plans: Value| spec(json!({"plans": plans}));
    let role = |role: &str| spec(json!({"adminRole": role}));
    let names: Vec<String> = many(51, |i| format!("p{i}"));
    let crowd: Vec<Value> = many(33, |i| json!({"user": format!("u{i}"), "role": "Support"}));
    let longest = |more: usize| {
        let label = "a".repeat(63);
        [&label[..], &label, &label, &"b".repeat(25 + more), "com"].join(".")
    };
    let rows = vec![
        taken("a partner", json!({})),
        taken("a name of 30 characters", named(&"a".repeat(30))),
        refused("a name of 31 characters", named(&"a".repeat(31)), NAME, "at most 30 characters"),
        refused("a name with two dashes", named("em--ea"), NAME, "single dashes"),
        refused("a name with a dot", named("emea.eu"), NAME, "single dashes"),
        refused("the operator's name", named("clientele"), NAME, "kept for the system"),
        refused("Kubernetes' name", named("kube-system"), NAME, "kept for the system"),
        refused("OpenShift's name", named("openshift"), NAME, "kept for the system"),
        taken("a name that only begins like a reserved one", named("kubernauts")),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("an empty company", spec(json!({"displayName": ""})), "spec.displayName", "must not be empty"),
        refused("no company", spec(json!({"displayName": null})), "spec.displayName", "Required"),
        refused("a company with control characters", spec(json!({"displayName": "a\u{8}b"})), "spec.displayName", "must be one line of text"),
        taken("a domain of 221 characters", spec(json!({"domain": longest(0)}))),
        refused("a domain too long for its customers'", spec(json!({"domain": longest(1)})), "spec.domain", "more than 221"),
        refused("a domain that is none", spec(json!({"domain": "emea_example"})), "spec.domain", "must be a DNS name"),
        taken("some plans", plans(json!({"policy": "Only", "names": ["starter", "business"]}))),
        taken("no plans", plans(json!({"policy": "Only"}))),
        taken("all plans but one", plans(json!({"policy": "Except", "names": ["starter"]}))),
        refused("all plans, with names", plans(json!({"policy": "All", "names": ["starter"]})), "spec.plans", "policy All takes no names"),
        refused("names without a policy", plans(json!({"names": ["starter"]})), "spec.plans", "policy All takes no names"),
        refused("a policy that is none", plans(json!({"policy": "Some"})), "spec.plans.policy", "supported values"),
        refused("a plan twice", plans(json!({"policy": "Only", "names": ["a", "a"]})), "spec.plans.names[1]", "Duplicate"),
        refused("a plan in capitals", plans(json!({"policy": "Only", "names": ["Starter"]})), "spec.plans.names[0]", "must be the name of an object"),
        refused("51 plans", plans(json!({"policy": "Only", "names": names})), "spec.plans.names", "at most 50 items"),
        taken("a group of staff", staff(json!({"group": "emea-sales", "role": "Seller", "scope": "Path"}))),
        taken("one of the staff", staff(json!({"user": "jane@emea.example", "role": "Reseller"}))),
        taken("a group in a directory", staff(json!({"group": "CN=Vertrieb Süd,OU=EMEA,DC=example", "role": "Support"}))),
        refused("staff without a name", staff(json!({"role": "Seller"})), "spec.staff[0]", "give either group or user"),
        refused("staff with two names", staff(json!({"role": "Seller", "group": "a", "user": "b"})), "spec.staff[0]", "give either group or user"),
        refused("staff without a role", staff(json!({"group": "a"})), "spec.staff[0].role", "Required"),
        refused("staff with a role that is none", staff(json!({"group": "a", "role": "Admin"})), "spec.staff[0].role", "supported values"),
        refused("everybody as staff", staff(json!({"group": "system:authenticated", "role": "Support"})), "spec.staff[0].group", PERSON),
        refused("a service account as staff", staff(json!({"user": "system:serviceaccount:a:b", "role": "Support"})), "spec.staff[0].user", PERSON),
        refused("the emergency group as staff", staff(json!({"group": "clientele:break-glass", "role": "Support"})), "spec.staff[0].group", PERSON),
        refused("a group with control characters", staff(json!({"group": "a\u{0}b", "role": "Support"})), "spec.staff[0].group", "must be one line of text"),
        refused("a user with bidirectional characters", staff(json!({"user": "\u{202e}a", "role": "Support"})), "spec.staff[0].user", "must be one line of text"),
        refused("an empty user", staff(json!({"user": "", "role": "Support"})), "spec.staff[0].user", "must not be empty"),
        refused("an empty group", staff(json!({"group": "", "role": "Support"})), "spec.staff[0].group", "must not be empty"),
        refused("staff with a scope that is none", staff(json!({"group": "a", "role": "Support", "scope": "All"})), "spec.staff[0].scope", "supported values"),
        refused("33 of the staff", spec(json!({"staff": crowd})), "spec.staff", "at most 32 items"),
        taken("a role for admins", role("acme:tenant-admin")),
        refused("all of the cluster for admins", role("cluster-admin"), "spec.adminRole", "it would let the tenant out"),
        refused("a system role for admins", role("system:node"), "spec.adminRole", "it would let the tenant out"),
        refused("a role of another namespace", role("a/b"), "spec.adminRole", "must be the name of a ClusterRole"),
        taken("all defaults", defaults(json!({"plan": "starter", "locale": "en-GB", "currency": "EUR", "postalRoutes": ["eu"], "active": true, "onHold": false}))),
        refused("no route by default", defaults(json!({"postalRoutes": []})), "spec.customerDefaults.postalRoutes", "leave the field out"),
        refused("a default route twice", defaults(json!({"postalRoutes": ["a", "a"]})), "spec.customerDefaults.postalRoutes", "must name each route once"),
        refused("a default route in capitals", defaults(json!({"postalRoutes": ["EU"]})), "spec.customerDefaults.postalRoutes[0]", "must be the name of an object"),
        refused("a default plan in capitals", defaults(json!({"plan": "Starter"})), "spec.customerDefaults.plan", "must be the name of an object"),
        refused("a default region that is none", defaults(json!({"locale": "en-UK"})), "spec.customerDefaults.locale", "must name the region"),
        refused("a default currency that is none", defaults(json!({"currency": "Eur"})), "spec.customerDefaults.currency", "ISO 4217"),
        refused("a default language that is none", defaults(json!({"locale": "en_GB"})), "spec.customerDefaults.locale", "BCP 47"),
    ];
    check::<Partner>(json!({"spec": {"displayName": "EMEA Resale"}}), rows).await;
}
