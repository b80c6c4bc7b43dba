//! Fits an isolation forest to a table with missing values, and flags the odd rows of another.
//!
//! ```sh
//! cargo run -p quickstarts --bin fit_and_flag
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Feature, OutlierDetectorExt, Random, Records, Schema};
use mlops_outlier::{Contamination, IsolationForest};
use ndarray::{Array2, array};

const MISSING: f64 = f64::NAN;

fn main() -> Result<(), Box<dyn Error>> {
    let names = ["alcohol", "pH", "sulphates"];
    let schema = Arc::new(Schema::new(names.map(Feature::numeric).into())?);
    let mut random = Random::new(1);
    let mut measured = |mean: f64, spread: f64| {
        let sum: f64 = (0..4).map(|_| random.unit() - 0.5).sum();
        mean + spread * sum
    };
    let training = Array2::from_shape_fn((2_000, 3), |(row, column)| match column {
        0 => measured(10.5, 1.5),
        1 => measured(3.2, 0.2),
        _ if row % 50 == 0 => MISSING,
        _ => measured(0.5, 0.1),
    });
    let training = Records::new(Arc::clone(&schema), training)?;

    // One in a hundred rows like these may be called an outlier.
    let params = IsolationForest::params().contamination(Contamination::new(0.01)?);
    let forest = params.fit(&training)?;

    let today = array![
        [10.4, 3.2, 0.5],
        [10.4, 3.2, MISSING], // no evidence by itself
        [19.5, 3.2, 0.1],     // a liqueur
        [0.4, 12.0, 0.5],     // what the bottles are cleaned with
    ];
    let report = forest.detect(&Records::new(schema, today)?)?;
    let mut out = io::stdout();
    writeln!(out, "outliers score more than {:.3}", report.threshold)?;
    for row in &report.rows {
        let verdict = if row.is_outlier { "outlier" } else { "as usual" };
        let percentile = row.percentile.ok_or("fitted with a contamination")?;
        let reasons: Vec<&str> = row.reasons.iter().map(|reason| &*reason.feature).collect();
        let reasons = reasons.join(", ");
        writeln!(out, "{verdict:8} {:+.3}, percentile {percentile:5.1} {reasons}", row.score)?;
    }
    assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, false, true, true]);
    assert!(report.rows[0].percentile < Some(50.0));

    let flagged = forest.detect(&training)?.is_outlier().filter(|is_outlier| *is_outlier).count();
    assert_eq!(flagged, 20);
    Ok(())
}
