//! A threshold with a promise: of ordinary rows that are yet to come, at most one in fifty is flagged on average.
//!
//! ```sh
//! cargo run -p quickstarts --bin threshold_for_false_alarms
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Feature, OutlierDetector, OutlierDetectorExt, Random, Records, Schema};
use mlops_outlier::{Contamination, Error as ForestError, FalsePositiveRate, IsolationForest};
use ndarray::Array2;

fn main() -> Result<(), Box<dyn Error>> {
    let schema =
        Arc::new(Schema::new((0..6).map(|at| Feature::numeric(format!("x{at}"))).collect())?);
    let mut random = Random::new(1);
    let mut ordinary = |n: usize| {
        let values = Array2::from_shape_simple_fn((n, 6), || random.unit() + random.unit());
        Records::new(Arc::clone(&schema), values)
    };
    let (training, held_out, later) = (ordinary(150)?, ordinary(400)?, ordinary(20_000)?);
    let forest = IsolationForest::params().seed(1).fit(&training)?;
    let share_flagged = |forest: &IsolationForest| -> Result<f64, Box<dyn Error>> {
        let flagged = forest.detect(&later)?.is_outlier().filter(|flag| *flag).count();
        Ok(flagged as f64 / later.n_rows() as f64)
    };

    // By training rows: the trees know them, so that new rows look odder than they are.
    let by_training = forest.clone().calibrate(&training, Contamination::new(0.02)?)?;
    // By rows that no tree has seen.
    let rate = FalsePositiveRate::new(0.02)?;
    let by_held_out = forest.clone().with_false_positive_rate(&held_out, rate)?;

    let mut out = io::stdout();
    for (name, forest) in [("training rows", &by_training), ("held-out rows", &by_held_out)] {
        let share = 100.0 * share_flagged(forest)?;
        let threshold = forest.threshold();
        writeln!(out, "by {name}: threshold {threshold:.4}, {share:.1} % of later rows flagged")?;
    }
    assert!(share_flagged(&by_held_out)? < 0.03);
    assert!(share_flagged(&by_training)? > share_flagged(&by_held_out)?);

    // Too few rows promise nothing, and that is said.
    let few = held_out.select(&[0, 1, 2]);
    let refused = forest.with_false_positive_rate(&few, rate).err();
    assert_eq!(refused, Some(ForestError::TooFewRows { got: 3, expected: 49 }));
    Ok(())
}
