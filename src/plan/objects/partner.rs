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
    /// Services that are stopped here because they are no longer offered.
    pub withdrawn: &'a BTreeMap<String, i64>,
    /// Routes that can be used.
    pub routes: &'a [String],
}

/// The ConfigMap: who this partner is, what it is offered, and what not and why. Others have plans and services of their own, whose
/// names are none of its business: what is refused is named only where the path speaks of it, or where it has had it.
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
        withdrawn,
        routes,
    } = there_is;
    let (plans, plans_refused) = sorted_out(
        plans,
        |plan| lineage.offers_plan(plan),
        |plan| lineage.speaks_of_plan(plan),
    );
    let (services, services_refused) = sorted_out(
        services,
        |service| lineage.offers_service(service),
        |service| lineage.speaks_of_service(service) || withdrawn.contains_key(service),
    );
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

/// What is offered, and what of the rest is told not to be and by whom, a line each.
fn sorted_out(
    names: &[String],
    offers: impl Fn(&str) -> Result<(), String>,
    told: impl Fn(&str) -> bool,
) -> (String, String) {
    let (mut offered, mut refused) = (Vec::new(), String::new());
    for name in names {
        match offers(name) {
            Ok(()) => offered.push(name.as_str()),
            Err(_) if !told(name) => {}
            // Writing into a String cannot fail.
            Err(by) => drop(writeln!(refused, "{name}: not offered by partner {by}")),
        }
    }
    (offered.join("\n"), refused)
}
