//! Benchmarks of `mlops-xgboost`.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use mlops_benches::{file, numbers, wine};
use mlops_core::Records;
use mlops_xgboost::{Booster, Dataset, Error, Params};
use ndarray::{ArrayView2, s};

const N_WINES: usize = 4124;

fn main() {
    mlops_benches::run(define);
}

fn define(c: &mut Criterion) {
    let (records, labels) = (wine::records(N_WINES), wine::labels(N_WINES));
    match fit(&params(), &records, &labels) {
        Ok(booster) => {
            predict(c, &booster, &records);
            read(c, &booster);
        }
        Err(error) => panic!("training failed: {error}"),
    }
    large(c);
    train(c, &records, &labels);
}

fn params() -> Params {
    Booster::params().rounds(100).max_depth(6).seed(1)
}

fn fit(params: &Params, records: &Records, labels: &[bool]) -> Result<Booster, Error> {
    Ok(params.fit(&Dataset::new(records, labels)?, &[])?.booster)
}

/// 100 trees of depth 6 and 12 features.
fn predict(c: &mut Criterion, booster: &Booster, records: &Records) {
    let mut group = c.benchmark_group("xgboost/predict/depth_6");
    for n in [1, 16, 1000] {
        predict_rows(&mut group, booster, records.values().slice_move(s![..n, ..]));
    }
    group.finish();
}

/// 300 trees of depth 10 and 12 features, which need the large fixtures.
fn large(c: &mut Criterion) {
    let Some(fixtures) = mlops_testing::fixtures("a booster of 300 trees") else { return };
    let bytes = file(&fixtures.join("xgboost/bench/m_d10.ubj"));
    let rows = numbers(&fixtures.join("xgboost/bench/X.f32"));
    let rows = ArrayView2::from_shape((4900, 12), &rows);
    let (Ok(booster), Ok(rows)) = (Booster::from_bytes(&bytes), rows) else {
        panic!("the fixtures are not what they were")
    };
    let mut group = c.benchmark_group("xgboost/predict");
    for n in [1, 16, 1000] {
        predict_rows(&mut group, &booster, rows.slice(s![..n, ..]));
    }
    group.finish();
    parallel(c, &booster, rows);
    c.bench_function("xgboost/explain/16", |b| {
        let rows = rows.slice(s![..16, ..]);
        b.iter(|| {
            let contributions = booster.contributions(rows);
            assert!(contributions.as_ref().is_ok_and(|all| all.values.dim() == (16, 1, 12)));
            contributions
        });
    });
    c.bench_function("xgboost/load/ubjson/300", |b| {
        b.iter(|| {
            let read = Booster::from_bytes(&bytes);
            assert_eq!(read.as_ref().map(Booster::n_trees), Ok(300));
            read
        });
    });
}

/// All rows on as many threads as there are cores.
fn parallel(c: &mut Criterion, booster: &Booster, rows: ArrayView2<'_, f32>) {
    let expected = booster.margins(rows);
    let mut margins = vec![0.0; rows.nrows()];
    let mut group = c.benchmark_group("xgboost/predict/parallel");
    group.throughput(Throughput::Elements(rows.nrows() as u64));
    group.bench_function(BenchmarkId::from_parameter(rows.nrows()), |b| {
        b.iter(|| {
            assert_eq!(booster.par_margins_into(rows, &mut margins), Ok(()));
            margins[0]
        });
        assert!(expected.as_ref().is_ok_and(|expected| *expected == margins));
    });
    group.finish();
}

fn predict_rows<V: Copy + Into<f64>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    booster: &Booster,
    rows: ArrayView2<'_, V>,
) {
    let expected = booster.margins(rows.view());
    let mut margins = vec![0.0; rows.nrows()];
    group.throughput(Throughput::Elements(rows.nrows() as u64));
    group.bench_function(BenchmarkId::from_parameter(rows.nrows()), |b| {
        b.iter(|| {
            let outcome = booster.margins_into(rows.view(), &mut margins);
            assert_eq!(outcome, Ok(()));
            margins[0]
        });
        assert!(expected.as_ref().is_ok_and(|expected| *expected == margins));
    });
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
