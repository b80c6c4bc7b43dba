//! What a request of two rows takes, part by part.

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use mlops_benches::seed::{self, SeedModels, Unconnected};
use mlops_benches::{process, wine};
use mlops_core::{DriftDetector, OutlierDetectorExt, Records, RecordsLimits};
use mlops_telemetry::{
    Event, Inference, ModelVersion, Monitoring, Part, Predictions, RequestIds, Telemetry,
};
use serde::Serialize;

pub(crate) const N_ROWS: usize = 2;

/// A part of a request, and its microseconds of CPU time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) cpu_us: f64,
}

const TURNS: usize = 21;
const TURN: Duration = Duration::from_millis(20);
/// Events are recorded in so many batches, each of which fits into the queue.
const BATCHES: usize = 50;
const N_EVENTS: usize = 1000;
/// Detectors have another thread until they have been quick for some calls.
const N_WARM: u32 = 100;
const N_ANSWERS: u32 = 50_000;

/// Calls what the service calls, and the service without a socket; what is left of the total is for HTTP.
///
/// # Errors
/// If that does not give the answer of the service.
pub(crate) fn measure(
    folder: &Path,
    answer: &[u8],
    total_us: f64,
) -> Result<Vec<Stage>, Box<dyn Error>> {
    let SeedModels { classifier, drift, outliers, .. } = SeedModels::load(folder)?;
    let (schema, drift) = (Arc::clone(classifier.schema()), drift.exact().without_effects());
    let body = wine::json(N_ROWS);
    let read = || Records::from_json(&schema, body.as_bytes(), RecordsLimits::default());

    let records = read()?;
    let predictions = Predictions::from(classifier.classify(&records)?);
    let mut monitoring = Monitoring::default();
    monitoring.drift = Some(Part::Available(drift.detect(&records)?));
    monitoring.outliers = Some(Part::Available(outliers.detect(&records)?));
    if seed::answer(&predictions, &monitoring, &schema)? != answer {
        return Err("the parts do not give the answer of the service".into());
    }

    let mut stages = vec![
        Stage { name: "parse", cpu_us: microseconds(read) },
        Stage { name: "predict", cpu_us: microseconds(|| classifier.classify(&records)) },
        Stage { name: "drift", cpu_us: microseconds(|| drift.detect(&records)) },
        Stage { name: "outliers", cpu_us: microseconds(|| outliers.detect(&records)) },
        Stage {
            name: "encode",
            cpu_us: microseconds(|| seed::answer(&predictions, &monitoring, &schema)),
        },
    ];
    let cpu_us = telemetry(Arc::new(records), predictions, monitoring)?;
    stages.push(Stage { name: "telemetry", cpu_us });
    let known: f64 = stages.iter().map(|stage| stage.cpu_us).sum();
    let service_us = unconnected(SeedModels::load(folder)?, body.into(), answer)?;
    stages.push(Stage { name: "routing and metrics", cpu_us: service_us - known });
    stages.push(Stage { name: "HTTP and the rest", cpu_us: total_us - service_us });
    Ok(stages)
}

/// The median of turns, in which nothing else runs.
fn microseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut turn = || {
        let (began, mut n_calls) = (Instant::now(), 0_u32);
        while began.elapsed() < TURN {
            // The clock is asked once in a while.
            for _ in 0..16 {
                black_box(call());
            }
            n_calls += 16;
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(n_calls)
    };
    let mut turns: Vec<f64> = (0..TURNS).map(|_| turn()).collect();
    turns.sort_by(f64::total_cmp);
    turns[TURNS / 2]
}

/// Microseconds of CPU time that an answer takes without a socket, its telemetry included.
fn unconnected(models: SeedModels, body: Bytes, expected: &[u8]) -> Result<f64, Box<dyn Error>> {
    let service = Unconnected::new(models)?;
    let this = [std::process::id()];
    let mut before = 0.0;
    for at in 0..N_WARM + N_ANSWERS {
        if at == N_WARM {
            before = process::cpu_seconds(&this);
        }
        if service.answer(body.clone())? != expected {
            return Err("the service gives another answer without a socket".into());
        }
    }
    Ok((process::cpu_seconds(&this) - before) * 1e6 / f64::from(N_ANSWERS))
}

/// Microseconds of CPU time that an event takes, in the thread that records it and in the one that writes.
fn telemetry(
    records: Arc<Records>,
    predictions: Predictions,
    monitoring: Monitoring,
) -> Result<f64, Box<dyn Error>> {
    let telemetry = Telemetry::builder("wine_quality", io::sink()).start()?;
    let model = Arc::new(ModelVersion::new("wine_quality", None));
    let ids = RequestIds::new();
    let this = [std::process::id()];
    let mut seconds = 0.0;
    for _ in 0..BATCHES {
        let event = |_| {
            let (model, records) = (Arc::clone(&model), Arc::clone(&records));
            let mut inference = Inference::new(ids.next(), model, records, predictions.clone());
            inference.monitoring = monitoring.clone();
            Event::Inference(Box::new(inference))
        };
        let events: Vec<Event> = (0..N_EVENTS).map(event).collect();
        let before = process::cpu_seconds(&this);
        for event in &events {
            telemetry.record(event);
        }
        telemetry.flush(Duration::from_secs(10))?;
        seconds += process::cpu_seconds(&this) - before;
    }
    let n_events = (BATCHES * N_EVENTS) as u64;
    if telemetry.counts().written != n_events {
        return Err("telemetry did not write all events".into());
    }
    Ok(seconds * 1e6 / n_events as f64)
}
