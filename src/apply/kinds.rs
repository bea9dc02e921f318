//! What the API server says of a kind that services render: whether it has it, where, and what the operator may do to it. Asking for
//! the rights is a write by its form, and changes nothing.

use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::Cause;
use crate::plan::observed::services::{KindSeen, verbs};
use crate::plan::step::PieceKind;

/// The name of a kind in paths, if the cluster has it in namespaces.
///
/// # Errors
/// What the API server or the client says.
pub async fn plural(client: &Client, kind: &PieceKind) -> kube::Result<Option<String>> {
    Ok(match find(client, kind).await? {
        Some((plural, true)) => Some(plural),
        _ => None,
    })
}

/// Finds a kind: its name in paths, and whether it is in namespaces.
async fn find(client: &Client, kind: &PieceKind) -> kube::Result<Option<(String, bool)>> {
    let found = match kind.group() {
        "" => client.list_core_api_resources(&kind.api_version).await,
        _ => client.list_api_group_resources(&kind.api_version).await,
    };
    let resources = match found {
        Ok(found) => found.resources,
        Err(error) if Cause::of(&error) == Cause::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut resources = resources.into_iter();
    let found = resources.find(|it| it.kind == kind.kind && !it.name.contains('/'));
    Ok(found.map(|it| (it.name, it.namespaced)))
}

/// Finds a kind, and asks for the rights to it.
///
/// # Errors
/// What the API server or the client says.
pub async fn look_up(client: &Client, kind: &PieceKind) -> kube::Result<KindSeen> {
    let plural = match find(client, kind).await? {
        None => return Ok(KindSeen::Unknown),
        Some((_, false)) => return Ok(KindSeen::Cluster),
        Some((plural, true)) => plural,
    };
    let verbs = verbs(kind);
    let answers = verbs.iter().map(|verb| may(client, kind, &plural, verb));
    let answers = try_join_all(answers).await?;
    let missing = verbs.iter().zip(answers).filter(|(_, may)| !may);
    let missing = missing.map(|(verb, _)| *verb).collect();
    Ok(KindSeen::Namespaced { plural, missing })
}

async fn may(client: &Client, kind: &PieceKind, plural: &str, verb: &str) -> kube::Result<bool> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(kind.group().to_owned()),
                resource: Some(plural.to_owned()),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
