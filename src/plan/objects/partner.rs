//! What the staff of a partner may read about it: the ConfigMap `partner`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Owner, tenant};
use crate::api::PartnerSpec;
use crate::domain::lineage::Lineage;
use crate::plan::step::Child;

/// Name of the ConfigMap.
pub const NAME: &str = "partner";

/// The ConfigMap: who this partner is, and what it is offered and why not.
pub fn config_map(
    owner: &Owner,
    namespace: &str,
    spec: &PartnerSpec,
    lineage: &Lineage,
    plans: &[String],
    routes: &[String],
) -> Child {
    let (mut offered, mut refused) = (Vec::new(), String::new());
    for plan in plans {
        match lineage.offers_plan(plan) {
            Ok(()) => offered.push(plan.as_str()),
            // Writing into a String cannot fail.
            Err(by) => drop(writeln!(refused, "{plan}: not offered by partner {by}")),
        }
    }
    let mut data = BTreeMap::from([
        ("name", owner.partner.clone()),
        ("displayName", spec.display_name.clone()),
        ("path", lineage.path().join(" / ")),
        ("plans", offered.join("\n")),
        ("postalRoutes", routes.join("\n")),
    ]);
    if !refused.is_empty() {
        data.insert("plansRefused", refused);
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
