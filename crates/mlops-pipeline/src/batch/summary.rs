use super::BadRow;

/// What came of scoring a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BatchSummary {
    /// How many rows were scored.
    pub n_scored: u64,
    /// How many of them are outliers; 0 without a detector.
    pub n_outliers: u64,
    /// How many rows have empty results.
    pub n_null: u64,
    /// How many rows were left out.
    pub n_skipped: u64,
    /// The first row that could not be scored, and why.
    pub first_bad: Option<BadRow>,
}

impl BatchSummary {
    /// Takes in what came of the rows that follow.
    pub(super) fn add(&mut self, next: Self) {
        let Self { n_scored, n_outliers, n_null, n_skipped, first_bad } = next;
        self.n_scored += n_scored;
        self.n_outliers += n_outliers;
        self.n_null += n_null;
        self.n_skipped += n_skipped;
        if self.first_bad.is_none() {
            self.first_bad = first_bad;
        }
    }
}
