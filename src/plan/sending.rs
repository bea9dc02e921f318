//! What `clientele mail` tells in the status of a customer, in fields of its own beside the operator's: what was sent, and the conditions
//! that come of it.

use crate::api::{ConditionType, CustomerStatus, SendingStatus};

/// Conditions that `clientele mail` writes.
const MAILS: [ConditionType; 2] = [ConditionType::SendLimitNear, ConditionType::SendLimited];

/// Takes away what `clientele mail` writes.
pub fn keep_ours(status: &mut CustomerStatus) {
    let ours = |kind: &str| MAILS.iter().all(|mails| mails.as_str() != kind);
    status.conditions.retain(|told| ours(&told.type_));
    if let Some(sending) = &mut status.sending {
        sending.used = None;
    }
    status
        .sending
        .take_if(|sending| *sending == SendingStatus::default());
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::api::{Reason, SendUsed};
    use crate::plan::step::Outcome;
    use crate::plan::{Draft, Verdict, status};

    #[test]
    fn what_the_mail_service_tells_causes_no_write_and_is_never_written() {
        let sending = SendingStatus {
            allowed: Some(true),
            ..SendingStatus::default()
        };
        let fields = CustomerStatus {
            sending: Some(sending),
            ..CustomerStatus::default()
        };
        let draft = Draft::new(fields, Verdict::Ready(Reason::Settled, "fine".to_owned()));
        let conclude = |draft: Draft<CustomerStatus>, old: Option<&CustomerStatus>| {
            let outcome = Outcome::default();
            status::conclude(draft, &outcome, old, 1, 0, Timestamp::UNIX_EPOCH)
        };
        let ours = conclude(draft.clone(), None).expect("a first status");
        let mut both = ours.clone();
        both.conditions.push(crate::api::Condition {
            type_: ConditionType::SendLimited.as_str().to_owned(),
            ..ours.conditions[0].clone()
        });
        both.sending.as_mut().expect("sending").used = Some(SendUsed {
            hourly: 7,
            ..SendUsed::default()
        });
        assert_eq!(conclude(draft, Some(&both)), None);
        // What is paused is told as it was, and still only what is ours.
        let paused = Draft::paused(both.clone(), 1);
        let told = conclude(paused, Some(&both)).expect("it says so");
        assert_eq!(told.conditions.len(), 1);
        assert_eq!(told.sending, ours.sending);
    }
}
