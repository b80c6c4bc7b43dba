use ndarray::ArrayView1;
use serde_json::{Value, json};

use super::ModelDirWriter;
use crate::{FeatureKind, ModelError, Records, SaveModel};

/// A model that is saved with records that it reads, for whoever wants to try it: MLflow shows them, and checks by them
/// whether a model can be served.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::{Feature, ModelDir, ModelDirWriter, ModelError, Records, RecordsLimits, SaveModel, Schema, WithInputExample};
/// # struct Constant;
/// # impl SaveModel for Constant {
/// #     fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
/// #         dir.file("constant", b"1")
/// #     }
/// # }
/// # let (model, folder) = (Constant, tempfile::tempdir()?);
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol"), Feature::integer("is_red")])?);
/// let wines = Records::from_csv(&schema, b"alcohol,is_red\n9.5,1\n", RecordsLimits::default())?;
/// let path = folder.path().join("model");
/// ModelDir::create(&path, &WithInputExample::new(&model, &wines))?;
/// let example = std::fs::read_to_string(path.join("input_example.json"))?;
/// assert_eq!(example, r#"{"columns":["alcohol","is_red"],"data":[[9.5,1]]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WithInputExample<'a, M> {
    model: &'a M,
    example: &'a Records,
}

const EXAMPLE: &str = "input_example.json";
const REQUEST: &str = "serving_input_example.json";

impl<'a, M> WithInputExample<'a, M> {
    /// The model with records of its schema; a few are enough.
    pub fn new(model: &'a M, example: &'a Records) -> Self {
        Self { model, example }
    }
}

impl<M: SaveModel> SaveModel for WithInputExample<'_, M> {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        self.model.save(dir)?;
        let table = table(self.example);
        dir.file(EXAMPLE, table.to_string().as_bytes())?;
        dir.file(REQUEST, json!({ "dataframe_split": table }).to_string().as_bytes())?;
        dir.description.saved_input_example_info = Some(json!({
            "artifact_path": EXAMPLE,
            "pandas_orient": "split",
            "serving_input_path": REQUEST,
            "type": "dataframe",
        }));
        Ok(())
    }
}

/// The records as pandas writes a table with the orientation `split`; a missing value is `null`.
fn table(records: &Records) -> Value {
    let features = records.schema().features();
    let row = |row: ArrayView1<'_, f64>| -> Value {
        let cells = features.iter().zip(row).map(|(feature, value)| cell(feature.kind(), *value));
        cells.collect()
    };
    let data: Vec<Value> = records.values().rows().into_iter().map(row).collect();
    json!({ "columns": records.schema().names().collect::<Vec<_>>(), "data": data })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "records have whole numbers and positions of levels there"
)]
fn cell(kind: &FeatureKind, value: f64) -> Value {
    match kind {
        _ if value.is_nan() => Value::Null,
        FeatureKind::Numeric => value.into(),
        FeatureKind::Integer => (value as i64).into(),
        FeatureKind::Categorical { levels } => levels.get(value as usize).cloned().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Feature, RecordsLimits, Schema};

    #[test]
    fn values_are_written_as_their_features_have_them() {
        let features = vec![
            Feature::numeric("alcohol"),
            Feature::integer("year"),
            Feature::categorical("color", ["red", "white"]),
        ];
        let schema = Arc::new(Schema::new(features).unwrap());
        let csv = b"alcohol,year,color\n12.5,1999,white\n,,\n";
        let records = Records::from_csv(&schema, csv, RecordsLimits::default()).unwrap();
        let expected = json!({
            "columns": ["alcohol", "year", "color"],
            "data": [[12.5, 1999, "white"], [null, null, null]],
        });
        assert_eq!(table(&records), expected);
    }
}
