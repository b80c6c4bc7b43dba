//! Benchmarks of `mlops-outlier`: 100 trees of 256 rows and 12 features.

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::synthetic;
use mlops_core::Records;
use mlops_outlier::{IsolationForest, Scratch};

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    let rows = synthetic::two_decimal(100_000, 1);
    let forest = match IsolationForest::params().seed(1).fit(&rows) {
        Ok(forest) => forest,
        Err(error) => panic!("fitting failed: {error}"),
    };
    score(c, &forest, &rows);
    explain(c, &forest, &rows);
    fit(c);
}

/// The first rows.
fn head(rows: &Records, n: usize) -> Records {
    rows.select(&(0..n).collect::<Vec<_>>())
}

fn score(c: &mut Criterion, forest: &IsolationForest, rows: &Records) {
    let mut group = c.benchmark_group("outlier/score");
    for n in [1, 1000, 100_000] {
        let batch = head(rows, n);
        let (mut scratch, mut scores) = (Scratch::default(), Vec::new());
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &batch, |b, batch| {
            b.iter(|| {
                let outcome = forest.score_into(batch, &mut scratch, &mut scores);
                assert!(outcome.is_ok() && scores.len() == n && scores[0].abs() < 0.5);
            });
        });
    }
    group.finish();
}

fn explain(c: &mut Criterion, forest: &IsolationForest, rows: &Records) {
    let mut group = c.benchmark_group("outlier/explain");
    for n in [1, 1000] {
        let batch = head(rows, n);
        let (mut scratch, mut contributions) = (Scratch::default(), vec![0.0; n * 12]);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &batch, |b, batch| {
            b.iter(|| {
                let outcome = forest.contributions_into(batch, &mut scratch, &mut contributions);
                assert!(outcome.is_ok() && contributions[0] != 0.0);
            });
        });
    }
    group.finish();
}

fn fit(c: &mut Criterion) {
    let mut group = c.benchmark_group("outlier/fit");
    for n in [5000, 1_000_000] {
        let rows = synthetic::two_decimal(n, 1);
        group.bench_with_input(BenchmarkId::from_parameter(n), &rows, |b, rows| {
            b.iter(|| {
                let forest = IsolationForest::params().seed(1).fit(rows);
                assert_eq!(forest.as_ref().map(IsolationForest::n_estimators), Ok(100));
                forest
            });
        });
    }
    group.finish();
}
