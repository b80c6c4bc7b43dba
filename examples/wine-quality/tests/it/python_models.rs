//! The models of the original Python system, behind HTTP, against the answers of its libraries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::program::Server;

#[derive(Deserialize)]
struct Expected {
    columns: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    rows: Vec<Vec<f64>>,
    probability: Vec<f32>,
    drift: DriftAnswer,
    outliers: OutlierAnswer,
}

#[derive(Deserialize)]
struct DriftAnswer {
    threshold: f64,
    is_drift: Vec<u8>,
    p_value: Vec<f64>,
}

#[derive(Deserialize)]
struct OutlierAnswer {
    instance_score: Vec<f64>,
    is_outlier: Vec<u8>,
}

impl Case {
    fn body(&self, columns: &[String]) -> String {
        let row = |values: &Vec<f64>| -> Value {
            let values = values.iter().map(|value| json!(value));
            columns.iter().cloned().zip(values).collect::<Map<_, _>>().into()
        };
        self.rows.iter().map(row).collect::<Value>().to_string()
    }
}

/// What scikit-learn scored with a forest of 2022.
#[derive(Deserialize)]
struct Scores {
    rows: Vec<Vec<f64>>,
    instance_score: Vec<f64>,
}

/// The three models and what Python answers with them, and a folder whose configuration names them.
fn python(left_out: &str) -> Option<(Expected, tempfile::TempDir)> {
    let fixtures = mlops_testing::fixtures(left_out)?.join("seed_models");
    let expected = fs::read(fixtures.join("expected.json")).unwrap();
    Some((serde_json::from_slice(&expected).unwrap(), configured(&fixtures, &fixtures)))
}

/// A folder with a configuration of models in two others.
fn configured(prediction: &Path, detectors: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mlruns")).unwrap();
    let path = |path: PathBuf| path.to_str().unwrap().to_owned();
    let configuration = json!({
        "prediction_model_artifact_uri": path(prediction.join("wine_quality")),
        "drift_model_artifact_uri": path(detectors.join("wine_quality_drift")),
        "outlier_model_artifact_uri": path(detectors.join("wine_quality_outlier")),
    });
    let file = folder.path().join("mlruns/configuration.json");
    fs::write(file, configuration.to_string()).unwrap();
    folder
}

fn answer(server: &Server, body: &str) -> Value {
    let response = ureq::post(format!("{}/predict", server.url))
        .header("content-type", "application/json")
        .send(body);
    let body = response.unwrap().body_mut().read_to_vec().unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let [answer] = answer.as_array().unwrap().as_slice() else { panic!("{answer}") };
    answer.clone()
}

fn assert_predictions(case: &Case, answer: &Value) {
    let expected: Vec<u8> =
        case.probability.iter().map(|probability| u8::from(*probability > 0.5)).collect();
    assert_eq!(answer["predictions"], json!(expected), "{}", case.name);
}

/// One unit in the last place of the anomaly score, from which 1/2 is subtracted.
fn assert_score(got: &Value, expected: f64) {
    let got = got.as_f64().unwrap();
    assert!((got - expected).abs() <= f64::EPSILON / 2.0, "{got:e} for {expected:e}");
}

/// A number of 32 bits, two units in its last place off at the most.
fn assert_p_value(got: &Value, expected: f64) {
    let got = got.as_f64().unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "p-values of alibi-detect have 32 bits")]
    let (narrow, expected) = (got as f32, expected as f32);
    assert_eq!(f64::from(narrow), got, "not a number of 32 bits");
    let distance = narrow.to_bits().abs_diff(expected.to_bits());
    assert!(distance <= 2, "{narrow:e} for {expected:e}");
}

/// What Python's libraries say about a few wines, by the names of the columns.
#[derive(Deserialize)]
struct SmallAnswer {
    rows: Vec<Map<String, Value>>,
    probability: Vec<f32>,
    p_value: Map<String, Value>,
    is_drift: Value,
    instance_score: Vec<f64>,
}

