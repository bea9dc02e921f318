//! One step, done.

use kube::Client;
use serde_json::{Value, json};

use super::requests::Address;
use super::{Done, failure, logins, own, pieces, pods, purge, refusals};
use crate::api::{Reason, meta};
use crate::error::Cause;
use crate::plan::observed::{ChildSeen, NamespaceSeen};
use crate::plan::step::{Child, Failure};
use crate::plan::{Step, Subject, Written};

/// Does one step.
pub async fn run(client: &Client, own: &Address, subject: &Subject, step: &Step) -> Done {
    match step {
        Step::Finalizers(finalizers) => set_finalizers(client, own, subject, finalizers).await,
        Step::CreateNamespace { name, body } => create_namespace(client, name, body).await,
        Step::PatchNamespace { name, patch } => {
            match Address::namespaces().merge(client, name, patch).await {
                Ok(object) => (Some(Written::Namespace(NamespaceSeen::read(&object))), None),
                Err(error) => (
                    None,
                    Some(failure(&format!("changing namespace {name}"), &error)),
                ),
            }
        }
        Step::Apply(child) => put(client, child).await,
        Step::Make { object, body } => own::make(client, object, body).await,
        Step::Amend { object, patch } => own::amend(client, object, patch).await,
        Step::Discard { object, uid } => own::discard(client, object, uid).await,
        Step::Purge {
            namespace,
            customer,
            customer_uid,
            customer_version,
        } => {
            let purge = purge::Purge {
                namespace,
                customer,
                customer_uid,
                customer_version: customer_version.as_deref(),
            };
            purge::run(client, subject, &purge).await
        }
        Step::Piece(step) => pieces::run(client, step).await,
        Step::Login(step) => match logins::run(client, step).await {
            Ok(written) => (Some(written), None),
            Err(failure) => (None, Some(failure)),
        },
        Step::DeletePods { namespace } => match pods::delete_all(client, namespace).await {
            Ok(()) => (None, None),
            Err(error) => (
                None,
                Some(failure(
                    &format!("deleting the pods in {namespace}"),
                    &error,
                )),
            ),
        },
        Step::Delete {
            kind,
            namespace,
            name,
            uid,
        } => {
            let gone = Written::ChildGone {
                kind: *kind,
                namespace: namespace.clone(),
                name: name.clone(),
                uid: uid.clone(),
            };
            match Address::child(*kind, namespace)
                .delete(client, name, uid)
                .await
            {
                Ok(_) => (Some(gone), None),
                Err(error) if Cause::of(&error) == Cause::NotFound => (Some(gone), None),
                Err(error) => (
                    None,
                    Some(failure(
                        &format!("deleting {kind:?} {namespace}/{name}"),
                        &error,
                    )),
                ),
            }
        }
    }
}

fn is_ours(finalizer: &str) -> bool {
    [
        meta::FINALIZER_TENANT,
        meta::FINALIZER_PARTNER,
        meta::FINALIZER_DELETION,
    ]
    .contains(&finalizer)
}

async fn set_finalizers(
    client: &Client,
    own: &Address,
    subject: &Subject,
    finalizers: &[String],
) -> Done {
    let patch = json!({
        "metadata": {
            "uid": subject.uid,
            "resourceVersion": subject.resource_version,
            "finalizers": finalizers,
        },
    });
    match own.merge(client, &subject.key.name, &patch).await {
        Ok(object) => (Some(Written::Own(object)), None),
        // Taken off an object that is gone it is as well; but nothing may be made for one.
        Err(error)
            if Cause::of(&error) == Cause::NotFound && !finalizers.iter().any(|f| is_ours(f)) =>
        {
            (None, None)
        }
        Err(error) => (None, Some(failure("setting the finalizer", &error))),
    }
}

/// Makes a namespace. One that exists is ours only if it says so in every label: a create that was committed and then lost its answer
/// comes back as "already exists".
async fn create_namespace(client: &Client, name: &str, body: &Value) -> Done {
    let namespaces = Address::namespaces();
    let refused = match namespaces.create(client, body).await {
        Ok(object) => return (Some(Written::Namespace(NamespaceSeen::read(&object))), None),
        Err(error) => error,
    };
    let what = format!("making namespace {name}");
    if Cause::of(&refused) != Cause::AlreadyExists {
        return (None, Some(failure(&what, &refused)));
    }
    let seen = match namespaces.get(client, name).await {
        Ok(object) => NamespaceSeen::read(&object),
        Err(error) => return (None, Some(failure(&what, &error))),
    };
    let wanted = NamespaceSeen::read(body);
    if wanted
        .labels
        .iter()
        .all(|(key, value)| seen.labels.get(key) == Some(value))
    {
        return (Some(Written::Namespace(seen)), None);
    }
    let written = if seen.labels.contains_key(meta::LABEL_PARTNER) {
        Written::Namespace(seen)
    } else {
        Written::ForeignNamespace(name.to_owned())
    };
    (Some(written), Some(failure(&what, &refused)))
}

/// Applies an object. Where foreign fields are left in what we govern, which an apply does not take away, what we
/// govern is replaced whole, at the version that was applied.
async fn put(client: &Client, child: &Child) -> Done {
    let Child {
        kind,
        namespace,
        name,
        body,
        fingerprint,
    } = child;
    let address = Address::child(*kind, namespace);
    let what = format!("applying {} {namespace}/{name}", address.kind);
    let stored = match address.apply(client, name, body).await {
        Ok(object) => object,
        Err(error) => return (None, Some(refusals::of(child, &what, &error))),
    };
    let mut seen = ChildSeen::read(*kind, &stored);
    let mut failed = None;
    if seen.fingerprint != *fingerprint {
        match address
            .replace(client, name, &child.put_right(&stored))
            .await
        {
            Ok(object) => seen = ChildSeen::read(*kind, &object),
            Err(error) => failed = Some(failure(&what, &error)),
        }
        if failed.is_none() && seen.fingerprint != *fingerprint {
            let message = format!(
                "{what}: the API server keeps something else than was asked for; a mutating webhook or policy may do that"
            );
            failed = Some(Failure {
                category: "changed-on-the-way",
                reason: Reason::ApplyFailed,
                message,
                retryable: true,
            });
        }
    }
    let written = Written::Child {
        kind: *kind,
        namespace: namespace.clone(),
        name: name.clone(),
        seen,
    };
    (Some(written), failed)
}
