//! Looking at offerings: what they are parsed into, whether the cluster has their kinds, and what the operator may do to these.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use super::reconcile::{Context, Controlled};
use crate::api::{ServiceOffering, ServiceOfferingStatus, meta};
use crate::apply::kinds::look_up;
use crate::domain::offering::Offering;
use crate::domain::pieces::PieceKind;
use crate::plan::observed::services::{self, Checked, KindSeen, OfferingSeen};
use crate::plan::{Key, Plan, service_offering};

/// Which version of an offering was looked at.
type Version = ((String, i64), Option<String>);

/// One offering as it was looked at last.
#[derive(Debug)]
struct Check {
    version: Version,
    checked: Checked,
    /// Whether the kinds may be others by now.
    doubtful: bool,
}

/// All offerings as they were looked at last, so that an event on one in order asks nothing.
#[derive(Debug, Default)]
pub struct Checks(Mutex<HashMap<String, Check>>);

impl Checks {
    /// Looks at an offering, unless it was looked at and nothing was wrong with its kinds.
    async fn of(&self, client: &Client, offering: &ServiceOffering) -> kube::Result<Checked> {
        let name = offering.name_any();
        let version = (
            services::version(offering),
            offering
                .annotations()
                .get(meta::ANNOTATION_RECONCILE_AT)
                .cloned(),
        );
        let known = {
            let checks = self.checks();
            let known = checks.get(&name).filter(|check| check.version == version);
            known.map(|check| (check.checked.clone(), check.doubtful))
        };
        let compiled = match known {
            Some((checked, false)) => return Ok(checked),
            Some((checked, true)) => checked.compiled,
            None => Offering::compile(&name, &offering.spec)
                .map(Arc::new)
                .map_err(Arc::from),
        };
        let mut kinds = BTreeMap::new();
        for (api_version, kind) in compiled.iter().flat_map(|offering| offering.kinds()) {
            let kind = PieceKind::new(api_version, kind);
            let seen = look_up(client, &kind).await?;
            kinds.insert(kind, seen);
        }
        let settled = |seen: &KindSeen| matches!(seen, KindSeen::Namespaced { missing, .. } if missing.is_empty());
        let doubtful = !kinds.values().all(settled);
        let checked = Checked {
            version: version.0.clone(),
            compiled,
            kinds,
        };
        let check = Check {
            version,
            checked: checked.clone(),
            doubtful,
        };
        self.checks().insert(name, check);
        Ok(checked)
    }

    /// Something has happened that a change of a kind, or of the rights to it, would explain.
    pub fn doubt(&self, kind: &PieceKind) {
        for check in self.checks().values_mut() {
            check.doubtful |= check.checked.kinds.contains_key(kind);
        }
    }

    fn checks(&self) -> MutexGuard<'_, HashMap<String, Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controlled for ServiceOffering {
    type Status = ServiceOfferingStatus;
    type Gathered = Checked;

    fn status(&self) -> Option<&ServiceOfferingStatus> {
        self.status.as_ref()
    }

    async fn gather(context: &Context, object: &Self) -> kube::Result<Checked> {
        context.checks.of(&context.client, object).await
    }

    fn plan(
        context: &Context,
        key: &Key,
        checked: Checked,
        now: Timestamp,
    ) -> Option<Plan<ServiceOfferingStatus>> {
        let observed = context.world().offering(key, checked)?;
        let seen = OfferingSeen {
            object: Arc::clone(&observed.offering),
            compiled: observed.checked.compiled.as_ref().ok().map(Arc::clone),
            in_order: service_offering::is_in_order(&observed),
        };
        let concerned = context.world_mut().judged(&key.name, seen);
        context.watching.tend();
        context.ask(concerned);
        Some(service_offering::plan(&observed, now))
    }
}
