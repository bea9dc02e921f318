//! What the operator sees of the cluster.

pub mod tolerant;
