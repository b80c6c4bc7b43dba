use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use mlops_core::{Correction, LoadContext, LoadModel, ModelDir, ModelError, Records, Schema};
use mlops_pyobject::sklearn::{Pipeline, Preprocessing, SavedModel};
use mlops_pyobject::{Error as FileError, Kind, Limits, Object, read};
use ndarray::Array2;

use super::{AlibiDrift, fit};
use crate::{Alpha, Alternative, Error};

/// What a file of alibi-detect's holds: reference rows, categories, a level and the preprocessing
/// of the pipeline around them.
///
/// It is read from MLflow's `sklearn` flavor: a `TabularDrift`, `KSDrift` or `ChiSquareDrift` of
/// alibi-detect 0.8 to 0.13, by itself or as the last step of a scikit-learn `Pipeline`, as pickle
/// or skops file. Nothing of the file is executed.
///
/// [`detector`](Self::detector) answers as alibi-detect does, and its
/// [`exact`](AlibiDrift::exact) twin as it should.
///
/// Most files do not know what their columns are called. Then the schema says so by its order, and two
/// names in each other's place cannot be noticed.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{DriftDetector, Feature, Records, Schema};
/// use mlops_drift::AlibiModel;
/// use ndarray::array;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ks.pkl");
/// let pickle = std::fs::read(path)?; // KSDrift(x_ref, p_val=.01) of two columns
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("acid"), Feature::numeric("salt")])?);
/// let model = AlibiModel::from_bytes(&pickle, Arc::clone(&schema))?;
/// assert_eq!(model.reference()?.n_rows(), 120);
///
/// let batch = Records::new(schema, array![[99.0, 0.5], [98.0, 0.6]])?;
/// let report = model.detector()?.exact().detect(&batch)?;
/// assert_eq!(report.is_below_alpha().collect::<Vec<_>>(), [Some(true), Some(false)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AlibiModel {
    schema: Arc<Schema>,
    preprocessing: Option<Preprocessing>,
    // Invariant: one column per column that the preprocessing gives, NaN or finite.
    reference: Array2<f64>,
    // Invariant: the keys are columns of the reference.
    categories: BTreeMap<usize, Vec<f64>>,
    level: Alpha,
    correction: Correction,
    alternative: Alternative,
}

impl AlibiModel {
    /// Reads a pickle, joblib or skops file; the columns of `schema` are those that the pipeline or
    /// detector was fitted to, in their order.
    ///
    /// # Errors
    /// * [`Error::Python`] if the file cannot be read, or holds something else; classes and
    ///   settings that are not understood are named; also if it was fitted to other columns than
    ///   those of the schema
    /// * [`Error::InvalidAlpha`] if its level is no probability
    pub fn from_bytes(bytes: &[u8], schema: Arc<Schema>) -> Result<Self, Error> {
        Self::from_object(&read(bytes, &Limits::default())?.root(), schema)
    }

    fn from_object(object: &Object<'_>, schema: Arc<Schema>) -> Result<Self, Error> {
        let pipeline = Pipeline::read(object)?;
        let reference = reference_of(&pipeline.estimator)?;
        pipeline.check(&schema, reference.ncols())?;
        let categories = categories_of(&pipeline.estimator, reference.ncols())?;
        let level = Alpha::new(pipeline.estimator.attribute("p_val")?.float()?)?;
        let correction = word_of(
            &pipeline.estimator,
            "correction",
            &[("bonferroni", Correction::Bonferroni), ("fdr", Correction::BenjaminiHochberg)],
        )?;
        let alternative = word_of(
            &pipeline.estimator,
            "alternative",
            &[
                ("two-sided", Alternative::TwoSided),
                ("less", Alternative::Less),
                ("greater", Alternative::Greater),
            ],
        )?;
        let preprocessing = pipeline.preprocessing;
        Ok(Self { schema, preprocessing, reference, categories, level, correction, alternative })
    }

