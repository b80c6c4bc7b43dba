use std::error::Error as _;
use std::fs;
use std::path::Path;

use mlops_registry::{ErrorKind, LocalStore, ModelUri, RunStatus, Stage};

use crate::{Constant, copy};

fn constant(store: &LocalStore, uri: &str) -> String {
    let path = store.resolve(&uri.parse().unwrap()).unwrap();
    fs::read_to_string(path.join("constant")).unwrap()
}

fn kind(store: &LocalStore, uri: &str) -> ErrorKind {
    store.resolve(&uri.parse().unwrap()).unwrap_err().kind()
}

/// A store with three versions of `wine`: archived, in production, and none.
fn three_versions(root: &Path) -> (LocalStore, ModelUri) {
    let store = LocalStore::open(root).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let run = store.start_run(&experiment, "run", None).unwrap();
    store.register("wine").unwrap();
    let mut last = None;
    for number in 1..=3 {
        let source = run.log_model(&format!("models/{number}"), &Constant(number)).unwrap();
        assert_eq!(store.create_model_version("wine", &source).unwrap().version, u64::from(number));
        last = Some(source);
    }
    for version in [1, 2] {
        store.transition_stage("wine", version, Stage::Production, true).unwrap();
    }
    store.set_alias("wine", "champion", 3).unwrap();
    store.set_alias("wine", "champion", 1).unwrap();
    (store, last.unwrap())
}

#[test]
fn a_run_is_read_as_it_was_logged() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("a b%/ü")).unwrap();
    let experiment = store.experiment("wine").unwrap();
    let parent = store.start_run(&experiment, "parent", None).unwrap();
    let run = store.start_run(&experiment, "child", Some(parent.id())).unwrap();
    run.log_param("val/rate", 0.1).unwrap();
    run.log_param("text", "a\nb").unwrap();
    run.set_tag("team", "one").unwrap();
    run.set_tag("team", "two").unwrap();
    for (step, value) in [0.5, f64::NAN, f64::INFINITY].into_iter().enumerate() {
        run.log_metric("val/loss", value, i64::try_from(step).unwrap()).unwrap();
    }
    assert_eq!(run.info().unwrap().status, RunStatus::Running);
    run.finish(RunStatus::Failed).unwrap();

    let store = LocalStore::open(store.root()).unwrap();
    let run = store.run(run.id()).unwrap();
    let info = run.info().unwrap();
    assert_eq!((info.name.as_str(), info.status), ("child", RunStatus::Failed));
    assert!(info.start_time <= info.end_time.unwrap());
    assert_eq!(run.parent().unwrap().as_ref(), Some(parent.id()));
    assert_eq!(parent.parent().unwrap(), None);
    let params: Vec<_> = run.params().unwrap().into_iter().collect();
    let expected = [("text", "a\nb"), ("val/rate", "0.1")];
    assert_eq!(params, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(run.tags().unwrap()["team"], "two");
    assert_eq!(run.tags().unwrap()["mlflow.runName"], "child");
    let history = run.metric_history("val/loss").unwrap();
    assert_eq!(history.iter().map(|metric| metric.step).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(history[1].value.is_nan());
    assert_eq!(run.metrics().unwrap()["val/loss"].value, f64::INFINITY);
    assert_eq!(run.metric_history("absent").unwrap(), []);
    assert_eq!(store.runs(&experiment).unwrap().len(), 2);
}

#[test]
fn keys_and_changed_parameters_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    let run = store.start_run(&store.experiment("wine").unwrap(), "run", None).unwrap();
    run.log_param("rate", 0.1).unwrap();
    run.log_param("rate", "0.1").unwrap();
    let error = run.log_param("rate", 0.2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ParamChanged);
    insta::assert_snapshot!(error, @"cannot log the parameter `rate`: it is logged already with another value");
    let error = run.log_metric("../rate", 1.0, 0).unwrap_err();
    insta::assert_snapshot!(error, @"cannot log the metric `../rate`: the name is not allowed");
    insta::assert_snapshot!(error.source().unwrap(), @"the key is not a plain relative path");
    assert_eq!(run.set_tag("a*b", "").unwrap_err().kind(), ErrorKind::InvalidName);
    assert_eq!(run.log_model("../m", &Constant(1)).unwrap_err().kind(), ErrorKind::InvalidName);
    run.log_model("m", &Constant(1)).unwrap();
    assert_eq!(run.log_model("m", &Constant(2)).unwrap_err().kind(), ErrorKind::Model);
}

