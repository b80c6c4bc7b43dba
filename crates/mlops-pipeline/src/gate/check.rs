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
    /// The challenger's probabilities are not wrong, or less so than the champion's.
    #[non_exhaustive]
    Calibration {
        /// [`spiegelhalter_z`](crate::evaluation::spiegelhalter_z) of the champion.
        champion: Option<f64>,
        /// The same of the challenger.
        challenger: Option<f64>,
        /// How far from 0 it may be, at most.
        allowed: f64,
    },
}

impl Check {
    /// Whether it holds.
    pub fn is_passed(&self) -> bool {
        match self {
            Self::Rows { n_positives, n_negatives, min_of_class } => {
                n_positives.min(n_negatives) >= min_of_class
            }
            Self::Order { z, needed } => z.is_some_and(|z| z >= *needed),
            Self::RocAuc { difference, margin } => difference.low >= -margin,
            Self::Slice { difference, margin, .. } => {
                difference.is_none_or(|difference| difference.high >= -margin)
            }
            Self::Calibration { champion, challenger, allowed } => {
                let [champion, challenger] =
                    [champion, challenger].map(|z| z.map_or(0.0, f64::abs));
                challenger <= *allowed || challenger < champion
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
            Self::Calibration { champion, challenger, allowed } => {
                f.write_str("calibration: ")?;
                match challenger {
                    Some(z) => write!(f, "{:.2} standard deviations wrong", z.abs())?,
                    None => f.write_str("nothing to be said")?,
                }
                write!(f, ", at most {allowed:.2}")?;
                match champion {
                    Some(z) => write!(f, " or the champion's {:.2} are allowed", z.abs()),
                    None => f.write_str(" are allowed"),
                }
            }
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
