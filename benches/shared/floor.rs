//! The floor: the same objects, made by a client that decides nothing, remembers nothing and waits for nothing.
//!
//! It writes as a member of the break-glass group, since the policies let nobody else but the operator make these
//! objects; they are evaluated all the same, up to the condition that exempts it.

use std::time::Instant;

use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use kube::Client;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Failure;
use super::figures::Pace;
use super::stage::{Filled, Stage};

/// Customers worked on at once, as the operator does by default.
pub const CONCURRENCY: usize = 32;

/// Calls in flight at once, as the operator has by default.
const CALLS: usize = 64;

/// What the bare client does beside, or instead of, a POST of every object: nothing of it is the floor, all of it are
/// the operator's calls without the operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Server-side apply of what is in the namespace.
    pub apply: bool,
    /// One status.
    pub status: Option<Form>,
    /// Under the operator's name.
    pub as_operator: bool,
}

/// How an object that exists is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By server-side apply.
    Apply,
    /// By merge patch.
    Merge,
}

impl Manner {
    /// What the operator does.
    pub const OPERATOR: Self = Self {
        apply: true,
        status: Some(Form::Apply),
        as_operator: true,
    };
}

/// The bare client, with the connections it has opened so far.
pub struct Bare<'a> {
    stage: &'a Stage,
    person: Client,
    operator: Client,
    calls: Semaphore,
}

impl<'a> Bare<'a> {
    /// A client that has not called yet.
    pub async fn new(stage: &'a Stage) -> Self {
        let groups = ["system:masters", "clientele:break-glass"];
        Self {
            person: stage.plane.as_user("floor", &groups).await,
            operator: stage
                .plane
                .as_service_account("clientele-system", "clientele")
                .await,
            calls: Semaphore::new(CALLS),
            stage,
        }
    }

    /// Makes these customers in this manner.
    pub async fn make(&self, names: &[String], manner: Manner) -> Result<Pace, Failure> {
        let before = self.stage.spent()?;
        let began = Instant::now();
        stream::iter(names)
            .map(|name| self.customer(name, manner))
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
        Ok(Pace {
            customers: names.len(),
            took: began.elapsed(),
            spent: self.stage.spent()?.since(&before),
        })
    }

    async fn customer(&self, name: &str, manner: Manner) -> Result<(), Failure> {
        let sample = &self.stage.sample;
        let writer = if manner.as_operator {
            &self.operator
        } else {
            &self.person
        };
        let own = sample.fill(&sample.customer, name, "");
        let made = self.create(&self.person, &own).await?;
        let metadata = |key: &str| made["metadata"][key].as_str().unwrap_or_default();
        let uid = metadata("uid");
        self.create(writer, &sample.fill(&sample.namespace, name, uid))
            .await?;
        try_join_all(sample.children.iter().map(async |child| {
            let child = sample.fill(child, name, uid);
            if manner.apply {
                self.patch(writer, &child.path, Form::Apply, child.body)
                    .await
            } else {
                self.create(writer, &child).await
            }
        }))
        .await?;
        if let Some(form) = manner.status {
            let status = sample.fill(&sample.status, name, uid);
            self.patch(writer, &status.path, form, status.body).await?;
        }
        Ok(())
    }

    /// Makes an object. One that Kubernetes has made meanwhile, the default ServiceAccount, is changed.
    async fn create(&self, client: &Client, object: &Filled) -> Result<Value, Failure> {
        let body = object.body.clone();
        let made = self
            .send(client, "POST", &object.collection, "application/json", body)
            .await;
        match made {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.patch(client, &object.path, Form::Merge, object.body.clone())
                    .await
            }
            made => Ok(made?),
        }
    }

    async fn patch(
        &self,
        client: &Client,
        path: &str,
        form: Form,
        body: String,
    ) -> Result<Value, Failure> {
        let (path, media) = match form {
            Form::Apply => (
                format!("{path}?fieldManager=clientele&force=true&fieldValidation=Ignore"),
                "application/apply-patch+yaml",
            ),
            Form::Merge => (path.to_owned(), "application/merge-patch+json"),
        };
        Ok(self.send(client, "PATCH", &path, media, body).await?)
    }

    async fn send(
        &self,
        client: &Client,
        method: &str,
        path: &str,
        media: &str,
        body: String,
    ) -> kube::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media)
            .body(body.into_bytes())
            .map_err(kube::Error::HttpError)?;
        let _turn = self.calls.acquire().await;
        client.request(request).await
    }
}
