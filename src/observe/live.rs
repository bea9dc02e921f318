//! What is asked of the API server itself, because no cache may answer it: why an object goes, and what a Secret or a
//! list holds.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, Resource};

use super::relay::Login;
use super::seen::{Contents, Seen};
use crate::api::{ListContents, PostalRoute, meta};
use crate::domain::contacts;
use crate::error::{Cause, chain};
use crate::plan::observed::Departure;
use crate::plan::observed::lists::ContentsSeen;
use crate::plan::observed::routes::SecretSeen;

/// Why an object with a deletion timestamp is going: whether its CRD or its namespace goes too is read with quorum, since a cache
/// that is a moment late would take the loss of a CRD for the wish to delete every customer.
///
/// # Errors
/// When it cannot be told; nothing may be done then.
pub async fn departure<K: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: &str,
) -> Result<Departure, kube::Error> {
    let crd = format!("{}.{}", K::plural(&()), K::group(&()));
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let (crd, namespace) = futures::try_join!(
        crds.get_metadata_opt(&crd),
        namespaces.get_metadata_opt(namespace)
    )?;
    let staying = !going(crd.as_ref()) && !going(namespace.as_ref());
    Ok(if staying {
        Departure::Deleted
    } else {
        Departure::SweptAlong
    })
}

/// Gone or going.
fn going<K>(object: Option<&PartialObjectMeta<K>>) -> bool {
    object.is_none_or(|object| object.metadata.deletion_timestamp.is_some())
}

/// What a route's Secret holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// As far as a status tells of it.
    pub seen: SecretSeen,
    /// What it holds, if it is complete.
    pub login: Option<Login>,
}

impl From<SecretSeen> for Credentials {
    fn from(seen: SecretSeen) -> Self {
        Self { seen, login: None }
    }
}

/// Reads a route's Secret.
pub async fn credentials(client: &Client, route: &PostalRoute) -> Credentials {
    let (Some(reference), Some(namespace)) =
        (&route.spec.credentials_secret, &route.metadata.namespace)
    else {
        return SecretSeen::NotNeeded.into();
    };
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    match secrets.get(&reference.name).await {
        Ok(secret) => judge(&secret),
        Err(error) if Cause::of(&error) == Cause::NotFound => SecretSeen::Missing.into(),
        Err(error) => SecretSeen::Unreadable(chain(&error)).into(),
    }
}

/// Reads what is in a contact list.
pub async fn contents(client: &Client, namespace: &str, at: &ListContents) -> ContentsSeen {
    let (found, none) = match at {
        ListContents {
            config_map: Some(at),
            ..
        } => {
            let maps: Api<Seen<ConfigMap, Contents>> = Api::namespaced(client.clone(), namespace);
            let map = maps.get(&at.name).await;
            let list = map.map(|map| map.kept.value(&at.key));
            (list, "There is no such ConfigMap")
        }
        ListContents {
            secret_key: Some(key),
            ..
        } => {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let secret = secrets.get(meta::LISTS_SECRET).await;
            let list = secret.map(|secret| secret.data?.remove(key).map(|value| value.0));
            (list, "There is no such Secret")
        }
        ListContents { .. } => return ContentsSeen::NotNamed,
    };
    match found {
        Ok(Some(list)) => ContentsSeen::Found(contacts::checked(&list)),
        Ok(None) => ContentsSeen::Missing("There is no such key"),
        Err(error) if Cause::of(&error) == Cause::NotFound => ContentsSeen::Missing(none),
        Err(error) => ContentsSeen::Unreadable(chain(&error)),
    }
}

fn judge(secret: &Secret) -> Credentials {
    let kind = secret.type_.as_deref().unwrap_or("Opaque");
    if kind != meta::SECRET_TYPE_RELAY {
        return SecretSeen::WrongType(kind.to_owned()).into();
    }
    let text = |key: &str| {
        let value = secret.data.as_ref()?.get(key)?;
        let text = String::from_utf8(value.0.clone()).ok()?;
        (!text.is_empty()).then_some(text)
    };
    let found = ["username", "password"].map(|key| (key, text(key)));
    match found {
        [(_, Some(username)), (_, Some(password))] => Credentials {
            seen: SecretSeen::Complete,
            login: Some(Login { username, password }),
        },
        found => {
            let missing = found.into_iter().filter(|(_, text)| text.is_none());
            SecretSeen::KeysMissing(missing.map(|(key, _)| key).collect()).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(kind: &str, keys: &[(&str, &str)]) -> Secret {
        let data = keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
            .collect();
        Secret {
            type_: Some(kind.to_owned()),
            data: Some(data),
            ..Secret::default()
        }
    }

    #[test]
    fn type_and_keys_are_both_needed() {
        let both = [("username", "u"), ("password", "p")];
        assert_eq!(
            judge(&secret(meta::SECRET_TYPE_RELAY, &both)).seen,
            SecretSeen::Complete
        );
        assert_eq!(
            judge(&secret("Opaque", &both)),
            SecretSeen::WrongType("Opaque".to_owned()).into()
        );
        assert_eq!(
            judge(&secret(
                meta::SECRET_TYPE_RELAY,
                &[("username", "u"), ("password", "")]
            ))
            .seen,
            SecretSeen::KeysMissing(vec!["password"])
        );
    }
}
