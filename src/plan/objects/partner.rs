//! What the staff of a partner may read about it: the ConfigMap `partner`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Owner, tenant};
use crate::api::PartnerSpec;
use crate::domain::lineage::Lineage;
use crate::plan::step::Child;

/// Name of the ConfigMap.
pub const NAME: &str = "partner";

/// Names of what there is, offered or not.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Plans.
    pub plans: &'a [String],
    /// Services.
    pub services: &'a [String],
    /// Routes that can be used.
    pub routes: &'a [String],
}

/// The ConfigMap: who this partner is, and what it is offered and why not.
pub fn config_map(
    owner: &Owner,
    namespace: &str,
    spec: &PartnerSpec,
    lineage: &Lineage,
    there_is: &Offered<'_>,
) -> Child {
    let Offered {
        plans,
        services,
        routes,
    } = there_is;
    let (plans, plans_refused) = sorted_out(plans, |plan| lineage.offers_plan(plan));
    let (services, services_refused) =
        sorted_out(services, |service| lineage.offers_service(service));
    let mut data = BTreeMap::from([
        ("name", owner.partner.clone()),
        ("displayName", spec.display_name.clone()),
        ("path", lineage.path().join(" / ")),
        ("plans", plans),
        ("services", services),
        ("postalRoutes", routes.join("\n")),
    ]);
    for (key, refused) in [
        ("plansRefused", plans_refused),
        ("servicesRefused", services_refused),
    ] {
        if !refused.is_empty() {
            data.insert(key, refused);
        }
    }
    let defaults = [
        ("domain", lineage.domain()),
        (
            "default.plan",
            lineage.default(|defaults| defaults.plan.as_deref()),
        ),
        (
            "default.locale",
            lineage.default(|defaults| defaults.locale.as_deref()),
        ),
        (
            "default.currency",
            lineage.default(|defaults| defaults.currency.as_deref()),
        ),
    ];
    data.extend(
        defaults
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?.to_owned()))),
    );
    if let Some(routes) = lineage.default(|defaults| defaults.postal_routes.as_ref()) {
        data.insert("default.postalRoutes", routes.join("\n"));
    }
    let data = data
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    tenant::config_map(owner, namespace, NAME, data)
}

/// What is offered, and what is not by whom, a line each.
fn sorted_out(names: &[String], offers: impl Fn(&str) -> Result<(), String>) -> (String, String) {
    let (mut offered, mut refused) = (Vec::new(), String::new());
    for name in names {
        match offers(name) {
            Ok(()) => offered.push(name.as_str()),
            // Writing into a String cannot fail.
            Err(by) => drop(writeln!(refused, "{name}: not offered by partner {by}")),
        }
    }
    (offered.join("\n"), refused)
}
