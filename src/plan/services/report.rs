//! What is told of a customer's services: in its status, in the condition `ServicesReady`, on its card.

use serde_json::{Map, Value, json};

use crate::api::{
    ConditionType, MAX_STATUS_SERVICES, OnStop, Reason, ServiceHealth, ServiceSource, ServiceState,
    ServiceStatus, meta,
};
use crate::domain::records::ServiceRecord;
use crate::domain::services::Service;
use crate::plan::observed::services::ServicesSeen;
use crate::plan::status::second;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// What keeps a service from being as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The reason.
    pub reason: Reason,
    /// What to tell, without the service's name.
    pub message: String,
    /// Whether the customer is not as its spec says until somebody changes something.
    pub mistake: bool,
}

impl Trouble {
    /// Until somebody changes something about the customer.
    pub fn mistake(reason: Reason, message: String) -> Self {
        Self {
            reason,
            message,
            mistake: true,
        }
    }

    /// Of the service itself, or of somebody above: the customer is as its spec says.
    pub fn theirs(reason: Reason, message: String) -> Self {
        Self {
            reason,
            message,
            mistake: false,
        }
    }
}

/// One service.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where it stands.
    pub service: Service,
    /// How many objects of it there are, or are being made.
    pub objects: usize,
    /// Whether anything of it is left that can be deleted.
    pub has_goods: bool,
    /// How its objects are, while it is in use.
    pub health: Option<ServiceHealth>,
    /// The parameters in effect, while it is in use and rendered.
    pub parameters: Option<Map<String, Value>>,
    /// What is wrong.
    pub trouble: Option<Trouble>,
}

impl Report {
    /// What follows from where the service stands.
    pub fn of(service: &Service, seen: &ServicesSeen) -> Self {
        let known = seen.offerings.contains_key(&service.name);
        let unchecked = seen.unchecked.contains(&service.name);
        let by = service.blocked_by.as_deref().unwrap_or_default();
        let asked = service.source == ServiceSource::Customer;
        let trouble = match service.state {
            ServiceState::Denied if service.withdrawn => Some(Trouble::theirs(
                Reason::ServiceWithdrawn,
                withdrawn(by, &fate_of(service, seen)),
            )),
            ServiceState::Denied => Some(Trouble {
                reason: Reason::ServiceNotOffered,
                message: format!(
                    "partner {by} does not offer it. Remove it from spec.services, or have it offered"
                ),
                mistake: asked,
            }),
            ServiceState::Waiting if by == service.name && unchecked => Some(Trouble::theirs(
                Reason::Progressing,
                "its offering is being looked at".to_owned(),
            )),
            ServiceState::Waiting if by == service.name && !known => Some(Trouble {
                reason: Reason::ServiceNotFound,
                message: "there is no ServiceOffering of that name: kubectl get offerings"
                    .to_owned(),
                mistake: asked && !service.used,
            }),
            ServiceState::Waiting if by == service.name => Some(Trouble::theirs(
                Reason::OfferingNotReady,
                format!("the offering is not in order: kubectl describe offering {by}"),
            )),
            ServiceState::Waiting => Some(Trouble::theirs(
                Reason::ServiceWaiting,
                format!("it requires the service {by}, which is not in use here"),
            )),
            _ => None,
        };
        Self {
            service: service.clone(),
            objects: 0,
            has_goods: false,
            health: None,
            parameters: None,
            trouble,
        }
    }

    /// Notes that so many customers have lost it that nothing is deleted without a person's word.
    pub fn hold(&mut self, customers: Option<usize>) {
        let name = &self.service.name;
        let by = self.service.blocked_by.as_deref().unwrap_or_default();
        if let Some(trouble) = &mut self.trouble {
            trouble.message = format!(
                "{}. {} customers have lost it, so nothing of it is deleted until somebody says on Partner {by} that it is meant: {}={name}",
                withdrawn(by, "what it made is kept"),
                customers.unwrap_or_default(),
                meta::ANNOTATION_CONFIRM_WITHDRAWAL,
            );
        }
    }

    /// Notes what is written down of it.
    pub fn count(&mut self, record: Option<&ServiceRecord>) {
        self.objects = record.map_or(0, |record| record.pieces.len());
        self.has_goods = record.is_some_and(ServiceRecord::has_goods);
        let trouble = self.trouble.as_mut().filter(|_| self.service.withdrawn);
        if let (Some(trouble), false) = (trouble, self.has_goods) {
            let by = self.service.blocked_by.as_deref().unwrap_or_default();
            let left = match self.objects {
                0 => "nothing of it is left",
                _ => "claims to storage are all that is left of it",
            };
            trouble.message = withdrawn(by, left);
        }
    }

