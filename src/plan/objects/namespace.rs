//! Namespaces: made with everything they need at once, changed key by key.
//!
//! The six Pod Security labels are owned whole: another manager's `enforce-version: v1.0` weakens a tenant, and an apply does
//! not take it away. Labels and annotations of others are left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::{Access, IngressDomains, NamespaceMetadata, PodSecurity, ServicePlanSpec, meta};
use crate::domain::facts::TenantFacts;
use crate::domain::fingerprint::is_ours;
use crate::plan::observed::NamespaceSeen;
use crate::plan::step::Step;

use super::Owner;

/// Annotations that come from the plan, listed once so that one which is no longer wanted is taken away.
const PLAN_ANNOTATIONS: [&str; 3] = [
    meta::ANNOTATION_STORAGE_CLASSES,
    meta::ANNOTATION_INGRESS_DOMAINS,
    meta::ANNOTATION_PLAN_METADATA,
];

/// Labels and annotations as they should be; `None` means absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    labels: BTreeMap<String, Option<String>>,
    annotations: BTreeMap<String, Option<String>>,
}

/// Which keys a plan has put on a namespace, so that they go with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PlanKeys {
    #[serde(default)]
    labels: BTreeSet<String>,
    #[serde(default)]
    annotations: BTreeSet<String>,
}

/// What a tenant namespace should carry.
#[derive(Clone, Debug)]
pub struct Tenant<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// The access level that policies read.
    pub access: Access,
    /// Durable facts.
    pub facts: &'a TenantFacts,
    /// The plan in force.
    pub plan: Option<&'a ServicePlanSpec>,
    /// The object of the plan in force is gone: what it put on the namespace stays until another plan says otherwise.
    pub plan_lost: bool,
    /// Whether the tenant is stopped and its pods are deleted.
    pub emptied: bool,
    /// The request on which its deletion hangs.
    pub request: Option<&'a str>,
    /// The domain for hosts, if it is this customer's to use.
    pub ingress_domain: Option<&'a str>,
}

impl Wanted {
    /// For a tenant namespace.
    pub fn tenant(tenant: &Tenant<'_>) -> Self {
        let Tenant {
            owner,
            access,
            facts,
            plan,
            plan_lost,
            emptied,
            request,
            ingress_domain,
        } = tenant;
        let mut wanted = Self::default();
        for (key, value) in owner.labels() {
            wanted.label(&key, Some(value));
        }
        wanted.label(meta::LABEL_TYPE, Some(meta::TYPE_TENANT.to_owned()));
        wanted.label(meta::LABEL_ACCESS, Some(access.as_str().to_owned()));
        wanted.label(meta::LABEL_RETAINED, None);
        for (key, value) in facts.annotations() {
            wanted.annotation(key, value);
        }
        wanted.annotation(
            meta::ANNOTATION_INGRESS_DOMAIN,
            ingress_domain.map(ToOwned::to_owned),
        );
        wanted.annotation(meta::ANNOTATION_EMPTIED, emptied.then(|| "true".to_owned()));
        wanted.annotation(
            meta::ANNOTATION_DELETION_REQUEST,
            request.map(ToOwned::to_owned),
        );
        // A mark that the operator died after belongs to a deletion that was taken back since.
        wanted.annotation(meta::ANNOTATION_PURGE, None);
        if *plan_lost {
            return wanted;
        }

        for (key, value) in pod_security(plan.map(|plan| plan.pod_security).unwrap_or_default()) {
            wanted.label(&key, Some(value));
        }
        for key in PLAN_ANNOTATIONS {
            wanted.annotation(key, None);
        }
        let domains = plan.map(|plan| plan.ingress_domains).unwrap_or_default();
        wanted.annotation(
            meta::ANNOTATION_INGRESS_DOMAINS,
            Some(domains_name(domains).to_owned()),
        );
        if let Some(plan) = plan {
            wanted.annotation(
                meta::ANNOTATION_STORAGE_CLASSES,
                plan.storage_classes.as_ref().map(|c| c.join(",")),
            );
            if let Some(metadata) = &plan.namespace_metadata {
                wanted.plan_metadata(metadata);
            }
        }
        wanted
    }

    /// For a partner's own namespace.
    pub fn partner(owner: &Owner, parent: &str, uid: &str) -> Self {
        let mut wanted = Self::default();
        for (key, value) in owner.labels() {
            wanted.label(&key, Some(value));
        }
        wanted.label(meta::LABEL_TYPE, Some(meta::TYPE_PARTNER.to_owned()));
        wanted.label(meta::LABEL_PARENT, Some(parent.to_owned()));
        wanted.annotation(meta::ANNOTATION_PARTNER_UID, Some(uid.to_owned()));
        wanted
    }

