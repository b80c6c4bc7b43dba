//! Versions of a model take each other's place under load; every answer is of one version, the one that it names.
//!
//! In this process: a service in another one has new versions only as often as it looks for them.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use mlops_benches::http::{Connection, request};
use mlops_benches::wine;
use mlops_core::Classifier;
use mlops_serve::{Model, Service};
use serde_json::{Value, json};

use crate::Stage;
use crate::in_process::InProcess;
use crate::outcome::Outcome;
use crate::stub::Stub;

const N_CLIENTS: usize = 4;

pub(crate) fn run(stage: &Stage) -> Result<Outcome, Box<dyn Error>> {
    let n_swaps = stage.size(10_000, 1_000);
    let service = Service::builder(version(0)).build()?;
    let running = InProcess::start(service.clone())?;
    let (n_answers, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (refused, seen) = thread::scope(|scope| {
        let client = || scope.spawn(|| compare(running.port, &n_answers, &is_over));
        let clients: Vec<_> = (0..N_CLIENTS).map(|_| client()).collect();
        let mut refused = 0;
        for swap in 1..=n_swaps {
            // Every version has answers between the swaps before and behind it.
            let before = n_answers.load(Ordering::Relaxed);
            while n_answers.load(Ordering::Relaxed) < before + 2
                && !clients.iter().all(thread::ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
            refused += u64::from(service.swap(version(swap % 2)).is_err());
        }
        is_over.store(true, Ordering::Relaxed);
        let join = |client: thread::ScopedJoinHandle<'_, Result<Seen, String>>| {
            client.join().unwrap_or_else(|_| Err("a client panicked".to_owned()))
        };
        (refused, clients.into_iter().map(join).collect::<Result<Vec<_>, _>>())
    });
    running.stop()?;
    let seen = seen?;
    let sum = |of: fn(&Seen) -> u64| seen.iter().map(of).sum::<u64>();
    let (first, second) = (sum(|seen| seen.answers[0]), sum(|seen| seen.answers[1]));
    let mut outcome = Outcome::default();
    outcome.promise(refused == 0, format!("{n_swaps} swaps, {refused} refused"));
    let enough = n_swaps / 2;
    let figure = format!("{first} and {second} answers of the two versions");
    outcome.promise(first >= enough && second >= enough, figure);
    let wrong = sum(|seen| seen.wrong);
    outcome.promise(wrong == 0, format!("{wrong} wrong"));
    Ok(outcome)
}

/// What a client saw.
#[derive(Debug, Default)]
struct Seen {
    /// Right answers, by version.
    answers: [u64; 2],
    wrong: u64,
}

const VERSIONS: [&str; 2] = ["0", "1"];
const PROBABILITIES: [f64; 2] = [0.25, 0.75];
const SCORES: [f64; 2] = [-1.0, 1.0];

fn version(number: u64) -> Model {
    let at = usize::from(number == 1);
    Model::classifier("wines", Classifier::new(Stub::of(PROBABILITIES[at])))
        .outliers(Stub::of(SCORES[at]))
        .version(VERSIONS[at])
        .example(wine::records(1))
}

fn compare(port: u16, n_answers: &AtomicU64, is_over: &AtomicBool) -> Result<Seen, String> {
    let request = request("POST", "/v1/models/wines/predict", &wine::json(2));
    let mut connection = Connection::open(port).map_err(|error| error.to_string())?;
    let mut seen = Seen::default();
    while !is_over.load(Ordering::Relaxed) {
        let response = connection.send(&request).map_err(|error| error.to_string())?;
        n_answers.fetch_add(1, Ordering::Relaxed);
        let answer = serde_json::from_slice(&response.body).unwrap_or_default();
        match (0..2).find(|&at| is_of(&answer, at)) {
            Some(at) => seen.answers[at] += 1,
            None => seen.wrong += 1,
        }
    }
    Ok(seen)
}

/// Whether all of an answer is that of a version.
fn is_of(answer: &Value, at: usize) -> bool {
    let both = |number: Value| json!([number, number]);
    answer["model"]["version"].as_str() == Some(VERSIONS[at])
        && answer["predictions"] == both(json!(at))
        && answer["probabilities"] == both(json!(PROBABILITIES[at]))
        && answer["monitoring"]["outliers"]["instance_score"] == both(json!(SCORES[at]))
}
