//! Clientele: customer management for Kubernetes.

#![warn(missing_docs)]

pub mod api;
