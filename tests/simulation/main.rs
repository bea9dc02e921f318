//! The operator, whole and unchanged, on a simulated API server in simulated time.
//!
//! Everything from watches and queues to plan, apply and status is what runs in production; the server is a few tables in memory
//! ([`server`]), the clock is tokio's, stopped, and moves when nothing else can happen. So a story of hours takes milliseconds, a
//! process can die at any write, watches can be late, and what came of it is compared down to the last field.
//!
//! Four oracles, as in Sieve (OSDI '22): the end state equals a reference; every object was made and deleted as often as in the
//! reference; what may never happen never happened ([`server`]'s guard looks at each call); a settled world is silent.

#[path = "../support/chance.rs"]
mod chance;
mod hands;
mod normal;
mod people;
mod relays;
mod scenes;
mod server;
mod sim;
mod wishes;
mod workloads;

mod access;
mod annotations;
mod answers;
mod cards;
mod chains;
mod crashes;
mod creation;
mod deletions;
mod departures;
mod drift;
mod forms;
mod lists;
mod logins;
mod next_hops;
mod orders;
mod paths;
mod pictures;
mod plans;
mod purges;
mod retention;
mod routes;
mod sending;
mod services;
mod singly;
mod stale;
mod stops;
mod swept;
mod trials;
mod unreadable;
