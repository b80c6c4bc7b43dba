use std::error::Error;

/// Why a chart cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There are no curves, or more than there are colours.
    #[error("{got} curves, expected 1 to {most}")]
    Curves {
        /// How many there are.
        got: usize,
        /// How many there may be.
        most: usize,
    },
    /// There is nothing to show.
    #[error("no {what}, expected at least one")]
    Empty {
        /// What is missing, such as rows.
        what: &'static str,
    },
    /// There are more or fewer of something than of what it belongs to.
    #[error("{got} {what}, expected {expected}")]
    Length {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A number is NaN or infinite, or too large to be drawn.
    #[error("{what} {value}, expected a number of at most 1e300")]
    NotFinite {
        /// What it is.
        what: &'static str,
        /// The number.
        value: f64,
    },
    /// The chart cannot be drawn.
    #[error("the chart cannot be drawn")]
    Drawing(#[source] Box<dyn Error + Send + Sync>),
}
