//! The API a user writes: one file a kind, with spec, status, columns and rules, and no behaviour.
//!
//! The CRDs in `crds/` are generated from these types by [`crds`]; a test holds the two equal. What a kind of value may
//! be (a name, an e-mail address, a quantity) stands once in `shape`, what must hold between fields on the struct.

pub mod conditions;
pub mod contact_list;
mod crd;
pub mod customer;
pub mod customer_service;
pub mod customer_user;
pub mod deletion_request;
pub mod meta;
pub mod partner;
pub mod phase;
pub mod postal_route;
pub mod sending;
pub mod service_offering;
pub mod service_plan;
mod shape;

pub use conditions::*;
pub use contact_list::*;
pub use crd::{crds, crds_yaml};
pub use customer::*;
pub use customer_service::*;
pub use customer_user::*;
pub use deletion_request::*;
pub use partner::*;
pub use phase::*;
pub use postal_route::*;
pub use sending::*;
pub use service_offering::*;
pub use service_plan::*;
pub use shape::{
    MAX_FAULT, MAX_FAULTS, MAX_MESSAGE, MAX_PATH, MAX_STATUS_NAMES, MAX_STATUS_SERVICES,
};
