use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Check;

/// What a [`Gate`](crate::Gate) says of a challenger.
///
/// As JSON it is an object of `is_passed` and `checks`, of which each says by `is_passed`, too, whether it holds.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Verdict {
    // Invariant: at least that of the rows.
    pub(super) checks: Vec<Check>,
}

impl Verdict {
    /// All that was looked at, at least the number of rows.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

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

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Judged<'a> {
            #[serde(flatten)]
            check: &'a Check,
            is_passed: bool,
        }
        let judged = self.checks.iter().map(|check| Judged { check, is_passed: check.is_passed() });
        let mut object = serializer.serialize_struct("Verdict", 2)?;
        object.serialize_field("is_passed", &self.is_passed())?;
        object.serialize_field("checks", &judged.collect::<Vec<_>>())?;
        object.end()
    }
}
