//! What is applied in any order.

use clientele::api::{
    Activation, CustomerDefaults, CustomerService, NamePolicy, PolicyKind, Role, ServiceVisibility,
    Staff, StaffRole, StaffScope, Visibility,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::deletions::request;
use crate::forms::form;
use crate::lists::{self, TWO, digest, hidden, list, readable};
use crate::people::{
    ROOT, customer, inner_user, map_manifest, offering, partner, plan, route, route_with_secret,
    secret, user,
};
use crate::scenes::{EMEA, GLOBEX};
use crate::services::web;
use crate::sim::namespace_named;

/// The namespace of the reseller.
pub const DACH: &str = "partner-dach";

/// All that people apply, in the order in which a careful person would.
pub fn things() -> Vec<Value> {
    let mut declared = namespace_named(DACH);
    declared["metadata"]["labels"] =
        json!({ "clientele.dev/partner": "dach", "clientele.dev/parent": EMEA });
    let mut small = plan("small");
    small.spec.max_users = Some(2);
    let mut business = plan("business");
    business.spec.services = vec!["dns".into()];

    let mut emea = partner(ROOT, "emea");
    emea.spec.domain = Some("emea.example".into());
    emea.spec.staff = vec![Staff {
        group: Some("sales".into()),
        role: StaffRole::Seller,
        scope: StaffScope::Path,
        ..Staff::default()
    }];
    emea.spec.customer_defaults = Some(CustomerDefaults {
        postal_routes: Some(vec!["relay".into()]),
        active: Some(true),
        ..CustomerDefaults::default()
    });
    emea.spec.services = Some(NamePolicy {
        policy: PolicyKind::Except,
        names: vec!["vault".into()],
    });
    emea.spec.visibility = vec![ServiceVisibility {
        name: "dns".into(),
        visibility: Visibility::Hidden,
    }];
    let mut dach = partner(EMEA, "dach");
    dach.spec.plans = Some(NamePolicy {
        policy: PolicyKind::Except,
        names: vec!["small".into()],
    });
    dach.spec.customer_defaults = Some(CustomerDefaults {
        plan: Some("business".into()),
        ..CustomerDefaults::default()
    });
    dach.spec.services = Some(NamePolicy {
        policy: PolicyKind::Only,
        names: vec!["web".into(), "dns".into(), "vault".into()],
    });
    let mut relay = route_with_secret(EMEA, "relay");
    relay.spec.inheritable = true;

    // Two ask for one number, two for domains of which one is inside the other.
    let mut globex = customer(EMEA, "globex");
    globex.spec.customer_number = Some("C-1".into());
    globex.spec.domain = Some("shop.example".into());
    let mut initech = customer(EMEA, "initech");
    initech.spec.customer_number = Some("C-1".into());
    let mut umbrella = customer(DACH, "umbrella");
    umbrella.spec.domain = Some("eu.shop.example".into());
    umbrella.spec.plan = None;
    // One asks for a plan that is not offered, one has room for two users.
    let mut hooli = customer(DACH, "hooli");
    hooli.spec.plan = Some("small".into());
    hooli.spec.on_hold = Some(true);
    let mut acme = customer(EMEA, "acme");
    acme.spec.plan = Some("small".into());

    // Of what they ask for, one gets all, one not what it requires, one not what is not offered, and one is not told yet what for.
    globex.spec.services = asked(&[("web", Activation::Active), ("mail", Activation::Active)]);
    globex.spec.services[0]
        .parameters
        .insert("size".into(), "L".into());
    acme.spec.services = asked(&[("web", Activation::Active)]);
    umbrella.spec.services = asked(&[
        ("web", Activation::Trial),
        ("vault", Activation::Active),
        ("mail", Activation::Active),
    ]);
    hooli.spec.services = asked(&[("dns", Activation::Inactive)]);
    // These leave: a request beside one of them and a form in the tenant of the other.
    let mut soylent = customer(EMEA, "soylent");
    soylent.spec.services = asked(&[("web", Activation::Active)]);
    let tyrell = customer(DACH, "tyrell");
    let mut closes = request("closes");
    closes.spec.customer = Some("soylent".into());
    let mut quits = form("pat@tyrell.example");
    quits.metadata.name = Some("quits".into());
    quits.metadata.namespace = Some("dach--tyrell".into());

    // Three have one e-mail.
    let one_mail = |mut user: clientele::api::CustomerUser| {
        user.spec.email = "ada@globex.example".into();
        user
    };
    vec![
        written(&declared),
        written(&business),
        written(&small),
        dns(),
        needing_dns(web()),
        mail(),
        vault(),
        written(&emea),
        written(&dach),
        written(&secret(EMEA, "relay")),
        written(&relay),
        written(&route(DACH, "relay")),
        written(&globex),
        written(&initech),
        written(&umbrella),
        written(&hooli),
        written(&acme),
        written(&one_mail(user(EMEA, "globex", "ada", Role::Admin))),
        written(&one_mail(user(EMEA, "globex", "bob", Role::Member))),
        written(&one_mail(inner_user(GLOBEX, "eve", Role::Viewer))),
        written(&user(EMEA, "acme", "joe", Role::Admin)),
        written(&user(EMEA, "acme", "kim", Role::Admin)),
        written(&inner_user("emea--acme", "lee", Role::Member)),
        written(&user(DACH, "umbrella", "pat", Role::Viewer)),
        written(&inner_user("dach--hooli", "sam", Role::Admin)),
        written(&soylent),
        written(&tyrell),
        written(&user(EMEA, "soylent", "max", Role::Admin)),
        written(&closes),
        written(&quits),
    ]
    .into_iter()
    .chain(contact_lists())
    .collect()
}

/// One is read in a Secret, one is approved, one is another one than it says, and one waits.
fn contact_lists() -> [Value; 6] {
    let mut news = readable("news", &digest(TWO));
    news["spec"]["approved"] = news["spec"]["sha256"].clone();
    [
        lists::map(&json!({ "news": TWO, "wrong": TWO })),
        lists::contents_secret(&json!({ "private": TWO })),
        hidden("private", &digest(TWO)),
        news,
        readable("wrong", &digest("other")),
        list("waits", &digest("waits"), &json!({})),
    ]
}

fn asked(services: &[(&str, Activation)]) -> Vec<CustomerService> {
    let service = |(name, activation): &(&str, Activation)| CustomerService {
        name: (*name).to_owned(),
        activation: *activation,
        ..CustomerService::default()
    };
    services.iter().map(service).collect()
}

fn dns() -> Value {
    offering(
        "dns",
        &[map_manifest("dns", &json!({ "of": "${customer.name}" }))],
    )
}

fn needing_dns(mut offering: Value) -> Value {
    offering["spec"]["requires"] = json!(["dns"]);
    offering
}

/// For every customer to whom it is offered, and asked for by some all the same.
fn mail() -> Value {
    let mut mail = offering(
        "mail",
        &[map_manifest("mail", &json!({ "plan": "${plan.name}" }))],
    );
    mail["spec"]["autoEnable"] = json!(true);
    mail
}

/// Offered to nobody.
fn vault() -> Value {
    offering("vault", &[map_manifest("vault", &json!({}))])
}

fn written(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("serializes")
}
