use mlops_core::StandardScaler;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// What happens to a row before a model sees it: columns are chosen, put in order and scaled.
///
/// ```text
/// output = (input - mean) / scale        in 64 bits, as scikit-learn computes it
/// ```
///
/// Missing values (NaN) stay missing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Unchecked")]
pub struct Preprocessing {
    n_inputs: usize,
    // Invariant: not empty; a stage reads columns that the inputs or the stage before it have.
    stages: Vec<Stage>,
}

/// A preprocessing as it stands in a file.
#[derive(Deserialize)]
struct Unchecked {
    n_inputs: usize,
    stages: Vec<Stage>,
}

/// Why what stands in a file is no preprocessing.
#[derive(Debug, thiserror::Error)]
enum InvalidStages {
    #[error("no stages, expected at least one")]
    None,
    #[error("stage {stage}: a column that is not there, expected one of the stage before")]
    Columns { stage: usize },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Stage {
    /// The column that each output is computed from. There are as many as columns of the scaler.
    inputs: Vec<usize>,
    scaler: StandardScaler,
}

impl Preprocessing {
    /// Takes columns `inputs` of `n_inputs`, one per column of the scaler.
    pub(super) fn new(n_inputs: usize, inputs: Vec<usize>, scaler: StandardScaler) -> Self {
        debug_assert_eq!(inputs.len(), scaler.n_columns());
        debug_assert!(inputs.iter().all(|input| *input < n_inputs));
        Self { n_inputs, stages: vec![Stage { inputs, scaler }] }
    }

    /// This and then `next`, which reads as many columns as this writes.
    pub(super) fn then(mut self, next: Self) -> Self {
        debug_assert_eq!(self.n_outputs(), next.n_inputs);
        self.stages.extend(next.stages);
        self
    }

    /// The number of columns of a row.
    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    /// The number of columns that the model sees.
    pub fn n_outputs(&self) -> usize {
        self.stages.last().map_or(self.n_inputs, |stage| stage.inputs.len())
    }

    /// For each column that the model sees, the column of the row that it is computed from.
    pub fn inputs(&self) -> Vec<usize> {
        let mut inputs: Vec<usize> = (0..self.n_inputs).collect();
        for stage in &self.stages {
            inputs = stage.inputs.iter().map(|input| inputs[*input]).collect();
        }
        inputs
    }

    /// The row that the model sees.
    ///
    /// # Panics
    /// If `row` does not have [`n_inputs`](Self::n_inputs) values.
    #[track_caller]
    pub fn transform_row(&self, row: &[f64]) -> Vec<f64> {
        let mut transformed = Vec::new();
        self.transform_row_into(row, &mut transformed);
        transformed
    }

    /// Puts the row that the model sees in the place of what is in `transformed`.
    ///
    /// # Panics
    /// If `row` does not have [`n_inputs`](Self::n_inputs) values.
    #[track_caller]
    pub fn transform_row_into(&self, row: &[f64], transformed: &mut Vec<f64>) {
        assert_eq!(row.len(), self.n_inputs, "a row has one value per input");
        let [first, rest @ ..] = &*self.stages else { return };
        transformed.clear();
        transformed.extend(first.inputs.iter().map(|input| row[*input]));
        first.scaler.transform_row(transformed);
        for stage in rest {
            // Behind what it is made of, whose place it takes: memory that is there serves for every row.
            let n_before = transformed.len();
            for input in &stage.inputs {
                transformed.push(transformed[*input]);
            }
            transformed.drain(..n_before);
            stage.scaler.transform_row(transformed);
        }
    }

    /// What the model sees in its column `output` of a row that has `value` in the column which
    /// [`inputs`](Self::inputs) names for it.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn transform_value(&self, output: usize, value: f64) -> f64 {
        let mut columns = Vec::with_capacity(self.stages.len());
        let mut column = output;
        for stage in self.stages.iter().rev() {
            columns.push(column);
            column = stage.inputs[column];
        }
        let stages = self.stages.iter().zip(columns.into_iter().rev());
        stages.fold(value, |value, (stage, column)| stage.scaler.transform_value(column, value))
    }

    /// The rows from which the model would see `transformed`, up to rounding.
    ///
    /// Columns that the model does not see are missing (NaN) in them.
    ///
    /// # Panics
    /// If `transformed` does not have [`n_outputs`](Self::n_outputs) columns.
    #[track_caller]
    pub fn inverse_transform(&self, transformed: ArrayView2<'_, f64>) -> Array2<f64> {
        assert_eq!(transformed.ncols(), self.n_outputs(), "a row has one value per output");
        let mut rows = Array2::from_elem((transformed.nrows(), self.n_inputs), f64::NAN);
        for (transformed, mut row) in transformed.rows().into_iter().zip(rows.rows_mut()) {
            let mut values = transformed.to_vec();
            for (at, stage) in self.stages.iter().enumerate().rev() {
                stage.scaler.inverse_transform_row(&mut values);
                let before = at.checked_sub(1).map(|before| self.stages[before].inputs.len());
                let mut inputs = vec![f64::NAN; before.unwrap_or(self.n_inputs)];
                stage.inputs.iter().zip(values).for_each(|(column, value)| inputs[*column] = value);
                values = inputs;
            }
            row.iter_mut().zip(values).for_each(|(input, value)| *input = value);
        }
        rows
    }

