use std::sync::Arc;

use mlops_core::{Random, Records, StandardScaler};
use mlops_forest::{Node, Side, threshold_at_most};

use crate::sampler::Sampler;
use crate::threshold::calibrate;
use crate::tree::Tree;
use crate::{Error, IsolationForest, IsolationForestParams};

impl IsolationForestParams {
    /// Grows the trees and sets the threshold to the `1 - contamination` quantile of the scores of
    /// all `records`, interpolated linearly.
    ///
    /// Each tree takes time in proportion to its own rows; scoring all of `records` for the
    /// threshold takes about a microsecond per row and 100 trees.
    ///
    /// # Errors
    /// * [`Error::NoRows`] if there are no records
    /// * [`Error::NoTrees`] or [`Error::NoSamples`] if that parameter is 0
    /// * [`Error::UnreachableThreshold`] if no row could ever be an outlier: all columns are
    ///   constant, there are fewer than three rows (in all or per tree), or more rows than the
    ///   contamination share the highest score, and then a higher contamination helps
    /// * [`Error::Forest`] if there are more nodes than 32-bit indices can tell apart
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, OutlierDetectorExt, Records, Schema};
    /// use mlops_outlier::{Contamination, IsolationForest};
    /// use ndarray::Array2;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("x")])?);
    /// let values = Array2::from_shape_fn((1000, 1), |(row, _)| (row as f64).sin());
    /// let records = Records::new(schema, values)?;
    /// let params = IsolationForest::params().seed(7).contamination(Contamination::new(0.05)?);
    /// let report = params.fit(&records)?.detect(&records)?;
    /// assert_eq!(report.is_outlier().filter(|outlier| *outlier).count(), 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(&self, records: &Records) -> Result<IsolationForest, Error> {
        if self.n_trees == 0 {
            return Err(Error::NoTrees);
        }
        if self.max_samples == 0 {
            return Err(Error::NoSamples);
        }
        let scaler = StandardScaler::fit(records.values()).map_err(|_| Error::NoRows)?;
        let max_samples = self.max_samples.min(records.n_rows());
        let mut sampler = Sampler::new(records.n_rows());
        let trees = (0..self.n_trees)
            .map(|tree| {
                let mut random = Random::stream(self.seed, tree as u64);
                let rows = sampler.draw(max_samples, &mut random);
                let columns = columns(&records.select(&rows), &scaler);
                Tree::new(tree, grow(&columns, max_samples, random))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::clone(records.schema());
        IsolationForest::new(schema, scaler, trees, max_samples, |scorer| {
            calibrate(scorer.scores(records), self.contamination)
        })
    }
}

/// The columns of `records`, standardised and rounded to what the trees compare.
fn columns(records: &Records, scaler: &StandardScaler) -> Vec<Vec<f32>> {
    let scaled = scaler.transform(records.values());
    #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
    let rounded = scaled.columns().into_iter().map(|column| column.mapv(|x| x as f32).to_vec());
    rounded.collect()
}

/// Grows a tree from all rows of `columns`.
fn grow(columns: &[Vec<f32>], n_rows: usize, random: Random) -> Vec<Node<usize>> {
    // Below this depth, ceil(log2(n)), a row is normal in any case.
    let depth_limit = n_rows.next_power_of_two().ilog2().max(1);
    let features = (0..columns.len()).collect();
    let mut grower = Grower { columns, random, features, depth_limit, nodes: Vec::new() };
    grower.grow(&mut (0..n_rows).collect::<Vec<_>>(), 0);
    grower.nodes
}

struct Grower<'c> {
    columns: &'c [Vec<f32>],
    random: Random,
    // All features, in the order that past choices left them in.
    features: Vec<usize>,
    depth_limit: u32,
    nodes: Vec<Node<usize>>,
}

impl Grower<'_> {
    /// Appends the subtree of `rows` and tells where it begins.
    fn grow(&mut self, rows: &mut [usize], depth: u32) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf { value: rows.len() });
        if depth < self.depth_limit
            && let Some((feature, threshold)) = self.choose(rows)
        {
            let column = &self.columns[feature];
            let missing = side_of_missing(column, threshold, rows);
            let n_left = partition(rows, |row| {
                let x = column[row];
                if x.is_nan() { missing == Side::Left } else { x < threshold }
            });
            let (left, right) = rows.split_at_mut(n_left);
            let left = self.grow(left, depth + 1);
            let right = self.grow(right, depth + 1);
            self.nodes[at] = Node::Split { feature, threshold, missing, left, right };
        }
        at
    }

    /// A random feature among those that are not constant in `rows`, and a random threshold between
    /// its smallest and its largest value; both sides then have a row.
    fn choose(&mut self, rows: &[usize]) -> Option<(usize, f32)> {
        for n_candidates in (1..=self.features.len()).rev() {
            let candidate = self.random.below(n_candidates);
            let feature = self.features[candidate];
            let (min, max) = range(rows.iter().map(|&row| self.columns[feature][row]));
            if min < max {
                let (low, high) = (f64::from(min), f64::from(max));
                let threshold = threshold_at_most(low + self.random.unit() * (high - low));
                return Some((feature, threshold.min(max)));
            }
            self.features.swap(candidate, n_candidates - 1);
        }
        None
    }
}

/// The smallest and the largest of the values that are not missing; (infinity, minus infinity) if
/// there are none.
fn range(values: impl Iterator<Item = f32>) -> (f32, f32) {
    values.fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), x| (min.min(x), max.max(x)))
}

/// The side with more of the rows that have a value.
fn side_of_missing(column: &[f32], threshold: f32, rows: &[usize]) -> Side {
    let n_left = rows.iter().filter(|&&row| column[row] < threshold).count();
    let n_right = rows.iter().filter(|&&row| column[row] >= threshold).count();
    if n_left > n_right { Side::Left } else { Side::Right }
}

/// Moves the rows that go left to the front and tells how many there are.
fn partition(rows: &mut [usize], goes_left: impl Fn(usize) -> bool) -> usize {
    let mut n_left = 0;
    for at in 0..rows.len() {
        if goes_left(rows[at]) {
            rows.swap(at, n_left);
            n_left += 1;
        }
    }
    n_left
}

#[cfg(test)]
mod tests;
