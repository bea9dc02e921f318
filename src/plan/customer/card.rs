//! The ConfigMap `customer`: what the customer's software and people may read about the customer.

use std::collections::BTreeMap;

use kube::ResourceExt;
use serde_json::json;

use super::decisions::Decisions;
use super::{login, sending};
use crate::api::{CustomerSpec, Sector};
use crate::domain::entitlement;
use crate::domain::lineage::Lineage;
use crate::plan::observed::CustomerObserved;
use crate::plan::services::report;
use crate::plan::status::second;

/// Most lists that are named; a quota keeps tenants below it, unless their plan says otherwise.
const MAX_LISTS: usize = 250;

/// Its keys and values. Lists of names have one a line; what has parts is JSON.
pub fn card(
    observed: &CustomerObserved,
    lineage: &Lineage,
    decisions: &Decisions<'_>,
) -> BTreeMap<String, String> {
    let customer = &observed.customer;
    let CustomerSpec {
        display_name,
        external_id,
        attributes,
        sector,
        test_account,
        sending: sends,
        ..
    } = &customer.spec;
    let sector = match sector {
        Sector::Private => "Private",
        Sector::Public => "Public",
    };
    let sends = sends.unwrap_or_default();
    let mut card = BTreeMap::from([
        ("name", customer.name_any()),
        ("displayName", display_name.clone()),
        ("path", lineage.path().join(" / ")),
        ("phase", decisions.phase.as_str().to_owned()),
        ("access", decisions.access.access.as_str().to_owned()),
        ("accessReason", decisions.access.reason.as_str().to_owned()),
        ("sector", sector.to_owned()),
        ("testAccount", test_account.to_string()),
        ("postalRoutes", decisions.usable_routes.join("\n")),
        ("validateLists", sends.validates_lists().to_string()),
    ]);
    let optional = [
        ("customerNumber", decisions.facts.customer_number.clone()),
        ("customerSince", decisions.facts.customer_since.clone()),
        (
            "trialEndsAt",
            decisions
                .trial
                .map(|trial| second(trial.ends_at).to_string()),
        ),
        (
            "smtpServer",
            login::server(observed, decisions).map(|to| format!("{}:{}", to.host, to.port)),
        ),
        (
            "funnelOrder",
            sends.funnel_order.map(|order| order.as_str().to_owned()),
        ),
        ("externalID", external_id.clone()),
        ("plan", decisions.facts.plan.clone()),
        ("domain", decisions.domain.clone()),
        ("ingressDomain", decisions.ingress_domain.clone()),
        (
            "locale",
            entitlement::locale(&customer.spec, lineage).map(ToOwned::to_owned),
        ),
        (
            "currency",
            entitlement::currency(&customer.spec, lineage).map(ToOwned::to_owned),
        ),
        (
            "attributes",
            (!attributes.is_empty()).then(|| serde_json::to_string(attributes).unwrap_or_default()),
        ),
    ];
    card.extend(
        optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?))),
    );
    card.extend(lists(observed).map(|lists| ("contactLists", lists)));
    let limits = sending::named(&decisions.send_limits);
    card.extend(limits.map(|(name, limit)| (name, limit.to_string())));
    card.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain(report::card(&decisions.services.reports))
        .collect()
}

/// The contact lists that may be sent to.
fn lists(observed: &CustomerObserved) -> Option<String> {
    let approved = observed.lists.iter().filter(|list| list.approved);
    let named: Vec<_> = approved
        .take(MAX_LISTS)
        .map(|list| json!({ "name": list.name, "entries": list.entries, "sha256": list.sha256 }))
        .collect();
    (!named.is_empty()).then(|| json!(named).to_string())
}
