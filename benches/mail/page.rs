//! The figures as a page of Markdown that also reads well in a terminal.

use std::time::Duration;

use super::asker::Asked;
use super::phases::{Figures, Memory, Round, Shared};
use super::shared::figures::{Waits, median};
use super::shared::machine::Machine;
use super::shared::table::table;
use super::{CONNECTIONS, MANY};

/// The page.
pub fn write(figures: &Figures, machine: &Machine, seconds: u64) -> String {
    let sections = [
        head(figures, machine, seconds),
        figures_table(figures),
        rounds(figures),
        changes(figures),
    ];
    sections.join("\n")
}

fn head(figures: &Figures, machine: &Machine, seconds: u64) -> String {
    format!(
        "# Benchmarks: decisions about mail\n\n\
         Written by `make bench` on {}: {} customers, Kubernetes {}, {} ({} cores, {} GiB) for everything: who asks, who\n\
         answers, API server and Redis. The same client asks each of them in turn over {CONNECTIONS} connections, where Redis counts also over\n\
         {MANY}, for {seconds} s after a fifth of that unmeasured: it sends what Postfix asks at the end of a message, another message each time, from customer after customer, and waits\n\
         for the answer. Every answer must be the right one. Who is asked first alternates from round to round; figures are medians, ratios\n\
         those of one round, with the smallest and the largest.\n\n\
         - **postfwd** is Debian's, the faster of its two, with the options of its package, without log and DNS, and one rule: recipients\n  \
           per login and hour. `clientele mail` counts hour, day and month of the customer, its partner and its route, writes them down\n  \
           before it answers, and knows a message again.\n\
         - **Bare Redis** is the same Redis (append-only file, not rewritten meanwhile) asked by the same client over as many connections: `EVALSHA` of a script that does\n  \
           nothing, with as many keys and numbers as a decision needs, and `GET` of a key that does not exist. A decision is two round trips, one\n  \
           after the other, through one process more on the same cores. What they cost is shared by those that wait together: over many\n  \
           connections (a Postfix as it comes has up to a hundred processes that ask) that is enough, over few it is not.\n\
         - **A change** is one that a person makes in a Customer, in force from the first answer that follows it: API server, operator and\n  \
           watch are in between. Asked is every millisecond; each change is made once to each of 25 customers.\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        figures.customers,
        figures.kubernetes,
        machine.processor,
        machine.cores,
        machine.memory,
    )
}

fn figures_table(figures: &Figures) -> String {
    let rounds = &figures.rounds;
    let of = |what: fn(&Round) -> Option<f64>| Spread::of(rounds.iter().filter_map(what));
    let file = of(|round| Some(round.file.rate));
    let postfwd = of(|round| Some(round.postfwd()?.1.rate));
    let times = of(|round| Some(round.file.rate / round.postfwd()?.1.rate));
    let late = of(|round| Some(micros(&round.file, 0.99)));
    let memory = &figures.memory;
    let mut rows = vec![row("decisions, counted in a folder", "", rate(&file), None)];
    rows.push(row("postfwd", "", rate(&postfwd), None));
    rows.push(measured("times postfwd", "≥ 10", &times, |it| it >= 10.0));
    rows.push(row(
        "p99 of a decision",
        "< 1 ms",
        late.as_ref().map(|it| format!("{:.0} µs", it.median)),
        late.as_ref().map(|it| it.median < 1000.0),
    ));
    for connections in [MANY, CONNECTIONS] {
        let shared = rounds.iter().flat_map(|round| &round.redis);
        let shared = shared.filter(|shared| shared.connections == connections);
        let of = |what: fn(&Shared) -> f64| Spread::of(shared.clone().map(what));
        let ours = of(|shared| shared.ours.rate);
        let what = format!("decisions, counted in Redis, {connections} connections");
        rows.push(row(&what, "", rate(&ours), None));
        let scripts = of(|shared| shared.ours.rate / shared.scripts.rate);
        let what = format!("of bare calls of a script, {connections} connections");
        rows.push(measured(&what, "≥ 0.5", &scripts, |it| it >= 0.5));
        let gets = of(|shared| shared.ours.rate / shared.gets.rate);
        let what = format!("of bare GETs, {connections} connections");
        rows.push(row(&what, "", gets.map(|it| it.shown()), None));
    }
    let resting = memory.resting - memory.listed;
    rows.push(mebibytes("1,000 connections that rest", 20.0, resting));
    rows.push(mebibytes(
        &format!("data of {} customers", figures.customers),
        100.0,
        memory.customers(),
    ));
    let longest = figures.reactions.longest();
    rows.push(row(
        "a change of limit or access in force, longest",
        "≤ 1 s",
        Some(millis(longest)),
        Some(longest <= Duration::from_secs(1)),
    ));
    format!(
        "## Figures\n\n{}\nResident memory of `clientele mail`: {:.1} MiB with hardly a customer, {:.1} MiB after all have come, {:.1} MiB when\n\
         it is started with all of them, {:.1} MiB with the connections too.\n",
        table(&["figure", "target", "measured", "met"], &rows),
        memory.empty,
        memory.watched,
        memory.listed,
        memory.resting,
    )
}

