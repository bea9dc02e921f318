//! One contact list: whether it is what it says it is, and whether it is approved.
//!
//! Approval is a value in the spec that only some may set (the policy clientele-contact-lists); here it is compared with the digest.

use std::time::Duration;

use jiff::Timestamp;

use super::observed::lists::{ContentsSeen, ListObserved};
use super::observed::routes::Tried;
use super::{Draft, Plan, Subject, Verdict, subject::Kind};
use crate::api::meta::LISTS_SECRET;
use crate::api::{
    ConditionType, ContactListSpec, ContactListStatus, ListChecked, ListContents, ListPhase, Reason,
};

/// Bounds of how long until contents that are missing, or another list's, are read again: it doubles as the trouble lasts.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(900));

/// What to do about a list.
pub fn plan(observed: &ListObserved, now: Timestamp) -> Plan<ContactListStatus> {
    let subject = Subject::of(Kind::ContactList, observed.list.as_ref());
    if observed.list.metadata.deletion_timestamp.is_some() {
        return Plan::nothing(subject);
    }
    // What belongs to a customer that is gone or cannot be read is left alone.
    let validates = match &observed.customer {
        Some(customer) => {
            let sending = customer.spec.sending.unwrap_or_default();
            sending.validates_lists()
        }
        None if observed.in_tenant => return Plan::nothing(subject),
        None => true,
    };
    let spec = &observed.list.spec;
    let (phase, verdict) = match wrong(observed) {
        Some(waiting @ Verdict::Waiting(..)) => (ListPhase::Pending, waiting),
        Some(wrong) => (ListPhase::Invalid, wrong),
        None => standing(spec, &subject, validates),
    };
    let approved = phase == ListPhase::Approved;
    let (reason, message) = verdict.why();
    let condition = (
        ConditionType::Approved,
        approved,
        reason,
        message.to_owned(),
    );
    let fields = ContactListStatus {
        phase: Some(phase),
        approved: approved.then(|| spec.sha256.clone()),
        checked: found(observed).cloned(),
        ..ContactListStatus::default()
    };
    let contents = &observed.contents;
    Plan {
        draft: Some(Draft {
            others: vec![condition],
            ..Draft::new(fields, verdict)
        }),
        wake: reread(contents, &spec.sha256).map(|limit| limit.saturating_sub(contents.age(now))),
        ..Plan::nothing(subject)
    }
}

/// How long after they were read the contents of a list of this digest are read again. What was found in it stays true.
pub fn reread(contents: &Tried<ContentsSeen>, sha256: &str) -> Option<Duration> {
    let (soonest, latest) = AGAIN;
    match &contents.seen {
        ContentsSeen::NotNamed => None,
        ContentsSeen::Found(checked) if checked.sha256 == sha256 => None,
        ContentsSeen::Found(_) | ContentsSeen::Missing(_) | ContentsSeen::Unreadable(_) => {
            Some(contents.bad_for().clamp(soonest, latest))
        }
    }
}

/// What was found in the list of the digest that is meant.
fn found(observed: &ListObserved) -> Option<&ListChecked> {
    match &observed.contents.seen {
        ContentsSeen::Found(checked) => {
            (checked.sha256 == observed.list.spec.sha256).then_some(checked)
        }
        ContentsSeen::NotNamed | ContentsSeen::Missing(_) | ContentsSeen::Unreadable(_) => None,
    }
}

/// What keeps the list from being looked at for approval, if anything does.
fn wrong(observed: &ListObserved) -> Option<Verdict> {
    let stalled = |reason, message: String| Some(Verdict::Stalled(reason, message));
    if !observed.in_tenant {
        let message = "A ContactList belongs into the tenant namespace of a customer, <partner>--<customer>. Delete it here and apply it there.";
        return stalled(Reason::NotATenantNamespace, message.to_owned());
    }
    let spec = &observed.list.spec;
    let (place, key) = match spec.contents.as_ref()? {
        ListContents {
            config_map: Some(map),
            ..
        } => (format!("ConfigMap {}", map.name), &map.key),
        ListContents {
            secret_key: Some(key),
            ..
        } => (format!("Secret {LISTS_SECRET}"), key),
        ListContents { .. } => return None,
    };
    match &observed.contents.seen {
        ContentsSeen::NotNamed => None,
        ContentsSeen::Missing(what) => stalled(
            Reason::ContentsNotFound,
            format!(
                "{what}: {place}, key {key}. Create it, or remove spec.contents if the list is not to be checked."
            ),
        ),
        ContentsSeen::Unreadable(why) => Some(Verdict::Waiting(
            Reason::Progressing,
            format!("{place} cannot be read yet: {why}"),
        )),
        ContentsSeen::Found(checked) if checked.sha256 != spec.sha256 => stalled(
            Reason::DigestMismatch,
            format!(
                "Key {key} of {place} is not the list of this digest: its SHA-256 is {}. Put the right list there, or correct spec.sha256.",
                checked.sha256
            ),
        ),
        ContentsSeen::Found(checked) if checked.entries != spec.entries => stalled(
            Reason::EntriesMismatch,
            format!(
                "The list has {} entries, and spec.entries says {}. Correct spec.entries.",
                checked.entries, spec.entries
            ),
        ),
        ContentsSeen::Found(checked) if checked.invalid > 0 => {
            let lines: Vec<_> = checked.invalid_lines.iter().map(i64::to_string).collect();
            stalled(
                Reason::ListInvalid,
                format!(
                    "{} of {} entries are no mail addresses, the first on line {}. Correct them; the list has another digest then.",
                    checked.invalid,
                    checked.entries,
                    lines.join(", ")
                ),
            )
        }
        ContentsSeen::Found(_) => None,
    }
}

/// Whether the list is approved.
fn standing(spec: &ContactListSpec, subject: &Subject, validates: bool) -> (ListPhase, Verdict) {
    if spec.approved.as_ref() == Some(&spec.sha256) {
        let message = "The list of this digest is approved.";
        return (
            ListPhase::Approved,
            Verdict::Ready(Reason::Approved, message.to_owned()),
        );
    }
    if !validates {
        let message =
            "Approved at once: the customer's lists are not validated (sending.validateLists).";
        return (
            ListPhase::Approved,
            Verdict::Ready(Reason::Approved, message.to_owned()),
        );
    }
    let waits = match spec.approved {
        Some(_) => "Another digest was approved; this one waits for approval",
        None => "Waits for approval",
    };
    let message = format!(
        "{waits} by the partner's staff: kubectl patch contactlist {} -n {} --type merge -p '{{\"spec\":{{\"approved\":\"{}\"}}}}'",
        subject.key.name, subject.key.namespace, spec.sha256
    );
    (ListPhase::Pending, Verdict::Ready(Reason::Pending, message))
}
