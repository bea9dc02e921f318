//! Fields that an expression names and that no customer can have are found before there is one.

use serde_json::{Value, json};

use super::super::roots::FIELDS;
use super::{config, faults, spec};

fn parameters() -> Value {
    json!({"type": "object", "properties": {
        "size": {"type": "string"},
        "disks": {"type": "array", "items": {"type": "object", "properties": {"class": {"type": "string"}}}},
        "mail": {"type": "object", "properties": {"host": {"type": "string"}}},
        "tags": {"type": "object", "additionalProperties": {"type": "object", "properties": {"color": {"type": "string"}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }})
}

/// What is found wrong with an expression.
fn found(expression: &str) -> Vec<String> {
    let text = format!("${{{expression}}}");
    faults(&spec(
        parameters(),
        &[(None, config(json!({ "it": text })))],
    ))
}

#[test]
fn what_there_can_be_is_let_through() {
    for expression in [
        "customer.name + partner.name + plan.name + namespace",
        "has(customer.domain) ? customer.domain : 'none'",
        "customer['displayName'] + customer[\"email\"]",
        "customer.attributes.whatever + customer.attributes['another']",
        "has(customer.attributes.segment) && 'gold' in customer.attributes",
        "partner.path[0] + partner.path.join('/')",
        "'emea' in partner.path",
        "partner.path.map(customer, customer + params.size)",
        "params.disks.map(d, d.class)",
        "params.disks[0].class",
        "params.disks.filter(d, has(d.class)).map(d, d.anything)",
        "params.tags.map(k, params.tags[k].color)",
        "params.tags.blue.color",
        "params.free.a.b.c + params.free['d'].e",
        "(params.size == 'S' ? params.mail : params.free).anything",
        "{'nmae': 1}.nmae",
        "customer[params.size]",
        "'size' in params && 'domain' in customer",
    ] {
        assert_eq!(found(expression), [""; 0], "{expression}");
    }
}

#[test]
fn what_there_cannot_be_is_named_with_what_there_is() {
    let customer = "attributes, currency, displayName, domain, email, externalID, ingressDomain, locale, name, number, seller, testAccount";
    let of_customer = |wrong: &str| format!("there is no {wrong}: there are {customer}");
    let parameter = |wrong: &str, there: &str| {
        let (wrong, meant) = wrong.split_once(' ').unwrap_or((wrong, ""));
        let meant = if meant.is_empty() {
            String::new()
        } else {
            format!(" {meant}")
        };
        format!(
            "{wrong} is not in parameters.schema{meant}: add it there, or correct the name; there {there}"
        )
    };
    let of_params = |wrong: &str| parameter(wrong, "are disks, free, mail, size, tags");
    for (expression, messages) in [
        (
            "customer.nmae",
            vec![of_customer("customer.nmae (customer.name?)")],
        ),
        (
            "has(customer.dommain)",
            vec![of_customer("customer.dommain (customer.domain?)")],
        ),
        (
            "customer['externalId']",
            vec![of_customer("customer.externalId (customer.externalID?)")],
        ),
        ("'phone' in customer", vec![of_customer("customer.phone")]),
        ("customer.quota.cpu", vec![of_customer("customer.quota")]),
        (
            "partner.domain",
            vec!["there is no partner.domain: there are displayName, name, path".to_owned()],
        ),
        (
            "plan.names",
            vec!["there is no plan.names (plan.name?): there are displayName, name".to_owned()],
        ),
        (
            "namespace.name",
            vec!["there is no namespace.name: namespace is a string".to_owned()],
        ),
        (
            "customer.name.first",
            vec!["there is no customer.name.first: customer.name is a string".to_owned()],
        ),
        (
            "customer.attributes.a.b",
            vec![
                "there is no customer.attributes.a.b: customer.attributes.a is a string".to_owned(),
            ],
        ),
        (
            "partner.path.top",
            vec!["there is no partner.path.top: partner.path is a list".to_owned()],
        ),
        ("params.sise", vec![of_params("params.sise (params.size?)")]),
        (
            "params.mail.smtp",
            vec![parameter("params.mail.smtp", "is host")],
        ),
        (
            "params.disks.map(d, d.clas)",
            vec![parameter("d.clas (d.class?)", "is class")],
        ),
        (
            "partner.path[params.sise]",
            vec![of_params("params.sise (params.size?)")],
        ),
        (
            "params.disks[0].size",
            vec![parameter("params.disks[…].size", "is class")],
        ),
        (
            "params.tags.blue.colour",
            vec![parameter(
                "params.tags.blue.colour (params.tags.blue.color?)",
                "is color",
            )],
        ),
        (
            "[1].map(x, customer.nmae + params.sise)",
            vec![
                of_params("params.sise (params.size?)"),
                of_customer("customer.nmae (customer.name?)"),
            ],
        ),
        (
            "[1].map(customer, 'a').size() + customer.nmae",
            vec![of_customer("customer.nmae (customer.name?)")],
        ),
        (
            "[customer.nmae == '' ? {'a': -1} : {'a': customer.nmae.size()}]",
            vec![of_customer("customer.nmae (customer.name?)")],
        ),
    ] {
        let mut expected: Vec<_> = messages
            .iter()
            .map(|message| format!("spec.manifests[0].object.data.it: {expression}: {message}"))
            .collect();
        let mut found = found(expression);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{expression}");
    }
}

#[test]
fn conditions_keys_and_all_places_are_looked_at() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a-${customer.nmae}"},
        "data": {"list": ["fine", "as ${partner.nmae} says"]}});
    let found = faults(&spec(parameters(), &[(Some("plan.nmae == 'x'"), object)]));
    let places = [
        "spec.manifests[0].when: plan.nmae == 'x': there is no plan.nmae (plan.name?)",
        "spec.manifests[0].object.data.list[1]: partner.nmae: there is no partner.nmae (partner.name?)",
        "spec.manifests[0].object.metadata.name: customer.nmae: there is no customer.nmae (customer.name?)",
    ];
    assert_eq!(found.len(), places.len(), "{found:?}");
    for place in places {
        assert!(
            found.iter().any(|it| it.starts_with(place)),
            "{place}\nnot in\n{found:?}"
        );
    }
}

#[test]
fn without_parameters_there_are_none() {
    let object = config(json!({"it": "${params.size}"}));
    let found = faults(&spec(json!({}), &[(None, object)]));
    assert!(found[0].ends_with("; there are none"), "{found:?}");
}

#[test]
fn every_field_of_the_table_can_be_named() {
    for (root, fields) in FIELDS {
        for field in fields {
            let expression = format!("has({root}.{})", field.name);
            assert_eq!(found(&expression), [""; 0]);
        }
    }
}
