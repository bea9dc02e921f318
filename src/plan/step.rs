//! The writes a plan may ask for, and what came of them.

mod login;
mod pieces;

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::observed::services::PieceSeen;
use super::observed::{ChildSeen, NamespaceSeen};
use super::subject::{Key, Kind};
use crate::api::Reason;
use crate::domain::fingerprint;
pub use crate::domain::fingerprint::ChildKind;
pub use login::{LoginDeed, LoginStep, Minted};
pub use pieces::{Application, Deed, PieceKind, PieceStep};

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Give the subject these finalizers, if it still is at the version that was looked at. Without ours, and going, it goes.
    Finalizers(Vec<String>),
    /// Make a namespace by POST. One that exists already is never taken over.
    CreateNamespace {
        /// Its name.
        name: String,
        /// The whole object.
        body: Value,
    },
    /// Change labels and annotations of a namespace that is ours, if it still is at the version that was looked at.
    PatchNamespace {
        /// Its name.
        name: String,
        /// A merge patch (RFC 7396) that carries uid and resourceVersion.
        patch: Value,
    },
    /// Server-side apply of a whole object.
    Apply(Child),
    /// Delete an object, if it still is the one that was looked at.
    Delete {
        /// Its kind.
        kind: ChildKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its UID.
        uid: String,
    },
    /// Change an object of a service.
    Piece(PieceStep),
    /// Make an SMTP login, or give it another password, or other labels.
    Login(LoginStep),
    /// Delete every pod of a namespace.
    DeletePods {
        /// The namespace.
        namespace: String,
    },
    /// Make another object of our own kinds by POST. One that exists already and says the same of whom it is about is as good.
    Make {
        /// Which.
        object: Key,
        /// The whole object.
        body: Value,
    },
    /// Change an object of our own kinds.
    Amend {
        /// Which.
        object: Key,
        /// A merge patch (RFC 7396) that carries the uid.
        patch: Value,
    },
    /// Delete an object of our own kinds, if it still is the one that was looked at.
    Discard {
        /// Which.
        object: Key,
        /// Its UID.
        uid: String,
    },
    /// Delete the tenant namespace that the subject, a DeletionRequest, is about, if all that was decided on is still so.
    Purge {
        /// The namespace.
        namespace: String,
        /// Name of the customer.
        customer: String,
        /// UID of the customer that is meant.
        customer_uid: String,
        /// Version of the Customer of that name that was looked at, if there is one.
        customer_version: Option<String>,
    },
}

/// An object as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its kind.
    pub kind: ChildKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The whole object.
    pub body: Value,
    /// The fingerprint of `body`.
    pub fingerprint: u64,
}

impl Child {
    /// What is stored under this name with all that we govern as it should be, and the rest as others left it.
    pub fn put_right(&self, stored: &Value) -> Value {
        fingerprint::put_right(self.kind, stored, &self.body)
    }
}

/// Steps in order: those of one stage may run side by side; a stage that fails keeps the later ones from running.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stages(Vec<Vec<Step>>);

impl Stages {
    /// Adds a stage; an empty one is dropped.
    pub fn then(&mut self, steps: impl IntoIterator<Item = Step>) {
        let steps: Vec<_> = steps.into_iter().collect();
        if !steps.is_empty() {
            self.0.push(steps);
        }
    }

    /// Adds the stages of others.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The stages in order.
    pub fn iter(&self) -> impl Iterator<Item = &[Step]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// All steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.0.iter().flatten()
    }

    /// What must not wait for the rest, if anything follows it: bindings that go. When a thousand trials end at once everybody is
    /// out before the first tenant is tidied up.
    pub fn urgent(&self) -> Option<Self> {
        let (first, rest) = self.0.split_first()?;
        let shuts_out = |step: &Step| {
            let kind = ChildKind::RoleBinding;
            matches!(step, Step::Delete { kind: deleted, .. } if *deleted == kind)
        };
        let urgent = !rest.is_empty() && first.iter().all(shuts_out);
        urgent.then(|| Self(vec![first.clone()]))
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is to be written, as one number, whatever version it is written over; `None` if that is nothing. The same again is a
    /// sign that somebody else keeps undoing it.
    pub fn digest(&self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        self.steps().for_each(|step| step.digest(&mut hasher));
        Some(hasher.finish())
    }
}

