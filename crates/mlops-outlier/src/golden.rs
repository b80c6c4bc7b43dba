//! Compares with what `tests/data/explained.py` computes from scikit-learn's trees.

use std::sync::Arc;

use mlops_core::{Feature, Schema};
use serde::Deserialize;

use crate::isolation_forest::Parts;
use crate::testing::GoldenTree;
use crate::training_scores::{TrainingScores, quantile};
use crate::{FalsePositiveRate, IsolationForest, Scratch};

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<Option<f64>>>,
    forests: Vec<GoldenForest>,
    score_lists: Vec<ScoreList>,
    treacherous_ranks: Vec<Conformance>,
}

#[derive(Deserialize)]
struct GoldenForest {
    name: String,
    max_samples: usize,
    trees: Vec<GoldenTree>,
    offset: f64,
    base_value: f64,
    depth_sum: Vec<f64>,
    score_samples: Vec<f64>,
    decision_function: Vec<f64>,
    instance_score: Vec<f64>,
    contributions: Vec<Vec<f64>>,
    local_diffi: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct ScoreList {
    n: u32,
    modulus: u32,
    scores: Option<Vec<f64>>,
    /// All levels of [`TrainingScores`] if there are none.
    shares: Option<Vec<f64>>,
    quantiles: Vec<f64>,
    conformal: Vec<Conformal>,
}

#[derive(Deserialize)]
struct Conformal {
    rate: f64,
    threshold: Option<f64>,
}

#[derive(Deserialize)]
struct Conformance {
    n: usize,
    rate: f64,
    rank: usize,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../tests/data/explained.json")).unwrap()
}

impl Golden {
    fn rows(&self) -> Vec<Vec<f64>> {
        let numbers = |row: &Vec<Option<f64>>| row.iter().map(|x| x.unwrap_or(f64::NAN)).collect();
        self.rows.iter().map(numbers).collect()
    }
}

impl GoldenForest {
    fn forest(&self) -> IsolationForest {
        let features = (0..5).map(|column| Feature::numeric(format!("x{column}")));
        IsolationForest::new(Parts {
            schema: Arc::new(Schema::new(features.collect()).unwrap()),
            preprocessing: None,
            trees: self.trees.iter().map(GoldenTree::tree).collect(),
            max_samples: self.max_samples,
            offset: self.offset,
            threshold: 0.0,
            training_scores: None,
        })
        .unwrap()
    }
}

impl ScoreList {
    fn sorted(&self) -> Vec<f64> {
        let mut state = u64::from(self.n);
        let mut scores: Vec<f64> = (0..self.n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005);
                state = state.wrapping_add(1_442_695_040_888_963_407);
                let remainder = u32::try_from((state >> 33) % u64::from(self.modulus)).unwrap();
                f64::from(remainder) / f64::from(self.modulus) - 0.4
            })
            .collect();
        if let Some(expected) = &self.scores {
            assert_eq!(&scores, expected);
        }
        scores.sort_by(f64::total_cmp);
        scores
    }
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance, "{what}: {got:e} for {expected:e}");
    }
}

#[test]
fn scores_are_those_of_scikit_learn_under_its_names() {
    let golden = golden();
    for expected in &golden.forests {
        let (forest, name) = (expected.forest(), &expected.name);
        let mut scratch = Scratch::default();
        for (at, row) in golden.rows().iter().enumerate() {
            let sum = forest.depth_sum(row, &mut scratch);
            assert_eq!(sum.to_bits(), expected.depth_sum[at].to_bits(), "{name}, row {at}");
            let anomaly = forest.anomaly_score(sum);
            assert_close(&[-anomaly], &[expected.score_samples[at]], 1.2e-16, name);
            let score = forest.instance_score(sum);
            assert_close(&[-score], &[expected.decision_function[at]], 1.2e-16, name);
            assert_close(&[score], &[expected.instance_score[at]], 1.2e-16, name);
        }
    }
}

#[test]
fn contributions_are_those_of_the_definition() {
    let golden = golden();
    let rows = golden.rows();
    for expected in &golden.forests {
        let (forest, name) = (expected.forest(), &expected.name);
        let mut contributions = vec![0.0; rows.len() * 5];
        let slices = rows.iter().map(Vec::as_slice);
        forest.add_contributions(slices, &mut Scratch::default(), &mut contributions).unwrap();
        assert_close(&contributions, &expected.contributions.concat(), 1e-15, name);
        let base_value = forest.attribution().unwrap().base_value();
        assert_close(&[base_value], &[expected.base_value], 1e-15, name);
        for (row, contributions) in rows.iter().zip(contributions.chunks_exact(5)) {
            assert_eq!(contributions[3], 0.0, "{name}: never split by");
            let sum = forest.depth_sum(row, &mut Scratch::default());
            let output = base_value + contributions.iter().sum::<f64>();
            assert_close(&[output], &[forest.anomaly_score(sum).log2()], 1e-12, name);
        }
    }
}

#[test]
fn local_diffi_is_that_of_the_definition() {
    let golden = golden();
    for expected in &golden.forests {
        let forest = expected.forest();
        for (row, importance) in golden.rows().iter().zip(&expected.local_diffi) {
            let got = forest.local_diffi(row).unwrap();
            assert_close(&got, importance, 1e-15, &expected.name);
            let ranking = forest.diffi_ranking(row).unwrap();
            assert!(ranking.is_sorted_by(|a, b| got[*a] >= got[*b]) && !ranking.contains(&3));
            assert_eq!(ranking.len(), importance.iter().filter(|value| **value > 0.0).count());
        }
    }
}

#[test]
fn quantiles_are_those_of_numpy() {
    for list in golden().score_lists {
        let sorted = list.sorted();
        let what = format!("{} scores", list.n);
        let quantiles: Vec<f64> = if let Some(shares) = &list.shares {
            shares.iter().map(|level| quantile(&sorted, *level).unwrap()).collect()
        } else {
            let scores = serde_json::to_value(TrainingScores::new(&sorted).unwrap()).unwrap();
            serde_json::from_value(scores).unwrap()
        };
        assert_close(&quantiles, &list.quantiles, 1e-15, &what);
    }
}

#[test]
fn conformal_thresholds_stand_at_their_rank() {
    let golden = golden();
    for list in &golden.score_lists {
        let sorted = list.sorted();
        for Conformal { rate, threshold } in &list.conformal {
            let allowed = FalsePositiveRate::new(*rate).unwrap().of(sorted.len());
            let got = allowed.checked_sub(1).map(|at| sorted[sorted.len() - 1 - at]);
            assert_eq!(got, *threshold, "{rate} of {}", list.n);
        }
    }
    for Conformance { n, rate, rank } in golden.treacherous_ranks {
        assert_eq!(n + 1 - FalsePositiveRate::new(rate).unwrap().of(n), rank, "{rate} of {n}");
    }
}
