//! What is applied in any order.

use clientele::api::{
    Activation, CustomerDefaults, CustomerService, NamePolicy, PolicyKind, Role, TrialDefault,
    TrialSpec,
};
use clientele::domain::contacts;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use crate::support::{
    customer, home, partner_in, plan, provider, route, route_with_credentials, tenant, user,
};

/// A time that is over.
pub const OVER: &str = "2020-01-01T00:00:00Z";

/// Where the top partner is among the things.
pub const TOP: usize = 3;

/// All that people apply, in the order in which a careful person would. Names hold the mark, so that orders do not meet.
pub fn things(mark: &str, end: &str) -> Vec<Value> {
    let mut business = plan();
    business.metadata.name = Some(format!("{mark}-business"));
    let mut small = plan();
    small.metadata.name = Some(format!("{mark}-small"));
    small.spec.max_users = Some(2);
    for plan in [&mut business, &mut small] {
        plan.spec.display_name = plan.name_any();
    }

    let mut top = provider();
    top.metadata.name = Some(mark.to_owned());
    top.spec.display_name = mark.to_owned();
    // Other orders have plans, too.
    top.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Only,
        names: vec![business.name_any(), small.name_any()],
    });
    let [dns, web, vault] = ["dns", "web", "vault"].map(|name| format!("{mark}-{name}"));
    business.spec.services = vec![dns.clone()];
    top.spec.services = Some(NamePolicy {
        policy: PolicyKind::Only,
        names: vec![dns.clone(), web.clone(), vault.clone()],
    });
    top.spec.domain = Some(format!("{mark}.example"));
    top.spec.customer_defaults = Some(CustomerDefaults {
        postal_routes: Some(vec!["relay".to_owned()]),
        active: Some(true),
        ..CustomerDefaults::default()
    });
    let mut below = partner_in(&home(&top), &format!("{mark}-below"));
    below.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Except,
        names: vec![small.name_any()],
    });
    below.spec.services = Some(NamePolicy {
        policy: PolicyKind::Except,
        names: vec![vault.clone()],
    });
    below.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some(business.name_any()),
        active: Some(true),
        trial: Some(TrialDefault {
            period: "30d".to_owned(),
            on_end: None,
        }),
        ..CustomerDefaults::default()
    });
    let last = partner_in(&home(&below), &format!("{mark}-last"));
    let declared = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home(&below), "labels": {
        "clientele.dev/partner": below.name_any(), "clientele.dev/parent": home(&top)}}});
    let (mut relay, mut secret) = route_with_credentials(&top, "relay");
    relay.spec.inheritable = true;
    secret.data = None;

    let on_trial = |trial: Value| -> Option<TrialSpec> {
        Some(serde_json::from_value(trial).expect("a trial"))
    };
    let mut globex = customer(&top, "globex");
    globex.spec.plan = Some(business.name_any());
    globex.spec.customer_number = Some("C-1".to_owned());
    globex.spec.domain = Some(format!("shop.{mark}.test"));
    let mut initech = customer(&top, "initech");
    initech.spec.plan = Some(small.name_any());
    initech.spec.on_hold = Some(true);
    let mut acme = customer(&top, "acme");
    acme.spec.plan = Some(business.name_any());
    acme.spec.trial = on_trial(json!({"endsAt": end}));
    // On the default's trial; one asks for a plan that it is not offered, and one is kept out when its trial is over.
    let umbrella = customer(&below, "umbrella");
    let mut hooli = customer(&below, "hooli");
    hooli.spec.plan = Some(small.name_any());
    let mut stark = customer(&last, "stark");
    stark.spec.trial = on_trial(json!({"endsAt": OVER, "onEnd": "Lock"}));
    let mut wayne = customer(&last, "wayne");
    wayne.spec.trial = on_trial(json!({"endsAt": OVER}));

    let asks = |names: &[&String]| -> Vec<CustomerService> {
        let service = |name: &&String| CustomerService {
            name: (*name).clone(),
            activation: Activation::Active,
            ..CustomerService::default()
        };
        names.iter().map(service).collect()
    };
    globex.spec.services = asks(&[&web]);
    globex.spec.services[0]
        .parameters
        .insert("size".to_owned(), "M".into());
    // What it requires is in no plan of this one's, and that one is not offered all that it asks for.
    acme.spec.plan = Some(small.name_any());
    acme.spec.services = asks(&[&web, &vault]);
    let mut soylent = customer(&below, "soylent");
    soylent.spec.services = asks(&[&web, &vault]);
    // These leave: a request beside one of them, and a form in the tenant of the other.
    let tyrell = customer(&top, "tyrell");
    let mut weyland = customer(&top, "weyland");
    weyland.spec.plan = Some(business.name_any());
    let closes = json!({"metadata": {"name": "closes", "namespace": home(&top)}, "spec": {"customer": "tyrell"}});
    let quits = json!({"metadata": {"name": "quits", "namespace": tenant(&weyland)}, "spec": {"reason": "we close"}});
    let offering = |name: &str, manifest: Value, requires: Value| {
        json!({"metadata": {"name": name}, "spec": {"displayName": name, "requires": requires, "manifests": [{"object": manifest}],
            "parameters": {"schema": {"type": "object", "properties": {"size": {"type": "string"}}}, "defaults": {"size": "S"}}}})
    };
    let map = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"size": "${params.size}", "who": "is ${customer.name} of ${partner.name}"}})
    };

    let mut away = user(&globex, "bob", Role::Member);
    away.spec.enabled = false;
    let mut inside = user(&globex, "eve", Role::Viewer);
    inside.spec.customer = None;
    inside.metadata.namespace = Some(tenant(&globex));
    let named = |kind: &str, mut thing: Value| {
        thing["apiVersion"] = if kind == "Secret" {
            "v1"
        } else {
            "clientele.dev/v1alpha1"
        }
        .into();
        thing["kind"] = kind.into();
        thing
    };
    [
        declared,
        named("ServicePlan", json!(business)),
        named("ServicePlan", json!(small)),
        named("Partner", json!(top)),
        named("Partner", json!(below)),
        named("Partner", json!(last)),
        named("Secret", json!(secret)),
        named("PostalRoute", json!(relay)),
        named("PostalRoute", json!(route(&below, "relay"))),
        named("Customer", json!(globex)),
        named("Customer", json!(initech)),
        named("Customer", json!(acme)),
        named("Customer", json!(umbrella)),
        named("Customer", json!(hooli)),
        named("Customer", json!(stark)),
        named("Customer", json!(wayne)),
        named("Customer", json!(soylent)),
        named("Customer", json!(tyrell)),
        named("Customer", json!(weyland)),
        named("ServiceOffering", offering(&dns, map("dns"), json!([]))),
        named("ServiceOffering", offering(&web, map("web"), json!([dns]))),
        named("ServiceOffering", offering(&vault, map("vault"), json!([]))),
        named("CustomerUser", json!(user(&globex, "ada", Role::Admin))),
        named("CustomerUser", json!(away)),
        named("CustomerUser", json!(inside)),
        named("CustomerUser", json!(user(&initech, "joe", Role::Admin))),
        named("CustomerUser", json!(user(&acme, "kim", Role::Admin))),
        named("CustomerUser", json!(user(&umbrella, "pat", Role::Viewer))),
        named("CustomerUser", json!(user(&stark, "sam", Role::Admin))),
        named("DeletionRequest", closes),
        named("DeletionRequest", quits),
    ]
    .into_iter()
    .chain(contact_lists(&tenant(&globex)))
    .collect()
}

