//! What the expressions of an offering can begin with, for one customer. Nothing in it changes by what services do.

use serde_json::{Map, Value, json};

use crate::api::CustomerSpec;
use crate::domain::offering::Roots;

/// What is told of a customer to the offerings of its services.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its spec.
    pub spec: &'a CustomerSpec,
    /// Its number.
    pub number: Option<&'a str>,
    /// Its domain, or its partner's.
    pub domain: Option<&'a str>,
    /// The domain under which its hosts may be.
    pub ingress_domain: Option<&'a str>,
    /// Its language.
    pub locale: Option<&'a str>,
    /// The currency it is billed in.
    pub currency: Option<&'a str>,
    /// Its partner's name.
    pub partner: &'a str,
    /// What its partner is called.
    pub partner_title: &'a str,
    /// Names of the partners above it, the top one first.
    pub path: Vec<String>,
    /// Name of the plan in force, and what that is called.
    pub plan: Option<(&'a str, &'a str)>,
    /// The tenant namespace.
    pub namespace: &'a str,
}

impl About<'_> {
    /// The roots, with these parameters. What a customer does not have is absent.
    pub fn with(&self, params: Map<String, Value>) -> Roots {
        let spec = self.spec;
        let mut customer = json!({
            "name": self.name,
            "displayName": spec.display_name,
            "email": spec.contact.email,
            "testAccount": spec.test_account,
            "attributes": spec.attributes,
        });
        let optional = [
            ("number", self.number),
            ("externalID", spec.external_id.as_deref()),
            ("domain", self.domain),
            ("ingressDomain", self.ingress_domain),
            ("locale", self.locale),
            ("currency", self.currency),
            ("seller", spec.seller.as_deref()),
        ];
        for (field, value) in optional {
            if let Some(value) = value {
                customer[field] = value.into();
            }
        }
        let plan = self.plan.map_or_else(
            || json!({}),
            |(name, title)| json!({ "name": name, "displayName": title }),
        );
        Roots {
            customer,
            partner: json!({ "name": self.partner, "displayName": self.partner_title, "path": self.path }),
            plan,
            namespace: self.namespace.to_owned(),
            params,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::offering::roots::{FIELDS, Kind, ROOTS};

    /// The roots of a customer that has all it can have, or only what it must.
    fn roots(all: bool) -> Roots {
        let mut spec = CustomerSpec::default();
        if all {
            spec.external_id = Some("e".into());
            spec.seller = Some("s".into());
        }
        let some = |text| Some(text).filter(|_| all);
        let about = About {
            name: "globex",
            spec: &spec,
            number: some("7"),
            domain: some("globex.example"),
            ingress_domain: some("globex.example"),
            locale: some("de"),
            currency: some("EUR"),
            partner: "emea",
            partner_title: "EMEA",
            path: vec!["emea".into()],
            plan: all.then_some(("business", "Business")),
            namespace: "emea--globex",
        };
        about.with(Map::new())
    }

    fn fields(root: &Value) -> BTreeSet<&str> {
        root.as_object()
            .expect("a map")
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn the_roots_have_exactly_the_fields_that_offerings_are_held_to() {
        let (full, bare) = (roots(true), roots(false));
        for (root, table) in FIELDS {
            let (full, bare) = match root {
                "customer" => (&full.customer, &bare.customer),
                "partner" => (&full.partner, &bare.partner),
                "plan" => (&full.plan, &bare.plan),
                other => panic!("there is no root {other}"),
            };
            let names = |always: bool| -> BTreeSet<&str> {
                let named = table.iter().filter(|field| field.always || !always);
                named.map(|field| field.name).collect()
            };
            assert_eq!(fields(full), names(false), "{root}");
            assert_eq!(fields(bare), names(true), "{root}, what is always there");
            for field in table {
                let kind = match &full[field.name] {
                    Value::String(_) => Kind::Text,
                    Value::Bool(_) => Kind::Flag,
                    Value::Array(_) => Kind::Texts,
                    Value::Object(_) => Kind::Map,
                    other => panic!("{root}.{} is {other}", field.name),
                };
                assert_eq!(kind, field.kind, "{root}.{}", field.name);
            }
        }
    }

    #[test]
    fn the_documentation_names_them_all_and_no_others() {
        let page = include_str!("../../../docs/services.md");
        let mut rows = page
            .lines()
            .skip_while(|line| !line.starts_with("| root | fields"));
        rows.nth(1);
        for root in ROOTS {
            let row = rows.next().expect("a row for each root");
            let mut cells = row.split('|').map(str::trim).skip(1);
            assert_eq!(cells.next(), Some(format!("`{root}`").as_str()));
            let Some((_, table)) = FIELDS.iter().find(|(name, _)| *name == root) else {
                continue;
            };
            // What stands between backquotes.
            let named: BTreeSet<&str> = cells
                .next()
                .expect("fields")
                .split('`')
                .skip(1)
                .step_by(2)
                .collect();
            assert_eq!(
                named,
                table.iter().map(|field| field.name).collect(),
                "{root}"
            );
        }
    }
}
