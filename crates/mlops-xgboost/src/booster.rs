use std::collections::BTreeMap;
use std::ops::Range;

use mlops_forest::Rows;
use ndarray::ArrayView2;

use crate::ensemble::{Ensemble, LinearModel};
use crate::error::Unsupported;
use crate::format::CategoryNames;
use crate::objective::Objective;
use crate::train::Params;
use crate::walk::{Batch, Columns, Walker, compile, to_f32};
use crate::{Error, format};

/// A model of XGBoost, ready to score.
#[derive(Clone, Debug)]
pub struct Booster {
    parts: Parts,
    walker: Walker,
    // Invariant: one per output.
    base_margins: Vec<f32>,
}

/// What a model file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) n_features: usize,
    /// One name per feature, or none at all.
    pub(crate) feature_names: Vec<String>,
    /// XGBoost's type of each feature (`float`, `int`, `i`, `q`, `c`), or none at all.
    pub(crate) feature_types: Vec<String>,
    /// One entry per feature, or none at all.
    pub(crate) categories: Vec<CategoryNames>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) objective: Objective,
    /// The predictions before the first tree: one, or one per output.
    pub(crate) base_scores: Vec<f32>,
    /// The number of margins per row: classes, targets, or one.
    pub(crate) n_outputs: usize,
    /// Whether several outputs are classes.
    pub(crate) has_classes: bool,
    pub(crate) ensemble: Ensemble,
}

impl Booster {
    /// Parameters to train a booster with, at XGBoost's defaults.
    pub fn params() -> Params {
        Params::default()
    }

