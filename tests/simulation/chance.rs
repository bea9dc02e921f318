//! Properties that hold whatever chance decides.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

/// Tries a property on so many cases for each 256 that are asked for by `PROPTEST_CASES` (256 when nothing is asked for); a failure is
/// made as small as it gets.
pub fn for_many<S: Strategy>(cases: u32, what: &S, holds: impl Fn(S::Value)) {
    let asked = Config::default().cases;
    let config = Config {
        cases: (asked * cases).div_ceil(256),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(what, |value| {
            holds(value);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
