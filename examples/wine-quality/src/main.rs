//! The wine-quality system.
fn main() {}
