//! The objects of a service in use: rendered, and compared with what is there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Given;
use super::report::Trouble;
use crate::api::{Reason, ServiceHealth, meta};
use crate::domain::health::Health;
use crate::domain::offering::kinds::Stop;
use crate::domain::offering::{Fault, Offering, Rendered, kinds};
use crate::domain::pieces::{self, PieceId};
use crate::domain::records::PieceRecord;
use crate::domain::services::Service;
use crate::plan::step::{Deed, PieceKind, PieceStep, Step};

/// Most objects of all services of one customer.
const MAX_PIECES: usize = 512;

/// A service's objects as they should be.
#[derive(Debug, Default)]
pub struct Desired {
    /// The parameters in effect.
    pub parameters: Map<String, Value>,
    /// The objects, with their UIDs as far as they are known.
    pub pieces: Vec<PieceRecord>,
    /// What has to be written.
    pub steps: Vec<Step>,
    /// How they are.
    pub health: ServiceHealth,
    /// What is wrong with one of them.
    pub trouble: Option<Trouble>,
}

impl Desired {
    /// Renders and compares.
    ///
    /// # Errors
    /// Why nothing can be made; what there is stays as it is.
    pub fn of(
        given: &Given<'_>,
        taken: &mut BTreeMap<PieceId, String>,
        service: &Service,
    ) -> Result<Self, Trouble> {
        let name = &service.name;
        let seen = given.seen.offerings.get(name);
        let Some(offering) = seen
            .filter(|it| it.in_order)
            .and_then(|it| it.compiled.as_deref())
        else {
            let message =
                format!("the offering {name} is not in order: kubectl describe offering {name}");
            return Err(Trouble::theirs(Reason::OfferingNotReady, message));
        };
        let parameters = parameters(given, offering, name)?;
        let rendered = offering
            .render(&given.about.with(parameters.clone()))
            .map_err(|error| Trouble::mistake(Reason::ServiceNotRendered, error.to_string()))?;
        if taken.len() + rendered.len() > MAX_PIECES {
            let message = format!(
                "a customer can have {MAX_PIECES} objects of services, and this one would have more"
            );
            return Err(Trouble::mistake(Reason::ServiceNotRendered, message));
        }
        let mut desired = Self {
            parameters,
            ..Self::default()
        };
        for one in &rendered {
            let kind = PieceKind::new(&one.api_version, &one.kind);
            let Some(plural) = given.seen.plurals.get(&kind) else {
                let message = format!("objects of kind {} are not watched yet", one.kind);
                return Err(Trouble::theirs(Reason::Progressing, message));
            };
            let id = kind.id(&one.name);
            if let Some(other) = taken.get(&id).filter(|other| *other != name) {
                let message = format!(
                    "the {} {} is the service {other}'s already",
                    one.kind, one.name
                );
                desired.refuse(Trouble::mistake(Reason::ServiceConflict, message));
                continue;
            }
            if let Some(other) = given.leaving(name, &id) {
                let title = format!("{} {}", one.kind, one.name);
                let why = format!("is the service {other}'s until that one is gone");
                desired.note(&title, &Health::InProgress(why));
                continue;
            }
            taken.insert(id, name.clone());
            desired.compare(given, name, kind, plural, one);
        }
        Ok(desired)
    }

