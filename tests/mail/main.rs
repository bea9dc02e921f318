//! `clientele mail` as those see it who ask it: over real sockets, with real counters, and with an API server that is made up.

#![allow(
    clippy::disallowed_methods,
    reason = "tests have clocks and environments of their own"
)]

mod api;
mod counters;
mod crashes;
mod decisions;
mod http;
mod policy;
mod redis;
mod relays;
mod sasl;
mod telling;
mod world;
