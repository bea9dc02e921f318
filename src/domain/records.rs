//! What a tenant namespace remembers of services: which were used, since when one is out of use, and every object that was made.
//!
//! An object is written down before it is made, and its UID after, so that whenever the operator dies nothing is lost sight of.
//! Only what is written down here is ever pruned.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pieces::{PieceId, PieceKind};

/// Most former customers whose objects are recognised.
const FORMER: usize = 4;

/// The records of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRecords {
    /// Services that were used, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceRecord>,
    /// UIDs of Customers that had the tenant before, whose objects are in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
}

/// What is remembered of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRecord {
    /// Since when it is withdrawn or removed; none while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_since: Option<Timestamp>,
    /// Its objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<PieceRecord>,
}

/// An object that was made, or is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PieceRecord {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its UID, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl PieceRecord {
    /// Which object it is.
    pub fn id(&self) -> PieceId {
        PieceKind::new(&self.api_version, &self.kind).id(&self.name)
    }

    /// Whether it is a claim to storage, which is never deleted.
    pub fn is_claim(&self) -> bool {
        PieceKind::new(&self.api_version, &self.kind).is_claim()
    }
}

impl ServiceRecord {
    /// Whether there is anything left of it that can be deleted.
    pub fn has_goods(&self) -> bool {
        self.pieces.iter().any(|piece| !piece.is_claim())
    }

    /// Whether its customer counts as one of the offering.
    pub fn counts(&self) -> bool {
        self.out_since.is_none() || self.has_goods()
    }
}

impl ServiceRecords {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Remembers a Customer that had the tenant before.
    pub fn succeed(&mut self, uid: &str) {
        let known = self.former.iter().any(|former| former == uid);
        if known || uid.is_empty() || self.services.values().all(|it| it.pieces.is_empty()) {
            return;
        }
        self.former.insert(0, uid.to_owned());
        self.former.truncate(FORMER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_to_storage_are_no_goods() {
        let piece = |api_version: &str, kind: &str| PieceRecord {
            api_version: api_version.into(),
            kind: kind.into(),
            ..PieceRecord::default()
        };
        let mut record = ServiceRecord {
            out_since: Some(Timestamp::UNIX_EPOCH),
            pieces: vec![piece("v1", "PersistentVolumeClaim")],
        };
        assert!(!record.counts());
        record
            .pieces
            .push(piece("example.org/v1", "PersistentVolumeClaim"));
        assert!(record.counts(), "another group's kind of that name is none");
    }

    #[test]
    fn former_customers_are_remembered_while_there_are_objects() {
        let mut records = ServiceRecords::default();
        records.succeed("u1");
        assert!(records.former.is_empty());
        let record = records.services.entry("web".into()).or_default();
        record.pieces.push(PieceRecord::default());
        for uid in ["u1", "u1", "u2", "u3", "u4", "u5", ""] {
            records.succeed(uid);
        }
        assert_eq!(records.former, ["u5", "u4", "u3", "u2"]);
    }
}
