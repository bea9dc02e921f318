//! The client stack and what stands on it, against an API server that is made up: one that answers late, half, wrong
//! or not at all. Clocks are virtual but where a real socket is the point.

#![allow(clippy::disallowed_methods, reason = "the clock is virtual")]

mod calls;
mod fake;
mod lease;
mod process;
mod relays;
mod socket;
mod watches;