    /// For a tenant whose Customer is gone: closed, kept, marked so, and with the request on which its deletion hangs.
    pub fn retained(access: Access, request: &str, emptied: bool) -> Self {
        let mut wanted = Self::default();
        wanted.label(meta::LABEL_ACCESS, Some(access.as_str().to_owned()));
        wanted.label(meta::LABEL_RETAINED, Some("true".to_owned()));
        wanted.annotation(meta::ANNOTATION_DELETION_REQUEST, Some(request.to_owned()));
        wanted.annotation(meta::ANNOTATION_EMPTIED, emptied.then(|| "true".to_owned()));
        wanted
    }

    fn label(&mut self, key: &str, value: Option<String>) {
        self.labels.insert(key.to_owned(), value);
    }

    fn annotation(&mut self, key: &str, value: Option<String>) {
        self.annotations.insert(key.to_owned(), value);
    }

    fn plan_metadata(&mut self, metadata: &NamespaceMetadata) {
        let mut keys = PlanKeys::default();
        let NamespaceMetadata {
            labels,
            annotations,
        } = metadata;
        for (key, value) in labels.iter().filter(|(key, _)| may_be_a_plans(key)) {
            self.label(key, Some(value.clone()));
            keys.labels.insert(key.clone());
        }
        for (key, value) in annotations.iter().filter(|(key, _)| may_be_a_plans(key)) {
            self.annotation(key, Some(value.clone()));
            keys.annotations.insert(key.clone());
        }
        self.annotation(
            meta::ANNOTATION_PLAN_METADATA,
            serde_json::to_string(&keys).ok(),
        );
    }

    /// The step that makes a namespace like this.
    pub fn create(&self, name: &str) -> Step {
        let present = |map: &BTreeMap<String, Option<String>>| -> Map<String, Value> {
            map.iter()
                .filter_map(|(key, value)| Some((key.clone(), value.clone()?.into())))
                .collect()
        };
        let body = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name, "labels": present(&self.labels), "annotations": present(&self.annotations) },
        });
        Step::CreateNamespace {
            name: name.to_owned(),
            body,
        }
    }

    /// The step that makes an existing namespace like this, or nothing if it is.
    pub fn patch(&self, seen: &NamespaceSeen) -> Option<Step> {
        let before: PlanKeys = if self
            .annotations
            .contains_key(meta::ANNOTATION_PLAN_METADATA)
        {
            serde_json::from_str(seen.annotation(meta::ANNOTATION_PLAN_METADATA))
                .unwrap_or_default()
        } else {
            PlanKeys::default()
        };
        let labels = changes(&self.labels, &before.labels, &seen.labels);
        let annotations = changes(&self.annotations, &before.annotations, &seen.annotations);
        if labels.is_empty() && annotations.is_empty() {
            return None;
        }
        let patch = json!({
            "metadata": {
                "uid": seen.uid,
                "resourceVersion": seen.resource_version,
                "labels": labels,
                "annotations": annotations,
            },
        });
        Some(Step::PatchNamespace {
            name: seen.name.clone(),
            patch,
        })
    }
}

/// What differs: wanted values, and removals (`null`) of what is there and should not be.
fn changes(
    wanted: &BTreeMap<String, Option<String>>,
    once_a_plans: &BTreeSet<String>,
    seen: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let gone = once_a_plans
        .iter()
        .filter(|key| !wanted.contains_key(*key) && may_be_a_plans(key));
    wanted
        .iter()
        .map(|(key, value)| (key, value.as_ref()))
        .chain(gone.map(|key| (key, None)))
        .filter(|(key, value)| seen.get(*key) != *value)
        .map(|(key, value)| {
            (
                key.clone(),
                value.map_or(Value::Null, |value| value.clone().into()),
            )
        })
        .collect()
}

/// A plan may not set what is ours or Kubernetes' own, whatever got past the schema.
fn may_be_a_plans(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let kubernetes = ["kubernetes.io", "k8s.io"]
        .iter()
        .any(|own| crate::domain::domains::below_or_equal(domain, own));
    !kubernetes && !is_ours(key)
}

fn pod_security(level: PodSecurity) -> impl Iterator<Item = (String, String)> {
    let level = match level {
        PodSecurity::Restricted => "restricted",
        PodSecurity::Baseline => "baseline",
        PodSecurity::Privileged => "privileged",
    };
    ["enforce", "audit", "warn"]
        .into_iter()
        .flat_map(move |mode| {
            let key = format!("pod-security.kubernetes.io/{mode}");
            [
                (format!("{key}-version"), "latest".to_owned()),
                (key, level.to_owned()),
            ]
        })
}

const fn domains_name(domains: IngressDomains) -> &'static str {
    match domains {
        IngressDomains::Customer => "Customer",
        IngressDomains::Any => "Any",
        IngressDomains::None => "None",
    }
}

#[cfg(test)]
mod tests;
