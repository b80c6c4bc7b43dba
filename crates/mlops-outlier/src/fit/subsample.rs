use mlops_core::{Random, Records, StandardScaler};
use mlops_forest::to_f32;

use super::sampler::Sampler;

/// Draws the rows of one tree after the other, in the same memory.
#[derive(Debug)]
pub(super) struct Subsample<'r> {
    records: &'r Records,
    scaler: &'r StandardScaler,
    sampler: Sampler,
    row: Vec<f64>,
    columns: Columns,
}

/// The rows of a tree, column by column, as the tree compares them: scaled, rounded to 32 bits, and
/// finite or NaN.
#[derive(Debug, Default)]
pub(super) struct Columns {
    n_rows: usize,
    values: Vec<f32>,
}

impl<'r> Subsample<'r> {
    pub(super) fn new(records: &'r Records, scaler: &'r StandardScaler) -> Self {
        let sampler = Sampler::new(records.n_rows());
        Self { records, scaler, sampler, row: Vec::new(), columns: Columns::default() }
    }

    /// Draws `count` rows with replacement, or at most as many without.
    pub(super) fn draw(&mut self, count: usize, replace: bool, random: &mut Random) -> &Columns {
        let n_rows = self.records.n_rows();
        let rows = if replace {
            (0..count).map(|_| random.below(n_rows)).collect()
        } else {
            self.sampler.draw(count, random)
        };
        let columns = &mut self.columns;
        columns.n_rows = rows.len();
        columns.values.resize(rows.len() * self.records.schema().len(), 0.0);
        for (at, row) in rows.into_iter().enumerate() {
            self.row.clear();
            self.row.extend(self.records.row(row));
            self.scaler.transform_row(&mut self.row);
            let places = columns.values[at..].iter_mut().step_by(columns.n_rows);
            for (place, value) in places.zip(&self.row) {
                *place = to_f32(*value).clamp(f32::MIN, f32::MAX);
            }
        }
        columns
    }
}

impl Columns {
    /// Takes columns of equal length.
    #[cfg(test)]
    pub(super) fn new(columns: &[Vec<f32>]) -> Self {
        Self { n_rows: columns[0].len(), values: columns.concat() }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_columns(&self) -> usize {
        self.values.len() / self.n_rows
    }

    pub(super) fn column(&self, at: usize) -> &[f32] {
        &self.values[at * self.n_rows..][..self.n_rows]
    }
}
