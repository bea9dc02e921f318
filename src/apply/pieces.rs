//! Writes to objects of services. What the API server refuses of one is noted and told; it keeps nothing else from being done.

use kube::Client;
use serde_json::Value;

use super::requests::Address;
use super::{Done, failure, refusals};
use crate::error::{Cause, chain};
use crate::plan::Written;
use crate::plan::observed::services::PieceSeen;
use crate::plan::step::{Deed, Failure, PieceStep};

/// Does one write.
pub async fn run(client: &Client, step: &PieceStep) -> Done {
    let PieceStep {
        kind,
        plural,
        namespace,
        name,
        deed,
    } = step;
    let address = Address::piece(kind, plural, namespace);
    if let Deed::Delete { uid } = deed {
        return match address.delete(client, name, uid).await {
            Ok(answer) => (Some(deleted(step, uid, &answer)), None),
            Err(error) if Cause::of(&error) == Cause::NotFound => (Some(gone(step, uid)), None),
            Err(error) => refused(step, &error),
        };
    }
    let Some(application) = step.application() else {
        return (None, None);
    };
    let stored = match address.apply_as(client, name, &application).await {
        Ok(object) => object,
        Err(error) => return refused(step, &error),
    };
    let mut seen = PieceSeen::read(kind, &stored);
    if let Some(application) = step.resealed(&seen) {
        match address.apply_as(client, name, &application).await {
            Ok(object) => seen = PieceSeen::read(kind, &object),
            Err(error) => return refused(step, &error),
        }
    }
    let written = Written::Piece {
        kind: kind.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
        seen,
    };
    (Some(written), None)
}

/// It may stay for a while, for a finalizer: then the object is answered, and the watch tells when it is gone.
fn deleted(step: &PieceStep, uid: &str, answer: &Value) -> Written {
    if answer["metadata"]["deletionTimestamp"].is_null() {
        return gone(step, uid);
    }
    Written::Piece {
        kind: step.kind.clone(),
        namespace: step.namespace.clone(),
        name: step.name.clone(),
        seen: PieceSeen::read(&step.kind, answer),
    }
}

fn gone(step: &PieceStep, uid: &str) -> Written {
    Written::PieceGone {
        kind: step.kind.clone(),
        namespace: step.namespace.clone(),
        name: step.name.clone(),
        uid: uid.to_owned(),
    }
}

/// What another try may mend is a failure like any other; a refusal of this one object is told of its service.
fn refused(step: &PieceStep, error: &kube::Error) -> Done {
    let PieceStep {
        kind,
        namespace,
        name,
        ..
    } = step;
    let what = format!("writing {} {namespace}/{name}", kind.kind);
    match Cause::of(error) {
        Cause::Forbidden | Cause::NotFound | Cause::Refused | Cause::TooLarge => {
            let message = chain(error);
            let written = Written::PieceRefused {
                kind: kind.clone(),
                namespace: namespace.clone(),
                name: name.clone(),
                aim: step.aim().to_owned(),
                taken: message.contains(refusals::FENCE),
                message,
            };
            (Some(written), None)
        }
        _ => {
            let failure = failure(&what, error);
            (
                None,
                Some(Failure {
                    retryable: true,
                    ..failure
                }),
            )
        }
    }
}
