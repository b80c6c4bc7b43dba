use std::time::{Duration, SystemTime};

use super::JoinCounts;

/// What somebody says of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// The position of the request.
    pub(super) request: usize,
    pub(super) row: usize,
    pub(super) label: f64,
    pub(super) time: Option<SystemTime>,
}

impl Claim {
    /// In this order, claims about a row stand together, and among them those that say the same.
    pub(super) fn order(&self) -> (usize, usize, u64) {
        (self.request, self.row, self.bits())
    }

    fn bits(&self) -> u64 {
        // -0 and 0 are the same label.
        (self.label + 0.0).to_bits()
    }
}

/// What the labels of a row come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Truth {
    /// No label can be used.
    Unknown,
    Label(f64),
    Contradictory,
}

/// Judges the ordered claims about one row, whose request came in at `asked`, and counts all but the one that the row gets.
pub(super) fn truth(
    claims: &[Claim],
    asked: Option<SystemTime>,
    max_delay: Option<Duration>,
    counts: &mut JoinCounts,
) -> Truth {
    let (mut truth, mut last) = (Truth::Unknown, None);
    for claim in claims {
        let bits = claim.bits();
        let delay = claim.time.zip(asked).map(|(told, asked)| told.duration_since(asked));
        if !claim.label.is_finite() {
            counts.not_labels += 1;
        } else if matches!(delay, Some(Err(_))) {
            counts.early += 1;
        } else if matches!((delay, max_delay), (Some(Ok(delay)), Some(most)) if delay > most) {
            counts.late += 1;
        } else if last == Some(bits) {
            counts.repeated += 1;
        } else if last.replace(bits).is_none() {
            truth = Truth::Label(f64::from_bits(bits));
        } else {
            counts.contradictions += 1;
            truth = Truth::Contradictory;
        }
    }
    truth
}
