//! What a customer gets along its partner path, before anything is looked up: plan, routes, domain, language, currency.

use std::sync::Arc;

use crate::api::{CustomerSpec, PostalRoute};

use super::lineage::Lineage;
use super::names;

/// The plan the customer asks for: its own, else the partner's default.
pub fn plan_name<'a>(spec: &'a CustomerSpec, lineage: &'a Lineage) -> Option<&'a str> {
    spec.plan
        .as_deref()
        .or_else(|| lineage.default(|defaults| defaults.plan.as_deref()))
}

/// The routes the customer prefers, best first: its own list, else the partner's default.
pub fn route_names<'a>(spec: &'a CustomerSpec, lineage: &'a Lineage) -> &'a [String] {
    spec.postal_routes
        .as_deref()
        .or_else(|| lineage.default(|defaults| defaults.postal_routes.as_deref()))
        .unwrap_or_default()
}

/// The customer's language: the contact's, else the partner's default.
pub fn locale<'a>(spec: &'a CustomerSpec, lineage: &'a Lineage) -> Option<&'a str> {
    spec.contact
        .locale
        .as_deref()
        .or_else(|| lineage.default(|defaults| defaults.locale.as_deref()))
}

/// The billing currency: the customer's, else the partner's default.
pub fn currency<'a>(spec: &'a CustomerSpec, lineage: &'a Lineage) -> Option<&'a str> {
    spec.billing
        .as_ref()
        .and_then(|billing| billing.currency.as_deref())
        .or_else(|| lineage.default(|defaults| defaults.currency.as_deref()))
}

/// The domain under which the customer's hosts live: its own, else `<customer>.<nearest partner's domain>`.
pub fn ingress_domain(name: &str, spec: &CustomerSpec, lineage: &Lineage) -> Option<String> {
    match &spec.domain {
        Some(own) => Some(own.clone()),
        None => lineage.domain().map(|above| format!("{name}.{above}")),
    }
}

/// The domain shown for the customer: its own, else the nearest partner's.
pub fn domain(spec: &CustomerSpec, lineage: &Lineage) -> Option<String> {
    spec.domain
        .clone()
        .or_else(|| lineage.domain().map(ToOwned::to_owned))
}

/// Finds a route by name along a path: the nearest partner's wins; from above only what is inheritable. Gives the partner
/// namespace it lives in.
pub fn find_route(
    name: &str,
    lineage: &Lineage,
    mut lookup: impl FnMut(&str, &str) -> Option<Arc<PostalRoute>>,
) -> Option<(String, Arc<PostalRoute>)> {
    lineage
        .nearest_first()
        .enumerate()
        .find_map(|(distance, partner)| {
            let namespace = names::partner_namespace(partner.metadata.name.as_deref()?);
            let route = lookup(&namespace, name)?;
            (distance == 0 || route.spec.inheritable).then_some((namespace, route))
        })
}

/// The partner namespace of a route of this name that is in force although the path no longer leads to it: one that was found
/// before, further up, and is not inheritable any more. It stays until the customer asks for another one, or it goes.
pub fn route_in_force(
    name: &str,
    lineage: &Lineage,
    in_force: &[(String, String)],
    mut exists: impl FnMut(&str, &str) -> bool,
) -> Option<String> {
    in_force
        .iter()
        .filter(|(_, recorded)| recorded == name)
        .map(|(namespace, _)| namespace)
        .find(|namespace| {
            let above = lineage
                .path()
                .iter()
                .any(|partner| names::partner_namespace(partner) == **namespace);
            above && exists(namespace, name)
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Partner, PartnerSpec, PostalRouteSpec};

    fn path() -> Lineage {
        let partner = |name: &str, domain: Option<&str>| {
            let spec = PartnerSpec {
                domain: domain.map(Into::into),
                ..PartnerSpec::default()
            };
            Arc::new(Partner::new(name, spec))
        };
        Lineage::new(vec![
            partner("provider", Some("top.example")),
            partner("emea", None),
        ])
    }

    fn route(inheritable: bool) -> Arc<PostalRoute> {
        Arc::new(PostalRoute::new(
            "relay",
            PostalRouteSpec {
                inheritable,
                ..PostalRouteSpec::default()
            },
        ))
    }

    #[test]
    fn hosts_are_under_the_own_domain_else_under_the_partners() {
        let mut spec = CustomerSpec::default();
        assert_eq!(
            ingress_domain("globex", &spec, &path()).as_deref(),
            Some("globex.top.example")
        );
        spec.domain = Some("globex.example".into());
        assert_eq!(
            ingress_domain("globex", &spec, &path()).as_deref(),
            Some("globex.example")
        );
    }

    #[test]
    fn a_route_in_force_stays_while_it_is_there_and_its_partner_is_above() {
        let in_force = |namespace: &str| vec![(namespace.to_owned(), "relay".to_owned())];
        let top = Some("partner-provider".to_owned());
        let find = |name: &str, at: &str, there: bool| {
            route_in_force(name, &path(), &in_force(at), |_, _| there)
        };
        assert_eq!(find("relay", "partner-provider", true), top);
        assert_eq!(find("relay", "partner-provider", false), None);
        assert_eq!(find("relay", "partner-elsewhere", true), None);
        assert_eq!(find("other", "partner-provider", true), None);
    }

    #[test]
    fn a_route_from_above_must_be_inheritable() {
        let at = |namespace: &'static str, inheritable| {
            move |ns: &str, _: &str| (ns == namespace).then(|| route(inheritable))
        };
        assert!(find_route("relay", &path(), at("partner-provider", false)).is_none());
        assert!(find_route("relay", &path(), at("partner-provider", true)).is_some());
        assert!(find_route("relay", &path(), at("partner-emea", false)).is_some());
    }

    #[test]
    fn the_nearest_route_of_a_name_wins() {
        let both = |_: &str, _: &str| Some(route(true));
        assert_eq!(
            find_route("relay", &path(), both).unwrap().0,
            "partner-emea"
        );
    }
}
