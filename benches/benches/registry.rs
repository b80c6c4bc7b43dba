//! Benchmarks of `mlops-registry`: what logging a value of a metric to a run of a local store costs whoever logs it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use mlops_registry::{Error, LocalStore, LogBatch, LogSink, Run, RunLogger};

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("{error}"),
    };
    let start = || {
        let store = LocalStore::open(folder.path().join("mlruns"))?;
        store.start_run(&store.experiment("benchmark")?, "benchmark", None)
    };
    let run = match start() {
        Ok(run) => run,
        Err(error) => panic!("{error}"),
    };
    log_metric(c, &run);
}

/// The sum of the steps that it got.
struct Sum(AtomicI64);

static SUM: Sum = Sum(AtomicI64::new(0));

impl LogSink for &'static Sum {
    fn log_batch(&self, batch: &LogBatch) -> Result<(), Error> {
        let sum = batch.metrics.iter().map(|metric| metric.step).sum();
        self.0.fetch_add(sum, Ordering::Relaxed);
        Ok(())
    }
}

/// So many are measured at once: the queue has room for them all.
const ROUND: u64 = 20_000;
const DEADLINE: Duration = Duration::from_secs(60);

fn log_metric(c: &mut Criterion, run: &Run) {
    let mut group = c.benchmark_group("registry/log_metric");
    let (mut step, mut logged, mut expected) = (0, 0, 0);
    let logger = match RunLogger::new(&SUM) {
        Ok(logger) => logger,
        Err(error) => panic!("{error}"),
    };
    group.bench_function(BenchmarkId::new("async", 1), |b| {
        b.iter_custom(|n| {
            let mut time = Duration::ZERO;
            for round in 0..n.div_ceil(ROUND) {
                let n_round = ROUND.min(n - round * ROUND);
                let started = Instant::now();
                for _ in 0..n_round {
                    step += 1;
                    expected += step;
                    logger.log_metric("loss", 0.25, step);
                }
                time += started.elapsed();
                logged += n_round;
                let report = logger.flush(DEADLINE);
                assert!(report.is_complete() && report.logged == logged, "{report:?}");
                assert_eq!(SUM.0.load(Ordering::Relaxed), expected);
            }
            time
        });
    });
    group.bench_function(BenchmarkId::new("local", 1), |b| {
        b.iter(|| {
            step += 1;
            let outcome = run.log_metric("loss", 0.25, step);
            assert!(outcome.is_ok(), "{outcome:?}");
        });
    });
    group.finish();
}
