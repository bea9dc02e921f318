//! Clientele: customer management for Kubernetes.
//!
//! ```text
//!            ┌──────────────────────────── controller: drives ────────────────────────────┐
//!            │                                                                            │
//!  API ──────▶ observe ──────────────▶ plan ──────────────▶ apply ──────────────▶ plan::status ──▶ API
//!  server    │ watches, tables         │ Observed ─▶ Plan   │ Plan ─▶ Outcome   │ conclude       server
//!            │ Observed of one object  │ (rules: domain)    │ every write       │ the new status │
//!            └──────────────── next wake-up, or a watch that says who is concerned ◀──────────────┘
//!
//!  mail, a process of its own: what a mail server asks, answered from the statuses that the operator writes
//!  ops, around all of it: client and its limits, leader election, watchdog, logs, metrics, health, clock, shutdown
//! ```
//!
//! Who may use whom, and why; `tests/layering` holds this table:
//!
//! | module | may use of this crate | because |
//! | --- | --- | --- |
//! | `api` | nothing | what users write has no behaviour; rules are domain's |
//! | `domain` | `api` | rules are pure; hand them what they need, the time too |
//! | `plan` | `api` `domain` | deciding is pure; let observe find out and apply do |
//! | `observe` | `api` `domain` `error` `plan::observed` `plan::Key` `plan::Kind` `plan::Written` | looking changes and judges nothing; rules are plan's, writes apply's |
//! | `apply` | `api` `error` `plan::observed` `plan::step` `plan::notes` `plan::Key` `plan::Kind` `plan::Subject` `plan::Step` `plan::Written` | the plan has decided; let it say what apply would have to find out |
//! | `controller` | `api` `domain` `plan` `observe` `apply` `error` `ops` `settings` | it drives the flow; objects are made by plan and written by apply |
//! | `mail` | `api` `domain` `observe` `error` `ops` `settings` | it answers a mail server; what the operator decides it reads from statuses |
//! | `ops` | `error` `settings` | what a process needs around its work does not know the work |
//! | `settings` | `error` | settings are values; whoever acts on them is elsewhere |
//! | `error` | nothing | everybody names errors, so they name nobody |

#![warn(missing_docs)]

pub mod api;
pub mod apply;
pub mod controller;
pub mod domain;
pub mod error;
pub mod mail;
pub mod observe;
pub mod ops;
pub mod plan;
pub mod settings;
