//! The program as its users run it, with the Python-trained models of the quickstarts.

#![expect(clippy::unwrap_used, reason = "what tests have in common fails as tests do")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../quickstarts/python_service")
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve-models"));
    command.args(args).current_dir(models()).stdin(Stdio::null());
    command
}

/// The program, on a free port; killed when it is dropped.
struct Server {
    process: Child,
    url: String,
    warnings: Vec<String>,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = program(args);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut warnings = Vec::new();
        for line in BufReader::new(process.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.strip_prefix("listening on ") {
                Some(url) => return Self { url: url.to_owned(), process, warnings },
                None => warnings.push(line),
            }
        }
        panic!("{warnings:?}");
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = ureq::post(format!("{}{path}", self.url));
        let mut response =
            request.header("content-type", "application/json").send(body.to_string()).unwrap();
        serde_json::from_slice(&response.body_mut().read_to_vec().unwrap()).unwrap()
    }

    /// Sends a signal and waits for a good end; returns what was written.
    fn stop(mut self, signal: &str) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut lines = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut lines).unwrap();
        assert!(self.process.wait().unwrap().success());
        lines
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended by itself cannot be killed again.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(models().join("expected.json")).unwrap()).unwrap()
}

/// The class of each row, as Python's probabilities decide.
fn expected_classes(expected: &Value) -> Value {
    let probabilities = expected["probability"].as_array().unwrap().iter();
    probabilities.map(|probability| u8::from(probability.as_f64().unwrap() > 0.5)).collect()
}

fn numbers(values: &Value) -> Vec<f64> {
    let values: Vec<&Value> = match values {
        Value::Array(values) => values.iter().collect(),
        Value::Object(entries) => entries.values().collect(),
        _ => panic!("{values}"),
    };
    values.into_iter().map(|value| value.as_f64().unwrap()).collect()
}

fn assert_close(got: &Value, expected: &Value) {
    let (got, expected) = (numbers(got), numbers(expected));
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() <= 1e-6, "{got} instead of {expected}");
    }
}

#[test]
fn models_of_python_answer_with_their_detectors_as_python_does() {
    let server = Server::start(&[
        "wine_quality",
        "--drift=wine_quality=wine_quality_drift",
        "--outliers=wine_quality=wine_quality_outlier",
        "--p-values=alibi",
    ]);
    let [warning] = server.warnings.as_slice() else { panic!("{:?}", server.warnings) };
    assert!(warning.starts_with("warning: the outlier threshold 5 in wine_quality_outlier"));
    let expected = expected();
    let answer = server.post("/predict", &expected["rows"]);
    let monitoring = &answer[0]["monitoring"];
    assert_eq!(answer[0]["predictions"], expected_classes(&expected));
    assert_close(&monitoring["outliers"]["instance_score"], &expected["instance_score"]);
    assert_close(&monitoring["drift"]["p_value"], &expected["p_value"]);

    let lines = server.stop("-TERM");
    let line: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(line["type"], "inference");
    assert_eq!(line["predictions"], answer[0]["predictions"]);
}

#[test]
fn several_models_answer_under_their_names_and_without_lines() {
    let server = Server::start(&["first=wine_quality", "./wine_quality", "--telemetry=none"]);
    let expected = expected();
    for name in ["first", "wine_quality"] {
        let answer = server.post(&format!("/v1/models/{name}/predict"), &expected["rows"]);
        assert_eq!(answer["model"]["name"], name);
        assert_close(&answer["probabilities"], &expected["probability"]);
    }
    assert_eq!(server.stop("-INT"), "");
}

#[test]
fn what_cannot_be_served_is_named() {
    for (args, expected) in [
        (&["absent"][..], "error: the model in absent cannot be served: "),
        (&["wine_quality_drift"], "error: the model in wine_quality_drift cannot be served: "),
        (
            &["wine_quality", "--drift=wine_quality=wine_quality"],
            "error: the drift detector in wine_quality cannot be served: ",
        ),
        (
            &["wine_quality", "--drift=wines=wine_quality_drift"],
            "error: the option --drift names a model `wines`, which is not served",
        ),
        (
            &["wine_quality", "--outliers=wine_quality=a", "--outliers=wine_quality=b"],
            "error: the option --outliers stands twice for the model `wine_quality`",
        ),
    ] {
        let output = program(args).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with(expected), "{error}");
    }
}