    /// The rows that the model sees.
    ///
    /// # Panics
    /// If `rows` does not have [`n_inputs`](Self::n_inputs) columns.
    #[track_caller]
    pub fn transform(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        assert_eq!(rows.ncols(), self.n_inputs, "a row has one value per input");
        let mut transformed = Array2::zeros((rows.nrows(), self.n_outputs()));
        let (mut row, mut scratch) = (Vec::with_capacity(self.n_inputs), Vec::new());
        for (input, mut output) in rows.rows().into_iter().zip(transformed.rows_mut()) {
            row.clear();
            row.extend(input);
            self.transform_row_into(&row, &mut scratch);
            output.iter_mut().zip(&scratch).for_each(|(output, value)| *output = *value);
        }
        transformed
    }
}

/// Scales every column, and leaves them where they are.
impl From<StandardScaler> for Preprocessing {
    fn from(scaler: StandardScaler) -> Self {
        let n_columns = scaler.n_columns();
        Self::new(n_columns, (0..n_columns).collect(), scaler)
    }
}

impl TryFrom<Unchecked> for Preprocessing {
    type Error = InvalidStages;

    fn try_from(Unchecked { n_inputs, stages }: Unchecked) -> Result<Self, Self::Error> {
        if stages.is_empty() {
            return Err(InvalidStages::None);
        }
        let mut width = n_inputs;
        for (stage, Stage { inputs, scaler }) in stages.iter().enumerate() {
            if inputs.len() != scaler.n_columns() || inputs.iter().any(|input| *input >= width) {
                return Err(InvalidStages::Columns { stage });
            }
            width = inputs.len();
        }
        Ok(Self { n_inputs, stages })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn scaler(mean: &[f64], scale: &[f64]) -> StandardScaler {
        StandardScaler::from_parts(mean, scale).unwrap()
    }

    #[test]
    fn stages_follow_each_other() {
        let first = Preprocessing::new(3, vec![2, 0], scaler(&[1.0, 0.0], &[2.0, 1.0]));
        let both = first.then(Preprocessing::new(2, vec![1, 0], scaler(&[0.0, 1.0], &[1.0, 4.0])));
        assert_eq!((both.n_inputs(), both.n_outputs()), (3, 2));
        assert_eq!(both.inputs(), [0, 2]);
        assert_eq!(both.transform_row(&[7.0, 8.0, 11.0]), [7.0, 1.0]);
        assert_eq!([both.transform_value(0, 7.0), both.transform_value(1, 11.0)], [7.0, 1.0]);
        let columns_first = array![[7.0], [8.0], [11.0]].reversed_axes();
        assert_eq!(both.transform(columns_first.view()), array![[7.0, 1.0]]);
    }

    #[test]
    fn what_is_stored_is_checked_when_it_is_read() {
        let first = Preprocessing::new(3, vec![2, 0], scaler(&[1.0, 0.0], &[2.0, 1.0]));
        let both = first.then(Preprocessing::from(scaler(&[0.0, 1.0], &[1.0, 4.0])));
        let stored = serde_json::to_value(&both).unwrap();
        assert_eq!(serde_json::from_value::<Preprocessing>(stored.clone()).unwrap(), both);
        let changed = |pointer: &str, value: serde_json::Value| {
            let mut changed = stored.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            serde_json::from_value::<Preprocessing>(changed).is_ok()
        };
        assert!(changed("/n_inputs", 4.into()) && !changed("/n_inputs", 2.into()));
        assert!(!changed("/stages", serde_json::json!([])));
        assert!(!changed("/stages/1/inputs", serde_json::json!([0])));
        assert!(!changed("/stages/1/inputs/0", 2.into()));
        assert!(!changed("/stages/0/scaler/columns/0/scale", 0.into()));
    }

    #[test]
    fn what_was_transformed_can_be_turned_back() {
        let first = Preprocessing::new(3, vec![2, 0], scaler(&[1.0, 0.0], &[2.0, 1.0]));
        let both = first.then(Preprocessing::new(2, vec![1, 0], scaler(&[0.0, 1.0], &[1.0, 4.0])));
        let rows = both.inverse_transform(array![[7.0, 1.0]].view());
        assert_eq!((rows[[0, 0]], rows[[0, 2]]), (7.0, 11.0));
        assert!(rows[[0, 1]].is_nan());
    }
}
