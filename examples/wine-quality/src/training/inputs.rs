use mlops_core::{Signature, TensorSpec};
use mlops_registry::DatasetInput;
use serde_json::json;

use super::protocolled::Protocolled;
use crate::data::Wines;

/// The name of the data sets.
const NAME: &str = "wine_quality";

/// The parts of a split as data sets that a run is given, each for its purpose. In a retraining there are wines of logs among
/// them.
///
/// By the original's protocol the wines that choose are those of the test; a run has them once, as those that choose.
pub(super) fn inputs(wines: &Wines, protocol: &Protocolled) -> Vec<DatasetInput> {
    let (source_type, source) = match wines.folder() {
        Some(folder) => ("local", json!({ "uri": folder })),
        // They are part of the program.
        None => ("code", json!({ "tags": { "mlflow.source.name": env!("CARGO_PKG_NAME") } })),
    };
    let features = protocol.parts.train().schema();
    let columns = Signature::new(features, &TensorSpec::per_row("float64")).inputs;
    let schema = columns.map(|columns| format!(r#"{{"mlflow_colspec": {columns}}}"#));
    let split = &protocol.split;
    let parts =
        [("training", &split.train), ("validation", &split.validation), ("test", &split.test)];
    let inputs = parts.map(|(context, rows)| {
        // In the order of the files, so that a split has the same digests when it is read from `split.csv`.
        let mut rows = rows.clone();
        rows.sort_unstable();
        let n_elements = rows.len() * features.len();
        let profile = json!({ "num_rows": rows.len(), "num_elements": n_elements });
        let digest = wines.digest_of(&rows);
        let mut input = DatasetInput::new(NAME, digest, source_type, source.to_string())
            .profile(profile.to_string())
            .context(context);
        input.schema.clone_from(&schema);
        input
    });
    inputs.into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::split::Split;

    #[test]
    fn a_split_that_is_read_has_the_inputs_of_the_one_that_was_drawn() {
        let wines = Wines::bundled().unwrap();
        let of = |split: Split| {
            inputs(&wines, &Protocolled::new("honest", "trial", &wines, split).unwrap())
        };
        let drawn = Split::grouped(&wines, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.csv");
        fs::write(&path, drawn.to_csv()).unwrap();
        let read = Split::read(&wines, &path).unwrap();
        assert!(read != drawn);
        assert_eq!(of(read), of(drawn));
    }
}
