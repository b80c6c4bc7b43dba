//! Benchmarks of `mlops-xgboost`.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::wine;
use mlops_core::Records;
use mlops_xgboost::{Booster, Dataset, Error, Params};

const N_WINES: usize = 4124;

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    let (records, labels) = (wine::records(N_WINES), wine::labels(N_WINES));
    match fit(&params(), &records, &labels) {
        Ok(booster) => {
            probabilities(c, &booster, &records);
            read(c, &booster);
        }
        Err(error) => panic!("training failed: {error}"),
    }
    train(c, &records, &labels);
}

fn params() -> Params {
    Booster::params().rounds(100).max_depth(6).seed(1)
}

fn fit(params: &Params, records: &Records, labels: &[bool]) -> Result<Booster, Error> {
    Ok(params.fit(&Dataset::new(records, labels)?, None)?.booster)
}

/// 100 trees of depth 6 and 12 features.
fn probabilities(c: &mut Criterion, booster: &Booster, records: &Records) {
    let expected = booster.predict(records.values());
    let mut group = c.benchmark_group("xgboost/probabilities/depth_6");
    for n in [1, 16, 1000] {
        let rows: Vec<usize> = (0..n).collect();
        let batch = records.select(&rows);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &batch, |b, batch| {
            b.iter(|| {
                let probabilities = booster.predict(batch.values());
                let first = |all: &Result<Vec<f32>, Error>| all.as_ref().ok().map(|all| all[0]);
                assert_eq!(first(&probabilities), first(&expected));
                probabilities
            });
        });
    }
    group.finish();
}

fn read(c: &mut Criterion, booster: &Booster) {
    for (format, bytes) in [("json", booster.to_json()), ("ubjson", booster.to_ubjson())] {
        c.bench_with_input(BenchmarkId::new("xgboost/read", format), &bytes, |b, bytes| {
            b.iter(|| {
                let read = Booster::from_bytes(bytes);
                assert_eq!(read.as_ref().map(Booster::n_trees), Ok(100));
                read
            });
        });
    }
}

fn train(c: &mut Criterion, records: &Records, labels: &[bool]) {
    let mut group = c.benchmark_group("xgboost/train/depth_6");
    group.sample_size(10);
    let params = params().rounds(20);
    group.bench_function("20", |b| {
        b.iter(|| {
            let booster = fit(&params, records, labels);
            assert_eq!(booster.as_ref().map(Booster::n_trees), Ok(20));
            booster
        });
    });
    group.finish();
}
