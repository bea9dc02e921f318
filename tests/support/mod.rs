//! What tests and benchmarks on a real API server stand on.
//!
//! One control plane serves the whole run, because starting one takes seconds; it starts with the first test that
//! asks and ends with the test process, however that ends. Tests run side by side in it and are kept apart by
//! partner: each makes its own ([`World::provider`]) under a name nobody else has.
//!
//! ```text
//! test ── World ──┬── ControlPlane   etcd, API server, controllers; deploy/ applied (clientele-local up)
//!                 ├── Operator       the real binary under its own ServiceAccount (clientele-local run)
//!                 └── Audit          who asked the API server for what
//! ```
//!
//! It is not a mock of anything, and it makes no assertion of its own but two: that the control plane comes up, and
//! that the operator has not panicked while a test ran.

// Compiled into several targets, none of which uses all of it.
#![allow(dead_code, unused_imports)]

mod audit;
pub mod chance;
mod control_plane;
mod fixtures;
pub mod normal;
mod operator;
pub mod relay;
mod wait;
mod world;

pub use audit::{Audit, AuditEvent, Calls, Mark};
pub use control_plane::{ControlPlane, Options};
pub use fixtures::*;
pub use operator::{OPERATOR_USER, Operator, SMTP_HOST, children};
pub use wait::{PATIENCE, Report, eventually, refused, until};
pub use world::World;
