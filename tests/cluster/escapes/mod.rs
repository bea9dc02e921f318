//! Ways out of a tenant, each tried as its own admin: the strongest person a customer has. Where there is an advisory, or a
//! project that was once left that way, its name stands with it.
//!
//! Every table says with which words an attempt is refused, because a refusal for another reason (a typing error in the
//! attempt) would look like safety. The last table is what the same person must be able to do: a tenant that is safe because
//! nothing works in it is of no use.

mod deletion;
mod everyday;
mod namespaces;
mod network;
mod objects;
mod rights;
mod storage;
mod workloads;

use super::attempt::{Attempt, try_all};
use super::tenancy::{Tenant, users_are_counted};
use crate::support::World;

/// Tries all of them as the admin of a tenant.
async fn as_admin(attempts: Vec<Attempt>) {
    let world = World::shared().await;
    let tenant = Tenant::of_operator(&world).await;
    let admin = tenant.admin(&world).await;
    try_all(&admin, &tenant, attempts).await;
}

/// The same, where the tenant's own CustomerUsers are made.
async fn as_admin_among_people(attempts: Vec<Attempt>) {
    let world = World::shared().await;
    users_are_counted(&world).await;
    let tenant = Tenant::of_operator(&world).await;
    let admin = tenant.admin(&world).await;
    try_all(&admin, &tenant, attempts).await;
}
