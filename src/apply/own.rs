//! Writes to objects of our own kinds other than the one a plan is about.

use kube::Client;
use serde_json::Value;

use super::requests::Address;
use super::{Done, failure};
use crate::api::meta;
use crate::error::Cause;
use crate::plan::{Key, Written};

/// Makes an object. One of that name is as good if it says the same of whom it is about: a create that was committed and then lost
/// its answer comes back as "already exists".
pub async fn make(client: &Client, object: &Key, body: &Value) -> Done {
    let address = Address::own(object.kind, &object.namespace);
    let what = format!("making {object}");
    let refused = match address.create(client, body).await {
        Ok(made) => return (Some(written(object, made)), None),
        Err(error) => error,
    };
    if Cause::of(&refused) != Cause::AlreadyExists {
        return (None, Some(failure(&what, &refused)));
    }
    match address.get(client, &object.name).await {
        Ok(there) if same(&there, body) => (Some(written(object, there)), None),
        Ok(_) => (None, Some(failure(&what, &refused))),
        Err(error) => (None, Some(failure(&what, &error))),
    }
}

/// Changes an object. One that is gone needs no change.
pub async fn amend(client: &Client, object: &Key, patch: &Value) -> Done {
    let address = Address::own(object.kind, &object.namespace);
    match address.merge(client, &object.name, patch).await {
        Ok(changed) => (Some(written(object, changed)), None),
        Err(error) if Cause::of(&error) == Cause::NotFound => (None, None),
        Err(error) => (None, Some(failure(&format!("changing {object}"), &error))),
    }
}

/// Deletes an object. One that is gone needs no deletion; whether another one of its name does is to be decided anew.
pub async fn discard(client: &Client, object: &Key, uid: &str) -> Done {
    let address = Address::own(object.kind, &object.namespace);
    match address.delete(client, &object.name, uid).await {
        Ok(_) => (None, None),
        Err(error) if Cause::of(&error) == Cause::NotFound => (None, None),
        Err(error) => (None, Some(failure(&format!("deleting {object}"), &error))),
    }
}

fn written(object: &Key, now: Value) -> Written {
    Written::Made {
        kind: object.kind,
        object: now,
    }
}

fn same(there: &Value, wanted: &Value) -> bool {
    let label = |object: &Value| object["metadata"]["labels"][meta::LABEL_CUSTOMER_UID].clone();
    label(there) == label(wanted)
}
