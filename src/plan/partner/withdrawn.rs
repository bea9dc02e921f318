//! What a partner no longer offers although customers use it.

use crate::api::WithdrawnService;
use crate::domain::lineage::Lineage;
use crate::plan::observed::PartnerObserved;

/// Most services in a status of which customers have lost the use.
const MAX_WITHDRAWN: usize = 16;

/// Services that customers use here and below and that are not offered here any more, those that hit most first.
pub fn services(observed: &PartnerObserved, lineage: &Lineage) -> Vec<WithdrawnService> {
    let mut withdrawn: Vec<_> = observed
        .withdrawn
        .iter()
        .filter(|(service, _)| lineage.offers_service(service).is_err())
        .map(|(service, customers)| WithdrawnService {
            service: service.clone(),
            customers: *customers,
        })
        .collect();
    withdrawn.sort_by_key(|it| std::cmp::Reverse(it.customers));
    withdrawn.truncate(MAX_WITHDRAWN);
    withdrawn
}
