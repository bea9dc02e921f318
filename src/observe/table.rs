//! One kind's objects as last seen, from two sources: the watch, and the answers to our own writes.
//!
//! The answer to a write is ahead of the watch, or behind it, so an older version of an object never replaces a newer one, one that
//! we deleted does not come back with a late event, and one that the watch saw going does not come back with a late answer. Versions are compared as numbers, which Kubernetes promises since 1.35
//! (KEP-5504).

use std::collections::{HashMap, HashSet};

use kube::runtime::watcher::Event;

/// Namespace (empty for cluster-scoped kinds) and name.
pub type Id = (String, String);

/// What a table needs to know of an entry.
pub trait Entry {
    /// Namespace and name.
    fn id(&self) -> Id;
    /// UID.
    fn uid(&self) -> &str;
    /// Resource version.
    fn version(&self) -> &str;
}

/// A difference that an event made.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<V> {
    /// Which entry.
    pub id: Id,
    /// What it was.
    pub old: Option<V>,
    /// What it is.
    pub new: Option<V>,
}

/// Entries by id.
#[derive(Debug)]
pub struct Table<V> {
    entries: HashMap<Id, V>,
    /// UIDs of entries that we deleted, until the watch has seen it too.
    gone: HashSet<String>,
    /// The newest version that the watch has told of: an answer of before, about what is not here, is about what is gone.
    told: String,
    /// While the watch lists everything anew: what it has listed so far.
    listing: Option<HashSet<Id>>,
    /// Whether the watch has listed everything at least once.
    complete: bool,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            gone: HashSet::new(),
            told: String::from("0"),
            listing: None,
            complete: false,
        }
    }
}

impl<V: Entry + Clone> Table<V> {
    /// The entry of this id.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&V> {
        self.entries.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All entries.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values()
    }

    /// Whether everything has been listed at least once.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes in a watch event.
    pub fn watched(&mut self, event: Event<V>) -> Vec<Change<V>> {
        match event {
            Event::Init => {
                self.listing = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(value) => {
                if let Some(listing) = &mut self.listing {
                    listing.insert(value.id());
                }
                self.told(value.version());
                self.take_in(value).into_iter().collect()
            }
            Event::InitDone => self.listed(),
            Event::Apply(value) => {
                self.told(value.version());
                self.take_in(value).into_iter().collect()
            }
            Event::Delete(value) => {
                self.told(value.version());
                self.gone.remove(value.uid());
                self.take(&value.id(), value.uid()).into_iter().collect()
            }
        }
    }

    /// Takes in the answer to a write of ours.
    pub fn put(&mut self, value: V) -> Option<Change<V>> {
        let late = !newer(value.version(), &self.told);
        if late && !self.entries.contains_key(&value.id()) {
            return None;
        }
        self.take_in(value)
    }

    fn told(&mut self, version: &str) {
        if newer(version, &self.told) {
            version.clone_into(&mut self.told);
        }
    }

    fn take_in(&mut self, value: V) -> Option<Change<V>> {
        let id = value.id();
        if self.gone.contains(value.uid()) {
            return None;
        }
        let old = self.entries.get(&id);
        if old.is_some_and(|old| old.uid() == value.uid() && !newer(value.version(), old.version()))
        {
            return None;
        }
        let old = self.entries.insert(id.clone(), value.clone());
        Some(Change {
            id,
            old,
            new: Some(value),
        })
    }

    /// Takes in that a delete of ours succeeded.
    pub fn deleted(&mut self, id: &Id, uid: &str) -> Option<Change<V>> {
        let change = self.take(id, uid);
        if change.is_some() {
            self.gone.insert(uid.to_owned());
        }
        change
    }

    fn take(&mut self, id: &Id, uid: &str) -> Option<Change<V>> {
        self.entries.get(id).filter(|old| old.uid() == uid)?;
        let old = self.entries.remove(id);
        Some(Change {
            id: id.clone(),
            old,
            new: None,
        })
    }

    /// The list is complete: what was not in it is gone.
    fn listed(&mut self) -> Vec<Change<V>> {
        self.complete = true;
        self.gone.clear();
        let Some(listed) = self.listing.take() else {
            return Vec::new();
        };
        let missing: Vec<Id> = self
            .entries
            .keys()
            .filter(|id| !listed.contains(*id))
            .cloned()
            .collect();
        missing
            .into_iter()
            .map(|id| {
                let old = self.entries.remove(&id);
                Change { id, old, new: None }
            })
            .collect()
    }
}

