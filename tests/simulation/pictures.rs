//! The tables of docs/lifecycle.md against what happens.

use std::collections::BTreeSet;

use clientele::api::OnEnd;
use clientele::domain::access::{AccessVerdict, Standing};
use serde_json::{Value, json};

use crate::deletions::{request, with_customer};
use crate::scenes::{EMEA, GLOBEX, minutes};
use crate::server::Pacing;
use crate::sim::{Sim, story};
use crate::workloads::{cancel, purge_now};

/// The rows of the table with this first column and so many columns, less ticks.
fn table(first: &str, columns: usize) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string("docs/lifecycle.md").expect("docs/lifecycle.md");
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner
            .map(|cell| cell.replace('`', "").trim().to_owned())
            .collect()
    };
    let mut lines = text.lines();
    lines
        .find(|line| {
            let cells = cells(line);
            line.starts_with('|') && cells.len() == columns && cells[0] == first
        })
        .unwrap_or_else(|| panic!("no table of {first}"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(cells).collect()
}

fn phase(object: Option<&Value>) -> String {
    let phase = object.and_then(|object| object["status"]["phase"].as_str());
    phase.unwrap_or("–").to_owned()
}

/// The changes of phase that requests beside customers have made in a story.
fn changes(sim: &Sim) -> BTreeSet<(String, String)> {
    let state = sim.server.state();
    let events = state.store.log.iter();
    let requests =
        events.filter(|event| event.id.plural == "deletionrequests" && event.id.namespace == EMEA);
    requests
        .filter_map(|event| {
            Some((
                phase(event.old.as_deref()),
                phase(Some(event.new.as_deref()?)),
            ))
        })
        .filter(|(old, new)| old != new)
        .collect()
}

#[test]
fn requests_go_the_ways_of_the_picture_and_all_of_them() {
    let seen = story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("first"));
        sim.settle().await;
        sim.create(&request("second"));
        sim.settle().await;
        cancel(&sim, "first");
        sim.settle().await;
        // Cancelled just before its end, which is heard of just after it.
        sim.delete("customers", EMEA, "globex");
        sim.wait(minutes(119)).await;
        let mut names = sim.names("deletionrequests", EMEA);
        names.retain(|name| name != "first" && name != "second");
        sim.server
            .state()
            .pacing
            .lag
            .insert("deletionrequests", minutes(3));
        cancel(&sim, &names[0]);
        sim.wait(minutes(10)).await;
        sim.server.state().pacing.lag.clear();
        sim.settle().await;
        sim.create(&request("last"));
        sim.settle().await;
        purge_now(&sim, "last");
        let tenant = sim.see("namespaces", "", GLOBEX);
        sim.settle().await;
        // As if it had been made by a write that was still on its way.
        let labels = tenant["metadata"]["labels"].clone();
        sim.create(
            &json!({ "kind": "Namespace", "metadata": { "name": GLOBEX, "labels": labels } }),
        );
        sim.settle().await;
        assert!(sim.find("namespaces", "", GLOBEX).is_none());
        changes(&sim)
    });
    let told = table("from", 3)
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()));
    assert_eq!(seen, told.collect());
}

#[test]
fn access_is_as_the_table_says() {
    let rows = table("active", 5);
    assert!(rows.len() >= 6, "{rows:?}");
    let mut told = BTreeSet::new();
    for row in &rows {
        let either = |cell: &str| match cell {
            "any" => vec![true, false],
            cell => vec![cell == "true"],
        };
        for active in either(&row[0]) {
            for on_hold in either(&row[1]) {
                let (ends, pending): (Vec<Option<OnEnd>>, bool) = match row[2].as_str() {
                    "deletion pending" => (vec![None, Some(OnEnd::Stop), Some(OnEnd::Lock)], true),
                    "over, onEnd: Stop" => (vec![Some(OnEnd::Stop)], false),
                    "over, onEnd: Lock" => (vec![Some(OnEnd::Lock)], false),
                    "else" => (vec![None, Some(OnEnd::Lock)], false),
                    "none, or not over" => (vec![None], false),
                    other => panic!("{other}"),
                };
                for trial_over in ends {
                    let verdict = AccessVerdict::of(Standing {
                        active,
                        on_hold,
                        trial_over,
                        deletion_pending: pending,
                    });
                    let case = (active, on_hold, format!("{trial_over:?}"), pending);
                    assert_eq!(
                        (verdict.access.as_str(), verdict.reason.as_str()),
                        (row[3].as_str(), row[4].as_str()),
                        "{case:?}"
                    );
                    assert!(told.insert(case.clone()), "twice: {case:?}");
                }
            }
        }
    }
    assert_eq!(told.len(), 2 * 2 * 3 * 2, "every case is told");
}
