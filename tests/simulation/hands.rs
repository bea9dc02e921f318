//! What a test does to the cluster and sees of it, past the operator.

use serde::Serialize;
use serde_json::{Value, json};

use crate::server::object::Id;
use crate::server::refusal::Refusal;
use crate::server::resources::Resource;
use crate::sim::Sim;

impl Sim {
    /// Makes an object as a person.
    pub fn create(&self, object: &impl Serialize) {
        self.try_create(object)
            .unwrap_or_else(|refusal| panic!("{refusal:?}"));
    }

    /// Makes an object as a person who can bear a refusal.
    pub fn try_create(&self, object: &impl Serialize) -> Result<(), Refusal> {
        let (id, resource, body) = sorted_out(object);
        self.server
            .write("person", |store, by| store.create(resource, &id, &body, by))
            .map(drop)
    }

    /// Puts an object as it is past every check.
    pub fn plant(&self, object: &impl Serialize) {
        let (id, resource, body) = sorted_out(object);
        self.server
            .write("etcd", |store, by| store.plant(resource, &id, body, by));
    }

    /// Changes an object by merge patch as somebody.
    pub fn edit_as(&self, who: &str, plural: &str, namespace: &str, name: &str, patch: &Value) {
        let resource = Resource::named(plural);
        let id = Id::new(resource, namespace, name);
        self.server
            .write(who, |store, by| {
                store.merge(resource, &id, false, patch, by)
            })
            .unwrap_or_else(|refusal| panic!("{id:?}: {refusal:?}"));
    }

    /// Changes an object by merge patch as a person.
    pub fn edit(&self, plural: &str, namespace: &str, name: &str, patch: Value) {
        self.edit_as("person", plural, namespace, name, &patch);
    }

    /// Changes the spec of an object by merge patch.
    pub fn spec(&self, plural: &str, namespace: &str, name: &str, patch: Value) {
        self.edit(plural, namespace, name, json!({ "spec": patch }));
    }

    /// Sets an annotation, or takes it away.
    pub fn annotate(
        &self,
        plural: &str,
        namespace: &str,
        name: &str,
        key: &str,
        value: Option<&str>,
    ) {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        self.edit(plural, namespace, name, patch);
    }

    /// Applies a status as a process beside the operator.
    pub fn tell_status(
        &self,
        who: &str,
        plural: &str,
        namespace: &str,
        name: &str,
        status: &Value,
    ) {
        let resource = Resource::named(plural);
        let id = Id::new(resource, namespace, name);
        let body = json!({ "status": status });
        self.server
            .write(who, |store, by| store.apply(resource, &id, true, &body, by))
            .unwrap_or_else(|refusal| panic!("{id:?}: {refusal:?}"));
    }

    /// Deletes an object as a person.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let resource = Resource::named(plural);
        let id = Id::new(resource, namespace, name);
        self.server
            .write("person", |store, by| {
                store.delete(resource, &id, &Value::Null, by)
            })
            .unwrap_or_else(|refusal| panic!("{id:?}: {refusal:?}"));
    }

    /// An object as JSON, if it is there.
    pub fn find(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let id = Id::new(Resource::named(plural), namespace, name);
        self.server
            .state()
            .store
            .get(&id)
            .map(|object| Value::clone(object))
    }

    /// An object as JSON.
    pub fn see(&self, plural: &str, namespace: &str, name: &str) -> Value {
        self.find(plural, namespace, name)
            .unwrap_or_else(|| panic!("{plural} {namespace}/{name} is not there"))
    }

    /// Names of the objects of a resource in a namespace.
    pub fn names(&self, plural: &str, namespace: &str) -> Vec<String> {
        let state = self.server.state();
        let objects = state.store.of(plural);
        objects
            .filter(|(id, _)| id.namespace == namespace)
            .map(|(id, _)| id.name.clone())
            .collect()
    }

    /// Status and reason of a condition: `True Settled`, or nothing.
    pub fn condition(&self, plural: &str, namespace: &str, name: &str, kind: &str) -> String {
        let object = self.see(plural, namespace, name);
        let conditions = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions
            .iter()
            .find(|condition| condition["type"] == kind);
        found.map_or_else(String::new, |condition| {
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("status"), text("reason"))
        })
    }

    /// `Ready` of an object.
    pub fn ready(&self, plural: &str, namespace: &str, name: &str) -> String {
        self.condition(plural, namespace, name, "Ready")
    }
}

fn sorted_out(object: &impl Serialize) -> (Id, &'static Resource, Value) {
    let body = serde_json::to_value(object).expect("serializes");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = Resource::of_kind(&text(&body["kind"]));
    let metadata = &body["metadata"];
    (
        Id::new(
            resource,
            &text(&metadata["namespace"]),
            &text(&metadata["name"]),
        ),
        resource,
        body,
    )
}
