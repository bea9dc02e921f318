//! One object of a service, as it is kept.

use crate::observe::table::{Change, Entry, Id};
use crate::plan::observed::services::PieceSeen;

/// An object of a service, as it is kept.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is kept of it.
    pub seen: PieceSeen,
}

impl Entry for Piece {
    fn id(&self) -> Id {
        (self.namespace.clone(), self.name.clone())
    }

    fn uid(&self) -> &str {
        &self.seen.uid
    }

    fn version(&self) -> &str {
        &self.seen.resource_version
    }
}

/// Whether a write has made of an object just what it was to be, and nothing else about it is news.
pub(super) fn is_as_meant(change: &Change<Piece>) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        return false;
    };
    let expected = PieceSeen {
        resource_version: new.seen.resource_version.clone(),
        seal: new.seen.seal.clone(),
        stored: new.seen.stored,
        ..old.seen.clone()
    };
    new.seen == expected && new.seen.is_intact()
}
