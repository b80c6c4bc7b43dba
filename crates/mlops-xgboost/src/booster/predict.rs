//! What a booster says about rows.

use mlops_forest::to_f32;
use ndarray::ArrayView2;

use super::Booster;
use crate::Error;
use crate::ensemble::{Ensemble, LinearModel};
use crate::error::Unsupported;
use crate::walk::{Batch, Columns, compile};

impl Booster {
    /// The sums of base score and leaves, rows x outputs, row by row; NaN is a missing value.
    ///
    /// For `binary:logistic` these are the log-odds of the positive class. The bits are those of Python's
    /// `Booster.predict(DMatrix(rows), output_margin=True)` on Linux with glibc: values are rounded to 32 bits, and all
    /// trees are added up in their order. Elsewhere the last bit of the logarithm of the base score may differ. An
    /// infinite value, which `DMatrix` refuses, is below or above every threshold, as for Python's `inplace_predict`.
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
    /// Takes room for at most 64 rows and what their trees compare, however many rows there are.
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
        self.check(rows.dim(), margins.len(), self.n_outputs())?;
        for margins in margins.chunks_exact_mut(self.n_outputs()) {
            margins.copy_from_slice(&self.base_margins);
        }
        let walker = match &self.parts.ensemble {
            Ensemble::Linear(linear) => return self.linear_margins(linear, rows, margins),
            Ensemble::Trees(_) => &self.walker,
        };
        let (columns, block) = (walker.columns(), walker.block());
        let mut batch = columns.batch(rows.nrows().min(block));
        let mut left = margins;
        self.for_each_row(rows, |row| {
            columns.push(&mut batch, row);
            if batch.rows.len() == block {
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

    /// The predictions of rows that stand one after the other, or of a single one; as [`predict`](Self::predict).
    ///
    /// # Errors
    /// * [`Error::PartialRow`] if the values are no whole number of rows
    ///
    /// # Examples
    /// ```
    /// use mlops_xgboost::Booster;
    ///
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/booster.ubj");
    /// let booster = Booster::from_bytes(&std::fs::read(folder)?)?;
    /// let row = vec![f32::NAN; booster.n_features()];
    /// let probability = booster.predict_slice(&row)?[0];
    /// assert!(probability > 0.0 && probability < 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn predict_slice<V: Copy + Into<f64>>(&self, values: &[V]) -> Result<Vec<f32>, Error> {
        let (n_values, n_features) = (values.len(), self.n_features());
        let n_rows = n_values.checked_div(n_features).unwrap_or(0);
        match ArrayView2::from_shape((n_rows, n_features), values) {
            Ok(rows) if n_rows * n_features == n_values => self.predict(rows),
            _ => Err(Error::PartialRow { n_values, n_features }),
        }
    }

    /// As [`predict`](Self::predict), into memory of the caller's.
    ///
    /// Takes room as [`margins_into`](Self::margins_into) does; for `multi:softmax`, also for the margins.
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
        self.check(rows.dim(), predictions.len(), self.n_predictions())?;
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

    /// Refuses rows of another shape than `n_rows` x features.
    ///
    /// # Panics
    /// If there are not `width` places for each.
    #[track_caller]
    pub(super) fn check(
        &self,
        (n_rows, n_columns): (usize, usize),
        n_places: usize,
        width: usize,
    ) -> Result<(), Error> {
        assert_eq!(n_places, n_rows * width, "{n_rows} rows need {width} places each");
        self.check_width(n_columns)
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
