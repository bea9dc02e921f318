//! The figures as a page of Markdown that also reads well in a terminal.

use std::time::Duration;

use super::shared::figures::{Figures, Operated, Pace, Round, Tally, median};
use super::shared::floor::CONCURRENCY;
use super::shared::table::table;

/// The whole page.
pub fn write(figures: &Figures) -> String {
    let sections = [
        head(figures),
        targets(figures),
        rounds(figures),
        parts(figures),
        calls(figures),
        processors(figures),
    ];
    let mut page = sections.join("\n");
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn head(figures: &Figures) -> String {
    let Figures {
        machine,
        kubernetes,
        day,
        customers,
        ..
    } = figures;
    format!(
        "# Benchmarks\n\n\
         Written by `make bench` on {day}: {customers} customers a series, Kubernetes {kubernetes}, \
         {} ({} cores, {} GiB) for everything: etcd, API server, controllers, operator and the one who asks.\n\n\
         etcd waits for the disk, kube-controller-manager has its default client limits, the operator runs optimised under its own\n\
         ServiceAccount, and the policies of deploy/ are in force. The **floor** is a bare client that makes the same objects by POST\n\
         with the same concurrency ({CONCURRENCY} customers at once) and without the operator: the Customer, its namespace, and the\n\
         {} objects in it. It is exempt from the policies by the break-glass group; they are asked all the same.\n\
         Floor and operator take turns, each on a fresh control plane.\n",
        machine.processor,
        machine.cores,
        machine.memory,
        "quota, limits, network policy, service account and ConfigMap",
    )
}

/// Target and result of everything that has one.
fn targets(figures: &Figures) -> String {
    let Figures {
        rounds, operator, ..
    } = figures;
    let customers = figures.customers as f64;
    let per_customer = |count: usize| count as f64 / customers;
    let Operated {
        calls,
        idle_calls,
        restart_calls,
        settled,
        loaded,
        restarted,
        ..
    } = operator;
    let last = rounds.last().map(|round| &round.operator);
    let waits = |share| {
        median(
            rounds
                .iter()
                .map(|round| round.operator.waits.quantile(share).as_secs_f64()),
        )
    };
    let ratio = median(rounds.iter().map(Round::ratio));
    let rate = median(rounds.iter().map(|round| round.operator.pace.rate()));
    let children = [
        "resourcequotas",
        "limitranges",
        "networkpolicies",
        "serviceaccounts",
        "configmaps",
    ];
    let writes = children
        .map(|kind| calls.count(&format!("patch {kind}")) + calls.count(&format!("update {kind}")));
    let writes_a_child = per_customer(writes.into_iter().max().unwrap_or_default());
    let finalizers = per_customer(calls.count("patch customers"));
    let statuses = per_customer(calls.count("patch customers/status"));
    let reads = calls.with("get").chain(calls.with("list")).sum::<usize>();
    let lists = restart_calls.with("list").max().unwrap_or_default();
    let peak = loaded.peak.max(restarted.peak);
    let steady = settled.now.max(restarted.now);
    let row = |what: &str, target: &str, is: String, met: Option<bool>| {
        let met = met.map_or("", |met| if met { "yes" } else { "**no**" });
        vec![what.to_owned(), target.to_owned(), is, met.to_owned()]
    };
    let few = |count: f64, most: f64| Some(count <= most * 1.01);
    let rows = vec![
        row("customers Ready per second", "", format!("{rate:.1}"), None),
        row(
            "ratio to the floor",
            "≥ 0.5, aim 0.7",
            format!("{ratio:.2}"),
            Some(ratio >= 0.5),
        ),
        row(
            "creation to Ready, all at once: p50 / p99",
            "",
            format!("{:.1} s / {:.1} s", waits(0.5), waits(0.99)),
            None,
        ),
        row(
            "creation to Ready, one at a time: p50 / p99",
            "",
            quantiles(operator),
            None,
        ),
        row(
            "writes per child",
            "1",
            format!("{writes_a_child:.2}"),
            few(writes_a_child, 1.0),
        ),
        row(
            "finalizer writes per customer",
            "≤ 1",
            format!("{finalizers:.2}"),
            few(finalizers, 1.0),
        ),
        row(
            "status writes per customer",
            "≤ 2",
            format!("{statuses:.2}"),
            few(statuses, 2.0),
        ),
        row(
            "GETs and LISTs, all customers",
            "0",
            reads.to_string(),
            Some(reads == 0),
        ),
        row(
            "restart, nothing changed: LISTs",
            "≤ 1 a kind",
            lists.to_string(),
            Some(lists <= 1),
        ),
        row(
            "restart, nothing changed: writes",
            "0",
            restart_calls.writes.to_string(),
            Some(restart_calls.writes == 0),
        ),
        row(
            "restart: started to ready",
            "",
            seconds(operator.restart),
            None,
        ),
        row(
            &format!(
                "writes in {} idle seconds (lease: {})",
                operator.idle.as_secs(),
                idle_calls.lease
            ),
            "0",
            idle_calls.writes.to_string(),
            Some(idle_calls.writes == 0),
        ),
        row(
            "memory, steady",
            "≤ 60 MiB",
            format!("{steady:.0} MiB"),
            Some(steady <= 60.0),
        ),
        row("memory, peak", "", format!("{peak:.0} MiB"), None),
    ];
    let asked = last.map_or(String::new(), |series| seconds(series.asking));
    format!(
        "{}\nThe customers of a series are asked for within {asked} and then wait for each other; one at a time, none waits for another.\n",
        table(&["figure", "target", "measured", "met"], &rows)
    )
}

fn quantiles(operator: &Operated) -> String {
    let wait = |share| operator.alone.quantile(share).as_millis();
    format!("{} ms / {} ms", wait(0.5), wait(0.99))
}

fn rounds(figures: &Figures) -> String {
    let rows = figures.rounds.iter().enumerate().map(|(number, round)| {
        let series = &round.operator;
        vec![
            (number + 1).to_string(),
            format!("{:.1}/s", round.floor.rate()),
            format!("{:.1}/s", series.pace.rate()),
            format!("{:.2}", round.ratio()),
            seconds(series.waits.quantile(0.5)),
            seconds(series.waits.quantile(0.99)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    format!(
        "## Rounds\n\n{}",
        table(
            &["round", "floor", "operator", "ratio", "p50", "p99"],
            &rows
        )
    )
}

fn parts(figures: &Figures) -> String {
    let whole = figures
        .parts
        .first()
        .map_or(f64::NAN, |(_, pace)| pace.rate());
    let row = |(what, pace): &(&'static str, Pace)| {
        let (rate, processor) = (pace.rate(), pace.each(pace.spent.total()));
        vec![
            (*what).to_owned(),
            format!("{rate:.1}/s"),
            format!("{:.2}", rate / whole),
            format!("{processor:.1} ms"),
        ]
    };
    let rows: Vec<_> = figures.parts.iter().map(row).collect();
    format!(
        "## What the floor is made of\n\nThe same bare client, customers in blocks that take turns. \
         Processor time is that of all processes.\n\n{}",
        table(
            &[
                "a bare client that makes",
                "customers",
                "of the floor",
                "processor each"
            ],
            &rows
        )
    )
}

fn calls(figures: &Figures) -> String {
    let Operated {
        with_users,
        calls,
        calls_with_users,
        restart_calls,
        idle_calls,
        ..
    } = &figures.operator;
    let mut keys: Vec<&String> = calls
        .counts
        .keys()
        .chain(calls_with_users.counts.keys())
        .chain(restart_calls.counts.keys())
        .collect();
    keys.sort();
    keys.dedup();
    let rows: Vec<_> = keys
        .into_iter()
        .map(|key| {
            vec![
                key.clone(),
                per(calls, key, figures.customers),
                per(calls_with_users, key, with_users.pace.customers),
                restart_calls.count(key).to_string(),
                idle_calls.count(key).to_string(),
            ]
        })
        .collect();
    let refused: Vec<_> = [
        ("customers", calls),
        ("with a user each", calls_with_users),
        ("restart", restart_calls),
    ]
    .iter()
    .map(|(what, tally)| format!("{what}: {}", refusals(tally)))
    .collect();
    format!(
        "## Calls of the operator\n\nFrom the API server's audit log, without those for the lease. The second series gives each of {} customers \
         an Admin;\npeople are let in once Kubernetes enforces the quota, which kube-controller-manager does for 20 namespaces a second: {}\ncustomers Ready per second.\n\n{}\n\
         Refused: {}.\n",
        with_users.pace.customers,
        format_args!("{:.1}", with_users.pace.rate()),
        table(
            &["call", "per customer", "with a user", "restart", "idle"],
            &rows
        ),
        refused.join("; "),
    )
}

fn per(tally: &Tally, key: &str, customers: usize) -> String {
    match tally.count(key) {
        0 => "0".to_owned(),
        count => format!("{:.2}", count as f64 / customers as f64),
    }
}

fn refusals(tally: &Tally) -> String {
    let all: Vec<_> = tally
        .refused
        .iter()
        .map(|(code, count)| format!("{count} × {code}"))
        .collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

fn processors(figures: &Figures) -> String {
    let Some(Round { floor, operator }) = figures.rounds.last() else {
        return String::new();
    };
    let pace = &operator.pace;
    let mut spent: Vec<_> = pace.spent.0.iter().collect();
    spent.sort_by_key(|(_, spent)| std::cmp::Reverse(**spent));
    let total = [(
        "all of them".to_owned(),
        floor.spent.total(),
        pace.spent.total(),
    )];
    let rows: Vec<_> = spent
        .into_iter()
        .map(|(name, spent)| {
            (
                name.clone(),
                floor.spent.0.get(name).copied().unwrap_or_default(),
                *spent,
            )
        })
        .chain(total)
        .map(|(name, before, spent)| {
            vec![
                name,
                format!("{:.1} ms", floor.each(before)),
                format!("{:.1} ms", pace.each(spent)),
            ]
        })
        .collect();
    format!(
        "## Processor time a customer\n\nFrom the first customer asked for to the last one done, in the last round.\n\n{}",
        table(&["process", "floor", "operator"], &rows)
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
