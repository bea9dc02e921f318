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
