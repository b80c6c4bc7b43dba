use std::collections::BTreeMap;

use mlops_forest::Forest;
use ndarray::ArrayView2;

use crate::train::Params;
use crate::tree::Tree;
use crate::{Error, format, objective};

/// A gradient-boosted forest for two classes (`binary:logistic`), ready to score.
#[derive(Clone, Debug)]
pub struct Booster {
    parts: Parts,
    forest: Forest<f32>,
    base_margin: f32,
}

/// What a model file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) n_features: usize,
    /// One name per feature, or none at all.
    pub(crate) feature_names: Vec<String>,
    /// XGBoost's type of each feature (`float`, `int`, `i`, `q`), or none at all.
    pub(crate) feature_types: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The probability before the first tree.
    pub(crate) base_score: f32,
    pub(crate) trees: Vec<Tree>,
}

impl Booster {
    /// Parameters to train a booster with, at XGBoost's defaults.
    pub fn params() -> Params {
        Params::default()
    }

    /// Reads a model file of XGBoost 1.6 or newer, JSON or UBJSON; the content tells which it is.
    ///
    /// # Errors
    /// * [`Error::Syntax`] if the bytes are neither
    /// * [`Error::MissingKey`], [`Error::WrongType`], [`Error::Tree`] or [`Error::Forest`] if they are no model
    /// * [`Error::Unsupported`] if the model is not a `gbtree` for `binary:logistic` with numerical splits
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_parts(format::read(bytes)?)
    }

    pub(crate) fn from_parts(parts: Parts) -> Result<Self, Error> {
        let builder = Forest::builder(parts.n_features);
        let forest = parts
            .trees
            .iter()
            .fold(builder, |builder, tree| builder.tree(tree.to_forest()))
            .build()?;
        Ok(Self { base_margin: objective::logit(parts.base_score), forest, parts })
    }

    /// The model as a JSON file that every XGBoost from 1.6 loads.
    pub fn to_json(&self) -> Vec<u8> {
        format::write_json(&self.parts)
    }

    /// The model as a UBJSON file that every XGBoost from 1.6 loads; smaller than JSON and what MLflow stores.
    pub fn to_ubjson(&self) -> Vec<u8> {
        format::write_ubjson(&self.parts)
    }

    /// The number of features in a row.
    pub fn n_features(&self) -> usize {
        self.parts.n_features
    }

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.parts.trees.len()
    }

    /// The names of the features in column order; empty if the file has none.
    pub fn feature_names(&self) -> &[String] {
        &self.parts.feature_names
    }

    /// A free-form attribute of the file, such as `best_iteration`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.parts.attributes.get(name).map(String::as_str)
    }

    /// The log-odds of the positive class for rows x features; NaN is a missing value.
    ///
    /// The bits are those of Python's `Booster.predict(.., output_margin=True)`: values are rounded to 32 bits, and all
    /// trees are added up in their order.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    pub fn margins(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f32>, Error> {
        if rows.ncols() != self.n_features() {
            return Err(Error::ColumnCount { got: rows.ncols(), expected: self.n_features() });
        }
        let mut row = self.forest.row();
        let rows = rows.as_standard_layout();
        let rows = rows.as_slice().unwrap_or(&[]).chunks_exact(self.n_features());
        Ok(rows
            .map(|values| {
                row.set(values);
                let mut margin = self.base_margin;
                self.forest.for_each_leaf(&row, |leaf| margin += leaf);
                margin
            })
            .collect())
    }

    /// The probability of the positive class for rows x features, in `(0, 1]`; NaN is a missing value.
    ///
    /// The bits are those of Python's `Booster.predict` on Linux with glibc; elsewhere the last bit may differ.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    pub fn probabilities(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f32>, Error> {
        Ok(self.margins(rows)?.into_iter().map(objective::sigmoid).collect())
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
    use crate::tree::{Node, NodeKind};

    fn stump() -> Parts {
        let split = NodeKind::Split {
            feature: 1,
            threshold: 0.5,
            default_left: true,
            left: 1,
            right: 2,
            gain: 3.0,
        };
        let nodes = vec![
            Node { kind: split, weight: 0.1, hessian: 9.0 },
            Node::leaf(-0.25, -0.5, 4.0),
            Node::leaf(0.75, 1.5, 5.0),
        ];
        Parts {
            n_features: 2,
            feature_names: vec!["a".to_owned(), "b".to_owned()],
            feature_types: vec!["float".to_owned(), "int".to_owned()],
            attributes: BTreeMap::from([("best_iteration".to_owned(), "0".to_owned())]),
            base_score: 0.5,
            trees: vec![Tree { nodes }],
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
        let error = booster.probabilities(Array2::zeros((1, 3)).view()).unwrap_err();
        assert_eq!(error, Error::ColumnCount { got: 3, expected: 2 });
        assert_eq!(booster.probabilities(Array2::zeros((0, 2)).view()).unwrap(), [] as [f32; 0]);
    }
}
