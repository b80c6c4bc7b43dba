use mlops_core::{Random, Records, StandardScaler};
use mlops_forest::to_f32;

use super::sampler::Sampler;

/// Draws the rows of one tree after the other, in the same memory.
#[derive(Debug)]
pub(super) struct Subsample<'r> {
    // Row by row.
    values: &'r [f64],
    scaler: &'r StandardScaler,
    sampler: Sampler,
    rows: Vec<f64>,
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
        // Records stand row by row.
        let values = records.values().to_slice().unwrap_or_default();
        Self { values, scaler, sampler, rows: Vec::new(), columns: Columns::default() }
    }

    /// The number of rows that are drawn from.
    pub(super) fn n_rows(&self) -> usize {
        self.values.len() / self.scaler.n_columns()
    }

    /// Draws `count` rows, of which there are at least as many, with or without replacement.
    pub(super) fn draw(&mut self, count: usize, replace: bool, random: &mut Random) -> &Columns {
        let width = self.scaler.n_columns();
        let drawn = if replace {
            let n_rows = self.n_rows();
            (0..count).map(|_| random.below(n_rows)).collect()
        } else {
            self.sampler.draw(count, random)
        };
        // Copied in one go: of rows that are far apart, the machine fetches several at a time.
        self.rows.clear();
        for row in &drawn {
            self.rows.extend_from_slice(&self.values[row * width..][..width]);
        }
        self.rows.chunks_exact_mut(width).for_each(|row| self.scaler.transform_row(row));
        self.columns.n_rows = drawn.len();
        self.columns.values.clear();
        for column in 0..width {
            let values = self.rows[column..].iter().step_by(width);
            let rounded = values.map(|value| to_f32(*value).clamp(f32::MIN, f32::MAX));
            self.columns.values.extend(rounded);
        }
        &self.columns
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
