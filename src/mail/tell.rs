//! Tells customers' statuses what was sent: soon when it matters, now and then otherwise.
//!
//! `status.sending.used` is written when a window has crossed a tenth of its limit, or when a condition changes, within a second or
//! two; else a quarter of an hour after the last time, if anything has changed. So a customer costs the API server at most ten
//! writes a window and one a quarter of an hour, however much it sends. The conditions are `SendLimitNear` (four fifths) or
//! `SendLimited`, with an Event when each begins. All is server-side apply by a manager of its own, so that the operator's
//! status and this one never touch each other's fields.
//!
//! With several replicas each tells what it has seen a message for; all read the same counters.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};

use super::counters::Slots;
use super::decide::Decider;
use super::directory::Standing;
use super::sender::{Sender, Told};
use crate::api::{Condition, ConditionType, Customer, Reason, SendUsed, meta};
use crate::domain::limits::{self, Caps, Unit, spelled};
use crate::error::{Cause, chain};
use crate::observe::tolerant::Tolerant;
use crate::ops::shutdown::Shutdown;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How long what does not matter much waits, in seconds.
const RARELY: i64 = 15 * 60;

/// How many statuses are written in a round, so that a new window at midnight is no storm.
const ROUND: usize = 200;

/// What to say about one customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was sent.
    pub used: SendUsed,
    /// The conditions that hold, without their times.
    pub near: Option<String>,
    /// The same of a limit that is reached.
    pub limited: Option<String>,
}

/// What a customer's counts and limits come to.
pub fn report(standing: &Standing, slots: &Slots) -> Report {
    let number = |place: usize| i64::try_from(slots[place].used).unwrap_or(i64::MAX);
    let caps = limits::caps(&standing.sender.limits);
    let zone = standing.zone();
    let say = |least: u64, how: &str| {
        let full =
            Unit::ALL
                .into_iter()
                .zip(slots)
                .zip(caps)
                .rev()
                .find_map(|((unit, slot), cap)| {
                    let cap = cap.filter(|cap| *cap > 0)?;
                    (limits::tenths(slot.used, cap) >= least).then_some((unit, slot, cap))
                });
        full.map(|(unit, slot, cap)| {
            let (limit, ends) = (unit.limit(), spelled(slot.end, &zone));
            format!(
                "The {limit} limit of {cap} recipients {how}: {} used. The window ends at {ends}.",
                slot.used
            )
        })
    };
    let limited = say(10, "is reached, and mail waits");
    Report {
        used: SendUsed {
            hourly: number(0),
            daily: number(1),
            monthly: number(2),
        },
        // What is reached is not near any more: one of them says enough.
        near: say(8, "is nearly reached").filter(|_| limited.is_none()),
        limited,
    }
}

/// Whether a report says enough that is new to be written at once.
pub fn matters(report: &Report, told: &Told, caps: Caps) -> bool {
    if report.near.is_some() != told.near.is_some()
        || report.limited.is_some() != told.limited.is_some()
    {
        return true;
    }
    let old = told.used.unwrap_or_default();
    let pairs = [
        (old.hourly, report.used.hourly),
        (old.daily, report.used.daily),
        (old.monthly, report.used.monthly),
    ];
    pairs.into_iter().zip(caps).any(|((old, new), cap)| {
        let tenth =
            |used: i64| cap.map(|cap| limits::tenths(u64::try_from(used).unwrap_or_default(), cap));
        tenth(old) != tenth(new)
    })
}

/// When a customer is looked at again though nothing happens: when a window ends, or what waits is due.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: i64,
    written: i64,
}

/// Tells.
pub struct Teller {
    decider: Arc<Decider>,
    client: Client,
    recorder: Recorder,
    due: HashMap<Arc<str>, Due>,
}

