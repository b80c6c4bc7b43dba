//! Writes a store with everything that the crate can write, for other programs to read:
//! `cargo run -p mlops-registry --example write_store -- DIR`.

use std::error::Error;

use mlops_core::{Feature, ModelDirWriter, ModelError, SaveModel, Schema, TensorSpec};
use mlops_registry::{LocalStore, RunStatus, Stage};
use serde_json::json;

/// A model that always gives the same answer.
struct Constant(f64);

impl SaveModel for Constant {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file("constant.json", self.0.to_string().as_bytes())?;
        dir.flavor("constant", json!({"data": "constant.json"}));
        let schema = Schema::new(vec![Feature::numeric("alcohol")])
            .map_err(|error| ModelError::malformed("constant.json", error))?;
        dir.schema(&schema, &TensorSpec::per_row("float64"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).ok_or("usage: write_store DIR")?;
    let store = LocalStore::open(root)?;
    let experiment = store.experiment("wine quality: süß & 100%")?;

    let search = store.start_run(&experiment, "search", None)?;
    search.set_tag("team", "ml")?;
    for (number, value) in [0.25, 0.75].into_iter().enumerate() {
        let trial = store.start_run(&experiment, &format!("1e{number}"), Some(search.id()))?;
        trial.log_param("model/value", value)?;
        trial.log_param("note", "line 1\nline 2: \"quoted\"")?;
        trial.log_metric("loss", 0.5, 0)?;
        trial.log_metric("loss", 1e-7, 1)?;
        trial.log_metric("val/auc", f64::NAN, 0)?;
        trial.log_metric("worst", f64::NEG_INFINITY, -1)?;
        let source = trial.log_model("model", &Constant(value))?;
        trial.finish(RunStatus::Finished)?;

        store.register("wine_quality")?;
        let version = store.create_model_version("wine_quality", &source)?.version;
        store.transition_stage("wine_quality", version, Stage::Production, true)?;
        store.set_alias("wine_quality", "champion", version)?;
    }
    search.finish(RunStatus::Killed)?;

    let model = store.resolve(&"models:/wine_quality/Production".parse()?)?;
    assert_eq!(std::fs::read(model.join("constant.json"))?, b"0.75");
    Ok(())
}
