//! Writes a store with everything that the crate can write, for other programs to read:
//! `cargo run -p mlops-registry --example write_store -- DIR`.

use std::error::Error;

use mlops_core::{Feature, ModelDirWriter, ModelError, SaveModel, Schema, TensorSpec};
use mlops_registry::{Compare, DatasetInput, Filter, LocalStore, RunStatus, Stage};
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
    store.set_experiment_tag(&experiment.id, "team/lead", "ml")?;

    let search = store.start_run(&experiment, "search", None)?;
    search.set_tag("team", "ml")?;
    search.set_tag("passing", "removed")?;
    search.delete_tag("passing")?;
    for (number, value) in [0.25, 0.75].into_iter().enumerate() {
        let trial = store.start_run(&experiment, &format!("1e{number}"), Some(search.id()))?;
        trial.log_param("model/value", value)?;
        trial.log_param("note", "line 1\nline 2: \"quoted\"")?;
        trial.log_metric("loss", 0.5, 0)?;
        trial.log_metric("loss", 1e-7, 1)?;
        trial.log_metric("val/auc", f64::NAN, 0)?;
        trial.log_metric("worst", f64::NEG_INFINITY, -1)?;
        let source = trial.log_model("model", &Constant(value))?;
        trial.log_inputs(&[wines("1e5", "training"), wines("0123", "evaluation")])?;
        trial.finish(RunStatus::Finished)?;

        store.register("wine")?;
        let version = store.create_model_version("wine", &source)?.version;
        store.transition_stage("wine", version, Stage::Production, true)?;
        store.set_alias("wine", "champion", version)?;
        store.set_model_version_tag("wine", version, "checked/by", "example")?;
        store.update_model_version("wine", version, &format!("always {value}"))?;
    }
    search.finish(RunStatus::Killed)?;
    manage(&store)?;

    let model = store.resolve(&"models:/wine_quality/Production".parse()?)?;
    assert_eq!(std::fs::read(model.join("constant.json"))?, b"0.75");
    let filter = Filter::param("model/value", Compare::Equal, "0.25")?;
    let found = store.search_runs(&[&experiment.id], &filter, &["metrics.loss ASC"])?;
    assert_eq!(found[0].info()?.name, "1e0");
    Ok(())
}

/// A data set with a digest that Python must not take for a number.
fn wines(digest: &str, context: &str) -> DatasetInput {
    DatasetInput::new("wines: süß", digest, "local", r#"{"uri": "wines.csv"}"#)
        .schema(r#"{"mlflow_colspec": [{"type": "double", "name": "alcohol", "required": true}]}"#)
        .profile(r#"{"num_rows": 2}"#)
        .context(context)
        .tag("part", "1")
}

/// What can be changed, deleted and restored.
fn manage(store: &LocalStore) -> Result<(), Box<dyn Error>> {
    // A version that is deleted, with its alias; its number stays taken.
    let third = store.create_model_version("wine", &"models:/wine/1".parse()?)?.version;
    store.set_alias("wine", "challenger", third)?;
    store.delete_model_version("wine", third)?;
    store.set_alias("wine", "passing", 1)?;
    store.delete_alias("wine", "passing")?;

    store.rename_registered_model("wine", "wine_quality")?;
    store.update_registered_model("wine_quality", "tells good wines from others")?;
    store.set_registered_model_tag("wine_quality", "team", "ml")?;
    store.register("passing")?;
    store.delete_registered_model("passing")?;

    let deleted = store.create_experiment("deleted")?;
    store.start_run(&deleted, "deleted with its experiment", None)?;
    store.delete_experiment(&deleted.id)?;
    let restored = store.create_experiment("passing")?;
    let run = store.start_run(&restored, "restored", None)?;
    run.log_metric("loss", 0.125, 0)?;
    let other = store.start_run(&restored, "deleted", None)?;
    store.delete_experiment(&restored.id)?;
    store.restore_experiment(&restored.id)?;
    store.rename_experiment(&restored.id, "restored")?;
    store.delete_run(run.id())?;
    store.restore_run(run.id())?;
    store.delete_run(other.id())?;
    Ok(())
}