#[test]
fn small_models_of_python_answer_as_in_python() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../quickstarts/python_service");
    let expected = fs::read(models.join("expected.json")).unwrap();
    let expected: SmallAnswer = serde_json::from_slice(&expected).unwrap();
    let folder = configured(&models, &models);
    let server = Server::start_with(folder.path(), &["--compat", "seed"]);
    let answer = answer(&server, &json!(expected.rows).to_string());
    let good = expected.probability.iter().map(|probability| u8::from(*probability > 0.5));
    assert_eq!(answer["predictions"], good.collect::<Value>());
    let drift = &answer["monitoring"]["drift"];
    assert_eq!(drift["is_drift"], expected.is_drift);
    for (column, p_value) in &expected.p_value {
        assert_p_value(&drift["p_value"][column], p_value.as_f64().unwrap());
    }
    let scores = answer["monitoring"]["outliers"]["instance_score"].as_object().unwrap();
    // serde_json sorts keys; the names stand for rows in the order of the columns.
    let columns = ["fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar"];
    for (column, expected) in columns.iter().zip(expected.instance_score) {
        assert_score(&scores[*column], expected);
    }
    assert_eq!(scores.len(), 12);
}

#[test]
fn in_the_originals_dialect_everything_is_as_in_python() {
    let Some((expected, folder)) = python("the Python system's answers") else { return };
    let server = Server::start_with(folder.path(), &["--compat", "seed"]);
    let [remark] = &server.remarks[..] else { panic!("{:?}", server.remarks) };
    assert!(
        remark.starts_with("warning: the outlier threshold 5 is out of reach: scores of this forest are between -0."),
        "{remark}"
    );
    assert!(remark.ends_with("so no row will ever be called an outlier"), "{remark}");

    assert_eq!(expected.cases.len(), 7);
    for case in &expected.cases {
        let answer = answer(&server, &case.body(&expected.columns));
        assert_predictions(case, &answer);
        let drift = &answer["monitoring"]["drift"];
        assert_eq!(drift["threshold"], case.drift.threshold);
        for (map, length) in [("p_value", case.drift.p_value.len()), ("is_drift", 12)] {
            assert_eq!((drift[map].as_object().unwrap().len(), length), (12, 12));
        }
        for (at, column) in expected.columns.iter().enumerate() {
            assert_eq!(
                drift["is_drift"][column], case.drift.is_drift[at],
                "{} {column}",
                case.name
            );
            assert_p_value(&drift["p_value"][column], case.drift.p_value[at]);
        }
        // Names of columns stand for the first rows.
        let n_named = case.rows.len().min(12);
        let outliers = &answer["monitoring"]["outliers"];
        for map in ["is_outlier", "instance_score"] {
            assert_eq!(outliers[map].as_object().unwrap().len(), n_named, "{}", case.name);
        }
        for (row, column) in expected.columns.iter().take(n_named).enumerate() {
            assert_eq!(outliers["is_outlier"][column], case.outliers.is_outlier[row]);
            assert_score(&outliers["instance_score"][column], case.outliers.instance_score[row]);
        }
    }
    let log = server.stop();
    // Three kinds of lines for each request; one of many rows takes several of each.
    let kinds: BTreeSet<(String, String)> = log
        .lines()
        .map(|line| {
            assert!(line.starts_with("[20") && line.len() < 48 << 10, "{line}");
            let (_, line) = line.split_once("] INFO - ").unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            (line["request_id"].to_string(), line["type"].to_string())
        })
        .collect();
    assert_eq!(kinds.len(), 3 * 7);
}