    fn status(&self) -> ServiceStatus {
        let service = &self.service;
        ServiceStatus {
            name: service.name.clone(),
            state: service.state,
            source: service.source,
            blocked_by: service.blocked_by.clone(),
            withdrawn: service.withdrawn,
            remove_at: service
                .remove_at
                .filter(|_| self.has_goods)
                .map(|at| Time(second(at))),
            visibility: service.visibility,
            objects: i64::try_from(self.objects).unwrap_or(i64::MAX),
            health: self.health,
        }
    }
}

/// That a service is withdrawn, for a person.
fn withdrawn(by: &str, fate: &str) -> String {
    format!("partner {by} no longer offers it; it is stopped, and {fate}")
}

/// What becomes of what a withdrawn service has made, for a person.
fn fate_of(service: &Service, seen: &ServicesSeen) -> String {
    let offering = seen.offerings.get(&service.name);
    let on_stop = offering.map(|offering| offering.object.spec.on_stop);
    match (on_stop, service.remove_at) {
        (Some(OnStop::Delete), _) => {
            "what it made is deleted unless it is offered again within minutes, but for claims to storage"
                .to_owned()
        }
        (_, Some(at)) => format!(
            "what it made, but for claims to storage, is deleted at {}",
            second(at)
        ),
        (_, None) => "what it made is kept".to_owned(),
    }
}

/// The services as the status has them.
pub fn statuses(reports: &[Report]) -> Vec<ServiceStatus> {
    let statuses = reports.iter().map(Report::status);
    statuses.take(MAX_STATUS_SERVICES).collect()
}

/// How much a reason matters: the first is told.
const WEIGHT: [Reason; 11] = [
    Reason::ServiceNotOffered,
    Reason::ServiceNotFound,
    Reason::ServiceParametersInvalid,
    Reason::ServiceNotRendered,
    Reason::ServiceConflict,
    Reason::ServiceRefused,
    Reason::OfferingNotReady,
    Reason::ServiceWithdrawn,
    Reason::ServiceUnhealthy,
    Reason::ServiceWaiting,
    Reason::Progressing,
];

fn weight(reason: Reason) -> usize {
    WEIGHT
        .iter()
        .position(|it| *it == reason)
        .unwrap_or(WEIGHT.len())
}

/// `ServicesReady`: whether it holds, reason and message.
pub fn condition(reports: &[Report]) -> (ConditionType, bool, Reason, String) {
    let mut troubled: Vec<_> = reports
        .iter()
        .filter_map(|report| Some((&report.service.name, report.trouble.as_ref()?)))
        .collect();
    troubled.sort_by_key(|(_, trouble)| weight(trouble.reason));
    let (holds, reason, message) = match troubled.first() {
        Some((_, first)) => {
            let all: Vec<_> = troubled
                .iter()
                .map(|(name, trouble)| format!("{name}: {}.", trouble.message))
                .collect();
            (false, first.reason, all.join(" "))
        }
        None if reports.is_empty() => (
            true,
            Reason::NoServices,
            "No service is asked for.".to_owned(),
        ),
        None => (
            true,
            Reason::Settled,
            "All services are as they should be.".to_owned(),
        ),
    };
    (ConditionType::ServicesReady, holds, reason, message)
}

/// The mistake that keeps the customer from being as its spec says, if there is one.
pub fn mistake(reports: &[Report]) -> Option<(Reason, String)> {
    let mistakes = reports.iter().filter_map(|report| {
        let trouble = report.trouble.as_ref().filter(|trouble| trouble.mistake)?;
        Some((
            trouble.reason,
            format!("Service {}: {}.", report.service.name, trouble.message),
        ))
    });
    mistakes.min_by_key(|(reason, _)| weight(*reason))
}

/// What the customer's software may know: which services there are, and each with its parameters in effect.
pub fn card(reports: &[Report]) -> Vec<(String, String)> {
    let runs = |report: &&Report| report.service.runs();
    let names: Vec<_> = reports
        .iter()
        .filter(runs)
        .map(|report| report.service.name.as_str())
        .collect();
    let mut card = vec![("services".to_owned(), names.join("\n"))];
    card.extend(reports.iter().map(|report| {
        let mut about =
            json!({ "state": report.service.state, "visibility": report.service.visibility });
        if let Some(parameters) = &report.parameters {
            about["parameters"] = Value::Object(parameters.clone());
        }
        (
            format!("service.{}", report.service.name),
            about.to_string(),
        )
    }));
    card
}
