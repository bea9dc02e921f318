//! A cluster as two runs of one story can be compared.
//!
//! UIDs stay: the server derives them from name and number of births, so that they are the same where the same happened.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::object::Id;
use crate::sim::Sim;

#[path = "../support/normal.rs"]
mod form;

pub use form::{Cluster, assert_same, difference, less_history};

/// How often each object was made, and how often it went.
pub type Births = BTreeMap<String, (usize, usize)>;

fn named(id: &Id) -> String {
    format!("{} {}/{}", id.plural, id.namespace, id.name)
}

impl Sim {
    /// The cluster as it is.
    pub fn cluster(&self) -> Cluster {
        let state = self.server.state();
        let shown = state
            .store
            .all()
            .filter(|(id, _)| !id.plural.starts_with("validating"));
        shown
            .map(|(id, object)| {
                let mut object = Value::clone(object);
                form::mask(&mut object);
                (named(id), object)
            })
            .collect()
    }

    /// What has come and gone since the story began.
    pub fn births(&self) -> Births {
        let mut births = Births::new();
        for event in &self.server.state().store.log {
            let (made, gone) = births.entry(named(&event.id)).or_default();
            match (&event.old, &event.new) {
                (None, Some(_)) => *made += 1,
                (Some(_), None) => *gone += 1,
                _ => {}
            }
        }
        births.retain(|_, count| *count != (0, 0));
        births
    }
}
