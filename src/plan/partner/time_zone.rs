//! The time zone in which limits on mail count.

use crate::api::{PartnerSpec, Reason};
use crate::domain::limits;
use crate::plan::Verdict;

/// What is wrong with the time zone. All else of the partner is as it should be, and limits hold all the same.
pub fn mistake(spec: &PartnerSpec) -> Option<Verdict> {
    let name = spec.time_zone.as_deref()?;
    let message = format!(
        "There is no time zone {name}: until it is corrected, limits on mail count as if none were given, in that of the partner \
         above, else in UTC. Set spec.timeZone to a name of the IANA database such as Europe/Berlin, or remove it."
    );
    let unknown = limits::zone(name).is_none();
    unknown.then_some(Verdict::Stalled(Reason::TimeZoneUnknown, message))
}