    /// Reads a model file of XGBoost 1.0 to 3.4: JSON, UBJSON or the binary format of versions before 3.1; the content
    /// tells which it is.
    ///
    /// # Errors
    /// * [`Error::Syntax`] if the bytes are none of these
    /// * [`Error::MissingKey`], [`Error::WrongType`], [`Error::Tree`] or [`Error::Forest`] if they are no model
    /// * [`Error::Unsupported`] with the name of a version, an objective or a booster that is not understood
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_parts(format::read(bytes)?)
    }

    pub(crate) fn from_parts(parts: Parts) -> Result<Self, Error> {
        let Parts { n_features, n_outputs, ref ensemble, .. } = parts;
        parts.objective.check(&parts.base_scores)?;
        for (index, tree) in ensemble.trees().iter().enumerate() {
            tree.check(index, n_features, n_outputs)?;
        }
        let walker = Walker::new(ensemble, n_features, n_outputs)?;
        let margin = |base_score: &f32| parts.objective.margin(*base_score);
        let base_margins = match &*parts.base_scores {
            [base_score] => vec![margin(base_score); n_outputs],
            base_scores => base_scores.iter().map(margin).collect(),
        };
        Ok(Self { parts, walker, base_margins })
    }

    /// The booster with the trees of some rounds only, as Python's `booster[start:end]`.
    ///
    /// `best_iteration` and `best_score` stay as they are.
    ///
    /// # Errors
    /// * [`Error::Rounds`] if there are not that many rounds
    /// * [`Error::Unsupported`] for a linear model, which has no rounds
    ///
    /// # Examples
    /// A booster that stopped early predicts with all of its trees, as Python's `Booster` does. Python's scikit-learn
    /// wrapper takes those up to the best round:
    ///
    /// ```
    /// use mlops_xgboost::Booster;
    ///
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/booster.ubj");
    /// let booster = Booster::from_bytes(&std::fs::read(folder)?)?;
    /// let best: usize = booster.attribute("best_iteration").ok_or("no early stopping")?.parse()?;
    /// let best = booster.slice(0..best + 1)?;
    /// assert!(best.n_trees() < booster.n_trees());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slice(&self, rounds: Range<usize>) -> Result<Self, Error> {
        let Ensemble::Trees(trees) = &self.parts.ensemble else {
            return Err(Error::Unsupported { feature: Unsupported::LinearRounds });
        };
        let ensemble = Ensemble::Trees(trees.slice(rounds)?);
        Self::from_parts(Parts { ensemble, ..self.parts.clone() })
    }

    /// The model as a JSON file that every XGBoost from 1.6 loads; with leaves that are vectors from 2.0, with names
    /// of categories or a base score per output from 3.1 (older versions drop both without an error).
    pub fn to_json(&self) -> Vec<u8> {
        format::write_json(&self.parts)
    }

    /// The model as a UBJSON file, which is smaller than JSON and what MLflow stores; it is loaded by the versions that
    /// load [`to_json`](Self::to_json)'s.
    pub fn to_ubjson(&self) -> Vec<u8> {
        format::write_ubjson(&self.parts)
    }

    /// The number of features in a row.
    pub fn n_features(&self) -> usize {
        self.parts.n_features
    }

    /// The number of margins per row: one, or one per class or target.
    pub fn n_outputs(&self) -> usize {
        self.parts.n_outputs
    }

    /// The number of predictions per row: that of the margins, but for `multi:softmax`, which predicts one class.
    pub fn n_predictions(&self) -> usize {
        self.parts.objective.n_predictions(self.n_outputs())
    }

    /// The number of trees; 0 for a linear model.
    pub fn n_trees(&self) -> usize {
        self.parts.ensemble.trees().len()
    }

    /// The name of the objective, such as `binary:logistic`.
    pub fn objective(&self) -> &str {
        self.parts.objective.name()
    }

    /// How trees are computed, to be told beside a measurement: `8-bit ranks`, `32-bit thresholds`, or `linear` without
    /// trees. Results do not depend on it.
    pub fn engine(&self) -> &'static str {
        match &self.parts.ensemble {
            Ensemble::Linear(_) => "linear",
            Ensemble::Trees(_) => self.walker.engine(),
        }
    }

    /// The names of the features in column order; empty if the file has none.
    pub fn feature_names(&self) -> &[String] {
        &self.parts.feature_names
    }

    /// The names of a feature's categories, if the model was trained on a data frame with XGBoost 3.1 or newer: a row
    /// has the position of a name in the place of it.
    pub fn categories(&self, feature: usize) -> &[String] {
        self.parts.categories.get(feature).map_or(&[], |categories| &categories.names)
    }

    /// A free-form attribute of the file, such as `best_iteration`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.parts.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn base_margins(&self) -> &[f32] {
        &self.base_margins
    }

    /// The sums of base score and leaves, rows x outputs, row by row; NaN is a missing value.
    ///
    /// For `binary:logistic` these are the log-odds of the positive class. The bits are those of Python's
    /// `Booster.predict(DMatrix(rows), output_margin=True)` on Linux with glibc: values are rounded to 32 bits, and all
    /// trees are added up in their order. Elsewhere the last bit of the logarithm of the base score may differ.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    pub fn margins<V: Copy + Into<f64>>(&self, rows: ArrayView2<'_, V>) -> Result<Vec<f32>, Error> {
        self.check_width(rows.ncols())?;
        let mut margins = vec![0.0; rows.nrows() * self.n_outputs()];
        self.margins_into(rows, &mut margins)?;
        Ok(margins)
    }

    /// As [`margins`](Self::margins), into memory of the caller's.
    ///
    /// Takes room for at most 64 rows, however many there are.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    ///
    /// # Panics
    /// If `margins` has not one place per row and output.
    #[track_caller]
    pub fn margins_into<V: Copy + Into<f64>>(
        &self,
        rows: ArrayView2<'_, V>,
        margins: &mut [f32],
    ) -> Result<(), Error> {
        assert_eq!(
            margins.len(),
            rows.nrows() * self.n_outputs(),
            "margins need one place per row and output"
        );
        self.check_width(rows.ncols())?;
        for margins in margins.chunks_exact_mut(self.n_outputs()) {
            margins.copy_from_slice(&self.base_margins);
        }
        let walker = match &self.parts.ensemble {
            Ensemble::Linear(linear) => return self.linear_margins(linear, rows, margins),
            Ensemble::Trees(_) => &self.walker,
        };
        let columns = walker.columns();
        let mut batch = columns.batch(rows.nrows().min(Rows::BLOCK));
        let mut left = margins;
        self.for_each_row(rows, |row| {
            columns.push(&mut batch, row);
            if batch.rows.len() == Rows::BLOCK {
                left = self.walk(&mut batch, std::mem::take(&mut left));
            }
        })?;
        self.walk(&mut batch, left);
        Ok(())
    }

    /// Adds the leaves of the rows in `batch` to the first margins; returns the others.
    fn walk<'m>(&self, batch: &mut Batch, margins: &'m mut [f32]) -> &'m mut [f32] {
        let (margins, left) = margins.split_at_mut(batch.rows.len() * self.n_outputs());
        self.walker.add_leaves(&batch.rows, margins);
        batch.rows.clear();
        left
    }

    fn linear_margins<V: Copy + Into<f64>>(
        &self,
        linear: &LinearModel,
        rows: ArrayView2<'_, V>,
        margins: &mut [f32],
    ) -> Result<(), Error> {
        let mut margins = margins.chunks_exact_mut(self.n_outputs());
        let mut values = Vec::new();
        self.for_each_row(rows, |row| {
            let Some(margins) = margins.next() else { return };
            values.clear();
            values.extend(row.iter().map(|value| to_f32(*value)));
            // XGBoost adds the first base score to every output.
            linear.margins(self.base_margins[0], &values, margins);
        })
    }

    /// The predictions, rows x [`n_predictions`](Self::n_predictions), row by row; NaN is a missing value.
    ///
    /// For `binary:logistic` these are the probabilities of the positive class, in `(0, 1]`. They are what Python's
    /// `Booster.predict(DMatrix(rows))` returns, with its bits on Linux with glibc; elsewhere the last bit may differ.
    /// Quantiles are sorted where the version of XGBoost that wrote the model sorts them (3.4 and later).
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    pub fn predict<V: Copy + Into<f64>>(&self, rows: ArrayView2<'_, V>) -> Result<Vec<f32>, Error> {
        let mut predictions = self.margins(rows)?;
        let n_predictions = self.parts.objective.predict(&mut predictions, self.n_outputs());
        predictions.truncate(n_predictions);
        Ok(predictions)
    }

    /// As [`predict`](Self::predict), into memory of the caller's.
    ///
    /// Takes room for at most 64 rows, however many there are; for `multi:softmax`, also for the margins.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    ///
    /// # Panics
    /// If `predictions` has not [`n_predictions`](Self::n_predictions) places per row.
    #[track_caller]
    pub fn predict_into<V: Copy + Into<f64>>(
        &self,
        rows: ArrayView2<'_, V>,
        predictions: &mut [f32],
    ) -> Result<(), Error> {
        if self.n_predictions() == self.n_outputs() {
            self.margins_into(rows, predictions)?;
            self.parts.objective.predict(predictions, self.n_outputs());
        } else {
            predictions.copy_from_slice(&self.predict(rows)?);
        }
        Ok(())
    }

    /// The class of each row, from 0: the one with the largest margin, or of two classes 1 if the margin is positive.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    /// * [`Error::Unsupported`] if the objective tells no classes apart
    pub fn classes<V: Copy + Into<f64>>(&self, rows: ArrayView2<'_, V>) -> Result<Vec<u32>, Error> {
        let classes = self.parts.objective.classes(&self.margins(rows)?, self.n_outputs());
        let feature = || Unsupported::Classes(self.objective().to_owned());
        classes.ok_or_else(|| Error::Unsupported { feature: feature() })
    }

    /// The leaves at which rows end, rows x trees, row by row: the numbers that Python's
    /// `Booster.predict(.., pred_leaf=True)` returns.
    ///
    /// Compiles the trees at each call, so better many rows at once. A linear model has no leaves.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    pub fn leaves<V: Copy + Into<f64>>(&self, rows: ArrayView2<'_, V>) -> Result<Vec<u32>, Error> {
        self.check_width(rows.ncols())?;
        let trees = self.parts.ensemble.trees();
        let (columns, positions) = Columns::of(trees, self.n_features());
        let builder = mlops_forest::Forest::builder(columns.len());
        let forest = trees
            .iter()
            .zip(&positions)
            .fold(builder, |builder, (tree, positions)| {
                builder.tree(compile(tree, positions, |_, id| id))
            })
            .build()?;
        let mut batch = columns.batch(1);
        let mut leaves = Vec::with_capacity(rows.nrows() * trees.len());
        self.for_each_row(rows, |row| {
            columns.push(&mut batch, row);
            forest.for_each_leaf(&batch.rows, |_, _, values| leaves.extend_from_slice(values));
            batch.rows.clear();
        })?;
        Ok(leaves)
    }

    pub(crate) fn check_width(&self, got: usize) -> Result<(), Error> {
        let expected = self.n_features();
        if got == expected { Ok(()) } else { Err(Error::ColumnCount { got, expected }) }
    }

    /// Hands each row to `visit`, in one piece whatever its place in memory.
    pub(crate) fn for_each_row<V: Copy + Into<f64>>(
        &self,
        rows: ArrayView2<'_, V>,
        mut visit: impl FnMut(&[V]),
    ) -> Result<(), Error> {
        self.check_width(rows.ncols())?;
        let mut copy = Vec::new();
        for row in rows.rows() {
            if let Some(row) = row.as_slice() {
                visit(row);
            } else {
                copy.clear();
                copy.extend(row);
                visit(&copy);
            }
        }
        Ok(())
    }
}

