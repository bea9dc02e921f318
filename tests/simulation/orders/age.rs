//! Who has what only one can have: the older.

use serde_json::{Value, json};

use super::things::DACH;
use crate::scenes::{EMEA, GLOBEX};
use crate::sim::Sim;

/// Since when, and then by which name, one claims what only one can have. A customer that was made again is as old as the company.
pub fn claim(sim: &Sim, plural: &str, namespace: &str, name: &str) -> (String, String) {
    let object = sim.see(plural, namespace, name);
    let since = match &object["status"]["customerSince"] {
        Value::Null => &object["metadata"]["creationTimestamp"],
        since => since,
    };
    let since = since.as_str().expect("a time").to_owned();
    (since, format!("{namespace}/{name}"))
}

pub type Name = (&'static str, &'static str);

/// These, the oldest first.
fn by_age<const N: usize>(sim: &Sim, plural: &str, mut names: [Name; N]) -> [Name; N] {
    names.sort_by_key(|(namespace, name)| claim(sim, plural, namespace, name));
    names
}

const NUMBERED: [Name; 2] = [(EMEA, "globex"), (EMEA, "initech")];

/// Who of the two has the number, and who has not.
pub fn number_holder(sim: &Sim) -> [Name; 2] {
    let [a, b] = NUMBERED;
    let number = |(namespace, name)| {
        sim.see("customers", namespace, name)["status"]["customerNumber"].clone()
    };
    let [holder, other] = if number(a).is_null() { [b, a] } else { [a, b] };
    assert_eq!((number(holder), number(other)), (json!("C-1"), Value::Null));
    [holder, other]
}

/// Of those who ask for the same, the older has it.
pub fn the_older_has_it(sim: &Sim) {
    let users = |names| by_age(sim, "customerusers", names);
    let ready = |(namespace, name)| sim.ready("customerusers", namespace, name);
    let [first, others @ ..] = users([(EMEA, "ada"), (EMEA, "bob"), (GLOBEX, "eve")]);
    assert_eq!(ready(first), "True Settled", "{first:?}");
    for other in others {
        assert_eq!(ready(other), "False EmailTaken", "{other:?}");
    }
    let [first, second, last] = users([(EMEA, "joe"), (EMEA, "kim"), ("emea--acme", "lee")]);
    assert_eq!(ready(first), "True Settled", "{first:?}");
    assert_eq!(ready(second), "True Settled", "{second:?}");
    assert_eq!(ready(last), "False TooManyUsers", "{last:?}");

    let [first, last] = by_age(sim, "customers", [(EMEA, "globex"), (DACH, "umbrella")]);
    let hosts = |(namespace, name)| {
        sim.see("customers", namespace, name)["status"]["ingressDomain"].clone()
    };
    assert!(
        !hosts(first).is_null() && hosts(last).is_null(),
        "{first:?}"
    );

    // A number is a fact once it is recorded, so of two made in one second either may have been quicker.
    let [holder, other] = number_holder(sim).map(|(ns, name)| claim(sim, "customers", ns, name).0);
    assert!(holder <= other, "the younger has the number");
}
