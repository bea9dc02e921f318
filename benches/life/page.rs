//! The figures as a page of Markdown that also reads well in a terminal: a section a scene.

use std::time::Duration;

use super::failover::Lost;
use super::purges::Purged;
use super::reach::{Reached, Round};
use super::shared::figures::{Tally, Waits, median};
use super::shared::machine::Machine;
use super::shared::table::table;
use super::trials::Ended;

/// What was measured on what.
pub fn head(machine: &Machine, kubernetes: &str, customers: usize) -> String {
    format!(
        "# Benchmarks: what reaches many customers\n\n\
         Written by `make bench` on {}: {customers} customers of one partner with an admin each, Kubernetes {kubernetes}, {} ({} cores, {} GiB)\n\
         for everything: etcd, API server, controllers, operator and the one who asks. The conditions are those of [benchmarks.md](benchmarks.md).\n\
         Calls are counted in the API server's audit log.\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        machine.processor,
        machine.cores,
        machine.memory,
    )
}

/// A change in a partner.
pub fn partner(reached: &Reached) -> String {
    let once = [
        ("writes per namespace", "patch namespaces"),
        ("writes per ConfigMap", "patch configmaps"),
        ("writes per status", "patch customers/status"),
    ];
    format!(
        "## A change in a partner\n\n\
         The partner's domain changes, which the namespace, the ConfigMap and the status of every customer tell. The **floor** is the\n\
         same writes of the same bodies in another domain of the same length, by a bare client under the operator's name with as many\n\
         calls in flight as the operator may have; an operator that is started afterwards must find nothing left to write. Medians of\n\
         the rounds; calls of the last one.\n\n{}",
        reach(reached, &once)
    )
}

/// A change in an offering.
pub fn service(reached: &Reached) -> String {
    let once = [("writes per object of the service", "patch configmaps")];
    format!(
        "## A change in a service\n\n\
         The offering of a service that every customer has renders another text into the ConfigMap that it puts into every tenant. The\n\
         floor is that of the change in a partner: the same writes, bare.\n\n{}",
        reach(reached, &once)
    )
}

/// What reaches every customer, and what is to be written once for each.
fn reach(reached: &Reached, once: &[(&str, &str)]) -> String {
    let Reached {
        customers,
        rounds,
        calls,
    } = reached;
    let each = |key: &str| calls.count(key) as f64 / *customers as f64;
    let ratio = median(rounds.iter().map(Round::ratio));
    let seconds_of = |time: fn(&Round) -> Duration| {
        seconds(median(rounds.iter().map(|round| time(round).as_secs_f64())))
    };
    let mut rows = vec![
        row(
            "operator: until the last customer tells of it",
            "",
            seconds_of(|round| round.operator),
            None,
        ),
        row(
            "floor: the same writes, bare",
            "",
            seconds_of(|round| round.floor),
            None,
        ),
        row(
            "ratio to the floor",
            "≤ 1.5",
            format!("{ratio:.2}"),
            Some(ratio <= 1.5),
        ),
    ];
    for (what, key) in once {
        let each = each(key);
        rows.push(row(what, "1", format!("{each:.2}"), Some(each <= 1.0)));
    }
    let left = rounds
        .iter()
        .map(|round| round.left)
        .max()
        .unwrap_or_default();
    rows.push(row(
        "left to write after the floor",
        "0",
        left.to_string(),
        Some(left == 0),
    ));
    let by_round: Vec<_> = rounds
        .iter()
        .enumerate()
        .map(|(number, round)| {
            vec![
                (number + 1).to_string(),
                seconds(round.operator.as_secs_f64()),
                seconds(round.floor.as_secs_f64()),
                round.writes.to_string(),
                format!("{:.2}", round.ratio()),
            ]
        })
        .collect();
    format!(
        "{}\n{}\n{}",
        table(&["figure", "target", "measured", "met"], &rows),
        table(
            &["round", "operator", "floor", "writes", "ratio"],
            &by_round
        ),
        per_customer(calls, *customers),
    )
}

