//! `train`: its figures are measured again from the boosters in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use mlops_core::{LoadContext, LoadModel, ModelDir};
use mlops_registry::{LocalStore, Run, RunStatus};
use mlops_xgboost::{XgboostModel, roc_auc};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::{bundled_data, run, start, text};

#[derive(Deserialize)]
struct Outcome {
    auc: f64,
    auc_original_protocol: f64,
    run_id: String,
    config: String,
}

/// Trains on the files in `data` and measures both figures again.
fn train(data: &Path, more: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let data_arg = data.to_str().unwrap();
    let args = [&["train", "--data", data_arg, "--trials", "4", "--seed", "7"], more].concat();
    let output = run(folder.path(), &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let outcome: Outcome =
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();

    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    let run = store.run(&outcome.run_id.parse().unwrap()).unwrap();
    assert_eq!(run.info().unwrap().status, RunStatus::Finished);
    assert_eq!(store.runs(&store.experiment("wine_quality").unwrap()).unwrap().len(), 1 + 2 * 4);
    let configuration = fs::read_to_string(folder.path().join(&outcome.config)).unwrap();
    assert!(configuration.contains(r#""models:/wine_quality/1""#), "{configuration}");

    let (wines, is_good) = wines(data);
    for (uri, split, auc) in [
        ("models:/wine_quality/1".to_owned(), "split.csv", outcome.auc),
        (
            format!("runs:/{}/original_protocol", outcome.run_id),
            "split_original_protocol.csv",
            outcome.auc_original_protocol,
        ),
    ] {
        let dir = ModelDir::open(store.resolve(&uri.parse().unwrap()).unwrap()).unwrap();
        let model = XgboostModel::load(&dir, &LoadContext::new()).unwrap();
        let split = fs::read_to_string(run.artifacts().unwrap().join(split)).unwrap();
        let test: Vec<usize> = rows(&split, "test");
        let probabilities =
            model.booster().predict(wines.select(ndarray::Axis(0), &test).view()).unwrap();
        let labels: Vec<bool> = test.iter().map(|&row| is_good[row]).collect();
        assert_eq!(roc_auc(&probabilities, &labels), Some(auc), "{uri}");
    }
    let honest = fs::read_to_string(run.artifacts().unwrap().join("split.csv")).unwrap();
    assert_eq!(n_groups_in_several_parts(&wines, &honest), 0);
    check_inputs(&run, data, &honest);
    outcome
}

/// The run was given the parts of the split, and says where they are from.
fn check_inputs(run: &Run, data: &Path, split: &str) {
    let inputs = run.inputs().unwrap();
    let digests: BTreeSet<_> = inputs.iter().map(|input| &input.digest).collect();
    assert_eq!((inputs.len(), digests.len()), (3, 3));
    for (context, part) in [("training", "train"), ("validation", "validation"), ("test", "test")] {
        let input = inputs.iter().find(|input| input.context.as_deref() == Some(context)).unwrap();
        assert_eq!((input.name.as_str(), input.source_type.as_str()), ("wine_quality", "local"));
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(json(&input.source), json!({ "uri": data.canonicalize().unwrap() }));
        let n_rows = rows(split, part).len();
        let profile = json!({ "num_rows": n_rows, "num_elements": n_rows * 12 });
        assert_eq!(json(input.profile.as_deref().unwrap()), profile);
        let columns = &json(input.schema.as_deref().unwrap())["mlflow_colspec"];
        assert_eq!(columns.as_array().unwrap().len(), 12);
        assert_eq!(columns[11], json!({ "name": "is_red", "required": true, "type": "long" }));
    }
}

/// The wines as the original prepares them, read without the program's help.
fn wines(data: &Path) -> (Array2<f64>, Vec<bool>) {
    let mut values = Vec::new();
    let mut is_good = Vec::new();
    for (file, is_red) in [("winequality-red.csv", 1.0), ("winequality-white.csv", 0.0)] {
        for line in fs::read_to_string(data.join(file)).unwrap().lines().skip(1) {
            let row: Vec<f64> = line.split(';').map(|value| value.parse().unwrap()).collect();
            values.extend(&row[..11]);
            values.push(is_red);
            is_good.push(row[11] >= 7.0);
        }
    }
    (Array2::from_shape_vec((is_good.len(), 12), values).unwrap(), is_good)
}

fn rows(split: &str, part: &str) -> Vec<usize> {
    let rows = split.lines().skip(1).map(|line| line.split_once(',').unwrap());
    rows.filter(|(_, found)| *found == part).map(|(row, _)| row.parse().unwrap()).collect()
}

fn n_groups_in_several_parts(wines: &Array2<f64>, split: &str) -> usize {
    let mut parts: BTreeMap<Vec<u64>, BTreeSet<&str>> = BTreeMap::new();
    for line in split.lines().skip(1) {
        let (row, part) = line.split_once(',').unwrap();
        let wine = wines.row(row.parse().unwrap()).iter().map(|value| value.to_bits()).collect();
        parts.entry(wine).or_default().insert(part);
    }
    parts.values().filter(|parts| parts.len() > 1).count()
}

#[test]
fn both_figures_follow_from_the_saved_boosters() {
    let outcome = train(&bundled_data(), &[]);
    assert!(outcome.auc < outcome.auc_original_protocol);
}

#[test]
fn the_original_protocol_reaches_its_figure_on_the_complete_data() {
    let Some(data) = mlops_testing::wine_data("the figures on all 6,497 wines") else { return };
    let data = data.canonicalize().unwrap();
    let test_rows = data.join("test_rows_seed1.csv");
    let outcome = train(&data, &["--test-rows", test_rows.to_str().unwrap()]);
    assert!(outcome.auc_original_protocol >= 0.90, "{}", outcome.auc_original_protocol);
    assert!(outcome.auc < outcome.auc_original_protocol);
}

#[test]
fn the_model_of_the_original_protocol_can_be_registered() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("models.json");
    let args =
        ["train", "--trials", "1", "--protocol", "original", "--config", config.to_str().unwrap()];
    let output = run(folder.path(), &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    let outcome: Outcome =
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let booster = |uri: &str| {
        let dir = ModelDir::open(store.resolve(&uri.parse().unwrap()).unwrap()).unwrap();
        XgboostModel::load(&dir, &LoadContext::new()).unwrap().booster().clone()
    };
    let original = booster(&format!("runs:/{}/original_protocol", outcome.run_id));
    assert!(booster("models:/wine_quality/latest") == original);
    assert!(config.is_file());
    // The wines that choose are those of the test.
    let inputs = store.run(&outcome.run_id.parse().unwrap()).unwrap().inputs().unwrap();
    let contexts: BTreeSet<_> =
        inputs.iter().filter_map(|input| input.context.as_deref()).collect();
    assert_eq!(contexts, BTreeSet::from(["training", "validation"]));
    assert!(inputs.iter().all(|input| input.source_type == "code"));
}

/// The bytes of the files of the three registered models, without those that tell of the run.
fn models(store: &LocalStore) -> [Vec<Vec<u8>>; 3] {
    ["wine_quality", "wine_quality_drift", "wine_quality_outlier"].map(|name| {
        let uri = format!("models:/{name}@challenger").parse().unwrap();
        let dir = ModelDir::open(store.resolve(&uri).unwrap()).unwrap();
        let files = dir.files().unwrap().into_iter().filter(|file| file.path != "MLmodel");
        let files: Vec<_> =
            files.map(|file| fs::read(dir.path().join(file.path)).unwrap()).collect();
        assert!(!files.is_empty());
        files
    })
}

fn trained(folder: &Path, args: &[&str]) -> LocalStore {
    let output = run(folder, args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    LocalStore::open(folder.join("mlruns")).unwrap()
}

#[test]
fn the_number_of_jobs_does_not_change_a_byte() {
    let models = ["1", "2"].map(|jobs| {
        let folder = tempfile::tempdir().unwrap();
        let args = ["train", "--trials", "12", "--seed", "3", "--jobs", jobs];
        models(&trained(folder.path(), &args))
    });
    assert!(models[0] == models[1]);
}

#[test]
fn a_training_that_is_killed_is_gone_on_with() {
    let args = ["train", "--trials", "8", "--seed", "5"];
    let undisturbed = tempfile::tempdir().unwrap();
    let undisturbed = models(&trained(undisturbed.path(), &args));

    let folder = tempfile::tempdir().unwrap();
    for n_trials in [1, 5, 9, 13] {
        let mut training = start(folder.path(), &args);
        while n_journalled(folder.path()) < n_trials {
            assert_eq!(training.try_wait().unwrap(), None, "it ended before it was killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        training.kill().unwrap();
        training.wait().unwrap();
    }
    let store = trained(folder.path(), &args);
    assert!(models(&store) == undisturbed);
    let runs = store.runs(&store.experiment("wine_quality").unwrap()).unwrap();
    let (parents, trials): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| run.parent().unwrap().is_none());
    assert_eq!(parents.len(), 1);
    let statuses: Vec<_> = trials.iter().map(|run| run.info().unwrap().status).collect();
    let n = |status| statuses.iter().filter(|it| **it == status).count();
    assert!(n(RunStatus::Killed) <= 4 * 4, "{statuses:?}");
    assert!(n(RunStatus::Finished) >= 2 * 8, "{statuses:?}");
    assert_eq!(n(RunStatus::Running), 0);
    // The same training once more is another one.
    assert_eq!(models(&trained(folder.path(), &args)), undisturbed);
    assert_eq!(store.versions("wine_quality").unwrap().len(), 2);
}

/// How many trials stand in the journals of the runs.
fn n_journalled(folder: &Path) -> usize {
    let children = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let runs = children(&folder.join("mlruns")).into_iter().flat_map(|it| children(&it));
    let journals = runs.flat_map(|run| children(&run.join("artifacts/search")));
    let texts = journals.filter_map(|journal| fs::read_to_string(journal).ok());
    texts.map(|text| text.lines().count().saturating_sub(1)).sum()
}

#[test]
fn trainings_at_once_register_versions_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for seed in ["1", "2", "3"] {
            let folder = folder.path();
            scope.spawn(move || {
                let output = run(folder, &["train", "--trials", "1", "--seed", seed]);
                assert!(output.status.success(), "{}", text(&output.stderr));
            });
        }
    });
    let store = LocalStore::open(folder.path().join("mlruns")).unwrap();
    let versions = store.versions("wine_quality").unwrap();
    assert_eq!(versions.len(), 3);
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let error = || {
        let output = run(folder.path(), &["train", "--data", "data", "--trials", "1"]);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    assert!(
        error().starts_with("error: data/winequality-red.csv cannot be read: No such file"),
        "{}",
        error()
    );
    for name in ["winequality-red.csv", "winequality-white.csv"] {
        fs::copy(bundled_data().join(name), data.join(name)).unwrap();
    }
    let white = fs::read_to_string(data.join("winequality-white.csv")).unwrap();
    fs::write(data.join("winequality-white.csv"), white.replace("\n6.3;", "\nmuch;")).unwrap();
    let found = error();
    assert!(found.starts_with("error: winequality-white.csv, row "), "{found}");
    assert!(found.ends_with(", column `fixed acidity` is not a finite number\n"), "{found}");
}
