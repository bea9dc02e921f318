//! Kubernetes Events on transitions.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::requests::Address;
use crate::api::meta::MANAGED_BY;
use crate::plan::Subject;
use crate::plan::notes::Note;

/// Publishes Events as this operator. Clones share what was published, so that a repeated Event is counted, not made anew.
#[derive(Clone)]
pub struct Announcer(Recorder);

impl Announcer {
    /// For this client, as the replica of this identity.
    pub fn new(client: Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: MANAGED_BY.to_owned(),
            instance: Some(identity.to_owned()),
        };
        Self(Recorder::new(client, reporter))
    }

    /// Publishes a note on the subject. An Event that cannot be published is logged and lost: it is news, not state.
    pub async fn announce(&self, own: &Address, subject: &Subject, note: &Note) {
        let reference = ObjectReference {
            api_version: Some(own.api_version.clone()),
            kind: Some(own.kind.clone()),
            name: Some(subject.key.name.to_string()),
            namespace: (!subject.key.namespace.is_empty())
                .then(|| subject.key.namespace.to_string()),
            uid: Some(subject.uid.clone()),
            ..ObjectReference::default()
        };
        let event = Event {
            type_: if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: note.reason.to_string(),
            note: Some(note.message.clone()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.0.publish(&event, &reference).await {
            tracing::warn!(object = %subject.key, reason = %note.reason, %error, "an Event could not be published");
        }
    }
}
