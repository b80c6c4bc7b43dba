//! A frame of numbers and categories, with missing values and a category that is new, against the rows
//! that a model was trained on.
//!
//! ```sh
//! cargo run -p quickstarts --bin test_for_drift
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Feature, Random, Records, Schema};
use mlops_drift::{DriftTable, Effect, TabularDrift};
use ndarray::Array2;

const MISSING: f64 = f64::NAN;

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Arc::new(Schema::new(vec![
        Feature::numeric("alcohol"),
        Feature::numeric("pH"),
        Feature::numeric("sulphates"),
        Feature::categorical("region", ["Douro", "Minho", "Dao", "Alentejo"]),
    ])?);

    // Measurements are rounded: ties are taken for what they are.
    let mut random = Random::new(1);
    let mut measured = |mean: f64| ((mean + random.unit() + random.unit()) * 10.0).round() / 10.0;
    let training = Array2::from_shape_fn((2_000, 4), |(row, column)| match column {
        0 => measured(9.5),
        1 => measured(2.3),
        2 if row % 50 == 0 => MISSING,
        2 => measured(0.1),
        // Three regions; Alentejo is known, and no training wine is from there.
        _ => [0.0, 0.0, 1.0, 2.0][row % 4],
    });
    let detector = TabularDrift::builder()
        .minimum_effect(Effect::new(0.1)?)
        .fit(&Records::new(Arc::clone(&schema), training)?)?;

    // Later the sensor of sulphates fails now and then, and the first wines from Alentejo arrive.
    let later = Array2::from_shape_fn((200, 4), |(row, column)| match column {
        0 => measured(9.5),
        1 => measured(2.3),
        2 if row % 4 == 0 => MISSING,
        2 => measured(0.1),
        _ => [0.0, 0.0, 1.0, 2.0, 3.0][row % 5],
    });
    let report = detector.test(&Records::new(schema, later)?)?;
    write!(io::stdout(), "{}", DriftTable::new(&report))?;

    assert_eq!(report.is_drift, Some(true));
    let drifted: Vec<&str> = report
        .features
        .iter()
        .filter(|feature| feature.is_drift == Some(true))
        .map(|feature| &*feature.feature)
        .collect();
    assert_eq!(drifted, ["sulphates", "region"]);
    let [_, _, sulphates, region] = &report.features[..] else {
        return Err("four features".into());
    };
    assert!(sulphates.p_value > Some(0.01), "its values are as they were");
    assert!(sulphates.missing.is_some_and(|missing| missing.adjusted_p_value < 1e-10));
    assert_eq!(region.n_unseen, 40);
    Ok(())
}
