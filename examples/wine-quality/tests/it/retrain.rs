//! `retrain`: a champion of half of the wines, and logs of the other half.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use mlops_registry::LocalStore;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{bundled_data, run, start, text};

const FEATURES: [&str; 12] = [
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "is_red",
];
const ALCOHOL: usize = 10;
/// Of alcohol by volume, roughly.
const BY_WEIGHT: f64 = 0.79;
const ROWS_OF_REQUEST: usize = 10;

/// A folder with a champion, and wines that it does not know.
struct Cellar {
    folder: TempDir,
    wines: Vec<(Vec<f64>, bool)>,
}

impl Cellar {
    /// The odd rows of the bundled sample are learned from, and the even ones are not.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let mut wines = Vec::new();
        for (file, is_red) in [("winequality-red.csv", 1.0), ("winequality-white.csv", 0.0)] {
            let all = fs::read_to_string(bundled_data().join(file)).unwrap();
            let mut old = format!("{}\n", all.lines().next().unwrap());
            for (index, line) in all.lines().skip(1).enumerate() {
                if index % 2 == 0 {
                    writeln!(old, "{line}").unwrap();
                    continue;
                }
                let mut row: Vec<f64> =
                    line.split(';').map(|value| value.parse().unwrap()).collect();
                let is_good = row.pop().unwrap() >= 7.0;
                row.push(is_red);
                wines.push((row, is_good));
            }
            fs::write(data.join(file), old).unwrap();
        }
        // Red and white ones in turn, as far as there are of both.
        let mut order: Vec<usize> = (0..wines.len()).collect();
        order.sort_by_key(|index| index.wrapping_mul(0x9e37_79b9) % 1_000_003);
        let wines = order.into_iter().map(|index| wines[index].clone()).collect();
        let cellar = Self { folder, wines };
        cellar.succeed(&["train", "--data", "data", "--trials", "2"]);
        cellar
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn succeed(&self, args: &[&str]) -> String {
        let output = run(self.path(), args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Logs of wines as a service of this version would write them, and their labels; an hour lies between requests.
    fn log(&self, version: &str, wines: &[(Vec<f64>, bool)]) {
        let (mut log, mut labels) = (String::new(), "request_id,row,label,time\n".to_owned());
        for (hour, wines) in wines.chunks(ROWS_OF_REQUEST).enumerate() {
            let id = format!("v{version}-{hour:04}");
            let (day, hour) = (1 + hour / 24, hour % 24);
            let data: Vec<&Vec<f64>> = wines.iter().map(|(row, _)| row).collect();
            let line = json!({
                "ts": format!("2026-03-{day:02}T{hour:02}:00:00Z"),
                "type": "inference",
                "request_id": id,
                "model": {"name": "wine_quality", "version": version},
                "inputs": {"columns": FEATURES, "data": data},
            });
            writeln!(log, "{line}").unwrap();
            for (row, (_, is_good)) in wines.iter().enumerate() {
                writeln!(labels, "{id},{row},{},2026-05-01T00:00:00Z", u8::from(*is_good)).unwrap();
            }
        }
        fs::create_dir_all(self.path().join("logs")).unwrap();
        fs::write(self.path().join(format!("logs/{version}.jsonl")), log).unwrap();
        fs::write(self.path().join("labels.csv"), labels).unwrap();
    }

    /// Some wines, and behind them as many of which alcohol is told by weight.
    fn shifted(&self, n_each: usize) -> Vec<(Vec<f64>, bool)> {
        let mut wines = self.wines[..2 * n_each].to_vec();
        wines[n_each..].iter_mut().for_each(|(row, _)| row[ALCOHOL] *= BY_WEIGHT);
        wines
    }

    fn store(&self) -> LocalStore {
        LocalStore::open(self.path().join("mlruns")).unwrap()
    }

    fn n_versions(&self) -> usize {
        let names = ["wine_quality", "wine_quality_drift", "wine_quality_outlier"];
        names.map(|name| self.store().versions(name).unwrap().len()).iter().sum()
    }

    fn n_runs(&self) -> usize {
        let store = self.store();
        store.runs(&store.experiment("wine_quality").unwrap()).unwrap().len()
    }

    fn configuration(&self) -> String {
        fs::read_to_string(self.path().join("mlruns/configuration.json")).unwrap()
    }

    /// What `retrain` has decided.
    fn retrain(&self, more: &[&str]) -> Value {
        let args = [&RETRAIN[..], more].concat();
        serde_json::from_str(self.succeed(&args).lines().last().unwrap()).unwrap()
    }

    /// Why it failed.
    fn error(&self, args: &[&str]) -> String {
        let output = run(self.path(), args);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        text(&output.stderr)
    }
}

const RETRAIN: [&str; 11] = [
    "retrain",
    "--config",
    "mlruns/configuration.json",
    "--data",
    "data",
    "--telemetry",
    "logs",
    "--labels",
    "labels.csv",
    "--trials",
    "3",
];

#[test]
fn a_shift_is_answered_by_new_models_once() {
    let cellar = Cellar::new();
    cellar.log("1", &cellar.shifted(600));
    let configuration = cellar.configuration();
    let outcome = cellar.retrain(&["--when-drift", "--dry-run"]);
    assert_eq!(outcome["decision"], "dry_run", "{outcome}");
    assert_eq!((cellar.n_versions(), cellar.configuration()), (3, configuration));

    let outcome = cellar.retrain(&["--when-drift", "--report", "report.md"]);
    assert_eq!(outcome["decision"], "promoted", "{outcome}");
    assert!(outcome["shift"]["features"].to_string().contains("alcohol"), "{outcome}");
    assert_eq!(outcome["evidence"]["labelled"], 1200);
    assert_eq!(outcome["configuration"]["prediction_model_artifact_uri"], "models:/wine_quality/2");
    let auc = &outcome["metrics"][0];
    assert_eq!(auc["name"], "roc_auc");
    assert!(auc["champion"].as_f64().unwrap() < auc["challenger"].as_f64().unwrap(), "{auc}");
    assert!(cellar.configuration().contains("models:/wine_quality_drift/2"));
    let champion = cellar.store().model_version_by_alias("wine_quality", "champion").unwrap();
    assert_eq!(champion.version, 2);
    let run = cellar.store().run(&champion.run_id.unwrap().parse().unwrap()).unwrap();
    assert_eq!(run.inputs().unwrap().len(), 3, "wines that trained, chose and judged");
    let report = fs::read_to_string(cellar.path().join("report.md")).unwrap();
    assert!(report.contains("Outcome: the challenger is the champion now."), "{report}");
    assert!(report.contains("| roc_auc | 0."), "{report}");
    assert!(report.contains("- passed: AUC: the difference is +0."), "{report}");

    // The new champion has answered nothing, and knows all that there is a label for.
    let (n_runs, configuration) = (cellar.n_runs(), cellar.configuration());
    assert_eq!(cellar.retrain(&["--when-drift"])["decision"], "no_drift");
    let outcome = cellar.retrain(&[]);
    assert_eq!(outcome["decision"], "nothing_new", "{outcome}");
    assert_eq!(outcome["comparison"], Value::Null);
    // Requests of wines like those of the new days are no shift any more.
    let shifted: Vec<_> = cellar.shifted(1000).split_off(1600);
    cellar.log("2", &shifted);
    assert_eq!(cellar.retrain(&["--when-drift"])["decision"], "no_drift");
    assert_eq!(
        (cellar.n_versions(), cellar.n_runs(), cellar.configuration()),
        (6, n_runs, configuration)
    );
}

#[test]
fn wines_like_the_old_ones_retrain_nothing_unless_asked() {
    let cellar = Cellar::new();
    cellar.log("1", &cellar.wines[..1500]);
    let n_runs = cellar.n_runs();
    assert_eq!(cellar.retrain(&["--when-drift"])["decision"], "no_drift");
    assert_eq!(cellar.n_runs(), n_runs);
    let outcome = cellar.retrain(&["--margin", "1"]);
    assert_eq!(outcome["decision"], "promoted", "{outcome}");
    assert_eq!(outcome["shift"], Value::Null);
    // The detectors stay what they are.
    let file = |version, file| {
        let uri = format!("models:/wine_quality_{version}").parse().unwrap();
        fs::read(cellar.store().resolve(&uri).unwrap().join(file)).unwrap()
    };
    assert_eq!(file("drift/1", "drift_reference.json"), file("drift/2", "drift_reference.json"));
    // Some wines are copies of old ones.
    let evidence = &outcome["evidence"];
    let n = |key: &str| evidence[key].as_u64().unwrap();
    assert!(n("learned") > 50 && n("tested") > 10, "{evidence}");
    assert_eq!(n("learned") + n("tested") + n("fresh"), 1500);
}

#[test]
fn labels_that_say_nothing_never_pass() {
    let cellar = Cellar::new();
    let mut wines = cellar.shifted(500);
    let labels: Vec<bool> = wines.iter().map(|(_, is_good)| *is_good).collect();
    for (index, (_, is_good)) in wines.iter_mut().enumerate() {
        *is_good = labels[(index * 389 + 7) % labels.len()];
    }
    cellar.log("1", &wines);
    let configuration = cellar.configuration();
    for seed in ["1", "2", "3"] {
        let outcome = cellar.retrain(&["--seed", seed, "--margin", "0.2"]);
        assert_eq!(outcome["decision"], "rejected", "{outcome}");
    }
    // Nor do those that say the opposite.
    let mut wines = cellar.shifted(500);
    for (_, is_good) in &mut wines {
        *is_good = !*is_good;
    }
    cellar.log("1", &wines);
    let outcome = cellar.retrain(&[]);
    assert_eq!(outcome["decision"], "rejected", "{outcome}");
    assert_eq!((cellar.n_versions(), cellar.configuration()), (3, configuration));
    let champion = cellar.store().model_version_by_alias("wine_quality", "champion");
    assert!(champion.unwrap_err().is_not_found());
}

#[test]
fn few_labels_and_strange_ones_are_counted_and_change_nothing() {
    let cellar = Cellar::new();
    cellar.log("1", &cellar.wines[..300]);
    let n_runs = cellar.n_runs();
    let labels = fs::read_to_string(cellar.path().join("labels.csv")).unwrap();
    let with_labels = |labels: &str, more: &[&str]| {
        fs::write(cellar.path().join("labels.csv"), labels).unwrap();
        let outcome = cellar.retrain(more);
        (outcome["decision"].as_str().unwrap().to_owned(), outcome["evidence"].clone())
    };
    let header = labels.lines().next().unwrap();
    let (decision, evidence) = with_labels(&format!("{header}\n"), &[]);
    assert_eq!((&*decision, &evidence["unlabelled"]), ("nothing_new", &json!(300)));
    let (decision, evidence) = with_labels(&labels.replace("\nv1-", "\nw1-"), &[]);
    assert_eq!((&*decision, &evidence["unknown_requests"]), ("nothing_new", &json!(300)));
    let (decision, evidence) = with_labels(&labels.replace(",1,2026", ",2,2026"), &[]);
    assert_eq!(decision, "too_few_wines");
    assert!(evidence["not_classes"].as_u64().unwrap() > 30, "{evidence}");
    let (decision, evidence) = with_labels(&labels, &["--max-label-delay", "30"]);
    assert_eq!((&*decision, &evidence["late"]), ("nothing_new", &json!(300)));
    fs::write(cellar.path().join("logs/1.jsonl"), "").unwrap();
    let (decision, evidence) = with_labels(&labels, &[]);
    assert_eq!((&*decision, &evidence["requests"]), ("nothing_new", &json!(0)));
    assert_eq!((cellar.n_versions(), cellar.n_runs()), (3, n_runs));
}

#[test]
fn what_cannot_be_retrained_on_is_named() {
    let cellar = Cellar::new();
    cellar.log("1", &cellar.wines[..50]);
    fs::write(cellar.path().join("broken.csv"), "request_id,row\n").unwrap();
    let error = cellar.error(&[&RETRAIN[..7], &["--labels", "broken.csv"]].concat());
    assert_eq!(
        error,
        "error: broken.csv cannot be read as labels: the file has no column `label`, expected `request_id`, `row` and `label` between commas\n"
    );
    fs::create_dir(cellar.path().join("few")).unwrap();
    for file in ["winequality-red.csv", "winequality-white.csv"] {
        let all = fs::read_to_string(bundled_data().join(file)).unwrap();
        let few: Vec<&str> = all.lines().take(300).collect();
        fs::write(cellar.path().join("few").join(file), few.join("\n")).unwrap();
    }
    let error = cellar.error(&[&RETRAIN[..3], &["--data", "few"], &RETRAIN[5..]].concat());
    assert!(
        error.contains("wines that the model in use was trained on stand neither in"),
        "{error}"
    );
    fs::create_dir(cellar.path().join("empty")).unwrap();
    let error = cellar.error(&[&RETRAIN[..5], &["--telemetry", "empty"]].concat());
    assert_eq!(error, "error: there is no file in the folders of `--telemetry`\n");
    let error = cellar.error(&[&RETRAIN[..5], &["--telemetry", "none"]].concat());
    assert!(error.starts_with("error: none cannot be read or written: No such file"), "{error}");
    let error = cellar.error(&["retrain", "--config", "none.json", "--telemetry", "logs"]);
    assert!(
        error.starts_with("error: none.json cannot be read or written: No such file"),
        "{error}"
    );

    let uri = "models:/wine_quality/1".parse().unwrap();
    let model = cellar.store().resolve(&uri).unwrap();
    fs::remove_file(model.join("known_wines.csv")).unwrap();
    let error = cellar.error(&RETRAIN);
    assert!(error.contains("known_wines.csv is not there: the model does not tell"), "{error}");
    assert_eq!(cellar.n_versions(), 3);
}

#[test]
fn one_retraining_at_a_time_and_a_killed_one_is_gone_on_with() {
    let cellar = Cellar::new();
    cellar.log("1", &cellar.shifted(600));
    let args = [&RETRAIN[..9], &["--when-drift", "--trials", "12"]].concat();
    let n_runs = cellar.n_runs();
    let mut retraining = start(cellar.path(), &args);
    // It has begun its second trial.
    while cellar.n_runs() < n_runs + 3 {
        assert_eq!(retraining.try_wait().unwrap(), None, "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = cellar.error(&args);
    assert!(
        error.contains("another process is retraining the models of mlruns/configuration.json"),
        "{error}"
    );
    retraining.kill().unwrap();
    retraining.wait().unwrap();
    assert_eq!(cellar.n_versions(), 3);
    let outcome = cellar.succeed(&args);
    assert!(outcome.contains("Outcome: the challenger is the champion now."), "{outcome}");
    let store = cellar.store();
    let runs = store.runs(&store.experiment("wine_quality").unwrap()).unwrap();
    let parents = runs.iter().filter(|run| run.parent().unwrap().is_none()).count();
    assert_eq!(parents, 2);
    assert_eq!(cellar.n_versions(), 6);
}
