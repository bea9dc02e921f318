//! What is known of contact lists: as a customer's ConfigMap names them, and what was read of one.

use std::sync::Arc;

use super::routes::Tried;
use crate::api::{ContactList, Customer, ListChecked};

/// A list in a tenant, as its customer needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSeen {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub sha256: String,
    /// How many entries it has.
    pub entries: i64,
    /// Whether its status says that this digest is approved.
    pub approved: bool,
    /// Whether it is to be read in a Secret.
    pub secret: bool,
}

/// Everything about one contact list.
#[derive(Clone, Debug)]
pub struct ListObserved {
    /// The object.
    pub list: Arc<ContactList>,
    /// Whether it is in a tenant namespace.
    pub in_tenant: bool,
    /// The customer of that tenant, if it exists and can be read.
    pub customer: Option<Arc<Customer>>,
    /// What it contains.
    pub contents: Tried<ContentsSeen>,
}

/// What was read of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentsSeen {
    /// It does not say where it can be read.
    NotNamed,
    /// This is in a list of this digest. It stays so: another list has another digest.
    Found(ListChecked),
    /// There is no such ConfigMap or Secret, or it has no such key.
    Missing(&'static str),
    /// It could not be read this time.
    Unreadable(String),
}
