//! The objects: what each write does to them, as the real server does it.
//!
//! One counter of versions for everything; a write that changes nothing is none; UIDs follow from kind, name and how often there was
//! one of that name, so that two runs of the same story can be compared down to what is derived from a UID.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fields::{self, Owners};
use super::object::{
    Id, finalizers, going, kept_apart, next_generation, preconditions, seconds, uid,
};

use super::refusal::Refusal;
use super::resources::Resource;

#[derive(Clone, Debug)]
struct Stored {
    object: Arc<Value>,
    owners: Owners,
}

/// One change, as watches tell it.
#[derive(Clone, Debug)]
pub struct Event {
    pub version: u64,
    pub at: Instant,
    pub id: Id,
    pub old: Option<Arc<Value>>,
    pub new: Option<Arc<Value>>,
}

/// Everything there is, and all that ever happened to it.
#[derive(Clone, Debug, Default)]
pub struct Store {
    objects: BTreeMap<Id, Stored>,
    births: BTreeMap<Id, u64>,
    version: u64,
    pub log: Vec<Event>,
}

/// What a writer says of itself and of the time.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    pub manager: &'a str,
    pub now: Timestamp,
}

type Answer = Result<Arc<Value>, Refusal>;

impl Store {
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, id: &Id) -> Option<&Arc<Value>> {
        self.objects.get(id).map(|stored| &stored.object)
    }

    pub fn all(&self) -> impl Iterator<Item = (&Id, &Arc<Value>)> {
        self.objects.iter().map(|(id, stored)| (id, &stored.object))
    }

    pub fn of(&self, plural: &str) -> impl Iterator<Item = (&Id, &Arc<Value>)> {
        self.all().filter(move |(id, _)| id.plural == plural)
    }

    /// Refuses what concerns a kind while its CRD is not there.
    pub fn served(&self, resource: &Resource) -> Result<(), Refusal> {
        let crd = format!("{}.{}", resource.plural, resource.group);
        let id = Id::new(Resource::named("customresourcedefinitions"), "", &crd);
        if resource.has_crd() && !self.objects.contains_key(&id) {
            return Err(Refusal::unknown_resource());
        }
        Ok(())
    }

    fn found(&self, id: &Id) -> Result<&Stored, Refusal> {
        self.objects.get(id).ok_or_else(|| Refusal::not_found(id))
    }

    fn room_for(&self, resource: &Resource, id: &Id) -> Result<(), Refusal> {
        self.served(resource)?;
        if !resource.namespaced {
            return Ok(());
        }
        let namespace = Id::new(Resource::named("namespaces"), "", &id.namespace);
        let room = self.found(&namespace)?;
        if going(&room.object) {
            return Err(Refusal::namespace_terminating(&id.namespace));
        }
        Ok(())
    }

    /// POST. A `creationTimestamp` in the body is kept, so that a test may choose who is older.
    pub fn create(&mut self, resource: &Resource, id: &Id, body: &Value, by: Writer<'_>) -> Answer {
        self.room_for(resource, id)?;
        if self.objects.contains_key(id) {
            return Err(Refusal::already_exists(id));
        }
        let mut object = body.clone();
        if resource.is_own() {
            object["status"] = json!({ "observedGeneration": -1 });
        }
        let mut owners = Owners::default();
        owners.updated(&Value::Null, &object, by.manager);
        Ok(self.give_birth(resource, id, object, owners, by))
    }

    fn give_birth(
        &mut self,
        resource: &Resource,
        id: &Id,
        mut object: Value,
        owners: Owners,
        by: Writer<'_>,
    ) -> Arc<Value> {
        let births = self.births.entry(id.clone()).or_default();
        *births += 1;
        let uid = uid(id, *births);
        object["apiVersion"] = resource.api_version().into();
        object["kind"] = resource.kind.into();
        let metadata = &mut object["metadata"];
        metadata["name"] = id.name.clone().into();
        if resource.namespaced {
            metadata["namespace"] = id.namespace.clone().into();
        }
        metadata["uid"] = uid.into();
        if metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = seconds(by.now).into();
        }
        if resource.is_own() {
            metadata["generation"] = 1.into();
        }
        if resource.kind == "Namespace" {
            metadata["labels"]["kubernetes.io/metadata.name"] = id.name.clone().into();
            object["status"] = json!({ "phase": "Active" });
        }
        if resource.kind == "CustomResourceDefinition" {
            object["metadata"]["finalizers"] =
                json!(["customresourcecleanup.apiextensions.k8s.io"]);
        }
        owners.tell(&mut object);
        self.put(id, object, owners)
    }

    /// PATCH, server-side apply (forced).
    pub fn apply(
        &mut self,
        resource: &Resource,
        id: &Id,
        status: bool,
        body: &Value,
        by: Writer<'_>,
    ) -> Answer {
        self.served(resource)?;
        let Some(stored) = self.objects.get(id) else {
            if status {
                return Err(Refusal::not_found(id));
            }
            self.room_for(resource, id)?;
            if !body["metadata"]["uid"].is_null() {
                return Err(Refusal::conflict(
                    id,
                    "no object has the uid that was given",
                ));
            }
            let mut owners = Owners::default();
            let object = owners.apply(&Value::Null, body, by.manager);
            return Ok(self.give_birth(resource, id, object, owners, by));
        };
        let (old, mut owners) = (Arc::clone(&stored.object), stored.owners.clone());
        preconditions(id, &old, body)?;
        let mut body = body.clone();
        if status {
            body = json!({ "status": body["status"] });
        } else if resource.is_own() {
            body.as_object_mut().expect("an object").remove("status");
        }
        let new = owners.apply(&old, &body, by.manager);
        self.update(resource, id, &old, new, owners)
    }

    /// PATCH, merge patch.
    pub fn merge(
        &mut self,
        resource: &Resource,
        id: &Id,
        status: bool,
        patch: &Value,
        by: Writer<'_>,
    ) -> Answer {
        self.served(resource)?;
        let stored = self.found(id)?;
        let (old, mut owners) = (Arc::clone(&stored.object), stored.owners.clone());
        preconditions(id, &old, patch)?;
        let mut new = Value::clone(&old);
        fields::merge(&mut new, patch);
        let new = kept_apart(resource, status, &old, new);
        owners.updated(&old, &new, by.manager);
        self.update(resource, id, &old, new, owners)
    }

    /// PUT.
    pub fn replace(
        &mut self,
        resource: &Resource,
        id: &Id,
        status: bool,
        body: &Value,
        by: Writer<'_>,
    ) -> Answer {
        self.served(resource)?;
        let stored = self.found(id)?;
        let (old, mut owners) = (Arc::clone(&stored.object), stored.owners.clone());
        preconditions(id, &old, body)?;
        let mut new = body.clone();
        for field in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "generation",
            "resourceVersion",
        ] {
            match old["metadata"].get(field) {
                Some(value) => new["metadata"][field] = value.clone(),
                None => drop(new["metadata"].as_object_mut().map(|m| m.remove(field))),
            }
        }
        if !resource.is_own() {
            // The status of these is another writer's; a PUT of the object leaves it alone.
            match old.get("status") {
                Some(value) => new["status"] = value.clone(),
                None => drop(new.as_object_mut().map(|object| object.remove("status"))),
            }
        }
        let new = kept_apart(resource, status, &old, new);
        owners.updated(&old, &new, by.manager);
        self.update(resource, id, &old, new, owners)
    }

    fn update(
        &mut self,
        resource: &Resource,
        id: &Id,
        old: &Arc<Value>,
        mut new: Value,
        owners: Owners,
    ) -> Answer {
        if resource.kind == "RoleBinding" && old["roleRef"] != new["roleRef"] {
            return Err(Refusal::invalid(id, "roleRef: cannot change roleRef"));
        }
        let version = old["metadata"]["resourceVersion"].clone();
        new["metadata"]["resourceVersion"] = version;
        owners.tell(&mut new);
        if resource.is_own() && old["spec"] != new["spec"] {
            next_generation(&mut new);
        }
        if going(&new) && finalizers(&new) == 0 && resource.kind != "Namespace" {
            self.objects.remove(id);
            self.tell(id, Some(Arc::clone(old)), None);
            // What was asked for is answered, at the version it was asked of.
            return Ok(Arc::new(new));
        }
        if **old == new {
            // Only who owns what may have changed, which nobody here watches.
            let object = Arc::clone(old);
            self.objects.insert(id.clone(), Stored { object, owners });
            return Ok(Arc::clone(old));
        }
        Ok(self.put(id, new, owners))
    }

    /// DELETE.
    pub fn delete(
        &mut self,
        resource: &Resource,
        id: &Id,
        options: &Value,
        by: Writer<'_>,
    ) -> Result<(), Refusal> {
        self.served(resource)?;
        let stored = self.found(id)?;
        let (old, owners) = (Arc::clone(&stored.object), stored.owners.clone());
        preconditions(id, &old, &json!({ "metadata": options["preconditions"] }))?;
        if finalizers(&old) == 0 && resource.kind != "Namespace" {
            self.objects.remove(id);
            self.tell(id, Some(old), None);
            return Ok(());
        }
        if going(&old) {
            return Ok(());
        }
        let mut new = Value::clone(&old);
        new["metadata"]["deletionTimestamp"] = seconds(by.now).into();
        if resource.is_own() {
            next_generation(&mut new);
        }
        if resource.kind == "Namespace" {
            new["status"]["phase"] = "Terminating".into();
        }
        self.put(id, new, owners);
        Ok(())
    }

    /// Puts a status in place of the one before, as the controller of a built-in kind does.
    pub fn set_status(&mut self, id: &Id, status: Value) {
        if let Some(stored) = self.objects.get(id).cloned() {
            let mut object = Value::clone(&stored.object);
            object["status"] = status;
            self.put(id, object, stored.owners);
        }
    }

    /// What the namespace controller does at last.
    pub fn remove(&mut self, id: &Id) {
        if let Some(stored) = self.objects.remove(id) {
            self.tell(id, Some(stored.object), None);
        }
    }

    /// Puts an object as it is, past every check: what another version of the API once let through.
    pub fn plant(&mut self, resource: &Resource, id: &Id, object: Value, by: Writer<'_>) {
        match self
            .objects
            .get(id)
            .map(|stored| Arc::clone(&stored.object))
        {
            None => drop(self.give_birth(resource, id, object, Owners::default(), by)),
            Some(_) => drop(self.put(id, object, Owners::default())),
        }
    }

    fn put(&mut self, id: &Id, mut object: Value, owners: Owners) -> Arc<Value> {
        object["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        let object = Arc::new(object);
        let stored = Stored {
            object: Arc::clone(&object),
            owners,
        };
        let old = self
            .objects
            .insert(id.clone(), stored)
            .map(|old| old.object);
        self.tell(id, old, Some(Arc::clone(&object)));
        object
    }

    fn tell(&mut self, id: &Id, old: Option<Arc<Value>>, new: Option<Arc<Value>>) {
        self.version += 1;
        self.log.push(Event {
            version: self.version,
            at: super::tick(),
            id: id.clone(),
            old,
            new,
        });
    }
}
