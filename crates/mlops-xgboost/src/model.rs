use std::sync::Arc;

use mlops_core::{
    Contributions, Explainer, Feature, FeatureKind, LoadContext, LoadModel, ModelDir,
    ModelDirWriter, ModelError, ModelErrorKind, PredictError, Prediction, Predictor, Records,
    SaveModel, Schema, TensorSpec,
};
use ndarray::{Array2, CowArray, Ix2};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Booster, Error};

/// A booster with the schema of the records that it reads: a [`Predictor`] of what `Booster.predict` returns, such as
/// one probability per row, and an [`Explainer`] of its margins.
///
/// Features are matched by name. So are categories, where the model knows their names: records have the position of a
/// category in the schema, and the booster that of its name in the model.
#[derive(Clone, Debug)]
pub struct XgboostModel {
    booster: Booster,
    schema: Arc<Schema>,
    // Invariant: for a feature whose categories the model names, the code of each level of the schema.
    codes: Vec<Option<Vec<f64>>>,
    unseen: Unseen,
}

/// What to do about a category of the schema that the model was not trained with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unseen {
    #[default]
    Error,
    Missing,
}

/// The flavor of MLflow's `MLmodel` file that says where the booster is.
const FLAVOR: &str = "xgboost";
const FILE: &str = "model.ubj";

/// What Python needs to load a model; XGBoost writes this form since version 3.1.
const REQUIREMENTS: [&str; 2] = ["mlflow>=2.22", "xgboost>=3.1"];

/// XGBoost's type of a feature that has categories.
const CATEGORICAL: &str = "c";

/// The module of the classes that predict with the trees up to the best round only.
const SKLEARN_WRAPPER: &str = "xgboost.sklearn.";

#[derive(Deserialize)]
struct Flavor {
    data: String,
    #[serde(default)]
    model_class: String,
    // Ours; MLflow passes over it.
    #[serde(default)]
    unseen_categories: Unseen,
}

impl XgboostModel {
    /// Binds a booster to the schema of its records.
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if the booster has another number of features than the schema
    /// * [`Error::FeatureName`] if it has names and they are not the schema's, in its order
    /// * [`Error::UnseenCategory`] if the schema has a category whose name the model does not know. XGBoost takes a
    ///   neighbour of an unknown name without an error.
    /// * [`Error::NotCategorical`] if the schema has numbers where the model has names of categories
    /// * [`Error::NotNumeric`] if the schema has categories where the model says that it has numbers
    pub fn new(booster: Booster, schema: Arc<Schema>) -> Result<Self, Error> {
        Self::bind(booster, schema, Unseen::Error)
    }

    /// As [`new`](Self::new), but a category that the model does not know is a missing value. A saved model remembers
    /// it.
    ///
    /// # Errors
    /// As [`new`](Self::new), but never [`Error::UnseenCategory`].
    pub fn with_unseen_as_missing(booster: Booster, schema: Arc<Schema>) -> Result<Self, Error> {
        Self::bind(booster, schema, Unseen::Missing)
    }

    fn bind(booster: Booster, schema: Arc<Schema>, unseen: Unseen) -> Result<Self, Error> {
        if booster.n_features() != schema.len() {
            return Err(Error::ColumnCount { got: schema.len(), expected: booster.n_features() });
        }
        for (got, expected) in booster.feature_names().iter().zip(schema.names()) {
            if got != expected {
                return Err(Error::FeatureName { got: got.clone(), expected: expected.to_owned() });
            }
        }
        for (feature, kind) in schema.features().iter().zip(&booster.parts().feature_types) {
            if matches!(feature.kind(), FeatureKind::Categorical { .. }) && kind != CATEGORICAL {
                return Err(Error::NotNumeric { feature: feature.name().to_owned() });
            }
        }
        let features = schema.features().iter().enumerate();
        let codes = features.map(|(at, feature)| codes(feature, booster.categories(at), unseen));
        Ok(Self { codes: codes.collect::<Result<_, _>>()?, booster, schema, unseen })
    }

    /// The schema of the records that the model reads.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The values of records as the booster has them.
    fn values<'r>(&self, records: &'r Records) -> CowArray<'r, f64, Ix2> {
        let mut values = CowArray::from(records.values());
        if self.codes.iter().all(Option::is_none) {
            return values;
        }
        for (codes, mut column) in self.codes.iter().zip(values.columns_mut()) {
            let Some(codes) = codes else { continue };
            column.mapv_inplace(|level| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "records have positions of levels"
                )]
                let code = codes.get(level as usize).copied();
                code.filter(|_| !level.is_nan()).unwrap_or(f64::NAN)
            });
        }
        values
    }

    /// The booster.
    pub fn booster(&self) -> &Booster {
        &self.booster
    }
}

