use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mlops_core::Random;

use super::binned::Binned;
use super::columns::Columns;
use super::grow::{Grown, grow};
use super::histogram::Gradient;
use super::{Dataset, Evaluation, Params};
use crate::booster::Parts;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::objective::Objective;
use crate::tree::{NodeKind, Tree};
use crate::{Booster, Error};

/// A trained booster and how training went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Training {
    /// The booster; with early stopping, its trees end with the best round.
    pub booster: Booster,
    /// What was measured: each metric of each data set, in the order in which they were given.
    pub evaluations: Vec<Evaluation>,
    /// The round with the best value of the last evaluation, counted from 0, if early stopping was asked for.
    pub best_iteration: Option<usize>,
}

/// A round that is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Round<'a> {
    /// The number of the round, counted from 0.
    pub index: usize,
    /// What was measured so far; the last value of each is of this round.
    pub evaluations: &'a [Evaluation],
}

pub(super) fn boost(
    params: &Params,
    train: &Dataset,
    sets: &[(&str, &Dataset)],
    mut on_round: impl FnMut(Round<'_>) -> ControlFlow<()>,
) -> Result<Training, Error> {
    let binned = Binned::new(train, params.max_bin);
    let objective = params.objective.of_booster(params.scale_pos_weight);
    let base_scores = params.objective.base_scores(train, params.scale_pos_weight);
    let n_outputs = params.objective.n_outputs();
    let begin = |dataset: &Dataset| Margins::begin(&objective, &base_scores, n_outputs, dataset.n_rows());
    let mut margins = begin(train);
    let mut held_out: Vec<Margins> = sets.iter().map(|(_, dataset)| begin(dataset)).collect();
    let mut evaluations = Evaluation::all(params, sets);
    let mut trees: Vec<Tree> = Vec::new();
    for index in 0..params.rounds {
        let gradients = params.objective.gradients(&margins.values, train, params.scale_pos_weight);
        for (output, gradients) in gradients.iter().enumerate() {
            let number = index * n_outputs + output;
            let grown = grow_one(params, &binned, gradients, number as u64);
            margins.add_grown(output, &grown, train);
            for (margins, (_, dataset)) in held_out.iter_mut().zip(sets) {
                margins.add(output, &grown.tree, dataset);
            }
            trees.push(grown.tree);
        }
        let n_metrics = evaluations.len() / sets.len().max(1);
        for (of_set, (margins, (_, dataset))) in
            evaluations.chunks_mut(n_metrics.max(1)).zip(held_out.iter().zip(sets))
        {
            let mut predictions = margins.values.clone();
            objective.predict(&mut predictions, n_outputs);
            for evaluation in of_set {
                evaluation.values.push(evaluation.metric.evaluate(&predictions, dataset));
            }
        }
        let is_over = evaluations.last().zip(params.early_stopping_rounds);
        let is_over = is_over.is_some_and(|(last, patience)| index - last.best() >= patience);
        if on_round(Round { index, evaluations: &evaluations }).is_break() || is_over {
            break;
        }
    }
    let mut attributes = BTreeMap::new();
    let best_iteration =
        evaluations.last().filter(|_| params.early_stopping_rounds.is_some()).map(|last| {
            let best = last.best();
            trees.truncate((best + 1) * n_outputs);
            attributes.insert("best_iteration".to_owned(), best.to_string());
            attributes.insert("best_score".to_owned(), last.values[best].to_string());
            best
        });
    let booster = Booster::from_parts(Parts {
        n_features: binned.n_features(),
        feature_names: train.feature_names.clone(),
        feature_types: Vec::new(),
        categories: Vec::new(),
        attributes,
        objective,
        base_scores,
        n_outputs,
        has_classes: n_outputs > 1,
        ensemble: Ensemble::Trees(TreeEnsemble::of_rounds(trees, n_outputs)),
    })?;
    Ok(Training { booster, evaluations, best_iteration })
}

/// Grows the tree of that number on its part of the rows.
fn grow_one(params: &Params, binned: &Binned, gradients: &[Gradient], number: u64) -> Grown {
    let mut random = Random::stream(params.seed, number);
    let rows = (0_u32..).take(gradients.len());
    let subsample = f64::from(params.subsample);
    let rows = if subsample < 1.0 {
        rows.filter(|_| random.unit() < subsample).collect()
    } else {
        rows.collect()
    };
    let columns = Columns::new(params, binned.n_features(), random);
    grow(params, binned, gradients, rows, columns)
}

/// The margins of some rows, rows x outputs.
#[derive(Debug)]
struct Margins {
    values: Vec<f32>,
    n_outputs: usize,
}

impl Margins {
    fn begin(objective: &Objective, base_scores: &[f32], n_outputs: usize, n_rows: usize) -> Self {
        let row: Vec<f32> = base_scores.iter().map(|score| objective.margin(*score)).collect();
        let row = if row.len() == n_outputs { row } else { vec![row[0]; n_outputs] };
        Self { values: row.repeat(n_rows), n_outputs }
    }

    /// Adds what a tree says of rows.
    fn add(&mut self, output: usize, tree: &Tree, dataset: &Dataset) {
        let rows = dataset.values.rows();
        for (margins, row) in self.values.chunks_exact_mut(self.n_outputs).zip(rows) {
            margins[output] += value(tree, row.to_slice().unwrap_or_default());
        }
    }

    /// The same of the rows that the tree was grown on among others: of those it is known.
    fn add_grown(&mut self, output: usize, grown: &Grown, dataset: &Dataset) {
        let mut is_left_out = vec![true; dataset.n_rows()];
        for (rows, value) in grown.leaves() {
            for row in rows {
                is_left_out[*row as usize] = false;
                self.values[*row as usize * self.n_outputs + output] += value;
            }
        }
        let left_out = is_left_out.into_iter().enumerate().filter(|(_, is_left_out)| *is_left_out);
        for (row, _) in left_out {
            let features = dataset.values.row(row).to_slice().unwrap_or_default();
            self.values[row * self.n_outputs + output] += value(&grown.tree, features);
        }
    }
}

/// The value of the leaf that a row ends at.
fn value(tree: &Tree, row: &[f32]) -> f32 {
    match tree.leaf(row).kind {
        NodeKind::Leaf { value } => value,
        _ => 0.0,
    }
}
