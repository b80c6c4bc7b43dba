//! Benchmarks of `mlops-serve` with the models of the original system, which lie among the large fixtures: reading rows,
//! deciding for classes, and the whole answer without a socket (drift, outliers and telemetry included).

use axum::body::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::seed::{SeedModels, Unconnected};
use mlops_benches::wine;
use mlops_core::{Records, RecordsLimits};
use serde_json::Value;

const N_ROWS: [usize; 3] = [1, 2, 100];

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    let Some(fixtures) = mlops_testing::fixtures("the models of the original system") else {
        return;
    };
    let models = match SeedModels::load(&fixtures.join("seed_models")) {
        Ok(models) => models,
        Err(error) => panic!("{error}"),
    };
    parse(c, &models);
    predict(c, &models);
    respond(c, models);
}

fn parse(c: &mut Criterion, models: &SeedModels) {
    let mut group = c.benchmark_group("serve/parse");
    for n in N_ROWS {
        let body = wine::json(n);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &body, |b, body| {
            b.iter(|| {
                let limits = RecordsLimits::default();
                let records = Records::from_json(models.schema(), body.as_bytes(), limits);
                assert!(records.as_ref().is_ok_and(|records| records.n_rows() == n));
                records
            });
        });
    }
    group.finish();
}

fn predict(c: &mut Criterion, models: &SeedModels) {
    let mut group = c.benchmark_group("serve/predict");
    for n in N_ROWS {
        let records = wine::records(n);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &records, |b, records| {
            b.iter(|| {
                let decided = models.classifier.classify(records);
                assert!(decided.as_ref().is_ok_and(|decided| decided.classes.len() == n));
                decided
            });
        });
    }
    group.finish();
}

fn respond(c: &mut Criterion, models: SeedModels) {
    let service = match Unconnected::new(models) {
        Ok(service) => service,
        Err(error) => panic!("{error}"),
    };
    let answer = |body: &Bytes| match service.answer(body.clone()) {
        Ok(answer) => answer,
        Err(error) => panic!("{error}"),
    };
    let mut group = c.benchmark_group("serve/respond");
    for n in N_ROWS {
        let body = Bytes::from(wine::json(n));
        let expected = answer(&body);
        let parsed: Value = match serde_json::from_slice(&expected) {
            Ok(parsed) => parsed,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(parsed[0]["predictions"].as_array().map(Vec::len), Some(n));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &body, |b, body| {
            b.iter(|| assert_eq!(answer(body), expected));
        });
    }
    group.finish();
}