fn rounds(figures: &Figures) -> String {
    let mut rows = Vec::new();
    for (number, round) in figures.rounds.iter().enumerate() {
        for (who, asked) in asked(round) {
            let quantile = |share| format!("{:.0} µs", micros(asked, share));
            rows.push(vec![
                format!("{} {who}", number + 1),
                format!("{:.0}/s", asked.rate),
                quantile(0.5),
                quantile(0.99),
                quantile(0.999),
            ]);
        }
    }
    format!(
        "## Rounds\n\n{}",
        table(&["round", "answers", "p50", "p99", "p99.9"], &rows)
    )
}

fn changes(figures: &Figures) -> String {
    let reactions = &figures.reactions;
    let rows: Vec<_> = [
        ("a limit that is passed already", &reactions.limited),
        ("a limit that leaves room", &reactions.unlimited),
        ("on hold", &reactions.held),
        ("released", &reactions.released),
    ]
    .into_iter()
    .map(|(what, waits)| {
        let quantile = |share| millis(waits.quantile(share));
        vec![what.to_owned(), quantile(0.5), quantile(0.9), quantile(1.0)]
    })
    .collect();
    format!(
        "## Changes\n\n{}",
        table(&["change", "p50", "p90", "longest"], &rows)
    )
}

/// A round, for who waits.
pub fn told(round: &Round) -> String {
    let all = asked(round).into_iter().map(|(who, asked)| {
        let late = micros(asked, 0.99);
        format!("    {who}: {:.0}/s, p99 {late:.0} µs", asked.rate)
    });
    all.collect::<Vec<_>>().join("\n")
}

fn asked(round: &Round) -> Vec<(String, &Asked)> {
    let mut all = vec![("clientele mail, folder".to_owned(), &round.file)];
    for (program, asked) in &round.postfwds {
        let name = program.rsplit('/').next().unwrap_or(program);
        all.push((name.to_owned(), asked));
    }
    for shared in &round.redis {
        let over = |who: &str| format!("{who}, {} connections", shared.connections);
        all.push((over("clientele mail, Redis"), &shared.ours));
        all.push((over("bare EVALSHA"), &shared.scripts));
        all.push((over("bare GET"), &shared.gets));
    }
    all
}

/// The one in the middle, the smallest and the largest.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// None of nothing.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.collect();
        let (first, all) = (values.first()?, values.iter());
        Some(Self {
            least: all.clone().copied().fold(*first, f64::min),
            most: all.copied().fold(*first, f64::max),
            median: median(values),
        })
    }

    fn shown(&self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

impl Memory {
    /// What customers take, whichever way they came.
    fn customers(&self) -> f64 {
        self.watched.max(self.listed) - self.empty
    }
}

impl super::reaction::Reactions {
    fn longest(&self) -> Duration {
        let all = [&self.limited, &self.unlimited, &self.held, &self.released];
        all.map(|waits: &Waits| waits.quantile(1.0))
            .into_iter()
            .max()
            .unwrap_or_default()
    }
}

fn measured(
    what: &str,
    target: &str,
    spread: &Option<Spread>,
    met: impl Fn(f64) -> bool,
) -> Vec<String> {
    let spread = spread.as_ref();
    row(
        what,
        target,
        spread.map(Spread::shown),
        spread.map(|it| met(it.median)),
    )
}

fn mebibytes(what: &str, most: f64, is: f64) -> Vec<String> {
    // Targets are in megabytes.
    let megabytes = is * 1.048_576;
    row(
        what,
        &format!("< {most:.0} MB"),
        Some(format!("{megabytes:.1} MB")),
        Some(megabytes < most),
    )
}

/// What was not measured is said to be missing.
fn row(what: &str, target: &str, is: Option<String>, met: Option<bool>) -> Vec<String> {
    let is = is.unwrap_or_else(|| "not installed".to_owned());
    let met = met.map_or("", |met| if met { "yes" } else { "**no**" });
    vec![what.to_owned(), target.to_owned(), is, met.to_owned()]
}

fn rate(spread: &Option<Spread>) -> Option<String> {
    spread.as_ref().map(|it| format!("{:.0}/s", it.median))
}

fn micros(asked: &Asked, share: f64) -> f64 {
    asked.waits.quantile(share).as_secs_f64() * 1e6
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