/// Trials that end.
pub fn trials(ended: &Ended) -> String {
    let Ended {
        customers,
        late,
        calls,
        idle,
        idle_calls,
        restored,
        together,
        early,
    } = ended;
    let longest = |waits: &Waits| waits.quantile(1.0).as_secs_f64();
    let writes = calls.writes as f64 / *customers as f64;
    let rows = [
        row("within a minute: late, p50", "", precise(late, 0.5), None),
        row(
            "within a minute: late, longest",
            "≤ 5 s",
            precise(late, 1.0),
            Some(longest(late) <= 5.0),
        ),
        row(
            "in the same second: late, p50",
            "",
            precise(together, 0.5),
            None,
        ),
        row(
            "in the same second: late, longest",
            "≤ 30 s",
            precise(together, 1.0),
            Some(longest(together) <= 30.0),
        ),
        row("before the end", "0", early.to_string(), Some(*early == 0)),
        row(
            "writes per customer, Events too",
            "",
            format!("{writes:.2}"),
            None,
        ),
        row(
            &format!(
                "writes in {} idle seconds afterwards (lease: {})",
                idle.as_secs(),
                idle_calls.lease
            ),
            "0",
            idle_calls.writes.to_string(),
            Some(idle_calls.writes == 0),
        ),
        row(
            "all extended: until the last is let in again",
            "",
            seconds(restored.as_secs_f64()),
            None,
        ),
    ];
    format!(
        "## Trials that end together\n\n\
         The trials of all customers end within one minute, as many in each second, and people are out when their binding is removed:\n\
         late is the time from the end to the API server's answer to that. Then all are extended, and end once more, all in the same\n\
         second. Calls are those of the minute.\n\n{}\n{}",
        table(&["figure", "target", "measured", "met"], &rows),
        per_customer(calls, *customers),
    )
}

/// The loss of the leader.
pub fn failover(lost: &Lost, customers: usize) -> String {
    let longest = |times: &[Duration]| times.iter().max().map_or(f64::NAN, Duration::as_secs_f64);
    let (killed, ended) = (longest(&lost.killed), longest(&lost.ended));
    let rows = [
        row(
            "killed: until the hold is in force, longest",
            "≤ 20 s",
            seconds(killed),
            Some(killed <= 20.0),
        ),
        row(
            "asked to end: until the hold is in force, longest",
            "",
            seconds(ended),
            None,
        ),
    ];
    format!(
        "## A leader that is lost\n\n\
         Two operators, of which one stands by. The leader is killed, or asked to end, and a customer is put on hold right then: measured\n\
         is the time until the customer's status tells of that. It has in it the Lease, which runs out after 15 s when nobody gives it\n\
         back, and the reading of all {customers} customers by the one that takes over.\n\n{}",
        table(&["figure", "target", "measured", "met"], &rows),
    )
}

/// Tenants that are destroyed.
pub fn purges(purged: &Purged) -> String {
    let Purged {
        tenants,
        took,
        at_once,
        others,
    } = purged;
    let longest = others.quantile(1.0).as_secs_f64();
    let rows = [
        row(
            &format!("{tenants} tenants: until the last is gone"),
            "",
            seconds(took.as_secs_f64()),
            None,
        ),
        row(
            "namespaces that go at once",
            "≤ 8",
            at_once.to_string(),
            Some(*at_once <= 8),
        ),
        row(
            "a hold of another customer meanwhile, p50",
            "",
            precise(others, 0.5),
            None,
        ),
        row(
            "a hold of another customer meanwhile, longest",
            "≤ 2 s",
            precise(others, 1.0),
            Some(longest <= 2.0),
        ),
    ];
    format!(
        "## Tenants that are destroyed\n\n\
         A tenth of the customers is deleted with `mode: Now`, all at once. Meanwhile others are put on hold and released, one after the\n\
         other: measured is the time from asking to the status that tells of it.\n\n{}",
        table(&["figure", "target", "measured", "met"], &rows),
    )
}

fn row(what: &str, target: &str, is: String, met: Option<bool>) -> Vec<String> {
    let met = met.map_or("", |met| if met { "yes" } else { "**no**" });
    vec![what.to_owned(), target.to_owned(), is, met.to_owned()]
}

fn per_customer(calls: &Tally, customers: usize) -> String {
    let rows: Vec<_> = calls
        .counts
        .iter()
        .map(|(key, count)| {
            vec![
                key.clone(),
                format!("{:.2}", *count as f64 / customers as f64),
            ]
        })
        .collect();
    table(&["call of the operator", "per customer"], &rows)
}

fn precise(waits: &Waits, share: f64) -> String {
    format!("{} ms", waits.quantile(share).as_millis())
}

fn seconds(time: f64) -> String {
    format!("{time:.1} s")
}
