//! The suite that runs on a real API server, with the operator under the rights it is shipped with.

#![allow(
    clippy::disallowed_methods,
    reason = "what is promised about time is measured"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod api_server;
mod attempt;
mod bad_input;
mod budgets;
mod customers;
mod deletions;
mod disruptive;
mod drift;
mod escapes;
mod harness;
mod install;
mod kinds_lost;
mod lists;
mod mail;
mod next_hops;
mod operator;
mod orders;
mod partners;
mod policies;
mod rbac;
mod recovery;
mod relays;
mod replicas;
mod rights_used;
mod routes;
mod rules;
mod sending;
mod services;
mod steps;
mod stops;
mod tenancy;
mod tenants;
mod users;
