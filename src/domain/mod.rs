//! What is true of customers, whoever asks: names, inheritance, access, identity.
//!
//! Pure rules over values. Nothing here knows a Kubernetes client, a task or a clock; a time that matters is an argument.
//! The plan (`crate::plan`) turns what these rules say into steps and conditions.

pub mod access;
pub mod claims;
pub mod contacts;
pub mod credential;
pub mod deletion;
pub mod domains;
pub mod duration;
pub mod entitlement;
pub mod facts;
pub mod fingerprint;
pub mod health;
pub mod limits;
pub mod lineage;
pub mod names;
pub mod number;
pub mod offering;
pub mod people;
pub mod pieces;
pub mod quantity;
pub mod records;
pub mod services;
pub mod trial;
