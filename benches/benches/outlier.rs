//! Benchmarks of `mlops-outlier`.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::wine;
use mlops_core::OutlierDetector;
use mlops_outlier::IsolationForest;

fn main() {
    mlops_benches::run(define);
}

/// 100 trees of 256 rows and 12 features.
fn define(c: &mut Criterion) {
    let wines = wine::records(4124);
    let params = IsolationForest::params().seed(1);
    let forest = match params.fit(&wines) {
        Ok(forest) => forest,
        Err(error) => panic!("fitting failed: {error}"),
    };
    let mut group = c.benchmark_group("outlier/score/wine");
    for n in [1, 100, 1000] {
        let rows: Vec<usize> = (0..n).collect();
        let batch = wines.select(&rows);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &batch, |b, batch| {
            b.iter(|| {
                let scores = forest.score(batch);
                assert_eq!(scores.as_ref().map(Vec::len).ok(), Some(n));
                scores
            });
        });
    }
    group.finish();
    c.bench_function("outlier/fit/wine/4124", |b| {
        b.iter(|| {
            let forest = params.fit(&wines);
            assert_eq!(forest.as_ref().map(IsolationForest::n_estimators), Ok(100));
            forest
        });
    });
}
