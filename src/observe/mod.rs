//! What the operator sees of the cluster: watch streams kept as small tables, and from these everything about one object.
//!
//! ```text
//! watch ──▶ Tolerant / Seen ──▶ World { tables, index } ──▶ Observed (one object)
//!                                  │
//!                                  └──▶ keys of the objects that a change concerns
//! ```
//!
//! No judgement is made here and nothing is written. Objects of Clientele's own kinds are kept whole, what the operator makes for
//! them as fingerprints. Two things are asked of the API server instead of a cache, both rarely: what Secrets and lists hold, and why an object goes
//! ([`live`]).

mod census;
mod claims;
mod deletions;
mod index;
mod lists;
pub mod live;
mod logins;
mod next_hops;
pub mod own;
mod paths;
pub mod pieces;
mod references;
mod relations;
pub mod relay;
pub mod seen;
pub mod table;
pub mod tolerant;
pub mod views;
pub mod world;

pub use world::World;
