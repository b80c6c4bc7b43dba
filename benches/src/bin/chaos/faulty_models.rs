//! A model that panics on every request, and a detector that never comes back, beside a model that is well.
//!
//! In this process, since the models of the program have neither fault.

use std::error::Error;
use std::panic;
use std::time::{Duration, Instant};

use mlops_benches::http::{Connection, request};
use mlops_benches::wine;
use mlops_core::Classifier;
use mlops_serve::{Limits, Model, Service};

use crate::Stage;
use crate::in_process::InProcess;
use crate::outcome::Outcome;
use crate::stub::{Fault, Stub};

const MONITORING: Duration = Duration::from_millis(300);
const SLACK: Duration = Duration::from_millis(300);

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_panics = stage.size(10_000, 1_000);
    let n_hanging = stage.size(20, 5);
    let model = |name, stub| Model::classifier(name, Classifier::new(stub));
    let mut limits = Limits::default();
    limits.monitoring_time = MONITORING;
    let service = Service::builder(model("well", Stub::of(0.75)))
        .model(model("panics", Stub::faulty(Fault::Panic)))
        .model(model("hangs", Stub::of(0.75)).outliers(Stub::faulty(Fault::Hang)))
        .limits(limits)
        .build()?;
    let running = InProcess::start(service)?;
    let mut connection = Connection::open(running.port)?;
    let mut ask = |name| {
        let path = format!("/v1/models/{name}/predict");
        let started = Instant::now();
        let response = connection.send(&request("POST", &path, &wine::json(2)))?;
        Ok::<_, Box<dyn Error>>((response, started.elapsed()))
    };

    let mut outcome = Outcome::default();
    // Each panic would be a line on stderr.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let (mut n_failed, mut n_well) = (0, 0);
    for _ in 0..n_panics {
        n_failed += u32::from(ask("panics")?.0.status == 500);
        n_well += u32::from(ask("well")?.0.status == 200);
    }
    panic::set_hook(hook);
    let figure = format!("{n_failed} of {n_panics} panics are answered with 500");
    outcome.promise(n_failed == n_panics, figure);
    outcome.promise(n_well == n_panics, format!("{n_well} requests between them with 200"));

    let (mut n_predicted, mut slowest) = (0, Duration::ZERO);
    for _ in 0..n_hanging {
        let (response, took) = ask("hangs")?;
        let body = String::from_utf8(response.body)?;
        let is_without = body.contains(r#""outliers":{"status":"unavailable"}"#);
        n_predicted += u32::from(response.status == 200 && is_without);
        slowest = slowest.max(took);
    }
    let figure = format!("{n_predicted} of {n_hanging} predicted beside a detector that hangs");
    outcome.promise(n_predicted == n_hanging, figure);
    let figure = format!("the slowest after {} ms", slowest.as_millis());
    outcome.promise(slowest <= MONITORING + SLACK, figure);
    let status = ask("well")?.0.status;
    outcome.promise(status == 200, format!("the other model answers {status}"));

    let page = Connection::open(running.port)?.send(&request("GET", "/metrics", ""))?.body;
    let page = String::from_utf8(page)?;
    for (name, expected) in [
        (r#"mlops_model_failures_total{model="panics",version=""} "#, n_panics),
        (r#"mlops_monitoring_failures_total{model="hangs",detector="outliers"} "#, n_hanging),
    ] {
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        outcome.promise(value == Some(expected), format!("{name}{}", value.unwrap_or(0)));
    }
    running.stop()?;
    Ok(outcome)
}
