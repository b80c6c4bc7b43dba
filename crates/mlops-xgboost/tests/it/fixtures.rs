//! Boosters of XGBoost 1.4.2, 1.7.6, 3.2.0 and 3.4.1.

use std::fs;
use std::path::Path;

use mlops_xgboost::Booster;
use ndarray::{Array2, ArrayView2};
use serde::Deserialize;

use crate::support::bits;

#[derive(Deserialize)]
struct Index {
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    xgboost: String,
    rows: usize,
    cols: usize,
    objective: String,
    booster: String,
    best_iteration: Option<usize>,
    files: Vec<String>,
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

fn assert_answers(booster: &Booster, rows: ArrayView2<'_, f32>, files: &Files<'_>, what: &str) {
    let margins = booster.margins(rows).unwrap();
    assert_eq!(bits(&margins), bits(&files.floats("margin")), "margins of {what}");
    let predictions = booster.predict(rows).unwrap();
    assert_eq!(bits(&predictions), bits(&files.floats("pred")), "predictions of {what}");
    assert_eq!(predictions.len(), rows.nrows() * booster.n_predictions());
    if let Some(leaves) = files.leaves() {
        assert_eq!(booster.leaves(rows).unwrap(), leaves, "leaves of {what}");
    }
}

/// The answers to the rows of a sample.
struct Files<'a> {
    folder: &'a Path,
    sample: &'a Sample,
}

impl Files<'_> {
    fn floats(&self, kind: &str) -> Vec<f32> {
        floats(&self.folder.join(format!("{}.{kind}.f32", self.sample.name)))
    }

    fn leaves(&self) -> Option<Vec<u32>> {
        let bytes = fs::read(self.folder.join(format!("{}.leaf.i32", self.sample.name))).ok()?;
        Some(bytes.as_chunks::<4>().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
    }
}

#[test]
fn every_booster_is_answered_bit_for_bit() {
    let Some(fixtures) = mlops_testing::fixtures("boosters of four versions of XGBoost") else {
        return;
    };
    let folder = fixtures.join("xgboost");
    let index: Index =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    assert_eq!(index.samples.len(), 104);
    let mut n_files = 0;
    for sample in &index.samples {
        let folder = folder.join(format!("v{}", sample.xgboost));
        let files = Files { folder: &folder, sample };
        let rows = Array2::from_shape_vec((sample.rows, sample.cols), files.floats("x")).unwrap();
        let mut first: Option<Booster> = None;
        for ending in [".json", ".ubj", ".deprecated", ".model"] {
            let file = sample.name.clone() + ending;
            if !sample.files.contains(&file) {
                continue;
            }
            let what = format!("{file} of XGBoost {}", sample.xgboost);
            let booster = Booster::from_bytes(&fs::read(folder.join(&file)).unwrap());
            let booster = booster.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(booster.objective(), sample.objective, "{what}");
            assert_eq!(booster.n_trees() == 0, sample.booster == "gblinear", "{what}");
            assert_answers(&booster, rows.view(), &files, &what);
            let has_best = booster.n_trees() > 0
                && sample.files.contains(&format!("{}.best.margin.f32", sample.name));
            if let Some(best) = sample.best_iteration.filter(|_| has_best) {
                let best = booster.slice(0..best + 1).unwrap();
                let margins = best.margins(rows.view()).unwrap();
                assert_eq!(bits(&margins), bits(&files.floats("best.margin")), "best of {what}");
            }
            // What was written is what was read.
            for written in [booster.to_json(), booster.to_ubjson()] {
                let again = Booster::from_bytes(&written).unwrap();
                assert_eq!(again, booster, "{what}, written");
                assert_answers(&again, rows.view(), &files, &what);
            }
            if let (Some(first), true) = (&first, ending == ".ubj") {
                assert_eq!(&booster, first, "{what}");
            }
            first = first.or(Some(booster));
            n_files += 1;
        }
    }
    assert_eq!(n_files, 223);
}

#[test]
fn large_boosters_are_answered_bit_for_bit() {
    let Some(fixtures) = mlops_testing::fixtures("four large boosters") else { return };
    let folder = fixtures.join("xgboost/bench");
    let rows = floats(&folder.join("X.f32"));
    let rows = Array2::from_shape_vec((4900, 12), rows).unwrap();
    for name in ["m_d6", "m_d10", "m_d15", "m_es"] {
        let booster = Booster::from_bytes(&fs::read(folder.join(format!("{name}.ubj"))).unwrap());
        let booster = booster.unwrap();
        let file = |kind: &str| floats(&folder.join(format!("{name}.{kind}.f32")));
        assert_eq!(bits(&booster.margins(rows.view()).unwrap()), bits(&file("margin")), "{name}");
        assert_eq!(bits(&booster.predict(rows.view()).unwrap()), bits(&file("pred")), "{name}");
        let n_bytes = booster.n_compiled_bytes();
        println!("{name}: {} trees, {n_bytes} bytes compiled", booster.n_trees());
        assert!(n_bytes < 1_000_000, "{name}");
    }
}
