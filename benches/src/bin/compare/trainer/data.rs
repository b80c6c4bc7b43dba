//! Data sets of five kinds, whose first rows train and whose others test.

use std::error::Error;
use std::f64::consts::PI;
use std::io;
use std::path::Path;
use std::sync::Arc;

use mlops_benches::wine;
use mlops_core::{Feature, Random, Records, Schema};
use mlops_xgboost::{Dataset, Params, TrainingObjective, roc_auc};
use ndarray::{Array2, Axis, concatenate};

/// Rows with labels.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) name: &'static str,
    pub(super) objective: TrainingObjective,
    pub(super) rows: Records,
    pub(super) labels: Vec<f32>,
    pub(super) n_train: usize,
}

impl Data {
    pub(super) fn all() -> Result<Vec<Self>, Box<dyn Error>> {
        Ok(vec![wines()?, interaction()?, linear()?, friedman()?, rare()?])
    }

    pub(super) fn width(&self) -> usize {
        self.rows.schema().len()
    }

    /// The rows that train.
    pub(super) fn train(&self) -> Result<Dataset, Box<dyn Error>> {
        let rows: Vec<usize> = (0..self.n_train).collect();
        Ok(Dataset::new(&self.rows.select(&rows), &self.labels[..self.n_train])?)
    }

    /// The rows that test.
    pub(super) fn test(&self) -> Records {
        self.rows.select(&(self.n_train..self.rows.n_rows()).collect::<Vec<_>>())
    }

    /// How good predictions of these are, the more the better: the area under the ROC curve, or the root of the mean
    /// squared error, negative.
    pub(super) fn quality(&self, predictions: &[f32]) -> f64 {
        let labels = &self.labels[self.n_train..];
        if self.objective == TrainingObjective::BinaryLogistic {
            let labels: Vec<bool> = labels.iter().map(|label| *label > 0.5).collect();
            return roc_auc(predictions, &labels).unwrap_or(0.5);
        }
        let errors = predictions.iter().zip(labels);
        let errors = errors.map(|(prediction, label)| f64::from(prediction - label).powi(2));
        -(errors.sum::<f64>() / labels.len() as f64).sqrt()
    }

    pub(super) fn params(&self) -> Params {
        Params::default().objective(self.objective)
    }

    /// Writes rows and labels for the peer to read.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let values = self.rows.values();
        let rows = values.rows().into_iter().zip(&self.labels);
        let numbers =
            rows.flat_map(|(row, label)| row.into_iter().copied().chain([f64::from(*label)]));
        #[expect(clippy::cast_possible_truncation, reason = "trainers compute in 32 bits")]
        let bytes = numbers.flat_map(|number| (number as f32).to_le_bytes());
        std::fs::write(path, bytes.collect::<Vec<u8>>())
    }
}

fn data(
    name: &'static str,
    objective: TrainingObjective,
    values: Array2<f64>,
    labels: Vec<f32>,
) -> Result<Data, Box<dyn Error>> {
    let features = (0..values.ncols()).map(|feature| Feature::numeric(format!("f{feature}")));
    let n_train = labels.len() * 2 / 3;
    let rows = Records::new(Arc::new(Schema::new(features.collect())?), values)?;
    Ok(Data { name, objective, rows, labels, n_train })
}

fn binary(
    name: &'static str,
    values: Array2<f64>,
    mut is_positive: impl FnMut(&[f64]) -> bool,
) -> Result<Data, Box<dyn Error>> {
    let labels = values.rows().into_iter().map(|row| is_positive(&row.to_vec()));
    let labels = labels.map(|label| f32::from(u8::from(label))).collect();
    data(name, TrainingObjective::BinaryLogistic, values, labels)
}

/// The wines of the sample, in random order.
fn wines() -> Result<Data, Box<dyn Error>> {
    let (records, labels) = (wine::records(4124), wine::labels(4124));
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Random::new(1).choose(&mut order, labels.len());
    let labels = order.iter().map(|row| f32::from(u8::from(labels[*row]))).collect();
    data(
        "wine",
        TrainingObjective::BinaryLogistic,
        records.select(&order).values().to_owned(),
        labels,
    )
}

/// So many rows of the sample's wines, every value moved a little.
pub(super) fn many_wines(n_rows: usize) -> Result<Data, Box<dyn Error>> {
    let wines = wines()?;
    let mut random = Random::new(2);
    let copies = vec![wines.rows.values(); n_rows.div_ceil(wines.labels.len())];
    let mut values = concatenate(Axis(0), &copies)?;
    if n_rows > wines.labels.len() {
        values.mapv_inplace(|value| value * (0.98 + 0.04 * random.unit()));
    }
    let labels: Vec<f32> = wines.labels.iter().copied().cycle().take(values.nrows()).collect();
    let mut data = data("wine", wines.objective, values, labels)?;
    data.n_train = n_rows;
    Ok(data)
}

/// Two features that matter together only, with labels that are wrong at times and values that are missing.
fn interaction() -> Result<Data, Box<dyn Error>> {
    let mut random = Random::new(3);
    let whole = Array2::from_shape_simple_fn((4000, 8), || random.unit());
    let mut data = binary("interaction", whole, |row| {
        ((row[0] > 0.5) != (row[1] + row[2] > 1.0)) != (random.unit() < 0.15)
    })?;
    let values =
        data.rows.values().mapv(|value| if random.unit() < 0.15 { f64::NAN } else { value });
    data.rows = Records::new(Arc::clone(data.rows.schema()), values)?;
    Ok(data)
}

/// A sum of twenty features, of which each next one matters less.
fn linear() -> Result<Data, Box<dyn Error>> {
    let mut random = Random::new(4);
    let values = Array2::from_shape_simple_fn((3000, 20), || random.unit() - 0.5);
    binary("linear", values, |row| {
        let terms = (1..).zip(row).map(|(rank, value)| value * 8.0 / f64::from(rank));
        random.unit() < sigmoid(terms.sum())
    })
}

/// The first function of Friedman (1991), *Multivariate Adaptive Regression Splines*, doi:10.1214/aos/1176347963.
fn friedman() -> Result<Data, Box<dyn Error>> {
    let mut random = Random::new(5);
    let values = Array2::from_shape_simple_fn((4000, 10), || random.unit());
    let label = |row: ndarray::ArrayView1<'_, f64>| {
        let noise: f64 = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let waves = 10.0 * (PI * row[0] * row[1]).sin() + 20.0 * (row[2] - 0.5).powi(2);
        #[expect(clippy::cast_possible_truncation, reason = "trainers compute in 32 bits")]
        let label = (waves + 10.0 * row[3] + 5.0 * row[4] + noise) as f32;
        label
    };
    let labels = values.rows().into_iter().map(label).collect();
    data("friedman", TrainingObjective::SquaredError, values, labels)
}

/// Few positive rows, and values with one decimal.
fn rare() -> Result<Data, Box<dyn Error>> {
    let mut random = Random::new(6);
    let values = Array2::from_shape_simple_fn((6000, 6), || {
        (-random.unit().max(1e-9).ln() * 40.0).round() / 10.0
    });
    binary("rare", values, |row| {
        random.unit() < sigmoid(row[0] * 0.5 - row[1] * row[2] / 12.0 - 4.0)
    })
}

fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}
