use std::fmt;

use serde::Serialize;

use super::Check;

/// What a [`Gate`](crate::Gate) says of a challenger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// All that was looked at, at least the number of rows.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether the challenger may take the champion's place: whether all checks are passed.
    pub fn is_passed(&self) -> bool {
        self.checks.iter().all(Check::is_passed)
    }

    /// The checks that are not passed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.is_passed())
    }
}

/// A line for each check.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, check) in self.checks.iter().enumerate() {
            let end = if at + 1 < self.checks.len() { "\n" } else { "" };
            let outcome = if check.is_passed() { "passed" } else { "FAILED" };
            write!(f, "{outcome}: {check}{end}")?;
        }
        Ok(())
    }
}