/// Whether a version is newer. One that is no number counts as newer: better once too often than never.
fn newer(version: &str, than: &str) -> bool {
    match (version.parse::<u128>(), than.parse::<u128>()) {
        (Ok(version), Ok(than)) => version > than,
        _ => version != than,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing(&'static str, &'static str, &'static str);

    impl Entry for Thing {
        fn id(&self) -> Id {
            ("ns".into(), self.0.into())
        }
        fn uid(&self) -> &str {
            self.1
        }
        fn version(&self) -> &str {
            self.2
        }
    }

    #[test]
    fn a_late_event_does_not_undo_what_we_wrote() {
        let mut table = Table::default();
        table.watched(Event::Apply(Thing("a", "u", "5")));
        assert!(table.put(Thing("a", "u", "10")).is_some());
        assert!(table.watched(Event::Apply(Thing("a", "u", "9"))).is_empty());
        assert_eq!(table.get("ns", "a"), Some(&Thing("a", "u", "10")));
    }

    #[test]
    fn another_object_of_the_name_replaces_the_first_whatever_its_version() {
        let mut table = Table::default();
        table.put(Thing("a", "u1", "10"));
        assert_eq!(table.watched(Event::Apply(Thing("a", "u2", "3"))).len(), 1);
    }

    #[test]
    fn what_we_deleted_does_not_come_back_with_a_late_event() {
        let mut table = Table::default();
        table.put(Thing("a", "u", "5"));
        assert!(table.deleted(&("ns".into(), "a".into()), "u").is_some());
        assert!(table.watched(Event::Apply(Thing("a", "u", "6"))).is_empty());
        assert!(
            table
                .watched(Event::Delete(Thing("a", "u", "7")))
                .is_empty()
        );
        assert_eq!(table.get("ns", "a"), None);
        assert_eq!(table.watched(Event::Apply(Thing("a", "u2", "8"))).len(), 1);
    }

    #[test]
    fn what_the_watch_saw_going_does_not_come_back_with_a_late_answer() {
        let mut table = Table::default();
        table.watched(Event::Apply(Thing("a", "u", "5")));
        table.watched(Event::Delete(Thing("a", "u", "7")));
        // Taking off the last finalizer is answered with the object as it last was.
        assert_eq!(table.put(Thing("a", "u", "5")), None);
        assert_eq!(table.get("ns", "a"), None);
        assert!(table.put(Thing("a", "u2", "8")).is_some());
    }

    #[test]
    fn a_late_delete_of_the_predecessor_leaves_the_successor() {
        let mut table = Table::default();
        table.put(Thing("a", "u2", "8"));
        assert!(
            table
                .watched(Event::Delete(Thing("a", "u1", "7")))
                .is_empty()
        );
    }

    #[test]
    fn a_new_list_removes_what_is_not_in_it() {
        let mut table = Table::default();
        assert!(!table.is_complete());
        table.watched(Event::Apply(Thing("a", "u", "1")));
        table.watched(Event::Init);
        table.watched(Event::InitApply(Thing("b", "v", "2")));
        let changes = table.watched(Event::InitDone);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].new, None);
        assert!(
            table.is_complete() && table.get("ns", "b").is_some() && table.get("ns", "a").is_none()
        );
    }
}
