//! What is counted over all customers, for metrics.

use super::world::World;
use crate::api::{Access, ServiceState};

impl World {
    /// How many customers have this access, by their status.
    pub fn customers_with(&self, access: Option<Access>) -> usize {
        let objects = self
            .customers
            .values()
            .filter_map(|object| object.object().ok());
        objects
            .filter(|customer| customer.status.as_ref().and_then(|status| status.access) == access)
            .count()
    }

    /// How many services of customers stand in each state.
    pub fn services_by_state(&self) -> [(ServiceState, usize); ServiceState::ALL.len()] {
        let customers = self.customers.values();
        let customers = customers.filter_map(|object| object.object().ok()?.status.as_ref());
        let mut counts = ServiceState::ALL.map(|state| (state, 0));
        for service in customers.flat_map(|status| &status.services) {
            if let Some((_, count)) = counts.iter_mut().find(|(state, _)| *state == service.state) {
                *count += 1;
            }
        }
        counts
    }
}
