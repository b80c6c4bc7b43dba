//! Benchmarks of `mlops-core`.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::wine;
use mlops_core::{Records, RecordsLimits};

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    records_from_json(c);
}

fn records_from_json(c: &mut Criterion) {
    let schema = wine::schema();
    let mut group = c.benchmark_group("core/records_from_json/wine");
    for n in [1, 100, 10_000] {
        let body = wine::json(n);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), body.as_bytes(), |b, body| {
            b.iter(|| {
                let records = Records::from_json(&schema, body, RecordsLimits::default());
                assert_eq!(records.as_ref().map(Records::n_rows), Ok(n));
                records
            });
        });
    }
    group.finish();
}
