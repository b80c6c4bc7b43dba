use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mlops_core::Random;

use super::binned::Binned;
use super::columns::Columns;
use super::grow::{Grown, grow};
use super::histogram::{Gradient, Histogram};
use super::route::route;
use super::threads::Threads;
use super::{Dataset, Evaluation, Params};
use crate::booster::Parts;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::objective::Objective;
use crate::tree::Tree;
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
    threads: Threads,
) -> Result<Training, Error> {
    let binned = Binned::new(train, params.max_bin, threads);
    let objective = params.objective.of_booster(params.scale_pos_weight);
    let base_scores = params.objective.base_scores(train, params.scale_pos_weight);
    let n_outputs = params.objective.n_outputs();
    let begin =
        |dataset: &Dataset| Margins::begin(&objective, &base_scores, n_outputs, dataset.n_rows());
    let mut margins = begin(train);
    let mut held_out: Vec<Margins> = sets.iter().map(|(_, dataset)| begin(dataset)).collect();
    let mut evaluations = Evaluation::all(params, sets);
    let mut trees: Vec<Tree> = Vec::new();
    let mut unused = Vec::new();
    for index in 0..params.rounds {
        let gradients =
            params.objective.gradients(&margins.values, train, params.scale_pos_weight, threads);
        for (output, gradients) in gradients.iter().enumerate() {
            let number = index * n_outputs + output;
            let grown = grow_one(params, &binned, gradients, number as u64, &mut unused, threads);
            margins.add_grown(output, &grown, train);
            for (margins, (_, dataset)) in held_out.iter_mut().zip(sets) {
                margins.add(output, &grown.tree, dataset, threads);
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
fn grow_one(
    params: &Params,
    binned: &Binned,
    gradients: &[Gradient],
    number: u64,
    unused: &mut Vec<Histogram>,
    threads: Threads,
) -> Grown {
    let mut random = Random::stream(params.seed, number);
    let rows = (0_u32..).take(gradients.len());
    let subsample = f64::from(params.subsample);
    let rows = if subsample < 1.0 {
        rows.filter(|_| random.unit() < subsample).collect()
    } else {
        rows.collect()
    };
    let columns = Columns::new(params, binned.n_features(), random);
    grow(params, binned, gradients, rows, columns, unused, threads)
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
        Self { values: row.repeat(n_rows), n_outputs }
    }

    /// Adds what a tree says of all rows.
    fn add(&mut self, output: usize, tree: &Tree, dataset: &Dataset, threads: Threads) {
        let n_outputs = self.n_outputs;
        let threads = threads.for_work(20 * dataset.n_rows());
        threads.fill(&mut self.values, n_outputs, |first, values| {
            let n_rows = values.len() / n_outputs;
            let rows = (0_u32..).skip(first).take(n_rows).collect();
            route(tree, dataset, rows, |rows, value| {
                for row in rows {
                    values[(*row as usize - first) * n_outputs + output] += value;
                }
            });
        });
    }

    /// The same of the rows that the tree was grown on among others: of those it is known.
    fn add_grown(&mut self, output: usize, grown: &Grown, dataset: &Dataset) {
        let mut is_left_out = vec![true; dataset.n_rows()];
        for (rows, value) in grown.leaves() {
            self.add_value(output, rows, value);
            for row in rows {
                is_left_out[*row as usize] = false;
            }
        }
        let rows = (0_u32..).zip(is_left_out);
        let left_out = rows.filter_map(|(row, is_left_out)| is_left_out.then_some(row)).collect();
        route(&grown.tree, dataset, left_out, |rows, value| self.add_value(output, rows, value));
    }

    fn add_value(&mut self, output: usize, rows: &[u32], value: f32) {
        for row in rows {
            self.values[*row as usize * self.n_outputs + output] += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlops_core::{Feature, Records, Schema};
    use ndarray::Array2;

    use super::*;
    use crate::{EvalMetric, TrainingObjective, roc_auc};

    /// Rows whose label depends on two features together, with missing values in a third.
    fn sample(n_rows: usize, seed: u64) -> (Records, Vec<bool>) {
        let mut random = Random::new(seed);
        let schema = Schema::new(["a", "b", "c"].map(Feature::numeric).into()).unwrap();
        let values = Array2::from_shape_fn((n_rows, 3), |(_, column)| {
            let value = random.unit();
            if column == 2 && value < 0.3 { f64::NAN } else { value }
        });
        let labels =
            values.rows().into_iter().map(|row| (row[0] < 0.5) != (row[1] < 0.4)).collect();
        (Records::new(Arc::new(schema), values).unwrap(), labels)
    }

    fn dataset(n_rows: usize, seed: u64) -> Dataset {
        let (records, labels) = sample(n_rows, seed);
        Dataset::new(&records, &labels).unwrap()
    }

    #[test]
    fn an_interaction_is_learned() {
        let (test, labels) = sample(400, 2);
        let training = Params::default().rounds(20).fit(&dataset(800, 1), &[]).unwrap();
        let probabilities = training.booster.predict(test.values()).unwrap();
        assert!(roc_auc(&probabilities, &labels).unwrap() > 0.98);
        assert_eq!((training.booster.n_trees(), training.evaluations.len()), (20, 0));
        assert_eq!(training.booster.feature_names(), ["a", "b", "c"]);
    }

    #[test]
    fn the_metric_is_that_of_the_booster_that_is_returned() {
        let (test, labels) = sample(200, 4);
        let (train, held_out) = (dataset(300, 3), Dataset::new(&test, &labels).unwrap());
        let params = Params::default()
            .rounds(200)
            .early_stopping_rounds(5)
            .subsample(0.7)
            .colsample_bytree(0.7);
        for metric in [EvalMetric::LogLoss, EvalMetric::Auc] {
            let params = params.clone().eval_metrics([EvalMetric::Error, metric]);
            let sets = [("train", &train), ("held out", &held_out)];
            let Training { booster, evaluations, best_iteration, .. } =
                params.fit(&train, &sets).unwrap();
            let best = best_iteration.unwrap();
            assert_eq!(booster.n_trees(), best + 1);
            let names: Vec<(&str, EvalMetric)> =
                evaluations.iter().map(|each| (&*each.set, each.metric)).collect();
            let of_set = |set| [(set, EvalMetric::Error), (set, metric)];
            assert_eq!(names, [of_set("train"), of_set("held out")].concat());
            let predictions = booster.predict(test.values()).unwrap();
            assert_eq!(evaluations[3].values[best], metric.evaluate(&predictions, &held_out));
            assert_eq!(evaluations[3].values.len(), best + 6);
        }
    }

    #[test]
    fn a_class_has_a_tree_in_each_round() {
        let (records, _) = sample(300, 7);
        let classes: Vec<u8> = (0..300_u16).map(|row| (row % 3) as u8).collect();
        let params =
            Params::default().objective(TrainingObjective::Softprob { n_classes: 3 }).rounds(4);
        let booster = params.fit(&Dataset::new(&records, &classes).unwrap(), &[]).unwrap().booster;
        assert_eq!(booster.n_trees(), 12);
        for row in booster.predict(records.values()).unwrap().chunks(3) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster);
    }

    #[test]
    fn a_round_may_be_the_last() {
        let train = dataset(200, 5);
        let training = Params::default().fit_with(&train, &[("train", &train)], |round| {
            assert_eq!(round.evaluations[0].values.len(), round.index + 1);
            if round.index == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(training.unwrap().booster.n_trees(), 3);
    }

    #[test]
    fn one_seed_gives_one_booster() {
        let train = dataset(200, 5);
        let fit = |seed| {
            let params = Params::default().rounds(5).subsample(0.5).colsample_bynode(0.7);
            params.seed(seed).fit(&train, &[]).unwrap().booster.to_json()
        };
        assert!(fit(1) == fit(1));
        assert!(fit(1) != fit(2));
    }

    #[test]
    fn degenerate_data_is_an_error_or_a_constant() {
        let (records, _) = sample(4, 6);
        let fit = |labels: &[f32], objective| {
            let dataset = Dataset::new(&records, labels).unwrap();
            Params::default()
                .objective(objective)
                .fit(&dataset, &[])
                .map(|training| training.booster)
        };
        let binary = TrainingObjective::BinaryLogistic;
        assert_eq!(fit(&[1.0; 4], binary).unwrap_err(), Error::OneClass);
        assert_eq!(
            fit(&[0.0, 1.0, 2.0, 0.0], binary).unwrap_err(),
            Error::Label { row: 2, expected: "0 to 1" }
        );
        for label in [0.5, -1.0, 3.0] {
            let classes = TrainingObjective::Softprob { n_classes: 3 };
            let expected = Error::Label { row: 3, expected: "a class, counted from 0" };
            assert_eq!(fit(&[0.0, 1.0, 2.0, label], classes).unwrap_err(), expected);
        }
        let alike = fit(&[2.5; 4], TrainingObjective::SquaredError).unwrap();
        assert_eq!(alike.predict(records.values()).unwrap(), [2.5; 4]);

        let constant = Records::new(Arc::clone(records.schema()), Array2::zeros((4, 3))).unwrap();
        let dataset = Dataset::new(&constant, &[true, false, false, false]).unwrap();
        let training = Params::default().fit(&dataset, &[]).unwrap();
        for probability in training.booster.predict(constant.values()).unwrap() {
            assert!((probability - 0.25).abs() < 1e-6);
        }
    }
}
