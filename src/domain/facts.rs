//! Durable facts: what must outlive a Customer object, kept as annotations on its tenant namespace.
//!
//! Status is rebuilt from spec, facts and clock; a lost CRD or a restored cluster loses no number and takes no default twice.
//! Only the operator writes these annotations (a policy in `deploy/` sees to it), yet reading them never fails: what cannot
//! be read counts as absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::records::ServiceRecords;
use crate::api::{TrialDefault, meta};

/// Defaults that are taken once, when a customer is first made (API: "taken once").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultsTaken {
    /// `customerDefaults.active` as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// `customerDefaults.onHold` as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_hold: Option<bool>,
    /// `customerDefaults.trial` as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialDefault>,
}

/// The SMTP login that was made for a tenant. The password is in no fact: it is only in the tenant's Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginFact {
    /// When its password was made (RFC 3339, UTC).
    pub issued_at: String,
    /// The wish for another password that was fulfilled last, as a fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
    /// Where the Secret says that mail is taken: `host:port`.
    pub server: String,
    /// The UID of the customer that the Secrets are labelled with.
    pub customer: String,
}

/// The durable facts of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFacts {
    /// The customer number, once given or generated.
    pub customer_number: Option<String>,
    /// When the customer was first made (RFC 3339, UTC).
    pub customer_since: Option<String>,
    /// The contact e-mail by which a re-made Customer is recognised as the same company.
    pub contact_email: Option<String>,
    /// The plan in force, which stays when it is no longer offered.
    pub plan: Option<String>,
    /// The postal routes in force, which stay when they are no longer inheritable: partner namespace and name.
    pub routes: Vec<(String, String)>,
    /// When its trial began (RFC 3339, UTC).
    pub trial_began: Option<String>,
    /// Defaults taken once.
    pub defaults: DefaultsTaken,
    /// Services that were used, and their objects.
    pub services: ServiceRecords,
    /// Its SMTP login.
    pub login: Option<LoginFact>,
}

impl TenantFacts {
    /// Reads the facts from a namespace's annotations.
    pub fn read(annotations: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| {
            annotations
                .get(key)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        Self {
            customer_number: text(meta::ANNOTATION_CUSTOMER_NUMBER),
            customer_since: text(meta::ANNOTATION_CUSTOMER_SINCE),
            contact_email: text(meta::ANNOTATION_CONTACT_EMAIL),
            plan: text(meta::ANNOTATION_PLAN),
            routes: text(meta::ANNOTATION_POSTAL_ROUTES)
                .map(|routes| {
                    let routes = routes.split(',').filter_map(|route| route.split_once('/'));
                    routes
                        .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
                        .collect()
                })
                .unwrap_or_default(),
            trial_began: text(meta::ANNOTATION_TRIAL_BEGAN),
            defaults: text(meta::ANNOTATION_DEFAULTS_TAKEN)
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
            services: text(meta::ANNOTATION_SERVICES)
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
            login: text(meta::ANNOTATION_SMTP_LOGIN)
                .and_then(|json| serde_json::from_str(&json).ok()),
        }
    }

    /// The annotations that hold these facts; `None` for one that is to be taken away.
    pub fn annotations(&self) -> [(&'static str, Option<String>); 9] {
        let Self {
            customer_number,
            customer_since,
            contact_email,
            plan,
            routes,
            trial_began,
            defaults,
            services,
            login,
        } = self;
        let routes: Vec<_> = routes
            .iter()
            .map(|(namespace, name)| format!("{namespace}/{name}"))
            .collect();
        let defaults = serde_json::to_string(defaults).unwrap_or_default();
        let services = (!services.is_empty()).then(|| serde_json::to_string(services).ok());
        [
            (meta::ANNOTATION_CUSTOMER_NUMBER, customer_number.clone()),
            (meta::ANNOTATION_CUSTOMER_SINCE, customer_since.clone()),
            (meta::ANNOTATION_CONTACT_EMAIL, contact_email.clone()),
            (meta::ANNOTATION_PLAN, plan.clone()),
            (
                meta::ANNOTATION_POSTAL_ROUTES,
                (!routes.is_empty()).then(|| routes.join(",")),
            ),
            (meta::ANNOTATION_TRIAL_BEGAN, trial_began.clone()),
            (meta::ANNOTATION_DEFAULTS_TAKEN, Some(defaults)),
            (meta::ANNOTATION_SERVICES, services.flatten()),
            (
                meta::ANNOTATION_SMTP_LOGIN,
                login
                    .as_ref()
                    .and_then(|login| serde_json::to_string(login).ok()),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::records::ServiceRecord;

    fn facts() -> TenantFacts {
        TenantFacts {
            customer_number: Some("C-1".into()),
            customer_since: Some("2026-11-22T00:00:00Z".into()),
            contact_email: Some("ops@globex.example".into()),
            plan: None,
            routes: vec![("partner-emea".into(), "eu-relay".into())],
            trial_began: Some("2026-11-23T00:00:00Z".into()),
            defaults: DefaultsTaken {
                active: Some(false),
                on_hold: None,
                trial: Some(TrialDefault {
                    period: "14d".into(),
                    on_end: None,
                }),
            },
            services: ServiceRecords {
                services: [("storage".to_owned(), ServiceRecord::default())].into(),
                former: Vec::new(),
            },
            login: Some(LoginFact {
                issued_at: "2026-11-23T00:00:00Z".into(),
                server: "mail.example:587".into(),
                ..LoginFact::default()
            }),
        }
    }

    fn written() -> BTreeMap<String, String> {
        let annotations = facts().annotations().into_iter();
        annotations
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(TenantFacts::read(&written()), facts());
    }

    #[test]
    fn a_plan_that_is_no_longer_in_force_is_taken_away() {
        let annotations = facts().annotations();
        assert!(annotations.contains(&(meta::ANNOTATION_PLAN, None)));
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        let mut annotations = written();
        annotations.insert(meta::ANNOTATION_DEFAULTS_TAKEN.into(), "{".into());
        annotations.insert(meta::ANNOTATION_CUSTOMER_NUMBER.into(), String::new());
        let read = TenantFacts::read(&annotations);
        assert_eq!(
            (read.defaults, read.customer_number),
            (DefaultsTaken::default(), None)
        );
    }
}
