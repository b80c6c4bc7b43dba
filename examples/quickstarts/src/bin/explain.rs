//! Says what moved a booster's prediction: SHAP values of one wine, the largest first.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use mlops_xgboost::Booster;
use ndarray::array;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_service/wine_quality");
    let booster = Booster::from_bytes(&std::fs::read(folder.join("model.ubj"))?)?;
    let wine = array![[7.2, 0.24, 0.34, 1.4, 0.044, 31.0, 94.0, 0.9908, 3.12, 0.49, 12.8, 0.0]];

    let contributions = booster.contributions(wine.view())?;
    let margin = f64::from(booster.margins(wine.view())?[0]);
    let base_value = contributions.base_values[0];
    // They add up to the log-odds.
    assert!((base_value + contributions.values.sum() - margin).abs() < 1e-5);

    let mut by_size: Vec<(&String, f64)> =
        booster.feature_names().iter().zip(contributions.values.iter().copied()).collect();
    by_size.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    assert_eq!(by_size[0].0, "alcohol");
    writeln!(io::stdout(), "log-odds {margin:.2}, of which all wines have {base_value:.2}")?;
    for (feature, contribution) in by_size.iter().take(3) {
        writeln!(io::stdout(), "{contribution:+.2} {feature}")?;
    }
    Ok(())
}