/// What a customer registers in its tenant: a list is read in a ConfigMap and approved, one is read in the Secret, one is another
/// than it says, and one is nowhere and waits.
fn contact_lists(tenant: &str) -> [Value; 6] {
    const TWO: &str = "ada@globex.example\nbob@globex.example\n";
    let digest = contacts::checked(TWO.as_bytes()).sha256;
    let place = |name: &str| json!({"name": name, "namespace": tenant});
    let list = |name: &str, contents: Value, approved: Value| {
        json!({"apiVersion": "clientele.dev/v1alpha1", "kind": "ContactList", "metadata": place(name), "spec":
            {"entries": 2, "sha256": digest, "source": "sign-up form", "contents": contents, "approved": approved}})
    };
    let key = |key: &str| json!({"configMap": {"name": "lists", "key": key}});
    [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": place("lists"), "data": {"news": TWO, "wrong": "ada@globex.example"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": place("contact-lists"), "stringData": {"private": TWO}}),
        list("news", key("news"), digest.clone().into()),
        list("private", json!({"secretKey": "private"}), Value::Null),
        list("wrong", key("wrong"), Value::Null),
        list("waits", Value::Null, Value::Null),
    ]
}

/// In how many ways a customer may go astray.
pub const WAYS: usize = 6;

/// What a customer may be set to for a while.
pub fn astray(which: usize) -> Value {
    let ways: [Value; WAYS] = [
        json!({"onHold": true}),
        json!({"active": false}),
        json!({"trial": {"endsAt": OVER, "period": null, "mode": null, "onEnd": null}}),
        json!({"domain": "elsewhere.example"}),
        json!({"postalRoutes": ["nowhere"]}),
        json!({"deletion": {"requested": {"reason": "it ends"}}}),
    ];
    ways[which % ways.len()].clone()
}
