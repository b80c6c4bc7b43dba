use mlops_core::PValueMethod;

use super::ChiSquaredOutcome;
use crate::Error;
use crate::counts::Totals;
use crate::special::chi_squared;
use crate::test::clamp_p_value;

/// The counts of two samples; the smaller one is seen as drawn from both together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    // Invariant: not empty, sorted; each total is positive.
    pub(super) columns: &'a [Column],
    // Invariant: positive, at most half of `total`; `total` is at most 2^53.
    pub(super) drawn: u64,
    pub(super) total: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) total: u64,
    pub(super) drawn: u64,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        reference: &[u64],
        batch: &[u64],
        columns: &'a mut Vec<Column>,
    ) -> Result<Self, Error> {
        let totals = Totals::of(reference, batch)?;
        let (n, m) = (totals.reference, totals.batch);
        let (rest, drawn) = if m <= n { (reference, batch) } else { (batch, reference) };
        let pairs = rest.iter().zip(drawn);
        let pairs = pairs.map(|(&rest, &drawn)| Column { drawn, total: rest + drawn });
        columns.clear();
        columns.extend(pairs.filter(|column| column.total > 0));
        // The rarest category first: whatever order they stand in, the result is the same.
        columns.sort_unstable_by_key(|column| (column.total, column.drawn));
        Ok(Self { columns, drawn: n.min(m), total: totals.all() })
    }

    pub(super) fn degrees_of_freedom(&self) -> usize {
        self.columns.len() - 1
    }

    /// X^2, symmetric in the two samples; each `|O - E|` is lowered by `correction`, at most to 0.
    pub(super) fn statistic(&self, correction: f64) -> f64 {
        let correction = correction * self.total as f64;
        let term = |column: &Column| {
            let deviation = self.deviation(*column) as f64;
            (deviation - correction.min(deviation)).powi(2) / column.total as f64
        };
        let sum: f64 = self.columns.iter().map(term).sum();
        sum / self.drawn as f64 / (self.total - self.drawn) as f64
    }

    pub(super) fn asymptotic(&self, correction: f64) -> ChiSquaredOutcome {
        let statistic = self.statistic(correction);
        let degrees_of_freedom = self.degrees_of_freedom();
        ChiSquaredOutcome {
            statistic,
            p_value: clamp_p_value(chi_squared::survival(statistic, degrees_of_freedom)),
            degrees_of_freedom,
            method: PValueMethod::Asymptotic,
        }
    }

    /// How far a count is off, times the total.
    pub(super) fn deviation(&self, column: Column) -> u128 {
        let observed = u128::from(column.drawn) * u128::from(self.total);
        observed.abs_diff(u128::from(column.total) * u128::from(self.drawn))
    }

    /// The category that is farthest off against all others.
    pub(super) fn farthest(&self) -> Column {
        let total = self.total as f64;
        let term = |column: &Column| {
            let share = column.total as f64 / total;
            (self.deviation(*column) as f64 / total).powi(2) / (share * (1.0 - share))
        };
        let farthest = self.columns.iter().max_by(|left, right| term(left).total_cmp(&term(right)));
        *farthest.unwrap_or(&self.columns[0])
    }

    /// What the chi-squared distribution says, if it is close to the exact law; of two categories,
    /// that is known.
    pub(super) fn near_its_limit(&self) -> Option<ChiSquaredOutcome> {
        let has_law = self.columns.len() <= 2;
        if has_law || self.expected(&self.columns[0]) < FEWEST_EXPECTED {
            return None;
        }
        Some(self.asymptotic(0.0)).filter(|outcome| outcome.p_value >= LEAST_ASYMPTOTIC)
    }

    /// The expected count of the smaller sample.
    pub(super) fn expected(&self, column: &Column) -> f64 {
        column.total as f64 / self.total as f64 * self.drawn as f64
    }
}

/// From here on, the chi-squared distribution is close enough to the exact law, down to
/// [`LEAST_ASYMPTOTIC`].
const FEWEST_EXPECTED: f64 = 5.0;

const LEAST_ASYMPTOTIC: f64 = 0.01;
