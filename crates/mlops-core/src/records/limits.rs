/// How much a body may hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecordsLimits {
    /// The most rows that are read; 10,000 by default.
    pub max_rows: usize,
}

impl RecordsLimits {
    /// The same limits with at most `max_rows` rows.
    #[must_use]
    pub fn max_rows(self, max_rows: usize) -> Self {
        Self { max_rows, ..self }
    }
}

impl Default for RecordsLimits {
    fn default() -> Self {
        Self { max_rows: 10_000 }
    }
}
