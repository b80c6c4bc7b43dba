#[cfg(feature = "rayon")]
mod parallel;
mod predict;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ensemble::Ensemble;
use crate::error::Unsupported;
use crate::format::CategoryNames;
use crate::objective::Objective;
use crate::train::Params;
use crate::walk::Walker;
use crate::{Error, format};

/// A model of XGBoost, ready to score.
#[derive(Clone, Debug)]
pub struct Booster {
    parts: Parts,
    walker: Walker,
    // Invariant: one per output.
    base_margins: Vec<f32>,
}

/// What a model file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) n_features: usize,
    /// One name per feature, or none at all.
    pub(crate) feature_names: Vec<String>,
    /// XGBoost's type of each feature (`float`, `int`, `i`, `q`, `c`), or none at all.
    pub(crate) feature_types: Vec<String>,
    /// One entry per feature, or none at all.
    pub(crate) categories: Vec<CategoryNames>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) objective: Objective,
    /// The predictions before the first tree: one, or one per output.
    pub(crate) base_scores: Vec<f32>,
    /// The number of margins per row: classes, targets, or one.
    pub(crate) n_outputs: usize,
    /// Whether several outputs are classes.
    pub(crate) has_classes: bool,
    pub(crate) ensemble: Ensemble,
}

impl Booster {
    /// Parameters to train a booster with, at XGBoost's defaults.
    pub fn params() -> Params {
        Params::default()
    }

    /// Reads a model file of XGBoost 1.0 to 3.4: JSON, UBJSON or the binary format of versions before 3.1; the content
    /// tells which it is.
    ///
    /// # Errors
    /// * [`Error::NoModel`] if the bytes are none of these
    /// * [`Error::Syntax`] if they break the rules of their format, or break off
    /// * [`Error::MissingKey`], [`Error::WrongType`], [`Error::Tree`] or [`Error::Forest`] if they are no model
    /// * [`Error::Unsupported`] with the name of a version, an objective or a booster that is not understood
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_parts(format::read(bytes)?)
    }

    pub(crate) fn from_parts(parts: Parts) -> Result<Self, Error> {
        let Parts { n_features, n_outputs, ref ensemble, .. } = parts;
        parts.objective.check(&parts.base_scores)?;
        for (index, tree) in ensemble.trees().iter().enumerate() {
            tree.check(index, n_features, n_outputs)?;
        }
        let walker = Walker::new(ensemble, n_features, n_outputs)?;
        let margin = |base_score: &f32| parts.objective.margin(*base_score);
        let base_margins = match &*parts.base_scores {
            [base_score] => vec![margin(base_score); n_outputs],
            base_scores => base_scores.iter().map(margin).collect(),
        };
        Ok(Self { parts, walker, base_margins })
    }

    /// The booster with the trees of some rounds only, as Python's `booster[start:end]`, but that no rounds are none, and
    /// predict the base score.
    ///
    /// `best_iteration` and `best_score` stay as they are.
    ///
    /// # Errors
    /// * [`Error::Rounds`] if there are not that many rounds
    /// * [`Error::Unsupported`] for a linear model, which has no rounds
    ///
    /// # Examples
    /// A booster that stopped early predicts with all of its trees, as Python's `Booster` does. Python's scikit-learn
    /// wrapper takes those up to the best round:
    ///
    /// ```
    /// use mlops_xgboost::Booster;
    ///
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/booster.ubj");
    /// let booster = Booster::from_bytes(&std::fs::read(folder)?)?;
    /// let best: usize = booster.attribute("best_iteration").ok_or("no early stopping")?.parse()?;
    /// let best = booster.slice(0..best + 1)?;
    /// assert!(best.n_trees() < booster.n_trees());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slice(&self, rounds: Range<usize>) -> Result<Self, Error> {
        let Ensemble::Trees(trees) = &self.parts.ensemble else {
            return Err(Error::Unsupported { feature: Unsupported::LinearRounds });
        };
        let ensemble = Ensemble::Trees(trees.slice(rounds)?);
        Self::from_parts(Parts { ensemble, ..self.parts.clone() })
    }

    /// The model as a JSON file that every XGBoost from 1.6 loads which knows its objective; with leaves that are
    /// vectors from 2.0, with names of categories or a base score per output from 3.1 (older versions drop both without
    /// an error).
    pub fn to_json(&self) -> Vec<u8> {
        format::write_json(&self.parts)
    }

    /// The model as a UBJSON file, which is smaller than JSON and what MLflow stores; it is loaded by the versions that
    /// load [`to_json`](Self::to_json)'s.
    pub fn to_ubjson(&self) -> Vec<u8> {
        format::write_ubjson(&self.parts)
    }

    /// The number of features in a row.
    pub fn n_features(&self) -> usize {
        self.parts.n_features
    }

    /// The number of margins per row: one, or one per class or target.
    pub fn n_outputs(&self) -> usize {
        self.parts.n_outputs
    }

    /// The number of predictions per row: that of the margins, but for `multi:softmax`, which predicts one class.
    pub fn n_predictions(&self) -> usize {
        self.parts.objective.n_predictions(self.n_outputs())
    }

    /// The number of trees; 0 for a linear model.
    pub fn n_trees(&self) -> usize {
        self.parts.ensemble.trees().len()
    }

    /// The name of the objective, such as `binary:logistic`.
    pub fn objective(&self) -> &str {
        self.parts.objective.name()
    }

    /// How trees are computed, to be told beside a measurement: `8-bit ranks`, `16-bit ranks`, `32-bit thresholds`, or
    /// `linear` without trees. Results do not depend on it.
    pub fn engine(&self) -> &'static str {
        match &self.parts.ensemble {
            Ensemble::Linear(_) => "linear",
            Ensemble::Trees(_) => self.walker.engine(),
        }
    }

    /// The bytes that the compiled trees take, which are all that predicting reads; the trees as the file has them stay
    /// beside them, to be explained and written.
    pub fn n_compiled_bytes(&self) -> usize {
        self.walker.n_bytes()
    }

    /// The names of the features in column order; empty if the file has none.
    pub fn feature_names(&self) -> &[String] {
        &self.parts.feature_names
    }

    /// The names of a feature's categories, if the model was trained on a data frame with XGBoost 3.1 or newer: a row
    /// has the position of a name in the place of it.
    pub fn categories(&self, feature: usize) -> &[String] {
        self.parts.categories.get(feature).map_or(&[], |categories| &categories.names)
    }

    /// A free-form attribute of the file, such as `best_iteration`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.parts.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn base_margins(&self) -> &[f32] {
        &self.base_margins
    }
}

