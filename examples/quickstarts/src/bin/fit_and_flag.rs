//! A forest that is fitted to rows, flags odd ones, and is read again from its directory.
//!
//! ```sh
//! cargo run -p quickstarts --bin fit_and_flag
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{
    Feature, LoadContext, LoadModel, ModelDir, OutlierDetectorExt, Random, Records, Schema,
};
use mlops_outlier::{Contamination, IsolationForest};
use ndarray::{Array2, array};

fn main() -> Result<(), Box<dyn Error>> {
    let schema = ["alcohol", "density", "sugar"].map(Feature::numeric);
    let schema = Arc::new(Schema::new(schema.into())?);

    // Density follows from alcohol and sugar.
    let mut random = Random::new(1);
    let mut training = Array2::zeros((2000, 3));
    for mut row in training.rows_mut() {
        let (alcohol, sugar) = (9.0 + 4.0 * random.unit(), 1.0 + 9.0 * random.unit());
        let density = 1.004 - 0.0012 * alcohol + 0.0004 * sugar + 0.0004 * random.unit();
        row.assign(&array![alcohol, density, sugar]);
    }
    let training = Records::new(Arc::clone(&schema), training)?;
    let params = IsolationForest::params().seed(1).contamination(Contamination::new(0.01)?);
    let forest = params.fit(&training)?;

    // An ordinary wine, one with a missing value, one heavier than water, and one that is odd everywhere.
    let wines =
        array![[11.0, 0.9931, 5.0], [10.5, f64::NAN, 4.0], [11.0, 1.03, 9.9], [4.0, 1.04, 40.0],];
    let wines = Records::new(schema, wines)?;
    let report = forest.detect(&wines)?;
    for (wine, row) in report.rows.iter().enumerate() {
        let verdict = if row.is_outlier { "odd" } else { "ordinary" };
        let percentile = row.percentile.unwrap_or_default();
        let line = format!("wine {wine}: score {:+.3}, percentile {percentile:.1}", row.score);
        writeln!(io::stdout(), "{line}, {verdict}")?;
    }
    assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, false, true, true]);

    // The directory is one of MLflow's, and the forest that is read from it gives the same bits.
    let folder = tempfile::tempdir()?;
    let dir = ModelDir::create(folder.path().join("model"), &forest)?;
    let read = IsolationForest::load(&dir, &LoadContext::new())?;
    assert_eq!(read.detect(&wines)?, report);
    Ok(())
}
