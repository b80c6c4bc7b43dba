//! A threshold that a normal row exceeds in one of a hundred cases at most, and how often it does.
//!
//! ```sh
//! cargo run -p quickstarts --bin threshold_for_false_alarms
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Feature, OutlierDetector, OutlierDetectorExt, Random, Records, Schema};
use mlops_outlier::{FalsePositiveRate, IsolationForest};
use ndarray::Array2;

fn main() -> Result<(), Box<dyn Error>> {
    let names = ["alcohol", "pH", "sulphates", "sulfur"];
    let schema = Arc::new(Schema::new(names.map(Feature::numeric).into())?);
    let mut random = Random::new(1);
    let mut normal_rows = |n_rows: usize| {
        let values = Array2::from_shape_simple_fn((n_rows, 4), || {
            (0..4).map(|_| random.unit()).sum::<f64>()
        });
        Records::new(Arc::clone(&schema), values)
    };
    // Rows to grow trees from, others to choose the threshold by, and what comes later.
    let (training, calibration) = (normal_rows(1_000)?, normal_rows(1_000)?);
    let later = normal_rows(20_000)?;

    let rate = FalsePositiveRate::new(0.01)?;
    let forest = IsolationForest::params().fit(&training)?;
    let forest = forest.with_false_positive_rate(&calibration, rate)?;

    let report = forest.detect(&later)?;
    let alarms = report.is_outlier().filter(|is_outlier| *is_outlier).count();
    let share = alarms as f64 / later.n_rows() as f64;
    let mut out = io::stdout();
    writeln!(
        out,
        "threshold {:.4}, promised: at most {} false alarms",
        forest.threshold(),
        rate.value()
    )?;
    writeln!(out, "{alarms} of {} normal rows: {share:.4}", later.n_rows())?;
    // The promise is one on average over the 1,000 rows, which move the share by some 0.003.
    assert!((0.004..0.02).contains(&share));
    // Ten of a thousand rows are above the threshold, not counting the one on it.
    let above = forest.detect(&calibration)?.is_outlier().filter(|is_outlier| *is_outlier).count();
    assert_eq!(above, 9);

    // 98 rows cannot promise 1 %.
    let few = calibration.select(&(0..98).collect::<Vec<_>>());
    let error = forest.with_false_positive_rate(&few, rate).err().ok_or("too few rows")?;
    writeln!(out, "with {} rows: {error}", few.n_rows())?;
    Ok(())
}