#[test]
fn every_uri_finds_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = three_versions(folder.path());
    for (uri, expected) in [
        ("models:/wine/1", "1"),
        ("models:/wine/latest", "3"),
        ("models:/wine/production", "2"),
        ("models:/wine/Archived", "1"),
        ("models:/wine/None", "3"),
        ("models:/wine@champion", "1"),
        (source.to_string().as_str(), "3"),
    ] {
        assert_eq!(constant(&store, uri), expected, "{uri}");
    }
    let file = store.resolve(&"models:/wine/2/constant".parse().unwrap()).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "2");
    let parent = ModelUri::Path(file.parent().unwrap().to_owned());
    assert_eq!(store.resolve(&parent).unwrap(), file.parent().unwrap());

    for uri in [
        "models:/wine/4",
        "models:/wine/0",
        "models:/wine/Staging",
        "models:/wine@challenger",
        "models:/absent/1",
        "models:/wine/1/absent",
        "models:/m-0123456789abcdef0123456789abcdef",
        "runs:/0123456789abcdef0123456789abcdef/model",
        "/absent/model",
    ] {
        assert_eq!(kind(&store, uri), ErrorKind::NotFound, "{uri}");
    }
}

#[test]
fn a_directory_outside_and_another_version_can_be_registered() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = three_versions(&folder.path().join("mlruns"));
    let outside = folder.path().join("own model");
    mlops_core::ModelDir::create(&outside, &Constant(7)).unwrap();
    store.register("other").unwrap();
    assert_eq!(store.create_model_version("other", &ModelUri::Path(outside)).unwrap().version, 1);
    let production = "models:/wine/Production".parse().unwrap();
    assert_eq!(store.create_model_version("other", &production).unwrap().version, 2);
    assert_eq!(constant(&store, "models:/other/1"), "7");
    assert_eq!(constant(&store, "models:/other/2"), "2");
    assert_eq!(store.model_version("other", 1).unwrap().run_id, None);
    let absent = ModelUri::Path("absent".into());
    assert!(store.create_model_version("other", &absent).unwrap_err().is_not_found());
    assert!(store.create_model_version("unregistered", &production).unwrap_err().is_not_found());
}

#[test]
fn a_moved_store_is_still_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = three_versions(&folder.path().join("old"));
    let experiment = store.experiment("wine").unwrap();
    fs::rename(store.root(), folder.path().join("new")).unwrap();
    let store = LocalStore::open(folder.path().join("new")).unwrap();
    assert_eq!(constant(&store, "models:/wine/Production"), "2");
    assert_eq!(constant(&store, &source.to_string()), "3");
    let run = store.start_run(&experiment, "later", None).unwrap();
    assert!(run.artifacts().unwrap().starts_with(store.root()));
    let source = run.log_model("model", &Constant(4)).unwrap();
    assert_eq!(store.create_model_version("wine", &source).unwrap().version, 4);
    assert!(!folder.path().join("old").exists());
}

#[test]
fn only_active_stages_have_versions_to_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = three_versions(folder.path());
    let error = store.transition_stage("wine", 3, Stage::Archived, true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotArchivable);
    store.transition_stage("wine", 3, Stage::Production, false).unwrap();
    assert_eq!(store.model_version("wine", 2).unwrap().stage, Stage::Production);
    assert_eq!(store.latest("wine", Some(Stage::Production)).unwrap().version, 3);
    assert!(store.transition_stage("wine", 9, Stage::Staging, false).unwrap_err().is_not_found());
    assert!(store.set_alias("wine", "champion", 9).unwrap_err().is_not_found());
    assert_eq!(store.model_version_by_alias("wine", "champion").unwrap().version, 1);
    let aliases: Vec<_> =
        store.versions("wine").unwrap().into_iter().map(|version| version.aliases).collect();
    assert_eq!(aliases, [vec!["champion".to_owned()], vec![], vec![]]);
}

