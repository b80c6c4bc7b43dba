use std::f64::consts::{E, TAU};

use crate::special::binomial::stirling_error;

/// `P(D_n < x)` of a sample of `n` values, exactly: an entry of the n-th power of a matrix that
/// takes the empirical distribution function from one multiple of `1 / n` to the next.
///
/// ```text
/// P(D_n < x) = n! / n^n (H^n)[k][k]      n x = k - h,  0 <= h < 1;  H has 2 k - 1 rows
/// ```
///
/// All entries are positive: nothing cancels. Time O((n x)^3 log n).
///
/// Durbin (1973), Distribution theory for tests based on the sample distribution function; as a
/// power of a matrix by Marsaglia, Tsang and Wang (2003), Evaluating Kolmogorov's distribution,
/// Journal of Statistical Software 8(18), <https://doi.org/10.18637/jss.v008.i18>.
pub(super) fn cdf(n: usize, x: f64) -> f64 {
    let t = n as f64 * x;
    let k = t.ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "n x is positive, and small wherever this method is used"
    )]
    let middle = k as usize - 1;
    let mut power = Matrix::step(2 * middle + 1, k - t);
    let mut state = vec![0.0; power.rows];
    state[middle] = 1.0;
    let mut exponent = n;
    while exponent > 1 {
        if exponent % 2 == 1 {
            state = power.times(&state);
        }
        power = power.squared();
        exponent /= 2;
    }
    // n! / (n / e)^n: the entries are divided by e, so that no power is too large for a double.
    let scale = (TAU * n as f64).sqrt() * stirling_error(n as u64).exp();
    scale * power.times(&state)[middle]
}

/// A square matrix, row by row.
#[derive(Debug)]
struct Matrix {
    rows: usize,
    entries: Vec<f64>,
}

impl Matrix {
    /// `H / e` of that many rows.
    fn step(rows: usize, h: f64) -> Self {
        // h^i / i!, and 1 / i! for h = 1, divided by e.
        let terms = |h: f64| -> Vec<f64> {
            let next = |term: &mut f64, i: usize| {
                *term *= h / i as f64;
                Some(*term)
            };
            std::iter::once(1.0 / E).chain((1..=rows).scan(1.0 / E, next)).collect()
        };
        let (ones, edges) = (terms(1.0), terms(h));
        let mut matrix = Self { rows, entries: vec![0.0; rows * rows] };
        for row in 0..rows {
            for column in 0..rows.min(row + 2) {
                matrix.entries[row * rows + column] = ones[row + 1 - column];
            }
        }
        for (i, edge) in edges[1..].iter().enumerate() {
            matrix.entries[i * rows] -= edge;
            matrix.entries[rows * rows - 1 - i] -= edge;
        }
        matrix.entries[(rows - 1) * rows] += terms((2.0 * h - 1.0).max(0.0))[rows];
        matrix
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| row.iter().zip(vector).map(|(a, b)| a * b).sum();
        self.entries.chunks_exact(self.rows).map(row).collect()
    }

    fn squared(&self) -> Self {
        let mut entries = vec![0.0; self.entries.len()];
        let rows = self.entries.chunks_exact(self.rows);
        for (row, target) in rows.clone().zip(entries.chunks_exact_mut(self.rows)) {
            for (factor, other) in row.iter().zip(rows.clone()) {
                for (entry, value) in target.iter_mut().zip(other) {
                    *entry += factor * value;
                }
            }
        }
        Self { rows: self.rows, entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_are_polynomials() {
        // One value is in the middle, two are in either half.
        for (n, x, expected) in [(1, 0.7, 0.4), (1, 0.5, 0.0), (2, 0.3, 0.02), (2, 0.5, 0.5)] {
            let probability = cdf(n, x);
            assert!((probability - expected).abs() < 1e-15, "{n} {x}: {probability}");
        }
    }
}
