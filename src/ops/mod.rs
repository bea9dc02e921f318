//! What a long-running process needs around the work itself: access to the API server with limits and timeouts,
//! logs, metrics, health, leader election, and an orderly end.
//!
//! Nothing here knows a kind of Clientele's. What may not hang has its bound here: a call ([`calls`]), a watch
//! ([`watchdog`]), a Lease ([`lease`]), and what
//! one who holds it no more would still write ([`mandate`]).

pub mod body;
pub mod calls;
pub mod client;
pub mod clock;
pub mod http;
pub mod lease;
pub mod mandate;
pub mod metrics;
pub mod shutdown;
pub mod target;
pub mod telemetry;
pub mod watchdog;