impl Step {
    fn digest(&self, hasher: &mut DefaultHasher) {
        std::mem::discriminant(self).hash(hasher);
        match self {
            Self::Finalizers(finalizers) => finalizers.hash(hasher),
            Self::CreateNamespace { name, body: _ } => name.hash(hasher),
            Self::PatchNamespace { name, patch } => {
                name.hash(hasher);
                for part in ["labels", "annotations"] {
                    patch["metadata"][part].to_string().hash(hasher);
                }
            }
            Self::Apply(child) => {
                let Child {
                    kind,
                    namespace,
                    name,
                    body: _,
                    fingerprint,
                } = child;
                (kind, namespace, name, fingerprint).hash(hasher);
            }
            Self::Delete {
                kind,
                namespace,
                name,
                uid: _,
            } => (kind, namespace, name).hash(hasher),
            Self::Piece(step) => (&step.kind, &step.namespace, &step.name, step.aim()).hash(hasher),
            Self::DeletePods { namespace } => namespace.hash(hasher),
            Self::Login(step) => (&step.tenant, format!("{:?}", step.deed)).hash(hasher),
            Self::Make { object, body: _ } | Self::Discard { object, uid: _ } => {
                object.hash(hasher)
            }
            Self::Amend { object, patch } => {
                object.hash(hasher);
                patch.to_string().hash(hasher);
            }
            Self::Purge {
                namespace,
                customer: _,
                customer_uid,
                customer_version: _,
            } => (namespace, customer_uid).hash(hasher),
        }
    }
}

/// What a write left behind in the cluster: fed back into the caches, so that nothing is written twice while the watch catches up.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// The subject itself, as JSON, as it is now.
    Own(Value),
    /// Another object of our own kinds, as JSON, as it is now.
    Made {
        /// Its kind.
        kind: Kind,
        /// The object.
        object: Value,
    },
    /// A namespace with our labels, as it is now.
    Namespace(NamespaceSeen),
    /// A namespace of this name exists without Clientele's labels.
    ForeignNamespace(String),
    /// An object in a namespace as it is now.
    Child {
        /// Its kind.
        kind: ChildKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What is seen of it.
        seen: ChildSeen,
    },
    /// An object of a service as it is now.
    Piece {
        /// Its kind.
        kind: PieceKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What is seen of it.
        seen: PieceSeen,
    },
    /// An object of a service is gone.
    PieceGone {
        /// Its kind.
        kind: PieceKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The UID of the one that went.
        uid: String,
    },
    /// The API server refused a write to an object of a service.
    PieceRefused {
        /// Its kind.
        kind: PieceKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What was to be done, as [`PieceStep::aim`] tells it.
        aim: String,
        /// What it said.
        message: String,
        /// Whether an object of that name is there that is somebody else's.
        taken: bool,
    },
    /// An object in a namespace is gone.
    ChildGone {
        /// Its kind.
        kind: ChildKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The UID of the one that went.
        uid: String,
    },
}

/// Why a step failed, as far as the status and the retry need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stable name of the error's category.
    pub category: &'static str,
    /// The reason for the status: `ApplyFailed`, or one that names what a person has to do.
    pub reason: Reason,
    /// What to tell a person.
    pub message: String,
    /// Whether trying again without a change can help.
    pub retryable: bool,
}

/// What came of a plan's steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What was written, in order.
    pub written: Vec<Written>,
    /// The first failure; later stages were not run.
    pub failure: Option<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stages(steps: impl IntoIterator<Item = Step>) -> Stages {
        let mut stages = Stages::default();
        stages.then(steps);
        stages
    }

    fn label(value: &str, version: &str) -> Step {
        Step::PatchNamespace {
            name: "emea--globex".into(),
            patch: json!({"metadata": {"resourceVersion": version, "labels": {"team": value}, "annotations": {}}}),
        }
    }

    #[test]
    fn only_bindings_that_go_before_something_else_are_urgent() {
        let delete = |kind| Step::Delete {
            kind,
            namespace: "emea--globex".to_owned(),
            name: "globex-admin".to_owned(),
            uid: "1".to_owned(),
        };
        let (binding, limits) = (
            delete(ChildKind::RoleBinding),
            delete(ChildKind::LimitRange),
        );
        let mut plan = stages([binding.clone()]);
        assert_eq!(plan.urgent(), None);
        plan.then([label("a", "1")]);
        assert_eq!(plan.urgent(), Some(stages([binding.clone()])));
        let mut plan = stages([binding.clone(), limits]);
        plan.then([label("a", "1")]);
        assert_eq!(plan.urgent(), None);
        let mut plan = stages([label("a", "1")]);
        plan.then([binding]);
        assert_eq!(plan.urgent(), None);
        assert_eq!(stages([]).urgent(), None);
    }

    #[test]
    fn the_same_over_another_version_is_the_same() {
        let first = stages([label("a", "1")]).digest();
        assert!(first.is_some());
        assert_eq!(first, stages([label("a", "2")]).digest());
        assert_ne!(first, stages([label("b", "1")]).digest());
        assert_ne!(
            first,
            stages([label("a", "1"), Step::Finalizers(Vec::new())]).digest()
        );
        assert_eq!(stages([]).digest(), None);
    }
}
