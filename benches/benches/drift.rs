//! Benchmarks of `mlops-drift`.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::wine;
use mlops_core::DriftDetector;
use mlops_drift::TabularDrift;

fn main() {
    mlops_benches::run(define);
}

/// Batches of wines against a reference of wines, 12 features with many ties.
fn define(c: &mut Criterion) {
    let wines = wine::records(4124);
    let detector = match TabularDrift::builder().categorical(["is_red"]).fit(&wines) {
        Ok(detector) => detector,
        Err(error) => panic!("fitting failed: {error}"),
    };
    let mut group = c.benchmark_group("drift/detect/wine");
    for n in [1, 2, 100, 1000] {
        let step = wines.n_rows() / n;
        let rows: Vec<usize> = (0..n).map(|row| row * step).collect();
        let batch = wines.select(&rows);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &batch, |b, batch| {
            b.iter(|| {
                let report = detector.detect(batch);
                let n_tested = report.as_ref().map(|report| report.features.len());
                assert_eq!(n_tested.ok(), Some(12));
                report
            });
        });
    }
    group.finish();
}