impl PartialEq for Booster {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::ensemble::TreeEnsemble;
    use crate::tree::{Node, NodeKind, Test, Tree};

    fn stump() -> Parts {
        let split = NodeKind::Split {
            feature: 1,
            test: Test::Below(0.5),
            default_left: true,
            left: 1,
            right: 2,
            gain: 3.0,
        };
        let nodes = vec![
            Node { kind: split, weight: 0.1, hessian: 9.0, id: 0 },
            Node::leaf(-0.25, -0.5, 4.0),
            Node::leaf(0.75, 1.5, 5.0),
        ];
        Parts {
            n_features: 2,
            feature_names: vec!["a".to_owned(), "b".to_owned()],
            feature_types: vec!["float".to_owned(), "int".to_owned()],
            categories: Vec::new(),
            attributes: BTreeMap::from([("best_iteration".to_owned(), "0".to_owned())]),
            objective: Objective::binary_logistic(),
            base_scores: vec![0.5],
            n_outputs: 1,
            has_classes: false,
            ensemble: Ensemble::Trees(TreeEnsemble::single(vec![Tree::new(nodes)])),
        }
    }

    #[test]
    fn rows_go_left_below_the_threshold_and_missing_values_by_default() {
        let booster = Booster::from_parts(stump()).unwrap();
        let rows = array![[9.0, 0.4], [9.0, 0.5], [9.0, f64::NAN]];
        assert_eq!(booster.margins(rows.view()).unwrap(), [-0.25, 0.75, -0.25]);
        let columns_first = array![[9.0, 9.0], [0.4, 0.5]].reversed_axes();
        assert_eq!(booster.margins(columns_first.view()).unwrap(), [-0.25, 0.75]);
    }

    #[test]
    fn both_formats_keep_the_whole_model() {
        let booster = Booster::from_parts(stump()).unwrap();
        assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster);
        assert_eq!(Booster::from_bytes(&booster.to_ubjson()).unwrap(), booster);
        assert_eq!(booster.attribute("best_iteration"), Some("0"));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let booster = Booster::from_parts(stump()).unwrap();
        for bytes in [booster.to_json(), booster.to_ubjson()] {
            for length in 0..bytes.len() {
                Booster::from_bytes(&bytes[..length]).unwrap_err();
            }
        }
    }

    #[test]
    fn rows_of_another_width_are_refused() {
        let booster = Booster::from_parts(stump()).unwrap();
        let error = booster.predict(Array2::<f64>::zeros((1, 3)).view()).unwrap_err();
        assert_eq!(error, Error::ColumnCount { got: 3, expected: 2 });
        assert_eq!(booster.predict(Array2::<f32>::zeros((0, 2)).view()).unwrap(), [] as [f32; 0]);
    }
}
