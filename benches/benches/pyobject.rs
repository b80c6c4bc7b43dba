//! Benchmarks of `mlops-pyobject`, on files that need the large fixtures.

use std::path::Path;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use mlops_benches::file;
use mlops_core::{Feature, Schema};
use mlops_outlier::IsolationForest;
use mlops_pyobject::{Limits, read};

fn main() {
    mlops_benches::run(define);
}

/// A forest of 100 trees in three formats.
fn define(c: &mut Criterion) {
    let Some(fixtures) = mlops_testing::fixtures("files of 100 trees") else { return };
    let schema = Schema::new((0..12).map(|at| Feature::numeric(format!("x{at}"))).collect());
    let schema = match schema {
        Ok(schema) => Arc::new(schema),
        Err(error) => panic!("{error}"),
    };
    for (format, name) in
        [("cloudpickle", "if100.cloudpickle.pkl"), ("skops", "if100.deflate.skops")]
    {
        let bytes = file(&fixtures.join(Path::new("outlier").join(name)));
        let size = Throughput::Bytes(bytes.len() as u64);
        let mut group = c.benchmark_group("pyobject/read");
        group.throughput(size.clone());
        group.bench_with_input(BenchmarkId::new(format, 100), &bytes, |b, bytes| {
            b.iter(|| {
                let graph = read(bytes, &Limits::default());
                assert!(graph.as_ref().is_ok_and(|graph| graph.root().class().is_some()));
                graph
            });
        });
        group.finish();
        let mut group = c.benchmark_group("outlier/load");
        group.throughput(size);
        group.bench_with_input(BenchmarkId::new(format, 100), &bytes, |b, bytes| {
            b.iter(|| {
                let forest = IsolationForest::from_sklearn(bytes, Arc::clone(&schema));
                assert!(forest.as_ref().is_ok_and(|forest| forest.highest_score() > 0.3));
                forest
            });
        });
        group.finish();
    }
}
