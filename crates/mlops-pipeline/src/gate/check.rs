use std::fmt;

use serde::Serialize;

use crate::evaluation::Difference;

/// One of the things that a [`Gate`](crate::Gate) looks at, with what it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "check", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// There are enough rows of both classes.
    #[non_exhaustive]
    Rows {
        /// How many rows are positive.
        n_positives: usize,
        /// How many are negative.
        n_negatives: usize,
        /// How many there must be of each, at least.
        min_of_class: usize,
    },
    /// The champion does not order the rows the wrong way round, as it does if the labels are exchanged.
    #[non_exhaustive]
    Labels {
        /// How far its area under the ROC curve is above one half, in standard deviations; `None` if all rows have one
        /// probability.
        z: Option<f64>,
        /// What it may be, at least.
        allowed: f64,
    },
    /// The challenger orders the rows better than chance.
    #[non_exhaustive]
    Order {
        /// How far its area under the ROC curve is above one half, in standard deviations; `None` if all rows have one
        /// probability.
        z: Option<f64>,
        /// What is needed, at least.
        needed: f64,
    },
    /// The challenger orders the rows not worse than the champion, by more than a margin.
    #[non_exhaustive]
    RocAuc {
        /// Its area under the ROC curve, less the champion's.
        difference: Difference,
        /// How much lower it may be.
        margin: f64,
    },
    /// The challenger does not order the rows of a slice worse, by more than a margin and beyond doubt.
    #[non_exhaustive]
    Slice {
        /// The name of the slice.
        name: String,
        /// The difference as above; `None` if the slice has not enough rows.
        difference: Option<Difference>,
        /// How much lower it may be.
        margin: f64,
    },
    /// The challenger's probabilities are not wrong, or not shown to be worse than the champion's.
    #[non_exhaustive]
    Calibration {
        /// [`spiegelhalter_z`](crate::evaluation::spiegelhalter_z) of the challenger.
        z: f64,
        /// How far from 0 it may be, at most.
        allowed: f64,
        /// The challenger's log-loss, less the champion's.
        log_loss: Difference,
    },
}

impl Check {
    /// Whether it holds.
    pub fn is_passed(&self) -> bool {
        match self {
            Self::Rows { n_positives, n_negatives, min_of_class } => {
                n_positives.min(n_negatives) >= min_of_class
            }
            Self::Labels { z, allowed } => z.is_none_or(|z| z >= *allowed),
            Self::Order { z, needed } => z.is_some_and(|z| z >= *needed),
            Self::RocAuc { difference, margin } => difference.low >= -margin,
            Self::Slice { difference, margin, .. } => {
                difference.is_none_or(|difference| difference.high >= -margin)
            }
            Self::Calibration { z, allowed, log_loss } => {
                z.abs() <= *allowed || log_loss.low <= 0.0
            }
        }
    }
}

/// A sentence of what was found and what is needed.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { n_positives, n_negatives, min_of_class } => write!(
                f,
                "rows: {n_positives} positive and {n_negatives} negative ones, at least {min_of_class} of each are needed"
            ),
            Self::Labels { z, allowed } => write!(
                f,
                "labels: the champion is {:.2} standard deviations better than chance, at least {allowed:.2} are needed to \
                 believe them",
                z.unwrap_or_default()
            ),
            Self::Order { z: Some(z), needed } => write!(
                f,
                "order: {z:.2} standard deviations better than chance, at least {needed:.2} are needed"
            ),
            Self::Order { z: None, .. } => {
                f.write_str("order: the challenger says the same of all rows")
            }
            Self::RocAuc { difference, margin } => write!(
                f,
                "AUC: the difference is {}, its lower end may be {:.4} at least",
                Signed(difference),
                -margin
            ),
            Self::Slice { name, difference: Some(difference), margin } => write!(
                f,
                "AUC of {name}: the difference is {}, its upper end may be {:.4} at least",
                Signed(difference),
                -margin
            ),
            Self::Slice { name, difference: None, .. } => {
                write!(f, "AUC of {name}: too few rows to judge")
            }
            Self::Calibration { z, allowed, log_loss } => write!(
                f,
                "calibration: {:.2} standard deviations wrong, at most {allowed:.2} are allowed, or a log-loss that may be \
                 as low as the champion's: the difference is {}",
                z.abs(),
                Signed(log_loss)
            ),
        }
    }
}

/// A difference with its sign and its interval.
struct Signed<'a>(&'a Difference);

impl fmt::Display for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { estimate, low, high } = self.0;
        write!(f, "{estimate:+.4} ({low:+.4} to {high:+.4})")
    }
}
