/// Why a model cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is nothing to measure.
    #[error("no rows, expected at least one")]
    NoRows,
    /// There is not one label per probability.
    #[error("{labels} labels for {probabilities} probabilities, expected one for each")]
    Lengths {
        /// How many probabilities there are.
        probabilities: usize,
        /// How many labels there are.
        labels: usize,
    },
    /// What should be a probability is not between 0 and 1, or not a number.
    #[error("probability {got} at row {row}, expected one from 0 to 1")]
    NotAProbability {
        /// The row, counted from 0.
        row: usize,
        /// The value.
        got: f32,
    },
    /// A row was asked for that is not there.
    #[error("row {row} of {n_rows}")]
    NoSuchRow {
        /// The row, counted from 0.
        row: usize,
        /// How many there are.
        n_rows: usize,
    },
    /// All rows are of one class: models cannot be compared by how they order the classes.
    #[error("all rows are of one class, expected both")]
    OneClass,
    /// Two models were not scored on the same rows: their labels differ.
    #[error("the models' rows differ at row {row}, expected the same labels")]
    DifferentRows {
        /// The first row that only one of them has, or whose labels differ.
        row: usize,
    },
    /// The level of an interval is not in its range.
    #[error("level {got}, expected more than 0 and less than 1")]
    Level {
        /// The value.
        got: f64,
    },
    /// The margin by which a challenger may be worse is not in its range.
    #[error("margin {got}, expected one from 0 to 1")]
    Margin {
        /// The value.
        got: f64,
    },
}
