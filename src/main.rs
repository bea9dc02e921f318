//! The `clientele` binary.
fn main() {}
