//! What was observed of services: offerings as they were checked, and the objects that they put into tenants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::text;
use crate::api::{ServiceOffering, meta};
use crate::domain::health::{self, Health};
use crate::domain::offering::requires::Requirements;
use crate::domain::offering::{Fault, Offering, kinds};
use crate::domain::pieces::{self, PieceId, PieceKind};
use crate::plan::step::PieceStep;

/// What the operator does to objects of services. Nothing is listed or read one by one: a watch begins with what is there.
const VERBS: [&str; 4] = ["watch", "create", "patch", "delete"];

/// What it does to objects of this kind. Claims to storage are never deleted, so no right to that is asked for.
pub fn verbs(kind: &PieceKind) -> &'static [&'static str] {
    if kind.is_claim() { &VERBS[..3] } else { &VERBS }
}

/// What the API server says of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindSeen {
    /// It has none of that name in that version.
    Unknown,
    /// Its objects are in no namespace.
    Cluster,
    /// Its objects are in namespaces.
    Namespaced {
        /// Its name in paths.
        plural: String,
        /// Those of [`verbs`] that the operator has no right to.
        missing: Vec<&'static str>,
    },
}

/// An offering as it was looked at: parsed, and its kinds asked for.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Which version of it: its UID and generation.
    pub version: (String, i64),
    /// What it is parsed into, or everything that is wrong with it.
    pub compiled: Result<Arc<Offering>, Arc<[Fault]>>,
    /// Its kinds.
    pub kinds: BTreeMap<PieceKind, KindSeen>,
}

/// Everything about one offering.
#[derive(Clone, Debug)]
pub struct OfferingObserved {
    /// The object.
    pub offering: Arc<ServiceOffering>,
    /// It as it was checked.
    pub checked: Checked,
    /// What each offering requires, by name.
    pub requirements: Requirements,
    /// How many customers have it.
    pub customers: i64,
    /// When the count was last written by this process.
    pub counted_at: Option<Timestamp>,
}

/// An offering as customers get it: the version that was checked last.
#[derive(Clone, Debug)]
pub struct OfferingSeen {
    /// The object of that version.
    pub object: Arc<ServiceOffering>,
    /// What it is parsed into, if that can be done.
    pub compiled: Option<Arc<Offering>>,
    /// Whether nothing is wrong with it.
    pub in_order: bool,
}

impl Checked {
    /// Whether it is this version that was looked at.
    pub fn is_of(&self, offering: &ServiceOffering) -> bool {
        self.version == version(offering)
    }
}

/// The version of an offering: its UID and generation.
pub fn version(offering: &ServiceOffering) -> (String, i64) {
    let metadata = &offering.metadata;
    (
        metadata.uid.clone().unwrap_or_default(),
        metadata.generation.unwrap_or_default(),
    )
}

/// Offerings by name.
pub type Offerings = BTreeMap<String, OfferingSeen>;

/// What is kept of an object of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceSeen {
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// The service it says it is of.
    pub service: String,
    /// The customer it says it is of.
    pub customer_uid: String,
    /// What it was rendered as.
    pub seal: String,
    /// The fingerprint of what its service's field manager owns, as it is stored.
    pub stored: u64,
    /// Whether it runs nothing as it is.
    pub stopped: bool,
    /// Whether it is kept from running.
    pub held: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// How it is.
    pub health: Health,
}

impl PieceSeen {
    /// What is seen of an object of this kind, from its JSON. Never fails.
    pub fn read(kind: &PieceKind, object: &Value) -> Self {
        let metadata = &object["metadata"];
        let service = text(&metadata["labels"], meta::LABEL_SERVICE);
        Self {
            uid: text(metadata, "uid"),
            resource_version: text(metadata, "resourceVersion"),
            customer_uid: text(&metadata["labels"], meta::LABEL_CUSTOMER_UID),
            seal: text(&metadata["annotations"], meta::ANNOTATION_SEAL),
            stored: pieces::owned_by(kind, object, &pieces::manager(&service)),
            stopped: kinds::stop(&kind.api_version, &kind.kind).holds(object),
            held: pieces::has_applied(object, meta::STOP_MANAGER),
            deleting: !metadata["deletionTimestamp"].is_null(),
            health: health::of(object),
            service,
        }
    }

    /// Whether it is as it was applied, and this is what is to be applied.
    pub fn is_as(&self, seal: &str) -> bool {
        pieces::same_rendering(&self.seal, seal) && self.is_intact()
    }

    /// Whether it is as it was applied.
    pub fn is_intact(&self) -> bool {
        pieces::is_intact(&self.seal, self.stored)
    }
}

/// A write to an object of a service that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSeen {
    /// What was to be done, as [`PieceStep::aim`] tells it.
    pub aim: String,
    /// What it said.
    pub message: String,
    /// Whether an object of that name is there that is somebody else's.
    pub taken: bool,
    /// In how long it is worth another try; nothing if it is now.
    pub again_in: Duration,
}

impl RefusedSeen {
    /// Whether this is what was refused.
    pub fn is_of(&self, step: &PieceStep) -> bool {
        self.aim == step.aim()
    }

    /// Whether it is worth another try.
    pub const fn is_due(&self) -> bool {
        self.again_in.is_zero()
    }
}

/// What one customer's services are decided on.
#[derive(Clone, Debug, Default)]
pub struct ServicesSeen {
    /// All offerings that were checked.
    pub offerings: Arc<Offerings>,
    /// Names of offerings that are there and not yet checked.
    pub unchecked: BTreeSet<String>,
    /// Kinds whose watch has listed everything, with their names in paths.
    pub plurals: Arc<BTreeMap<PieceKind, String>>,
    /// Objects in the tenant namespace that say they are of a service.
    pub pieces: BTreeMap<PieceId, PieceSeen>,
    /// Writes that were refused last time.
    pub refused: BTreeMap<PieceId, RefusedSeen>,
    /// How many customers, in the whole cluster, have lost the use of a service.
    pub withdrawn: BTreeMap<String, usize>,
    /// How many may without a person's word that it is meant.
    pub crowd: usize,
}