#[test]
fn without_it_the_same_models_tell_the_truth() {
    let Some((expected, folder)) = python("the Python system's models") else { return };
    let server = Server::start(folder.path());
    let [remark] = &server.remarks[..] else { panic!("{:?}", server.remarks) };
    assert!(remark.contains("the outlier threshold 5 is out of reach"), "{remark}");
    assert!(
        remark.ends_with("which 2 % of the 4872 reference rows of the drift model exceed"),
        "{remark}"
    );
    for case in &expected.cases {
        let answer = answer(&server, &case.body(&expected.columns));
        assert_predictions(case, &answer);
        let outliers = &answer["monitoring"]["outliers"];
        let scores = outliers["instance_score"].as_array().unwrap();
        assert_eq!(scores.len(), case.rows.len());
        for (got, wanted) in scores.iter().zip(&case.outliers.instance_score) {
            assert_score(got, *wanted);
        }
        let flags = outliers["is_outlier"].as_array().unwrap();
        assert_eq!(flags.len(), case.rows.len());
        let n_outliers = flags.iter().filter(|flag| **flag == 1).count();
        let drift = &answer["monitoring"]["drift"];
        let drifted = |column: &str| drift["is_drift"][column] == 1;
        match &*case.name {
            // 1,625 wines of the same kind.
            "test" => assert!((10..=60).contains(&n_outliers), "{n_outliers}"),
            "shifted" => assert!(drifted("alcohol") && drifted("chlorides") && n_outliers > 0),
            // One row cannot be far out of 4,872: the least p-value that it can have is 2 / 4873.
            "one" => assert!(
                drift["p_value"].as_object().unwrap().values().all(|p| p.as_f64() > Some(4e-4))
            ),
            _ => {}
        }
    }
    let log = server.stop();
    assert!(log.lines().all(|line| line.starts_with("{\"ts\"") && line.len() < 48 << 10));
}

#[test]
fn models_of_the_originals_own_versions_are_served() {
    let Some(fixtures) = mlops_testing::fixtures("models of 2022") else { return };
    let scores = fs::read(fixtures.join("seed_era/expected.json")).unwrap();
    let scores: Scores = serde_json::from_slice(&scores).unwrap();
    let (expected, _) = python("models of 2022").unwrap();
    let folder = configured(&fixtures.join("seed_models"), &fixtures.join("seed_era"));
    let server = Server::start(folder.path());
    let case = Case { rows: scores.rows, ..expected.cases.into_iter().next().unwrap() };
    let answer = answer(&server, &case.body(&expected.columns));
    let got = answer["monitoring"]["outliers"]["instance_score"].as_array().unwrap();
    assert_eq!((got.len(), scores.instance_score.len()), (200, 200));
    for (got, expected) in got.iter().zip(scores.instance_score) {
        assert_score(got, expected);
    }
}

#[test]
fn models_that_do_not_belong_together_are_refused_at_the_start() {
    let Some(fixtures) = mlops_testing::fixtures("detectors of other columns") else { return };
    // A forest in the place of the drift detector.
    let folder = configured(&fixtures.join("seed_models"), &fixtures.join("seed_models"));
    let file = folder.path().join("mlruns/configuration.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("wine_quality_drift", "wine_quality_outlier")).unwrap();
    let output = crate::program::run(
        folder.path(),
        &["serve", "--config", "mlruns/configuration.json", "--listen", "127.0.0.1:0"],
    );
    let error = crate::program::text(&output.stderr);
    assert!(error.contains("IForest") && error.contains("TabularDrift"), "{error}");
}

#[test]
fn the_service_is_ready_soon() {
    let Some((_, folder)) = python("the time to start with Python's models") else { return };
    let soonest = (0..5)
        .map(|_| {
            let began = Instant::now();
            let server = Server::start(folder.path());
            let ready = ureq::get(format!("{}/readyz", server.url)).call().unwrap();
            assert_eq!(ready.status(), 200);
            began.elapsed()
        })
        .min()
        .unwrap();
    // A release build takes a fraction of it: this is a test build on a busy machine.
    assert!(soonest < Duration::from_millis(1500), "{soonest:?}");
    println!("ready after {soonest:?}");
}
