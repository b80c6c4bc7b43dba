/// Why a model could not be read, trained or asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are in none of XGBoost's formats.
    #[error("no model of XGBoost: neither JSON nor UBJSON nor the binary format of `save_model`")]
    NoModel,
    /// The bytes break the rules of their format, or break off.
    #[error("malformed model at byte {offset}: {problem}")]
    Syntax {
        /// Where reading stopped.
        offset: usize,
        /// What was wrong there.
        problem: &'static str,
    },
    /// A key that every model has is not there.
    #[error("the model has no `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// The value of a key is not what the key promises.
    #[error("`{key}` is not {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// The model uses something that is not supported.
    #[error("{feature} is not supported")]
    Unsupported {
        /// What is not supported.
        feature: Unsupported,
    },
    /// A tree's arrays do not belong together.
    #[error("tree {tree} is malformed: {problem}")]
    Tree {
        /// The tree, counted from 0.
        tree: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The trees do not make a forest that can be walked.
    #[error(transparent)]
    Forest(#[from] mlops_forest::Error),
    /// The rows do not have one value per feature of the model.
    #[error("{got} columns, expected {expected}, one per feature of the model")]
    ColumnCount {
        /// The number of columns.
        got: usize,
        /// The number of features.
        expected: usize,
    },
    /// Values do not make whole rows.
    #[error("{n_values} values, expected a whole number of rows of {n_features}")]
    PartialRow {
        /// The number of values.
        n_values: usize,
        /// The number of features.
        n_features: usize,
    },
    /// The model does not have these rounds.
    #[error("rounds {start} to {end} of {n_rounds}")]
    Rounds {
        /// The first round.
        start: usize,
        /// The round behind the last one.
        end: usize,
        /// The number of rounds.
        n_rounds: usize,
    },
    /// The names in the model are not those of the schema.
    #[error("the model reads `{got}` where the schema has `{expected}`")]
    FeatureName {
        /// The name in the model.
        got: String,
        /// The name in the schema.
        expected: String,
    },
    /// The schema has a category that the model was not trained with.
    #[error("feature `{feature}` has category `{category}`, which the model does not know")]
    UnseenCategory {
        /// The feature's name.
        feature: String,
        /// The category.
        category: String,
    },
    /// The model has names for the categories of a feature that the schema has as a number.
    #[error("feature `{feature}` has categories in the model, expected them in the schema, too")]
    NotCategorical {
        /// The feature's name.
        feature: String,
    },
    /// The model has a feature as a number that the schema has as categories.
    #[error("feature `{feature}` is a number in the model, expected one in the schema, too")]
    NotNumeric {
        /// The feature's name.
        feature: String,
    },
    /// There are not as many labels as rows.
    #[error("{labels} labels for {rows} rows")]
    LabelCount {
        /// The number of labels.
        labels: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A label is not one that can be trained for.
    #[error("the label of row {row} is not {expected}")]
    Label {
        /// The row, counted from 0.
        row: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// There are not as many weights as rows.
    #[error("{weights} weights for {rows} rows")]
    WeightCount {
        /// The number of weights.
        weights: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A weight is negative or not finite, or all are 0.
    #[error(
        "the weight of row {row} is not a finite number of at least 0, of which not all may be 0"
    )]
    Weight {
        /// The row, counted from 0.
        row: usize,
    },
    /// Training needs rows of several classes.
    #[error("all labels are alike, expected several classes")]
    OneClass,
    /// A parameter is out of its range.
    #[error("parameter `{name}` is out of range, expected {expected}")]
    Parameter {
        /// The parameter's name in XGBoost.
        name: &'static str,
        /// Its range.
        expected: &'static str,
    },
}

/// A feature of XGBoost models that is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// A booster that is not known, or that cannot do what is asked.
    #[error("the booster `{0}`")]
    Booster(String),
    /// An objective that is not known, or that cannot do what is asked.
    #[error("the objective `{0}`")]
    Objective(String),
    /// Classes of an objective that tells none apart.
    #[error("a class by the objective `{0}`")]
    Classes(String),
    /// Some rounds of a linear model.
    #[error("a part of the rounds of a linear model")]
    LinearRounds,
    /// Leaves with a value per output, where one is needed.
    #[error("a tree whose leaves are vectors")]
    VectorLeaves,
    /// A tree that is too deep to be explained.
    #[error("a tree of more than {0} levels")]
    Depth(usize),
    /// A version of XGBoost whose models may mean something else.
    #[error("a model of XGBoost {0} (those of 1.0 to 3.4 are understood)")]
    Version(String),
    /// The binary format in Base64.
    #[error("the binary model format in Base64")]
    Base64,
}

impl Error {
    pub(crate) fn unsupported_booster(name: &str) -> Self {
        Self::Unsupported { feature: Unsupported::Booster(name.to_owned()) }
    }

    pub(crate) fn unsupported_objective(name: &str) -> Self {
        Self::Unsupported { feature: Unsupported::Objective(name.to_owned()) }
    }
}
