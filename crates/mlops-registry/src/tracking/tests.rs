#[cfg(feature = "client")]
mod servers;

use std::fs;

use mlops_core::{ModelDirWriter, ModelError, SaveModel};

use super::*;
use crate::{Compare, DatasetInput, ErrorKind, LogBatch, LogSink, RunStatus};

struct Empty;

impl SaveModel for Empty {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file("empty", b"")
    }
}

fn tracking(folder: &tempfile::TempDir) -> Tracking {
    Tracking::local(LocalStore::open(folder.path().join("mlruns")).unwrap())
}

#[test]
fn a_run_of_a_directory_keeps_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = tracking(&folder);
    let experiment = tracking.experiment("wine").unwrap();
    let parent = tracking.start_run(&experiment, "search", None).unwrap();
    let run = tracking.start_run(&experiment, "trial", Some(parent.id())).unwrap();
    run.log_metric("auc", 0.5, 0).unwrap();
    run.log_param("depth", 3).unwrap();
    run.set_tag("note", "x").unwrap();
    run.log_batch(&LogBatch::default()).unwrap();
    let wines = DatasetInput::new("wines", "1", "local", "{}").context("training");
    run.log_inputs(std::slice::from_ref(&wines)).unwrap();
    run.finish(RunStatus::Finished).unwrap();
    let stored = tracking.store().unwrap().run(run.id()).unwrap();
    assert_eq!(stored.parent().unwrap().as_ref(), Some(parent.id()));
    assert_eq!(stored.metrics().unwrap()["auc"].value, 0.5);
    assert_eq!(stored.params().unwrap()["depth"], "3");
    assert_eq!(stored.tags().unwrap()["note"], "x");
    assert_eq!(stored.inputs().unwrap(), [wines]);
    assert_eq!(stored.info().unwrap().status, RunStatus::Finished);
}

#[test]
fn runs_are_found_by_what_is_known_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = tracking(&folder);
    let experiment = tracking.experiment("wine").unwrap();
    for name in ["first", "second", "third"] {
        let run = tracking.start_run(&experiment, name, None).unwrap();
        run.set_tag("part", if name == "second" { "b" } else { "a" }).unwrap();
    }
    let filter = Filter::tag("part", Compare::Equal, "a").unwrap();
    let found = tracking.search_runs(&experiment, &filter).unwrap();
    assert_eq!(found.len(), 2);
}

#[test]
fn artifacts_and_models_are_there_under_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = tracking(&folder);
    let run = tracking.start_run(&tracking.experiment("wine").unwrap(), "r", None).unwrap();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("deep")).unwrap();
    fs::write(source.join("deep/a.txt"), "a").unwrap();
    run.log_artifacts(&source, "plots").unwrap();
    fs::write(source.join("deep/a.txt"), "b").unwrap();
    run.log_artifacts(&source, "plots").unwrap();
    let store = tracking.store().unwrap();
    let artifacts = store.run(run.id()).unwrap().artifacts().unwrap();
    assert_eq!(fs::read_to_string(artifacts.join("plots/deep/a.txt")).unwrap(), "b");
    let outside = run.log_artifacts(&source, "../plots");
    assert_eq!(outside.unwrap_err().kind(), ErrorKind::InvalidName);

    let logged = run.log_model("model", &Empty).unwrap();
    assert_eq!(logged.uri.to_string(), format!("runs:/{}/model", run.id()));
    store.resolve(&logged.uri).unwrap();
}

#[test]
fn models_are_registered_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = tracking(&folder);
    let run = tracking.start_run(&tracking.experiment("wine").unwrap(), "r", None).unwrap();
    let [first, second] = ["a", "b"].map(|name| run.log_model(name, &Empty).unwrap());
    let both = [("wine", &first), ("drift", &second)];
    let versions = tracking.register_all(&both, "challenger").unwrap();
    assert_eq!(versions.iter().map(|it| it.version).collect::<Vec<_>>(), [1, 1]);
    let store = tracking.store().unwrap();
    let alias = |name| tracking.model_version_by_alias(name, "challenger").unwrap();
    let challenger = || alias("wine").unwrap().version;
    assert_eq!(alias("unknown"), None);
    assert_eq!(challenger(), 1);

    // The second name is none.
    let outcome = tracking.register_all(&[("wine", &first), ("a/b", &second)], "challenger");
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidName);
    assert_eq!(store.versions("wine").unwrap().len(), 1);
    assert_eq!(challenger(), 1);
    // An alias that is none is found out when all versions are there.
    let outcome = tracking.register_all(&both, "v1");
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidName);
    assert_eq!(store.versions("drift").unwrap().len(), 1);
    assert_eq!(challenger(), 1);
    let versions = tracking.register_all(&both, "challenger").unwrap();
    assert_eq!(challenger(), versions[0].version);
}
