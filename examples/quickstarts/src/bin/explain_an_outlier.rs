//! Which features make a row an outlier, and how much each of them adds.
//!
//! ```sh
//! cargo run -p quickstarts --bin explain_an_outlier
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use mlops_core::{Explainer, Feature, Random, Records, Schema};
use mlops_outlier::IsolationForest;
use ndarray::{Array2, array};

fn main() -> Result<(), Box<dyn Error>> {
    let schema = ["acidity", "chlorides", "pH", "sulphates"].map(Feature::numeric);
    let schema = Arc::new(Schema::new(schema.into())?);
    let mut random = Random::new(1);
    let mut measured = |mean: f64, spread: f64| {
        mean + spread * (random.unit() + random.unit() + random.unit() - 1.5)
    };
    let training = Array2::from_shape_fn((3000, 4), |(_, column)| match column {
        0 => measured(7.0, 1.0),
        1 => measured(0.05, 0.02),
        2 => measured(3.2, 0.2),
        _ => measured(0.5, 0.1),
    });
    let forest =
        IsolationForest::params().seed(1).fit(&Records::new(Arc::clone(&schema), training)?)?;

    // Salty and alkaline; acidity and sulphates are ordinary.
    let wine = Records::new(Arc::clone(&schema), array![[7.1, 0.4, 4.4, 0.52]])?;
    let explained = forest.explain(&wine)?;
    let base_value = explained.base_values[0];
    let contributions = explained.values.as_slice().ok_or("one row")?;

    let mut out = io::stdout();
    writeln!(out, "{:<10} {base_value:+.3}", "average")?;
    for (name, contribution) in schema.names().zip(contributions) {
        writeln!(out, "{name:<10} {contribution:+.3}")?;
    }
    let anomaly = forest.anomaly_scores(&wine)?[0];
    writeln!(out, "log2 of the anomaly score {anomaly:.3} is {:+.3}", anomaly.log2())?;

    // Nothing is left over.
    let sum = base_value + contributions.iter().sum::<f64>();
    assert!((sum - anomaly.log2()).abs() < 1e-9);
    let [acidity, chlorides, ph, sulphates] = contributions else { return Err("four".into()) };
    assert!(chlorides.min(*ph) > acidity.max(*sulphates));

    // Another way to rank, which adds up to nothing.
    let mut first = forest.diffi_ranking(&[7.1, 0.4, 4.4, 0.52])?;
    first.truncate(2);
    first.sort_unstable();
    assert_eq!(first, [1, 2]);
    Ok(())
}