impl Teller {
    /// Of what this decider counts, as the replica of this name.
    pub fn new(decider: Arc<Decider>, client: Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: meta::MAIL_MANAGER.to_owned(),
            instance: Some(identity.to_owned()),
        };
        Self {
            decider,
            recorder: Recorder::new(client.clone(), reporter),
            client,
            due: HashMap::new(),
        }
    }

    /// Tells until shutdown. What is untold then the next process tells.
    pub async fn run(mut self, shutdown: Shutdown) {
        self.decider.directory.whole().await;
        self.begin();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.clone() => return,
            }
            self.round().await;
        }
    }

    /// Takes over from a process before this one, whose telling may be over. When that was is not known: what can wait is told one after
    /// the other within a quarter of an hour, so that a start is no storm.
    pub fn begin(&mut self) {
        let now = self.decider.clock.now().as_second();
        for (place, login) in (0..).zip(self.decider.directory.logins()) {
            let written = now - place % RARELY;
            self.due.insert(login, Due { at: 0, written });
        }
    }

    /// Looks at everybody whose counts have changed or whose time has come.
    pub async fn round(&mut self) {
        let now = self.decider.clock.now();
        let second = now.as_second();
        let touched = self.decider.touched.take();
        let due = self
            .due
            .iter()
            .filter(|(login, due)| due.at <= second && !touched.contains(*login));
        let mut logins: Vec<Arc<str>> = due.map(|(login, _)| Arc::clone(login)).collect();
        logins.extend(touched);
        let later = logins.split_off(logins.len().min(ROUND));
        later
            .iter()
            .for_each(|login| self.decider.touched.touch(login));
        if logins.is_empty() {
            return;
        }
        match self.decider.counters.used(logins.clone(), second).await {
            Ok(all) => {
                for (login, slots) in logins.iter().zip(&all) {
                    self.one(login, slots, now).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "counts cannot be told");
                logins
                    .iter()
                    .for_each(|login| self.decider.touched.touch(login));
            }
        }
    }

    async fn one(&mut self, login: &Arc<str>, slots: &Slots, now: Timestamp) {
        let second = now.as_second();
        let Some(standing) = self.decider.directory.standing(login) else {
            self.due.remove(login);
            return;
        };
        let (sender, told) = (&standing.sender, standing.sender.told);
        let report = report(&standing, slots);
        let written = self.due.get(login).map_or(0, |due| due.written);
        let changed = Some(report.used) != told.used
            && (told.used.is_some() || report.used != SendUsed::default());
        let at_once = matters(&report, &told, limits::caps(&sender.limits));
        let ends = slots
            .iter()
            .map(|slot| slot.end)
            .filter(|end| *end > second)
            .min();
        let mut due = Due {
            at: ends.unwrap_or(i64::MAX),
            written,
        };
        // What was written a moment ago is not known to the directory yet.
        if at_once && second <= written + 1 {
            due.at = second + 2;
        } else if at_once || (changed && second >= written + RARELY) {
            due.written = second;
            if !self.write(&standing, &report, now).await {
                due.at = second + 10;
            }
        } else if changed {
            due.at = due.at.min(written + RARELY);
        }
        // When it was written is remembered for as long as that matters.
        if due.at == i64::MAX && second < due.written + RARELY {
            due.at = due.written + RARELY;
        }
        if due.at == i64::MAX {
            self.due.remove(login);
        } else {
            self.due.insert(Arc::clone(login), due);
        }
    }

    /// Whether it is written, or nobody is there to be written to.
    async fn write(&self, standing: &Standing, report: &Report, now: Timestamp) -> bool {
        let sender = &standing.sender;
        let body = body(sender, report, now);
        let api: Api<Tolerant<Customer>> = Api::namespaced(self.client.clone(), &sender.namespace);
        let parameters = PatchParams::apply(meta::MAIL_MANAGER).force();
        match api
            .patch_status(&sender.name, &parameters, &Patch::Apply(&body))
            .await
        {
            Ok(_) => {}
            Err(error) if Cause::of(&error) == Cause::NotFound => return true,
            Err(error) => {
                tracing::warn!(
                    customer = &*sender.login,
                    "what was sent cannot be told: {}",
                    chain(&error)
                );
                return false;
            }
        }
        let begins = |text: &Option<String>, since: Option<Timestamp>| {
            text.clone().filter(|_| since.is_none())
        };
        let events = [
            (
                begins(&report.limited, sender.told.limited),
                Reason::LimitReached,
            ),
            (begins(&report.near, sender.told.near), Reason::LimitNear),
        ];
        for (note, reason) in events {
            if let Some(note) = note {
                self.announce(sender, reason, note).await;
            }
        }
        true
    }

    async fn announce(&self, sender: &Sender, reason: Reason, note: String) {
        let reference = ObjectReference {
            api_version: Some(Customer::api_version(&()).into_owned()),
            kind: Some(Customer::kind(&()).into_owned()),
            name: Some(sender.name.to_string()),
            namespace: Some(sender.namespace.to_string()),
            uid: Some(sender.uid.to_string()),
            ..ObjectReference::default()
        };
        let event = Event {
            type_: EventType::Warning,
            reason: reason.to_string(),
            note: Some(note),
            action: "Send".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &reference).await {
            tracing::warn!(customer = &*sender.login, %reason, %error, "an Event could not be published");
        }
    }
}

/// The status as this process owns it: whole each time, so that what is left out is taken back.
fn body(sender: &Sender, report: &Report, now: Timestamp) -> Value {
    let condition = |kind: ConditionType,
                     reason: Reason,
                     message: &Option<String>,
                     since: Option<Timestamp>| {
        let second = Timestamp::from_second(since.unwrap_or(now).as_second()).unwrap_or(now);
        message.clone().map(|message| Condition {
            type_: kind.as_str().to_owned(),
            status: "True".to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            last_transition_time: Time(second),
            observed_generation: None,
        })
    };
    let told = &sender.told;
    let conditions: Vec<Condition> = [
        condition(
            ConditionType::SendLimitNear,
            Reason::LimitNear,
            &report.near,
            told.near,
        ),
        condition(
            ConditionType::SendLimited,
            Reason::LimitReached,
            &report.limited,
            told.limited,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    json!({
        "apiVersion": Customer::api_version(&()),
        "kind": Customer::kind(&()),
        "metadata": {"name": &*sender.name, "namespace": &*sender.namespace, "uid": &*sender.uid},
        "status": {"sending": {"used": report.used}, "conditions": conditions},
    })
}
