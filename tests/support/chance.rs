//! Properties that hold whatever chance decides.

// Who tries a property in a world of virtual time needs no samples, who does so on an API server nothing else.
#![allow(dead_code)]

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};

/// So many cases for each 256 that are asked for by `PROPTEST_CASES` (256 when nothing is asked for).
fn config(cases: u32) -> Config {
    let asked = Config::default().cases;
    Config {
        cases: (asked * cases).div_ceil(256),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Whether more is asked for than usual: then what could be tried is tried in full, instead of a part of it.
pub fn in_full() -> bool {
    Config::default().cases > 256
}

/// Tries a property on so many cases for each 256 that are asked for; a failure is made as small as it gets.
pub fn for_many<S: Strategy>(cases: u32, what: &S, holds: impl Fn(S::Value)) {
    TestRunner::new(config(cases))
        .run(what, |value| {
            holds(value);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// So many cases for each 256 that are asked for, to be tried side by side. Where each takes many seconds, none is made smaller.
pub fn samples<S: Strategy>(cases: u32, what: &S) -> Vec<S::Value> {
    let config = config(cases);
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let sample = |_| what.new_tree(&mut runner).expect("a case").current();
    (0..cases).map(sample).collect()
}
