use std::error::Error;
use std::process::Command;

use mlops_benches::http::request;
use mlops_benches::wine;
use serde_json::{Value, json};

use super::answers::{self, Expected};
use super::programs::Programs;
use crate::server::free_port;

/// A service that can be started.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// What it does for each request.
    pub(crate) job: &'static str,
    /// Where it says that it is ready.
    pub(crate) ready: &'static str,
    /// Where it takes rows.
    pub(crate) path: &'static str,
    protocol: Protocol,
    /// Its command, for a port.
    pub(crate) command: ForPort,
}

type ForPort = fn(&Programs, u16) -> Result<Command, Box<dyn Error>>;

/// How rows go in and answers come out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    /// The original's, with the p-values of alibi-detect.
    Original,
    /// The same in an argument of BentoML.
    Argument,
    /// The original's, with exact p-values.
    Exact,
    /// The original's, without monitoring.
    Unmonitored,
    /// MLflow's.
    Invocations,
    /// The Open Inference Protocol: one tensor.
    OpenInference,
}

/// The name of the service that everything is the ratio to.
pub(crate) const ORIGINAL: &str = "original";
/// The name of ours with all of its job, as it is by default.
pub(crate) const OURS: &str = "ours";
/// The name of ours with the p-values and the lines of the original.
pub(crate) const AS_ORIGINAL: &str = "ours, as the original";
/// The name of ours without monitoring.
pub(crate) const UNMONITORED: &str = "ours, prediction only";

const WHOLE: &str = "prediction, drift, outliers, 3 lines";
const PREDICTION: &str = "prediction";

pub(crate) const CONTESTANTS: [Contestant; 7] = [
    Contestant {
        name: ORIGINAL,
        job: WHOLE,
        ready: "/healthz",
        path: "/predict",
        protocol: Protocol::Original,
        command: |programs, port| {
            let command = ["uvicorn", "original:app", "--log-level", "warning"];
            Ok(on_port(programs.python(&command), port))
        },
    },
    Contestant {
        name: "BentoML",
        job: WHOLE,
        ready: "/readyz",
        path: "/predict",
        protocol: Protocol::Argument,
        command: |programs, port| {
            Ok(on_port(programs.python(&["bentoml", "serve", "bento:WineQuality"]), port))
        },
    },
    Contestant {
        name: "mlflow models serve",
        job: PREDICTION,
        ready: "/ping",
        path: "/invocations",
        protocol: Protocol::Invocations,
        command: |programs, port| {
            let command = ["mlflow", "models", "serve", "--env-manager", "local"];
            let mut command = on_port(programs.python(&command), port);
            command.args(["--workers", "1", "--model-uri"]);
            command.arg(programs.models.join("wine_quality"));
            Ok(command)
        },
    },
    Contestant {
        name: "MLServer",
        job: PREDICTION,
        ready: "/v2/models/wine_quality/ready",
        path: "/v2/models/wine_quality/infer",
        protocol: Protocol::OpenInference,
        command: |programs, port| {
            let mut command = programs.mlserver(&["start", "."])?;
            let ports = [("HTTP", port), ("GRPC", free_port()?), ("METRICS", free_port()?)];
            for (name, port) in ports {
                command.env(format!("MLSERVER_{name}_PORT"), port.to_string());
            }
            // Without a process of its own for the model it takes less time.
            command.env("MLSERVER_PARALLEL_WORKERS", "0").env("MLSERVER_HOST", "127.0.0.1");
            Ok(command)
        },
    },
    Contestant {
        name: UNMONITORED,
        job: PREDICTION,
        ready: "/readyz",
        path: "/predict",
        protocol: Protocol::Unmonitored,
        command: |programs, port| Ok(ours(programs, &["--telemetry=none"], port)),
    },
    Contestant {
        name: AS_ORIGINAL,
        job: WHOLE,
        ready: "/readyz",
        path: "/predict",
        protocol: Protocol::Original,
        command: |programs, port| {
            let args = [&DETECTORS[..], &["--p-values=alibi", "--telemetry=original"]].concat();
            Ok(ours(programs, &args, port))
        },
    },
    Contestant {
        name: OURS,
        job: "prediction, exact drift, outliers, 1 line",
        ready: "/readyz",
        path: "/predict",
        protocol: Protocol::Exact,
        command: |programs, port| Ok(ours(programs, &DETECTORS, port)),
    },
];

const DETECTORS: [&str; 2] =
    ["--drift=wine_quality=wine_quality_drift", "--outliers=wine_quality=wine_quality_outlier"];

fn on_port(mut command: Command, port: u16) -> Command {
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    command
}

fn ours(programs: &Programs, args: &[&str], port: u16) -> Command {
    let mut command = programs.ours(args);
    command.arg(format!("--listen=127.0.0.1:{port}"));
    command
}

impl Contestant {
    /// The body of a request of the first `n` wines.
    pub(crate) fn body(&self, n: usize) -> String {
        let rows = wine::json(n);
        match self.protocol {
            Protocol::Original | Protocol::Exact | Protocol::Unmonitored => rows,
            Protocol::Argument => format!(r#"{{"records":{rows}}}"#),
            Protocol::Invocations => format!(r#"{{"dataframe_records":{rows}}}"#),
            Protocol::OpenInference => {
                let records = wine::records(n);
                let data: Vec<f64> = records.values().iter().copied().collect();
                let shape = [n, records.schema().len()];
                let tensor =
                    json!({"name": "wines", "shape": shape, "datatype": "FP32", "data": data});
                json!({"inputs": [tensor]}).to_string()
            }
        }
    }

    /// The whole request.
    pub(crate) fn request(&self, n: usize) -> Vec<u8> {
        request("POST", self.path, &self.body(n))
    }

    /// Holds an answer against ours.
    ///
    /// # Errors
    /// What is different.
    pub(crate) fn compare(&self, answer: &Value, expected: &Expected) -> Result<(), String> {
        match self.protocol {
            Protocol::Original | Protocol::Argument => {
                answers::monitored(answer, expected, &expected.as_alibi)
            }
            Protocol::Exact => answers::monitored(answer, expected, &expected.exact),
            Protocol::Unmonitored => answers::classes(&answer[0]["predictions"], expected),
            Protocol::Invocations => answers::probabilities(&answer["predictions"], expected),
            Protocol::OpenInference => {
                answers::probabilities(&answer["outputs"][0]["data"], expected)
            }
        }
    }
}
