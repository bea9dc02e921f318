//! Which services need which: cycles, an order, and what is unmet.

use std::collections::{BTreeMap, BTreeSet};

/// What each offering requires, by name.
pub type Requirements = BTreeMap<String, Vec<String>>;

/// Every cycle that an offering is in, as text such as `a → b → a`, by the name of the offering. Who only requires one that
/// is in a cycle is not in it.
pub fn cycles(requirements: &Requirements) -> BTreeMap<String, String> {
    let in_cycle = requirements.keys().filter_map(|name| {
        let mut path = way_back(requirements, name)?;
        path.push(name);
        Some((name.clone(), path.join(" → ")))
    });
    in_cycle.collect()
}

/// The shortest way from an offering through what it requires to what requires it: the names on it, itself first.
fn way_back<'r>(requirements: &'r Requirements, from: &'r str) -> Option<Vec<&'r str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut front = vec![from];
    while !front.is_empty() {
        let mut next = Vec::new();
        for at in front {
            for required in requirements.get(at).into_iter().flatten() {
                if required == from {
                    let mut path = vec![at];
                    while let Some(previous) = path.last().and_then(|last| before.get(last)) {
                        path.push(previous);
                    }
                    path.reverse();
                    return Some(path);
                }
                if !before.contains_key(required.as_str()) {
                    before.insert(required, at);
                    next.push(required.as_str());
                }
            }
        }
        front = next;
    }
    None
}

/// The names so that each comes after what it requires, else by name. What is in a cycle, or requires what is, comes last.
pub fn order(requirements: &Requirements) -> Vec<&str> {
    let mut left: BTreeSet<&str> = requirements.keys().map(String::as_str).collect();
    let mut ordered = Vec::with_capacity(left.len());
    loop {
        let is_free = |name: &&str| {
            let mut required = requirements.get(*name).into_iter().flatten();
            required.all(|required| !left.contains(required.as_str()))
        };
        let Some(next) = left.iter().copied().find(is_free) else {
            ordered.extend(left);
            return ordered;
        };
        left.remove(next);
        ordered.push(next);
    }
}

/// The first of the requirements that is not met.
pub fn unmet(required: &[String], is_met: impl Fn(&str) -> bool) -> Option<&str> {
    required
        .iter()
        .map(String::as_str)
        .find(|name| !is_met(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requirements(list: &[(&str, &[&str])]) -> Requirements {
        let entry = |(name, required): &(&str, &[&str])| {
            let required = required.iter().map(ToString::to_string).collect();
            ((*name).to_owned(), required)
        };
        list.iter().map(entry).collect()
    }

    #[test]
    fn a_cycle_is_shown_from_each_of_its_offerings_and_no_other() {
        let all = requirements(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a", "d"]),
            ("d", &[]),
            ("e", &["a"]),
        ]);
        let found = cycles(&all);
        assert_eq!(found["a"], "a → b → c → a");
        assert_eq!(found["c"], "c → a → b → c");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn who_requires_itself_is_a_cycle_of_one() {
        assert_eq!(cycles(&requirements(&[("a", &["a"])]))["a"], "a → a");
    }

    #[test]
    fn what_is_required_comes_first() {
        let all = requirements(&[("a", &["c"]), ("b", &[]), ("c", &["b", "missing"])]);
        assert_eq!(order(&all), ["b", "c", "a"]);
    }

    #[test]
    fn what_is_in_a_cycle_comes_last() {
        let all = requirements(&[("a", &["b"]), ("b", &["a"]), ("z", &[])]);
        assert_eq!(order(&all), ["z", "a", "b"]);
    }

    #[test]
    fn the_first_that_is_not_met_is_named() {
        let required = ["dns".to_owned(), "storage".to_owned()];
        assert_eq!(unmet(&required, |name| name == "dns"), Some("storage"));
        assert_eq!(unmet(&required, |_| true), None);
    }

    proptest! {
        #[test]
        fn without_cycles_nothing_comes_before_what_it_requires(edges in proptest::collection::vec((0_u8..8, 0_u8..8), 0..24)) {
            let mut all: Requirements = (0_u8..8).map(|name| (name.to_string(), Vec::new())).collect();
            for (from, to) in edges {
                all.get_mut(&from.to_string()).expect("one of them").push(to.to_string());
            }
            let ordered = order(&all);
            prop_assert_eq!(ordered.len(), 8);
            if cycles(&all).is_empty() {
                for (at, name) in ordered.iter().enumerate() {
                    for required in &all[*name] {
                        prop_assert!(ordered[..at].contains(&required.as_str()));
                    }
                }
            }
        }
    }
}
