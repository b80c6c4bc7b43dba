use std::path::Path;

use mlops_core::durable;
use serde::Serialize;

use crate::error::Error;
use crate::models::CONTAMINATION;
use crate::screen::say;
use crate::train::Outcome;

/// A clean batch is called drifted with at most this probability.
pub(super) const FAMILY_WISE_LEVEL: f64 = 0.001;
/// Held-out wines may be called odd so many times as often as training wines.
const OUTLIER_RATE_FACTOR: f64 = 3.0;

/// What the demo measured.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    pub(super) predictions_per_second: f64,
    pub(super) p50_milliseconds: f64,
    pub(super) p99_milliseconds: f64,
    pub(super) shifted_feature: String,
    /// The features called drifted in the shifted batch.
    pub(super) drift: Vec<String>,
    /// The features called drifted in the unshifted batch.
    pub(super) clean_drift: Vec<String>,
    /// The share of held-out wines that is called odd.
    pub(super) clean_outlier_rate: f64,
    pub(super) odd_wines: Vec<OddWineFound>,
}

/// Whether an odd wine was called odd.
#[derive(Debug, Serialize)]
pub(super) struct OddWineFound {
    pub(super) wine: &'static str,
    pub(super) is_found: bool,
}

impl Measured {
    pub(super) fn is_passed(&self) -> bool {
        self.checks().into_iter().all(|(_, holds)| holds)
    }

    pub(super) fn show_verdict(&self) {
        say("Verdict");
        for (check, holds) in self.checks() {
            say(format_args!("   {} {check}", if holds { "yes" } else { "NO " }));
        }
        say(if self.is_passed() { "The demo passed." } else { "The demo failed." });
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::Answer)?;
        durable::write(path, &text).map_err(Error::io(path))
    }

    fn checks(&self) -> [(&'static str, bool); 5] {
        let is_named = self.drift.contains(&self.shifted_feature);
        let limit = OUTLIER_RATE_FACTOR * CONTAMINATION;
        [
            ("the shifted feature is named", is_named),
            (
                "at most one other feature is flagged with it",
                self.drift.len() <= 1 + usize::from(is_named),
            ),
            ("the unshifted batch is clean", self.clean_drift.is_empty()),
            ("ordinary wines are rarely called odd", self.clean_outlier_rate <= limit),
            ("every odd wine is found", self.odd_wines.iter().all(|odd| odd.is_found)),
        ]
    }
}
