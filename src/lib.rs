//! Clientele: customer management for Kubernetes.

#![warn(missing_docs)]

pub mod api;
pub mod apply;
pub mod controller;
pub mod domain;
pub mod error;
pub mod observe;
pub mod ops;
pub mod plan;
pub mod settings;
