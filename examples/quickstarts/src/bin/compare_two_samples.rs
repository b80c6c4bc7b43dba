//! Two samples of one measurement: do they differ, in which direction, and by how much?
//!
//! ```sh
//! cargo run -p quickstarts --bin compare_two_samples
//! ```

use std::error::Error;
use std::io::{self, Write};

use mlops_drift::{Alternative, cramer_von_mises, ks_two_sample, wasserstein_distance};

fn main() -> Result<(), Box<dyn Error>> {
    // Alcohol, in per cent, of wines that the model was trained on, and of last week's.
    let training = [9.4, 9.8, 9.8, 9.4, 10.0, 9.5, 10.5, 9.2, 9.9, 9.1, 9.7, 10.1, 9.3, 9.9, 10.2];
    let last_week = [11.2, 10.9, 9.9, 12.0, 11.0, 10.4];

    let two_sided = ks_two_sample(&training, &last_week, Alternative::TwoSided)?;
    let mut out = io::stdout();
    writeln!(
        out,
        "Kolmogorov-Smirnov: D = {:.3} at {}, p = {:.5} ({:?})",
        two_sided.statistic, two_sided.location, two_sided.p_value, two_sided.method
    )?;
    assert!(two_sided.p_value < 0.01);
    // At 10.2 per cent, all of the training and one of six of last week's wines are reached.
    assert_eq!((two_sided.location, two_sided.direction), (10.2, Alternative::Greater));

    // Suspected beforehand of being stronger: about half of the p-value.
    let stronger = ks_two_sample(&training, &last_week, Alternative::Greater)?;
    writeln!(out, "one-sided: p = {:.5}", stronger.p_value)?;
    assert!(stronger.p_value < two_sided.p_value);

    let other = cramer_von_mises(&training, &last_week)?;
    writeln!(out, "Cramer-von Mises: T = {:.3}, p = {:.5}", other.statistic, other.p_value)?;
    assert!(other.p_value < 0.01);

    let moved = wasserstein_distance(&training, &last_week)?;
    writeln!(out, "moved by {moved:.2} per cent of alcohol on average")?;
    assert!((1.0..1.5).contains(&moved));
    Ok(())
}
