//! Where objects are, and the requests to change them: plain JSON in and out, so that an answer that does not fit a type is no failure.

use http::Request;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, Pod, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, ValidationDirective,
};
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::Value;

use crate::api::meta::FIELD_MANAGER;
use crate::api::{
    ContactList, Customer, CustomerUser, DeletionRequest, Partner, PostalRoute, ServiceOffering,
    ServicePlan,
};
use crate::plan::Kind;
use crate::plan::step::{Application, ChildKind, PieceKind};

/// Objects in a page of a list.
const PAGE: u32 = 500;

/// A collection of the API and what its objects are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Path of the collection.
    url: String,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
}

impl Address {
    /// The collection of kind `K`, in a namespace if it is not empty.
    pub fn of<K: Resource<DynamicType = ()>>(namespace: &str) -> Self {
        Self {
            url: K::url_path(&(), (!namespace.is_empty()).then_some(namespace)),
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
        }
    }

    /// The collection of a kind of our own.
    pub fn own(kind: Kind, namespace: &str) -> Self {
        match kind {
            Kind::ServiceOffering => Self::of::<ServiceOffering>(namespace),
            Kind::ServicePlan => Self::of::<ServicePlan>(namespace),
            Kind::Partner => Self::of::<Partner>(namespace),
            Kind::PostalRoute => Self::of::<PostalRoute>(namespace),
            Kind::Customer => Self::of::<Customer>(namespace),
            Kind::CustomerUser => Self::of::<CustomerUser>(namespace),
            Kind::DeletionRequest => Self::of::<DeletionRequest>(namespace),
            Kind::ContactList => Self::of::<ContactList>(namespace),
        }
    }

    /// Namespaces.
    pub fn namespaces() -> Self {
        Self::of::<Namespace>("")
    }

    /// Pods in a namespace.
    pub fn pods(namespace: &str) -> Self {
        Self::of::<Pod>(namespace)
    }

    /// Secrets in a namespace.
    pub fn secrets(namespace: &str) -> Self {
        Self::of::<Secret>(namespace)
    }

    /// The collection of a kind that is made in namespaces.
    pub fn child(kind: ChildKind, namespace: &str) -> Self {
        match kind {
            ChildKind::ResourceQuota => Self::of::<ResourceQuota>(namespace),
            ChildKind::LimitRange => Self::of::<LimitRange>(namespace),
            ChildKind::NetworkPolicy => Self::of::<NetworkPolicy>(namespace),
            ChildKind::ServiceAccount => Self::of::<ServiceAccount>(namespace),
            ChildKind::ConfigMap => Self::of::<ConfigMap>(namespace),
            ChildKind::RoleBinding => Self::of::<RoleBinding>(namespace),
            ChildKind::Service => Self::of::<Service>(namespace),
        }
    }

    /// The collection of a kind that services put into namespaces, known only by its names.
    pub fn piece(kind: &PieceKind, plural: &str, namespace: &str) -> Self {
        let root = if kind.api_version.contains('/') {
            "apis"
        } else {
            "api"
        };
        Self {
            url: format!(
                "/{root}/{}/namespaces/{namespace}/{plural}",
                kind.api_version
            ),
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
        }
    }

    fn request(&self) -> kube::core::Request {
        kube::core::Request::new(self.url.clone())
    }

    /// Makes an object.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn create(&self, client: &Client, body: &Value) -> kube::Result<Value> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
        send(client, self.request().create(&params, body)).await
    }

    /// Reads an object.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn get(&self, client: &Client, name: &str) -> kube::Result<Value> {
        send(
            client,
            self.request().get(name, &kube::api::GetParams::default()),
        )
        .await
    }

    /// Server-side apply, forced: what we want wins.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn apply(&self, client: &Client, name: &str, body: &Value) -> kube::Result<Value> {
        send(
            client,
            self.request().patch(name, &applying(), &Patch::Apply(body)),
        )
        .await
    }

    /// Server-side apply by another field manager, forced.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn apply_as(
        &self,
        client: &Client,
        name: &str,
        application: &Application,
    ) -> kube::Result<Value> {
        let Application { body, manager } = application;
        let params = PatchParams {
            // What a person wrote into an offering is held to the schema of its kind.
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::apply(manager).force()
        };
        let request = self.request().patch(name, &params, &Patch::Apply(body));
        send(client, request).await
    }

    /// Server-side apply of the status alone.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn apply_status<S: Serialize>(
        &self,
        client: &Client,
        name: &str,
        body: &S,
    ) -> kube::Result<Value> {
        send(
            client,
            self.request()
                .patch_subresource("status", name, &applying(), &Patch::Apply(body)),
        )
        .await
    }

    /// Merge patch (RFC 7396).
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn merge(&self, client: &Client, name: &str, patch: &Value) -> kube::Result<Value> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        send(
            client,
            self.request().patch(name, &params, &Patch::Merge(patch)),
        )
        .await
    }

    /// Puts an object in place of the one that is there.
    ///
    /// # Errors
    /// What the API server or the client says.
    pub async fn replace(&self, client: &Client, name: &str, body: &Value) -> kube::Result<Value> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
        send(client, self.request().replace(name, &params, body)).await
    }

    /// One page of the collection, from a `continue` of the page before.
    ///
    /// # Errors
    /// What the API server or the client says; 410 when the pages have become too old.
    pub async fn page(&self, client: &Client, after: Option<&str>) -> kube::Result<Value> {
        let mut params = ListParams::default().limit(PAGE);
        if let Some(after) = after {
            params = params.continue_token(after);
        }
        send(client, self.request().list(&params)).await
    }

    /// Deletes the object of this UID.
    ///
    /// # Errors
    /// What the API server or the client says; 409 when another object has the name now.
    pub async fn delete(&self, client: &Client, name: &str, uid: &str) -> kube::Result<Value> {
        self.delete_within(client, name, uid, None).await
    }

    /// Deletes this version of an object, and no later one.
    ///
    /// # Errors
    /// What the API server or the client says; 409 when it was changed since.
    pub async fn delete_at(
        &self,
        client: &Client,
        name: &str,
        uid: &str,
        version: &str,
    ) -> kube::Result<Value> {
        let preconditions = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_owned()),
        };
        let params = DeleteParams {
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        send(client, self.request().delete(name, &params)).await
    }

    /// Deletes the object of this UID, which is given so many seconds to end, whatever it says itself.
    ///
    /// # Errors
    /// What the API server or the client says; 409 when another object has the name now.
    pub async fn delete_within(
        &self,
        client: &Client,
        name: &str,
        uid: &str,
        seconds: Option<u32>,
    ) -> kube::Result<Value> {
        let preconditions = Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        };
        let params = DeleteParams {
            preconditions: Some(preconditions),
            grace_period_seconds: seconds,
            ..DeleteParams::default()
        };
        send(client, self.request().delete(name, &params)).await
    }
}

/// Forced: what we want wins. Fields that the API server does not know are ignored without being looked for, which would parse
/// every body a second time: bodies are made from the types of the API, not written by people.
fn applying() -> PatchParams {
    PatchParams {
        field_validation: Some(ValidationDirective::Ignore),
        ..PatchParams::apply(FIELD_MANAGER).force()
    }
}

async fn send(
    client: &Client,
    request: Result<Request<Vec<u8>>, kube::core::request::Error>,
) -> kube::Result<Value> {
    client
        .request(request.map_err(kube::Error::BuildRequest)?)
        .await
}
