//! The parts of kube-controller-manager that the operator meets: quotas, default ServiceAccounts, garbage, deletion of namespaces and
//! CRDs.

use std::time::Duration;

use serde_json::{Value, json};

use super::object::{Id, going};
use super::resources::{RESOURCES, Resource};
use super::store::{Store, Writer};
use super::{Server, State};

/// How often something that is going is looked at again.
const SWEEP: Duration = Duration::from_millis(500);

const MANAGER: &str = "kube-controller-manager";

/// Follows the log and does what each change asks for, each thing after its delay.
pub fn start(server: &Server) {
    let server = server.clone();
    tokio::spawn(async move {
        let mut changes = server.subscribe();
        let mut at = 0;
        loop {
            changes.borrow_and_update();
            for (delay, job) in jobs(&server.state(), &mut at) {
                let server = server.clone();
                tokio::spawn(async move { job.run(&server, delay).await });
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    });
}

#[derive(Debug)]
enum Job {
    EnforceQuota(Id),
    AddServiceAccount(String),
    EmptyNamespace(Id),
    EmptyCrd(Id, &'static Resource),
    CollectGarbage,
}

fn jobs(state: &State, at: &mut usize) -> Vec<(Duration, Job)> {
    let mut jobs = Vec::new();
    for event in &state.store.log[*at..] {
        let owned = |object: &Value| !object["metadata"]["ownerReferences"].is_null();
        let may_own = ["postalroutes", "namespaces"].contains(&event.id.plural);
        if event.new.as_deref().map_or(may_own, owned) {
            jobs.push((SWEEP, Job::CollectGarbage));
        }
        let Some(new) = &event.new else { continue };
        let first_seen = event.old.is_none();
        let begins_to_go = going(new) && !event.old.as_deref().is_some_and(going);
        match event.id.plural {
            "resourcequotas" if new["spec"]["hard"] != new["status"]["hard"] => {
                jobs.push((state.pacing.quota, Job::EnforceQuota(event.id.clone())));
            }
            "namespaces" if begins_to_go => {
                jobs.push((SWEEP, Job::EmptyNamespace(event.id.clone())));
            }
            "namespaces" if first_seen => {
                let job = Job::AddServiceAccount(event.id.name.clone());
                jobs.push((state.pacing.service_account, job));
            }
            "customresourcedefinitions" if begins_to_go => {
                let resource = RESOURCES
                    .iter()
                    .find(|r| event.id.name == format!("{}.{}", r.plural, r.group));
                jobs.extend(resource.map(|r| (SWEEP, Job::EmptyCrd(event.id.clone(), r))));
            }
            _ => {}
        }
    }
    *at = state.store.log.len();
    jobs
}

impl Job {
    async fn run(self, server: &Server, delay: Duration) {
        loop {
            tokio::time::sleep(delay).await;
            let done = server.write(MANAGER, |store, by| self.work(store, by));
            if done {
                return;
            }
        }
    }

    /// Does a bit of it; true when nothing is left to do.
    fn work(&self, store: &mut Store, by: Writer<'_>) -> bool {
        match self {
            Self::EnforceQuota(id) => {
                let quota = store.get(id).cloned().unwrap_or_default();
                let hard = &quota["spec"]["hard"];
                if *hard != quota["status"]["hard"] {
                    store.set_status(id, json!({ "hard": hard, "used": {} }));
                }
                true
            }
            Self::AddServiceAccount(namespace) => {
                let resource = Resource::named("serviceaccounts");
                let id = Id::new(resource, namespace, "default");
                // Made by somebody else meanwhile, or in a namespace that is gone: both are as well.
                let _ = store.create(resource, &id, &json!({ "metadata": {} }), by);
                true
            }
            Self::EmptyNamespace(id) => {
                let inside = take_away(store, by, |inner| inner.namespace == id.name);
                if inside == 0 {
                    store.remove(id);
                }
                inside == 0
            }
            Self::EmptyCrd(id, resource) => {
                let left = take_away(store, by, |inner| inner.plural == resource.plural);
                if left == 0 {
                    store.remove(id);
                }
                left == 0
            }
            Self::CollectGarbage => {
                let garbage: Vec<Id> = store
                    .all()
                    .filter(|(_, object)| is_garbage(store, object))
                    .map(|(id, _)| id.clone())
                    .collect();
                for id in &garbage {
                    let _ = store.delete(Resource::named(id.plural), id, &Value::Null, by);
                }
                true
            }
        }
    }
}

/// Whether an object has owners, and none of them is there any more.
fn is_garbage(store: &Store, object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| {
        owners.iter().all(|owner| {
            let mut all = store.all();
            all.all(|(_, object)| object["metadata"]["uid"] != owner["uid"])
        })
    })
}

/// Deletes all such objects; gives how many are left, held by finalizers.
fn take_away(store: &mut Store, by: Writer<'_>, concerned: impl Fn(&Id) -> bool) -> usize {
    let ids: Vec<Id> = store
        .all()
        .map(|(id, _)| id.clone())
        .filter(|id| concerned(id))
        .collect();
    for id in &ids {
        // Gone already is as well.
        let _ = store.delete(Resource::named(id.plural), id, &Value::Null, by);
    }
    store.all().filter(|(id, _)| concerned(id)).count()
}
