//! What is worth an Event: transitions that a person would want to be told, never a settled state.

mod services;

use super::status::Conditioned;
use crate::api::{Condition, ConditionType, DeletionEvent, DeletionStep, Reason};

/// An Event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it is a warning.
    pub warning: bool,
    /// The reason, as in the condition.
    pub reason: Reason,
    /// What happened.
    pub message: String,
}

/// The notes on a change of status. A first status that is in order says nothing new: the object itself does.
pub fn on_change<S: Conditioned>(old: Option<&S>, new: &S) -> Vec<Note> {
    let find = |status: Option<&S>, kind: ConditionType| -> Option<Condition> {
        let conditions = status?.conditions();
        conditions
            .iter()
            .find(|condition| condition.type_ == kind.as_str())
            .cloned()
    };
    let note = |warning, condition: Condition| {
        let Condition {
            reason, message, ..
        } = condition;
        Reason::parse(&reason).map(|reason| Note {
            warning,
            reason,
            message,
        })
    };
    let mut notes = Vec::new();
    let (was, is) = (
        find(old, ConditionType::Stalled),
        find(Some(new), ConditionType::Stalled),
    );
    match (was, is) {
        (was, Some(is)) if was.as_ref().is_none_or(|was| was.reason != is.reason) => {
            notes.extend(note(true, is))
        }
        (Some(was), None) => {
            let message = format!("No longer stalled ({}).", was.reason);
            notes.push(Note {
                warning: false,
                reason: Reason::Recovered,
                message,
            });
        }
        _ => {}
    }
    if find(old, ConditionType::PlanWithdrawn).is_none() {
        notes.extend(find(Some(new), ConditionType::PlanWithdrawn).and_then(|is| note(true, is)));
    }
    let (was, is) = (
        find(old, ConditionType::TrialEnding),
        find(Some(new), ConditionType::TrialEnding),
    );
    if was.map(|was| was.message) != is.as_ref().map(|is| is.message.clone()) {
        notes.extend(is.and_then(|is| note(true, is)));
    }
    if let (Some(was), Some(is)) = (
        find(old, ConditionType::AccessOpen),
        find(Some(new), ConditionType::AccessOpen),
    ) && (was.status != is.status || was.reason != is.reason)
    {
        notes.extend(note(false, is));
    }
    let (was, is) = (
        find(old, ConditionType::Approved),
        find(Some(new), ConditionType::Approved),
    );
    // What is wrong with a list is told as being stalled.
    let judged = [Reason::Approved, Reason::Pending].map(Reason::as_str);
    if let Some(is) = is.filter(|is| judged.contains(&&*is.reason))
        && was.is_none_or(|was| was.reason != is.reason)
    {
        notes.extend(note(false, is));
    }
    notes.extend(new.happened(old).iter().filter_map(step));
    // One that was never reconciled has the status that its kind begins with.
    let known = old.filter(|old| old.observed_generation() >= 0);
    notes.extend(services::on_change(known.map(S::services), new.services()));
    notes
}

/// A step of a deletion. One that is held, or no longer, is told as being stalled.
fn step(event: &DeletionEvent) -> Option<Note> {
    let (warning, reason, what) = match event.what {
        DeletionStep::Requested => (true, Reason::DeletionPending, "Deletion requested"),
        DeletionStep::Cancelled | DeletionStep::Withdrawn => {
            (false, Reason::Cancelled, "Taken back")
        }
        DeletionStep::Purging => (true, Reason::Purging, "The tenant is being deleted"),
        DeletionStep::Completed => (false, Reason::Deleted, "The tenant is gone"),
        DeletionStep::Held | DeletionStep::Confirmed => return None,
    };
    let by = event.by.as_ref().map(|by| format!(" by {by}"));
    let note = event.note.as_ref().map(|note| format!(": {note}"));
    Some(Note {
        warning,
        reason,
        message: format!(
            "{what}{}{}",
            by.unwrap_or_default(),
            note.unwrap_or_default()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::CustomerStatus;
    use crate::plan::step::Outcome;
    use crate::plan::{Draft, Verdict, status};
    use jiff::Timestamp;

    fn status(verdict: Verdict, access: Option<(bool, Reason)>) -> CustomerStatus {
        let others =
            access.map(|(open, reason)| (ConditionType::AccessOpen, open, reason, String::new()));
        let draft = Draft {
            others: others.into_iter().collect(),
            ..Draft::new(CustomerStatus::default(), verdict)
        };
        status::conclude(
            draft,
            &Outcome::default(),
            None,
            1,
            0,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap()
    }

    fn reasons(old: Option<&CustomerStatus>, new: &CustomerStatus) -> Vec<String> {
        on_change(old, new)
            .into_iter()
            .map(|note| note.reason.to_string())
            .collect()
    }

    #[test]
    fn a_customer_that_comes_up_in_order_is_no_news() {
        let ready = status(
            Verdict::Ready(Reason::Settled, String::new()),
            Some((true, Reason::Active)),
        );
        assert!(reasons(None, &ready).is_empty());
    }

    #[test]
    fn a_hold_a_mistake_and_its_correction_are() {
        let ready = status(
            Verdict::Ready(Reason::Settled, String::new()),
            Some((true, Reason::Active)),
        );
        let held = status(
            Verdict::Ready(Reason::OnHold, String::new()),
            Some((false, Reason::OnHold)),
        );
        let wrong = status(
            Verdict::Stalled(Reason::PlanNotFound, String::new()),
            Some((true, Reason::Active)),
        );
        assert_eq!(reasons(Some(&ready), &held), ["OnHold"]);
        assert_eq!(reasons(Some(&ready), &wrong), ["PlanNotFound"]);
        assert_eq!(reasons(None, &wrong), ["PlanNotFound"]);
        assert_eq!(reasons(Some(&wrong), &ready), ["Recovered"]);
        assert!(reasons(Some(&wrong), &wrong).is_empty());
    }
}