impl Predictor for XgboostModel {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        records.check_schema(&self.schema)?;
        let values = self.values(records);
        let predictions = self.booster.predict(values.view()).map_err(PredictError::model)?;
        let shape = (records.n_rows(), self.booster.n_predictions());
        let predictions = predictions.into_iter().map(f64::from).collect();
        Ok(Prediction::new(
            Array2::from_shape_vec(shape, predictions).map_err(PredictError::model)?,
        ))
    }
}

impl Explainer for XgboostModel {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn explain(&self, records: &Records) -> Result<Contributions, PredictError> {
        records.check_schema(&self.schema)?;
        self.booster.contributions(self.values(records).view()).map_err(PredictError::model)
    }
}

/// Reads what `mlflow.xgboost` saved. Without a signature and a schema in the context, the names in the booster make
/// a schema of numeric features.
impl LoadModel for XgboostModel {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let kind = ModelErrorKind::MissingFlavor { expected: FLAVOR };
        let flavor: Flavor =
            dir.flavor(FLAVOR)?.ok_or_else(|| ModelError::new(kind, dir.path()))?;
        let path = dir.file(&flavor.data)?;
        let booster = Booster::from_bytes(&dir.read(&flavor.data)?)
            .and_then(|booster| as_saved_by(&flavor.model_class, booster))
            .map_err(|error| ModelError::malformed(&path, error))?;
        let schema = match context.schema_of(dir)? {
            Some(schema) => schema,
            None => named_schema(&booster).map_err(|error| ModelError::malformed(&path, error))?,
        };
        Self::bind(booster, schema, flavor.unseen_categories)
            .map_err(|error| ModelError::malformed(path, error))
    }
}

/// Writes what `mlflow.xgboost` and `mlflow.pyfunc` load.
impl SaveModel for XgboostModel {
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError> {
        dir.file(FILE, &self.booster.to_ubjson())?;
        dir.flavor(
            FLAVOR,
            json!({
                "data": FILE,
                "model_class": "xgboost.core.Booster",
                "model_format": "ubj",
                "unseen_categories": self.unseen,
            }),
        );
        dir.python_function(FILE, "mlflow.xgboost", &REQUIREMENTS)?;
        dir.schema(&self.schema, &TensorSpec::per_row("float32"))
    }
}

/// The booster as its Python class predicts with it: the scikit-learn wrapper stops at the best round.
fn as_saved_by(model_class: &str, booster: Booster) -> Result<Booster, Error> {
    let best = booster.attribute("best_iteration").filter(|_| booster.n_trees() > 0);
    let Some(best) = best.filter(|_| model_class.starts_with(SKLEARN_WRAPPER)) else {
        return Ok(booster);
    };
    let wrong = Error::WrongType { key: "best_iteration", expected: "a round" };
    let best = best.parse::<usize>().ok().and_then(|best| best.checked_add(1)).ok_or(wrong)?;
    booster.slice(0..best)
}

/// The schema that a booster's names make: categories where it names them, else numbers.
fn named_schema(booster: &Booster) -> Result<Arc<Schema>, mlops_core::Error> {
    let feature = |(at, name): (usize, &String)| match booster.categories(at) {
        [] => Feature::numeric(name),
        categories => Feature::categorical(name, categories.iter().cloned()),
    };
    Schema::new(booster.feature_names().iter().enumerate().map(feature).collect()).map(Arc::new)
}

/// The code of each level of a feature, if the model names its categories.
fn codes(
    feature: &Feature,
    categories: &[String],
    unseen: Unseen,
) -> Result<Option<Vec<f64>>, Error> {
    if categories.is_empty() {
        return Ok(None);
    }
    let FeatureKind::Categorical { levels } = feature.kind() else {
        return Err(Error::NotCategorical { feature: feature.name().to_owned() });
    };
    let code = |level: &String| match categories.iter().position(|name| name == level) {
        Some(code) => Ok(code as f64),
        None if unseen == Unseen::Missing => Ok(f64::NAN),
        None => Err(Error::UnseenCategory {
            feature: feature.name().to_owned(),
            category: level.clone(),
        }),
    };
    levels.iter().map(code).collect::<Result<_, _>>().map(Some)
}
