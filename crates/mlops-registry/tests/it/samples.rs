use std::fs;
use std::path::{Path, PathBuf};

use mlops_registry::{DatasetInput, ErrorKind, LocalStore, RunStatus, Stage};

use crate::{Constant, copy};

/// A store of the test data, copied: the tests write to it.
fn sample(name: &str) -> (tempfile::TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    copy(&data, &folder.path().join("mlruns"));
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    (folder, store)
}

fn relative(store: &LocalStore, uri: &str) -> PathBuf {
    let path = store.resolve(&uri.parse().unwrap()).unwrap();
    path.strip_prefix(store.root()).unwrap().to_owned()
}

#[test]
fn a_store_of_mlflow_3_is_read() {
    let (_folder, store) = sample("filestore_3x");
    let names: Vec<_> = store.experiments().unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, ["Default", "exp A"]);
    let runs = store.runs(&store.experiment("exp A").unwrap()).unwrap();
    let [run] = &runs[..] else { panic!("one run is active, the other was deleted") };
    assert_eq!(run.id().as_str(), "0f77f4d148fd4a6c9576374d1422f04f");

    let info = run.info().unwrap();
    assert_eq!((info.name.as_str(), info.status), ("r1", RunStatus::Finished));
    assert_eq!((info.start_time, info.end_time), (1_795_333_541_778, Some(1_795_333_545_710)));
    let params = run.params().unwrap();
    assert_eq!((params["lr"].as_str(), params["nested/p"].as_str()), ("0.1", "x"));
    assert_eq!(params["multi"], "line1\nline2");
    assert_eq!(run.tags().unwrap()["t"], "v");
    let metrics = run.metrics().unwrap();
    assert_eq!((metrics["loss"].value, metrics["loss"].step), (0.25, 1));
    assert!(metrics["val/auc"].value.is_nan());
    assert_eq!(metrics["inf"].value, f64::INFINITY);
    assert_eq!((metrics["acc"].value, metrics["acc"].step), (0.9, 3));
    assert_eq!(run.metric_history("loss").unwrap().len(), 3);

    let wine = DatasetInput::new("wine", "ba7cd68f", "http", r#"{"url": "http://x/y.csv"}"#)
        .schema(r#"{"mlflow_colspec": [{"type": "double", "name": "a", "required": true}]}"#)
        .profile(r#"{"num_rows": 1, "num_elements": 1}"#)
        .context("training");
    assert_eq!(run.inputs().unwrap(), std::slice::from_ref(&wine));
    // It has the folder that MLflow gave it.
    let folder = store.root().join("809613086649450098");
    let n_entries = |path: &str| fs::read_dir(folder.join(path)).unwrap().count();
    run.log_inputs(&[wine]).unwrap();
    assert_eq!(n_entries("datasets"), 1);
    assert_eq!(n_entries("0f77f4d148fd4a6c9576374d1422f04f/inputs"), 1);
}

#[test]
fn a_moved_store_of_mlflow_3_is_resolved_through_its_logged_model() {
    let (_folder, store) = sample("filestore_3x");
    let id = "m-779a6a311d264fa987d8b553baa72936";
    let folder = Path::new("809613086649450098/models").join(id).join("artifacts");
    for uri in [
        "models:/wine_quality/1",
        "models:/wine_quality/Staging",
        "models:/wine_quality@champion",
        "models:/wine_quality/latest",
        &format!("models:/{id}"),
        "runs:/0f77f4d148fd4a6c9576374d1422f04f/model",
    ] {
        assert_eq!(relative(&store, uri), folder, "{uri}");
    }
    let file = relative(&store, "runs:/0f77f4d148fd4a6c9576374d1422f04f/model/model.ubj");
    assert_eq!(file, folder.join("model.ubj"));
    let notes = relative(&store, "runs:/0f77f4d148fd4a6c9576374d1422f04f/notes/a.txt");
    assert!(notes.ends_with("artifacts/notes/a.txt"));
}

#[test]
fn a_store_of_mlflow_3_is_continued_without_losing_what_it_has() {
    let (_folder, store) = sample("filestore_3x");
    let logged = "models:/m-779a6a311d264fa987d8b553baa72936".parse().unwrap();
    assert_eq!(store.create_model_version("wine_quality", &logged).unwrap().version, 2);
    let version = store.model_version("wine_quality", 2).unwrap();
    assert_eq!(version.source, logged.to_string());
    assert_eq!(version.run_id.as_deref(), Some("0f77f4d148fd4a6c9576374d1422f04f"));
    store.transition_stage("wine_quality", 2, Stage::Staging, true).unwrap();
    assert_eq!(store.model_version("wine_quality", 1).unwrap().stage, Stage::Archived);
    let meta = store.root().join("models/wine_quality/version-1/meta.yaml");
    let text = fs::read_to_string(meta).unwrap();
    assert!(text.contains("workspace: 'default'") && text.contains("deployment_job_state: null"));

    let experiment = store.experiment("exp A").unwrap();
    let run = store.start_run(&experiment, "continued", None).unwrap();
    let source = run.log_model("model", &Constant(1)).unwrap();
    assert_eq!(store.create_model_version("wine_quality", &source).unwrap().version, 3);
    assert_eq!(store.experiment("exp B").unwrap().name, "exp B");
}

#[test]
fn a_handwritten_store_with_stray_files_is_read() {
    let (_folder, store) = sample("filestore_minimal");
    let runs = store.runs(&store.experiment("rust-exp").unwrap()).unwrap();
    let [run] = &runs[..] else { panic!("one run") };
    assert_eq!(run.metric_history("loss").unwrap().len(), 2);
    assert!(run.metrics().unwrap()["nan"].value.is_nan());
    let model = Path::new("111111111111111111/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/artifacts/model");
    let logged = "111111111111111111/models/m-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/artifacts";
    for (uri, folder) in [
        ("models:/wine_quality/2", model),
        ("models:/wine_quality/Staging", model),
        ("models:/wine_quality/Production", Path::new(logged)),
        ("models:/wine_quality@champion", Path::new(logged)),
        ("runs:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/model", model),
    ] {
        assert_eq!(relative(&store, uri), folder, "{uri}");
    }
}

#[test]
fn an_alias_without_content_is_malformed() {
    let (_folder, store) = sample("filestore_minimal");
    fs::write(store.root().join("models/wine_quality/aliases/empty"), "").unwrap();
    let error = store.model_version_by_alias("wine_quality", "empty").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}