#[test]
fn locations_that_lead_in_a_circle_or_elsewhere_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = three_versions(folder.path());
    let meta = store.root().join("models/wine/version-1/meta.yaml");
    for (location, expected) in [
        ("models:/wine/1", ErrorKind::Malformed),
        ("models:/wine@champion", ErrorKind::Malformed),
        ("s3://bucket/model", ErrorKind::Unsupported),
        ("mlflow-artifacts:/1/model", ErrorKind::Unsupported),
        ("models:/wine", ErrorKind::InvalidUri),
        ("file:///gone/0/../../mlruns", ErrorKind::NotFound),
    ] {
        let text = format!(
            "{{name: wine, version: 1, current_stage: None, source: 'x', storage_location: '{location}'}}"
        );
        fs::write(&meta, text).unwrap();
        assert_eq!(kind(&store, "models:/wine/1"), expected, "{location}");
    }
}

#[test]
fn a_deleted_version_is_gone_and_its_number_stays_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = three_versions(folder.path());
    let meta = store.root().join("models/wine/version-3/meta.yaml");
    let text = fs::read_to_string(&meta).unwrap();
    fs::write(&meta, text.replace("'None'", "Deleted_Internal")).unwrap();
    assert!(store.model_version("wine", 3).unwrap_err().is_not_found());
    assert_eq!(store.latest("wine", None).unwrap().version, 2);
    assert_eq!(store.create_model_version("wine", &source).unwrap().version, 4);
}

#[test]
fn what_a_crash_leaves_behind_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = three_versions(&folder.path().join("mlruns"));
    let experiment = store.experiment("wine").unwrap();
    let (root, run) = (store.root(), &store.runs(&experiment).unwrap()[0]);
    let run_folder = root.join(&experiment.id).join(run.id().as_str());
    run.log_metric("loss", 0.5, 0).unwrap();
    let metric = run_folder.join("metrics/loss");

    // Temporary files, a folder that was being filled, an append that was cut.
    fs::write(run_folder.join(".tmp-1-1"), "0.1").unwrap();
    fs::write(root.join("models/wine/.tmp-1-2"), "").unwrap();
    fs::write(root.join("models/wine/version-1/.tmp-1-3"), "").unwrap();
    copy(&run_folder, &root.join("0/.staging/.tmp-1-4"));
    fs::create_dir_all(root.join("123456789012345678")).unwrap();
    let torn = fs::read_to_string(&metric).unwrap() + "1795";
    fs::write(&metric, torn).unwrap();

    assert_eq!(store.experiments().unwrap().len(), 2);
    assert_eq!(store.runs(&store.experiment("Default").unwrap()).unwrap().len(), 0);
    assert_eq!(run.metrics().unwrap()["loss"].value, 0.5);
    assert_eq!(run.params().unwrap().len(), 0);
    assert_eq!(store.create_model_version("wine", &source).unwrap().version, 4);
    assert_eq!(store.versions("wine").unwrap().len(), 4);
    assert!(!root.join("0/.staging").exists(), "the next writer clears up");
    assert_eq!(constant(&store, "models:/wine/Production"), "2");
}

#[test]
fn names_that_lead_out_of_the_store_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    for name in ["", "..", "../x", "a/b", "a:b", "/etc"] {
        assert_eq!(store.register(name).unwrap_err().kind(), ErrorKind::InvalidName, "{name}");
        assert_eq!(store.model_version(name, 1).unwrap_err().kind(), ErrorKind::InvalidName);
    }
    store.register("wine").unwrap();
    store.register("wine").unwrap();
    for alias in ["", "../x", "latest", "v1"] {
        let error = store.model_version_by_alias("wine", alias).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{alias}");
    }
}
