//! Benchmarks of `mlops-drift`.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::{synthetic, wine};
use mlops_core::{DriftReport, Records};
use mlops_drift::{Scratch, TabularDrift};

fn main() {
    mlops_benches::run(define);
}

/// The rows of the original service's reference.
const REFERENCE: usize = 4872;

fn define(c: &mut Criterion) {
    let wines = wine::records(REFERENCE);
    test(c, "drift/test", &fitted(&wines), &wines);
    let (reference, others) = (synthetic::untied(REFERENCE, 1), synthetic::untied(1000, 2));
    test(c, "drift/test/untied", &fitted(&reference), &others);
    test(c, "drift/test/untied_million", &fitted(&synthetic::untied(1_000_000, 3)), &others);

    let mut group = c.benchmark_group("drift/fit");
    for (name, records) in [("wine", &wines), ("untied", &reference)] {
        group.throughput(Throughput::Elements(records.n_rows() as u64));
        group.bench_function(BenchmarkId::new(name, records.n_rows()), |b| {
            b.iter(|| {
                let detector = fitted(records);
                assert_eq!(detector.reference_id().len(), 32);
                detector
            });
        });
    }
    group.finish();
}

/// Batches against a reference, in memory that is there; each call tests other rows.
fn test(c: &mut Criterion, name: &str, detector: &TabularDrift, rows: &Records) {
    let mut group = c.benchmark_group(name);
    for n in [1, 2, 100, 1000] {
        let batches: Vec<Records> = (0..61)
            .map(|first| {
                let step = rows.n_rows() / n;
                let row = |at: usize| (at * step + first * 71) % rows.n_rows();
                rows.select(&(0..n).map(row).collect::<Vec<_>>())
            })
            .collect();
        let mut batches = batches.iter().cycle();
        let (mut scratch, mut report) = (Scratch::default(), DriftReport::new(0.05, vec![]));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| {
                let tested = batches
                    .next()
                    .map(|batch| detector.test_into(batch, &mut scratch, &mut report));
                assert!(matches!(tested, Some(Ok(()))));
                assert!(report.features.iter().all(|feature| feature.p_value.is_some()));
                report.features.len()
            });
        });
    }
    group.finish();
}

fn fitted(reference: &Records) -> TabularDrift {
    let builder = TabularDrift::builder();
    let is_wine = reference.schema().position("is_red").is_some();
    let builder = if is_wine { builder.categorical(["is_red"]) } else { builder };
    match builder.fit(reference) {
        Ok(detector) => detector,
        Err(error) => panic!("fitting failed: {error}"),
    }
}