    fn compare(
        &mut self,
        given: &Given<'_>,
        service: &str,
        kind: PieceKind,
        plural: &str,
        one: &Rendered,
    ) {
        let id = kind.id(&one.name);
        let seen = given.seen.pieces.get(&id);
        let ours = seen.filter(|seen| given.is_ours(&seen.customer_uid));
        self.pieces.push(PieceRecord {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
            name: one.name.clone(),
            uid: ours.map(|seen| seen.uid.clone()),
        });
        let title = format!("{} {}", one.kind, one.name);
        if seen.is_some() && ours.is_none() {
            return self.refuse(taken_by_another(&title));
        }
        let (body, seal) = sealed(given, service, &kind, one);
        let step = |deed| PieceStep {
            kind: kind.clone(),
            plural: plural.to_owned(),
            namespace: given.namespace.to_owned(),
            name: one.name.clone(),
            deed,
        };
        let stop = kinds::stop(&kind.api_version, &kind.kind);
        let step = match ours {
            // The quota of a stop lets none in; it is made when that is lifted.
            _ if given.stopped && stop == Stop::Goes => None,
            // What goes has to be gone before it can be made again.
            Some(seen) if seen.deleting => None,
            Some(seen) if seen.is_as(&seal) && !seen.held => None,
            Some(seen) if seen.is_as(&seal) => Some(step(Deed::Release {
                uid: seen.uid.clone(),
            })),
            _ => Some(step(Deed::Apply {
                service: service.to_owned(),
                body,
                seal,
            })),
        };
        let refused = given.seen.refused.get(&id);
        match (step, refused) {
            (Some(step), Some(refused)) if refused.is_of(&step) => {
                self.steps
                    .extend(refused.is_due().then_some(Step::Piece(step)));
                self.refuse(if refused.taken {
                    taken_by_another(&title)
                } else {
                    let message = format!("{title} was refused: {}", refused.message);
                    Trouble::mistake(Reason::ServiceRefused, message)
                });
            }
            (Some(step), _) => {
                // What reports nothing is as it should be as soon as it is applied.
                let runs = stop != Stop::Nothing;
                let reports = runs || !is_plain(&kind);
                if reports && !given.stopped {
                    self.note(&title, &Health::InProgress("is being applied".into()));
                }
                self.steps.push(Step::Piece(step));
            }
            (None, _) => {
                if let Some(seen) = ours.filter(|_| !given.stopped) {
                    self.note(&title, &seen.health);
                }
            }
        }
    }

    fn refuse(&mut self, trouble: Trouble) {
        self.health = ServiceHealth::Refused;
        let first = self.trouble.as_ref().is_none_or(|it| !it.mistake);
        if first {
            self.trouble = Some(trouble);
        }
    }

    fn note(&mut self, title: &str, health: &Health) {
        let (health, trouble) = match health {
            Health::Current => return,
            Health::InProgress(why) => (
                ServiceHealth::InProgress,
                Trouble::theirs(Reason::Progressing, format!("{title}: {why}")),
            ),
            Health::Failed(why) => (
                ServiceHealth::Failed,
                Trouble::theirs(Reason::ServiceUnhealthy, format!("{title}: {why}")),
            ),
        };
        if health > self.health {
            self.health = health;
            self.trouble = Some(trouble);
        }
    }
}

/// Kinds of Kubernetes that have no status to wait for.
fn is_plain(kind: &PieceKind) -> bool {
    matches!(
        (pieces::group(&kind.api_version), &*kind.kind),
        ("", "ConfigMap" | "Secret" | "ServiceAccount" | "Service")
            | ("networking.k8s.io", "NetworkPolicy" | "Ingress")
            | ("policy", "PodDisruptionBudget")
            | ("autoscaling", "HorizontalPodAutoscaler")
    )
}

impl Given<'_> {
    /// The service whose object of this name goes, so that it can be made for another one: it would keep what the first has put
    /// into it. A claim to storage never goes, and is taken over.
    fn leaving(&self, service: &str, id: &PieceId) -> Option<&str> {
        let seen = self.seen.pieces.get(id)?;
        let others = self.records.services.iter().find(|(other, record)| {
            *other != service
                && **other == seen.service
                && record
                    .pieces
                    .iter()
                    .any(|piece| piece.id() == *id && !piece.is_claim())
        });
        others.map(|(other, _)| other.as_str())
    }
}

fn taken_by_another(title: &str) -> Trouble {
    let message = format!(
        "a {title} is there that is not the service's; it is left alone. Delete or rename it"
    );
    Trouble::mistake(Reason::ServiceConflict, message)
}

fn parameters(
    given: &Given<'_>,
    offering: &Offering,
    name: &str,
) -> Result<Map<String, Value>, Trouble> {
    let own = given.asked.iter().find(|service| service.name == name);
    let own = own
        .map(|service| service.parameters.clone())
        .unwrap_or_default();
    offering.effective(&own).map_err(|faults| {
        let all: Vec<_> = faults.iter().map(Fault::to_string).collect();
        Trouble::mistake(Reason::ServiceParametersInvalid, all.join("; "))
    })
}

/// The object as it is to be applied, and its seal.
fn sealed(given: &Given<'_>, service: &str, kind: &PieceKind, one: &Rendered) -> (Value, String) {
    let mut body = one.object.clone();
    let metadata = &mut body["metadata"];
    metadata["namespace"] = given.namespace.into();
    for (key, value) in given.labels(service) {
        metadata["labels"][key] = value.into();
    }
    let seal = pieces::seal(kind, &body);
    let annotations = &mut body["metadata"]["annotations"];
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[meta::ANNOTATION_SEAL] = seal.clone().into();
    (body, seal)
}