    /// The detector, which answers as alibi-detect does.
    ///
    /// # Errors
    /// * [`Error::UndeclaredCategory`] if a reference value is none of its feature's categories
    /// * [`Error::RepeatedColumn`] if the preprocessing gives one column twice
    pub fn detector(&self) -> Result<AlibiDrift, Error> {
        let names: Vec<&str> = self.schema.names().collect();
        let inputs = match &self.preprocessing {
            Some(preprocessing) => preprocessing.inputs(),
            None => (0..names.len()).collect(),
        };
        let mut is_there = vec![false; names.len()];
        for &input in &inputs {
            if mem::replace(&mut is_there[input], true) {
                return Err(Error::RepeatedColumn { feature: names[input].to_owned() });
            }
        }
        let columns = inputs.iter().enumerate();
        let columns = columns.map(|(column, input)| (names[*input], self.categories.get(&column)));
        let reference = fit(&columns.collect::<Vec<_>>(), self.reference.view())?;
        Ok(AlibiDrift {
            preprocessing: self.preprocessing.clone(),
            level: self.level,
            correction: self.correction,
            alternative: self.alternative,
            ..AlibiDrift::of(Arc::clone(&self.schema), reference, inputs)
        })
    }

    /// The reference rows as they were before the preprocessing, up to rounding; a column that it
    /// drops is missing.
    ///
    /// # Errors
    /// * [`Error::InvalidRows`] if a value is not finite in 32 bits
    pub fn reference(&self) -> Result<Records, Error> {
        let rows = match &self.preprocessing {
            Some(preprocessing) => preprocessing.inverse_transform(self.reference.view()),
            None => self.reference.clone(),
        };
        Records::new(Arc::clone(&self.schema), rows).map_err(Error::InvalidRows)
    }
}

/// Reads what `mlflow.sklearn` saved. Such a directory rarely says what the columns are: then the
/// context has to.
impl LoadModel for AlibiModel {
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError> {
        let saved = SavedModel::read(dir)?;
        let schema =
            context.schema_of(dir)?.ok_or_else(|| saved.malformed(Error::MissingSchema))?;
        Self::from_object(&saved.root(), schema).map_err(|error| saved.malformed(error))
    }
}

/// The rows of a detector, if its settings are understood.
fn reference_of(detector: &Object<'_>) -> Result<Array2<f64>, FileError> {
    let is_any = |class: &&str| detector.is_instance("alibi_detect.cd", class);
    if !["TabularDrift", KS_DRIFT, CHI_SQUARE_DRIFT].iter().any(is_any) {
        let expected = "a `TabularDrift`, `KSDrift` or `ChiSquareDrift` of alibi-detect";
        return Err(detector.unexpected(expected));
    }
    if let Some(function) = detector.find_attribute("preprocess_fn")?
        && !function.is_none()
    {
        return Err(function.unexpected("`None`, as functions are not called"));
    }
    let object = detector.attribute("x_ref")?;
    let reference = object.array()?.matrix()?;
    if reference.is_empty() {
        return Err(object.invalid("holds no values"));
    }
    if !reference.iter().all(|value| value.is_nan() || value.is_finite()) {
        return Err(object.invalid("holds an infinite value"));
    }
    Ok(reference)
}

/// What the word of an attribute means; the first of `meanings` if there is no such attribute.
fn word_of<T: Copy>(
    detector: &Object<'_>,
    attribute: &str,
    meanings: &[(&str, T)],
) -> Result<T, FileError> {
    let Some(value) = detector.find_attribute(attribute)? else { return Ok(meanings[0].1) };
    let word = value.text().unwrap_or_default();
    let meaning = meanings.iter().find(|(known, _)| *known == word);
    meaning.map(|(_, meaning)| *meaning).ok_or_else(|| value.unexpected("a word that is known"))
}

/// The categories of each categorical column.
fn categories_of(
    detector: &Object<'_>,
    n_columns: usize,
) -> Result<BTreeMap<usize, Vec<f64>>, FileError> {
    let mut categories = BTreeMap::new();
    // All columns of this detector are numeric, whatever else it holds.
    if detector.is_instance("alibi_detect.cd", KS_DRIFT) {
        return Ok(categories);
    }
    let object = detector.attribute("x_ref_categories")?;
    for (column, values) in object.entries()? {
        let position = column.count()?;
        if position >= n_columns || categories.contains_key(&position) {
            return Err(values.invalid("are categories of no column, or of one that has some"));
        }
        let values = match values.kind() {
            Kind::Array => values.array()?.floats()?,
            _ => values.items()?.iter().map(Object::float).collect::<Result<_, _>>()?,
        };
        categories.insert(position, values);
    }
    if detector.is_instance("alibi_detect.cd", CHI_SQUARE_DRIFT) && categories.len() < n_columns {
        return Err(object.invalid("lacks the categories of a column"));
    }
    Ok(categories)
}

const KS_DRIFT: &str = "KSDrift";
const CHI_SQUARE_DRIFT: &str = "ChiSquareDrift";
