//! The kinds of Clientele's own, and which table of the world each is in.

use std::collections::BTreeSet;

use kube::Resource;
use kube::api::ObjectMeta;

use super::table::{Change, Table};
use super::tolerant::Tolerant;
use super::world::World;
use crate::api::{
    ContactList, Customer, CustomerUser, DeletionRequest, Partner, PostalRoute, ServiceOffering,
    ServicePlan,
};
use crate::plan::{Key, Kind};

/// A kind of Clientele's own.
pub trait Own: Resource<DynamicType = ()> + Clone + Send + Sync + 'static {
    /// Which one.
    const KIND: Kind;
    /// Its table.
    fn table(world: &World) -> &Table<Tolerant<Self>>;
    /// Its table, to change it.
    fn table_mut(world: &mut World) -> &mut Table<Tolerant<Self>>;
    /// An object of which nothing is known but its metadata.
    fn remains(metadata: ObjectMeta) -> Self;
    /// The objects that a change of an object of this kind may concern, but for itself.
    fn concerns(world: &mut World, change: &Change<Tolerant<Self>>) -> BTreeSet<Key>;
}

macro_rules! own {
    ($($kind:ident => $field:ident, $concerns:ident;)+) => {$(
        impl Own for $kind {
            const KIND: Kind = Kind::$kind;

            fn table(world: &World) -> &Table<Tolerant<Self>> {
                &world.$field
            }

            fn table_mut(world: &mut World) -> &mut Table<Tolerant<Self>> {
                &mut world.$field
            }

            fn remains(metadata: ObjectMeta) -> Self {
                Self {
                    metadata,
                    ..Self::new("", Default::default())
                }
            }

            fn concerns(world: &mut World, change: &Change<Tolerant<Self>>) -> BTreeSet<Key> {
                world.$concerns(change)
            }
        }
    )+};
}

own! {
    ServiceOffering => offerings, offering_concerns;
    ServicePlan => plans, plan_concerns;
    Partner => partners, partner_concerns;
    PostalRoute => routes, route_concerns;
    Customer => customers, customer_concerns;
    CustomerUser => users, user_concerns;
    DeletionRequest => requests, request_concerns;
    ContactList => lists, list_concerns;
}