impl PartialEq for Booster {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::ensemble::TreeEnsemble;
    use crate::tree::{Node, NodeKind, Test, Tree};

    fn stump() -> Parts {
        let split = NodeKind::Split {
            feature: 1,
            test: Test::Below(0.5),
            default_left: true,
            left: 1,
            right: 2,
            gain: 3.0,
        };
        let nodes = vec![
            Node { kind: split, weight: 0.1, hessian: 9.0, id: 0 },
            Node::leaf(-0.25, -0.5, 4.0),
            Node::leaf(0.75, 1.5, 5.0),
        ];
        Parts {
            n_features: 2,
            feature_names: vec!["a".to_owned(), "b".to_owned()],
            feature_types: vec!["float".to_owned(), "int".to_owned()],
            categories: Vec::new(),
            attributes: BTreeMap::from([("best_iteration".to_owned(), "0".to_owned())]),
            objective: Objective::binary_logistic(1.0),
            base_scores: vec![0.5],
            n_outputs: 1,
            has_classes: false,
            ensemble: Ensemble::Trees(TreeEnsemble::of_rounds(vec![Tree::new(nodes)], 1)),
        }
    }

    #[test]
    fn rows_go_left_below_the_threshold_and_missing_values_by_default() {
        let booster = Booster::from_parts(stump()).unwrap();
        let rows = array![[9.0, 0.4], [9.0, 0.5], [9.0, f64::NAN]];
        assert_eq!(booster.margins(rows.view()).unwrap(), [-0.25, 0.75, -0.25]);
        let columns_first = array![[9.0, 9.0], [0.4, 0.5]].reversed_axes();
        assert_eq!(booster.margins(columns_first.view()).unwrap(), [-0.25, 0.75]);
    }

    #[test]
    fn both_formats_keep_the_whole_model() {
        let booster = Booster::from_parts(stump()).unwrap();
        assert_eq!(Booster::from_bytes(&booster.to_json()).unwrap(), booster);
        assert_eq!(Booster::from_bytes(&booster.to_ubjson()).unwrap(), booster);
        assert_eq!(booster.attribute("best_iteration"), Some("0"));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let booster = Booster::from_parts(stump()).unwrap();
        for bytes in [booster.to_json(), booster.to_ubjson()] {
            for length in 0..bytes.len() {
                Booster::from_bytes(&bytes[..length]).unwrap_err();
            }
        }
    }

    #[test]
    fn rows_of_another_width_are_refused() {
        let booster = Booster::from_parts(stump()).unwrap();
        let error = booster.predict(Array2::<f64>::zeros((1, 3)).view()).unwrap_err();
        assert_eq!(error, Error::ColumnCount { got: 3, expected: 2 });
        assert_eq!(booster.predict(Array2::<f32>::zeros((0, 2)).view()).unwrap(), [] as [f32; 0]);
    }
}
