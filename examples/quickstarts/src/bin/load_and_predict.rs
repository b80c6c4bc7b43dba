//! Predicts with a booster that Python trained, without XGBoost.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use mlops_xgboost::Booster;
use ndarray::array;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python_service/wine_quality");
    // JSON, UBJSON or the binary format of old versions: the bytes tell which.
    let booster = Booster::from_bytes(&std::fs::read(folder.join("model.ubj"))?)?;
    assert_eq!((booster.objective(), booster.n_trees()), ("binary:logistic", 20));

    // Columns in the order of `booster.feature_names()`; NaN is a missing value.
    let wines = array![
        [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4, 1.0],
        [7.2, 0.24, 0.34, f64::NAN, 0.044, 31.0, 94.0, 0.9908, 3.12, 0.49, 12.8, 0.0],
    ];
    let probabilities = booster.predict(wines.view())?;
    assert!(probabilities[0] < 0.1 && probabilities[1] > 0.5);
    for probability in probabilities {
        writeln!(io::stdout(), "good with probability {probability:.3}")?;
    }
    Ok(())
}
